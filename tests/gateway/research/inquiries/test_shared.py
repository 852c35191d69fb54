"""The same question asked by several while nobody knows its answer: one is sent and paid."""

import asyncio
from typing import Any

from gateway.research.inquiries.following import AGAIN_S, SHARED_S, UNSEEN_KEPT_S
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.steps import ONE_AT_A_TIME, Begun, lock_of
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.gateway.research.inquiries.conftest import Desk
from tests.venues.stand_in import answer


async def asked_twice(desk: Desk) -> tuple[Any, Caller, Any]:
    """Let two ask the same, and the first of them be sent."""
    bob = await caller(desk.web)
    first = await desk.ask("Will it  RAIN?", processor="core")
    asked = {"query": "will it rain?", "processor": "core"}
    second = await bob.data("POST", "/research", asked)
    await desk.follow()
    assert len(desk.service.made) == 1
    return first, bob, second


async def shown(bob: Caller, asked: Any) -> tuple[str, bool, str, str | None]:
    told = await bob.data("GET", f"/research/{asked['id']}")
    return told["status"], told["cached"], told["cost"], told["content"]


async def budget(bob: Caller) -> tuple[str, str]:
    told = await bob.data("GET", "/research/budget")
    return told["held"], told["spent"]


async def test_of_two_that_ask_the_same_at_once_one_is_paid_and_both_are_answered(
    desk: Desk,
) -> None:
    first, bob, second = await asked_twice(desk)
    assert await shown(bob, second) == ("QUEUED", False, "2.50", None)
    assert await budget(bob) == ("2.50", "0.00"), "it may have to be sent yet"
    await desk.follow(after_s=SHARED_S + 1)
    assert await shown(bob, second) == ("QUEUED", False, "2.50", None)
    desk.service.end("trun_1")
    await desk.follow(after_s=AGAIN_S + 1)
    await desk.follow(after_s=SHARED_S + 1)
    assert await shown(desk.ann, first) == ("COMPLETED", False, "2.50", "It will rain.")
    assert await shown(bob, second) == ("COMPLETED", True, "0.00", "It will rain.")
    assert (await budget(desk.ann), await budget(bob)) == (("0.00", "2.50"), ("0.00", "0.00"))
    used = await desk.web.parts.pool.fetchval("SELECT used FROM research_totals")
    assert (used, len(desk.service.made)) == (250, 1)


async def test_however_many_workers_send_one_of_the_same_is_sent(desk: Desk) -> None:
    people = [desk.ann, *[await caller(desk.web) for _ in range(4)]]
    query = {"query": "Will it rain?"}
    asked = [await one.data("POST", "/research", query) for one in people]
    begun = await asyncio.gather(*(desk.steps.begin(int(one["id"]), now_us(), 0) for one in asked))
    assert sorted(one.value for one in begun) == ["send", *["wait"] * 4]
    other = await people[1].data("POST", "/research", query | {"processor": "lite"})
    assert await desk.steps.begin(int(other["id"]), now_us(), 0) is Begun.SEND


async def test_one_that_came_to_light_late_waits_for_what_is_being_sent(desk: Desk) -> None:
    first, bob = await desk.ask(), await caller(desk.web)
    second = await bob.data("POST", "/research", {"query": "Will it rain?"})
    pool, beginning = desk.web.parts.pool, asyncio.Event()
    key = await pool.fetchval("SELECT key FROM research LIMIT 1")

    async def begin() -> Begun:
        beginning.set()
        return await desk.steps.begin(int(first["id"]), now_us(), 0)

    async with pool.transaction() as connection:
        # A worker that didn't see the first one, which was asked but not stored yet.
        await connection.execute(ONE_AT_A_TIME, lock_of(key))
        await connection.execute(
            "UPDATE research SET status = 'STARTING' WHERE id = $1", int(second["id"])
        )
        begun = asyncio.create_task(begin())
        await beginning.wait()
        waits = (
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database())"
        )
        while not await connection.fetchval(waits):
            assert not begun.done(), begun.result()
            await asyncio.sleep(0.01)
    assert await begun is Begun.WAIT


async def test_where_the_first_fails_the_next_is_sent_for_its_own_money(desk: Desk) -> None:
    _, bob, second = await asked_twice(desk)
    desk.service.end("trun_1", "failed", error="no luck")
    await desk.follow(after_s=AGAIN_S + 1)
    await desk.follow(after_s=SHARED_S + 1)
    assert (await shown(bob, second))[0] == "RUNNING"
    desk.service.end("trun_2")
    await desk.follow(after_s=AGAIN_S + 1)
    assert await shown(bob, second) == ("COMPLETED", False, "2.50", "It will rain.")
    assert (await budget(desk.ann), await budget(bob)) == (("0.00", "0.00"), ("0.00", "2.50"))


async def test_what_is_deleted_while_it_runs_answers_the_others_all_the_same(desk: Desk) -> None:
    first, bob, second = await asked_twice(desk)
    await desk.ann.data("DELETE", f"/research/{first['id']}")
    await desk.follow(after_s=SHARED_S + 1)
    desk.service.end("trun_1")
    await desk.follow(after_s=AGAIN_S + 1)
    await desk.follow(after_s=SHARED_S + 1)
    made = len(desk.service.made)
    assert (await shown(bob, second), made) == (("COMPLETED", True, "0.00", "It will rain."), 1)
    assert await desk.ann.data("GET", "/research") == []
    count = "SELECT count(*) FROM research"
    desk.ahead_s += UNSEEN_KEPT_S - 60
    await desk.following.prune({})
    assert await desk.web.parts.pool.fetchval(count) == 2, "more may wait for it"
    desk.ahead_s += 120
    await desk.following.prune({})
    assert await desk.web.parts.pool.fetchval(count) == 1
    assert (await shown(bob, second))[3] == "It will rain."


async def test_what_is_deleted_just_when_it_is_answered_answers_the_others_all_the_same(
    desk: Desk,
) -> None:
    first, bob, second = await asked_twice(desk)
    # Its next look comes after the answer was read and deleted.
    await desk.steps.due_at(int(second["id"]), desk.clock() + 60 * MICROSECONDS)
    desk.service.end("trun_1")
    await desk.follow(after_s=AGAIN_S + 1)
    assert (await shown(desk.ann, first))[0] == "COMPLETED"
    await desk.ann.data("DELETE", f"/research/{first['id']}")
    assert await desk.ann.data("GET", "/research") == []
    await desk.follow(after_s=60)
    assert await shown(bob, second) == ("COMPLETED", True, "0.00", "It will rain.")
    assert len(desk.service.made) == 1
    # Nobody waits for it any more.
    await bob.data("DELETE", f"/research/{second['id']}")
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM research") == 1
    desk.ahead_s += UNSEEN_KEPT_S
    await desk.following.prune({})
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM research") == 0


async def test_one_that_is_deleted_before_it_is_sent_holds_up_nobody(desk: Desk) -> None:
    first, bob = await desk.ask(), await caller(desk.web)
    second = await bob.data("POST", "/research", {"query": "Will it rain?"})
    await desk.ann.data("DELETE", f"/research/{first['id']}")
    await desk.follow()
    assert (await shown(bob, second))[0] == "RUNNING"


async def test_an_answer_that_is_there_is_taken_though_nothing_may_be_sent(desk: Desk) -> None:
    _, bob, second = await asked_twice(desk)
    desk.service.answers["make"] = answer(b"{}", 429, retry_after="600")
    await bob.data("POST", "/research", {"query": "another"})
    desk.service.end("trun_1")
    await desk.follow(after_s=AGAIN_S + 1)
    await desk.follow(after_s=SHARED_S + 1)
    assert await shown(bob, second) == ("COMPLETED", True, "0.00", "It will rain.")


async def test_one_that_may_not_be_sent_looks_again_when_it_may(desk: Desk) -> None:
    desk.service.answers["make"] = answer(b"{}", 429, retry_after="600")
    await desk.ask()
    await desk.follow()
    other = await desk.ask("another")
    desk.service.answers.clear()
    await desk.follow()
    assert await desk.follow(after_s=300) == 0, "there is nothing to wait for"
    await desk.follow(after_s=301)
    assert (await desk.show(other["id"]))["status"] == "RUNNING"


async def lost_then_asked_again(desk: Desk) -> tuple[Any, Caller, Any]:
    """Let the answer to the first be lost, and somebody else's same question be sent."""
    desk.service.answers["make"] = answer(b"oops", 500)
    first, bob = await desk.ask(), await caller(desk.web)
    await desk.follow()
    assert (await desk.show(first["id"]))["status"] == "UNKNOWN"
    desk.service.answers.clear()
    second = await bob.data("POST", "/research", {"query": "Will it rain?"})
    await desk.follow()
    return first, bob, second


async def test_nobody_waits_for_one_whose_answer_was_lost(desk: Desk) -> None:
    _, bob, second = await lost_then_asked_again(desk)
    assert ((await shown(bob, second))[0], len(desk.service.made)) == ("RUNNING", 2)


async def test_an_answer_that_came_to_light_is_taken_though_the_same_is_under_way(
    desk: Desk,
) -> None:
    first, bob, second = await lost_then_asked_again(desk)
    cid = await caller(desk.web)
    third = await cid.data("POST", "/research", {"query": "Will it rain?"})
    await desk.follow()
    assert (await shown(cid, third))[0] == "QUEUED"
    token = desk.service.made[0]["metadata"]["probity"]
    assert await desk.steps.told("trun_1", token, desk.clock())
    desk.service.end("trun_1")
    await desk.follow(after_s=1)
    assert (await desk.show(first["id"]))["status"] == "COMPLETED"
    await desk.follow(after_s=SHARED_S + 1)
    assert await shown(cid, third) == ("COMPLETED", True, "0.00", "It will rain.")
    assert (await shown(bob, second))[0] == "RUNNING"
