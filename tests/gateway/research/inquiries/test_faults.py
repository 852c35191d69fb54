"""What goes wrong at the service or on the way: nothing is paid twice, lost, or held for ever."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from gateway.research.inquiries.following import (
    FOLLOWED_S,
    LEASE_S,
    LEFT_ALONE_S,
    LONGEST_S,
    SPAN_S,
    UNKNOWN_S,
    WAITS_S,
)
from gateway.research.inquiries.parallel import ASKED_S, RESULT_BYTES
from persistence.repositories.people.personal_data import PersonalData
from persistence.repositories.research.budgets import settle
from tests.gateway.research.inquiries.conftest import Desk
from tests.gateway.research.inquiries.parallel_service import signed
from tests.venues.stand_in import Fault, answer

MADE = "/v1/tasks/runs"


@pytest.mark.parametrize(
    "busy", [answer(b"slow down", 429), answer(b"not now", 503, retry_after="1")]
)
async def test_a_service_that_is_busy_is_asked_again_and_then_no_more(
    desk: Desk, busy: Response
) -> None:
    desk.service.answers["make"] = busy
    made = await desk.ask()
    await desk.follow()
    await desk.follow(after_s=1 + WAITS_S[0])
    assert (await desk.show(made["id"]))["status"] == "QUEUED"
    desk.service.answers.clear()
    await desk.follow(after_s=1 + WAITS_S[2])
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    desk.service.answers["make"] = busy
    other = await desk.ask("another")
    for _ in range(len(WAITS_S) + 1):
        await desk.follow(after_s=301)
    shown = await desk.show(other["id"])
    assert (shown["status"], shown["cost"]) == ("FAILED", "0.00")
    assert "busy" in shown["error"]


async def test_a_service_that_asks_to_be_left_alone_is(desk: Desk) -> None:
    """Neither is the one that was refused sent again before, nor any other, which costs no try."""
    busy = answer(b"{}", 429, retry_after="100")
    desk.service.answers["make"] = busy
    made, other = await desk.ask(), await desk.ask("another")
    await desk.follow()
    sent = len(desk.service.made)
    desk.service.answers.clear()
    await desk.follow(after_s=WAITS_S[2] + 10)
    assert len(desk.service.made) == sent, "a fixed wait would have sent it by now"
    shown = [await desk.show(one["id"]) for one in (made, other)]
    assert {one["status"] for one in shown} == {"QUEUED"}
    await desk.follow(after_s=31)
    shown = [await desk.show(one["id"]) for one in (made, other)]
    assert {one["status"] for one in shown} == {"RUNNING"}


async def test_one_that_is_deleted_while_it_is_refused_is_not_sent_again(desk: Desk) -> None:
    made = await desk.ask()

    async def deleted_meanwhile(_request: object) -> Response:
        await desk.ann.data("DELETE", f"/research/{made['id']}")
        return answer(b"slow down", 429)

    lived = desk.service.line.paths
    desk.service.line.paths = {**lived, MADE: deleted_meanwhile}
    await desk.follow()
    desk.service.line.paths = lived
    assert await desk.budget() == ("0.00", "0.00", "5.00"), "it surely wasn't taken"
    await desk.follow(after_s=1 + WAITS_S[0])
    assert desk.service.made == []
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM research") == 0


async def test_nobody_is_left_alone_for_longer_than_a_bound(desk: Desk) -> None:
    desk.service.line.fail(Fault.RATE_LIMITED_FOR_LONG, path=MADE)
    made = await desk.ask()
    await desk.follow()
    await desk.follow(after_s=LEFT_ALONE_S - 30)
    assert (await desk.show(made["id"]))["status"] == "QUEUED"
    await desk.follow(after_s=31)
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    assert len(WAITS_S) * LEFT_ALONE_S < LONGEST_S, "it is asked as often as if it said nothing"


async def test_a_run_is_asked_after_when_the_service_wants_to_be(desk: Desk) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    desk.service.answers["show"] = answer(b"{}", 429, retry_after="100")
    await desk.follow()
    desk.service.answers.clear()
    await desk.follow(after_s=90)
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    await desk.follow(after_s=11)
    assert (await desk.show(made["id"]))["status"] == "COMPLETED"


async def test_one_that_is_refused_costs_nothing_and_says_why(desk: Desk) -> None:
    desk.service.answers["make"] = answer(b'{"error":{"message":"no credit <b>left</b>"}}', 402)
    made = await desk.ask()
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["error"]) == ("FAILED", "it answered 402: no credit <b>left</b>")
    assert await desk.budget() == ("0.00", "0.00", "5.00")


@pytest.mark.parametrize(
    "lost",
    [
        answer(b"oops", 500),
        # A proxy says so, too, of what the service took before the line broke.
        answer(b"upstream connect error or disconnect/reset", 503),
        answer(b"{}", 202),
        answer(b"[" * 50_000, 202),
    ],
)
async def test_one_whose_answer_is_lost_is_never_sent_again(desk: Desk, lost: object) -> None:
    desk.service.answers["make"] = lost  # type: ignore[assignment]
    made = await desk.ask()
    await desk.follow()
    assert (await desk.show(made["id"]))["status"] == "UNKNOWN"
    await desk.follow(after_s=UNKNOWN_S - 60)
    assert await desk.budget() == ("1.00", "0.00", "4.00")
    await desk.follow(after_s=120)
    shown = await desk.show(made["id"])
    assert (shown["status"], len(desk.service.made)) == ("FAILED", 1)
    assert await desk.budget() == ("0.00", "1.00", "4.00"), "it may have been paid"


async def test_one_whose_answer_is_lost_is_found_by_a_message(desk: Desk) -> None:
    desk.service.answers["make"] = answer(b"oops", 500)
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    headers, body = desk.service.message("trun_1")
    told = await desk.web.client.post("/api/v1/research/webhook", content=body, headers=headers)
    assert told.status_code == 200, told.text
    await desk.follow()
    assert (await desk.show(made["id"]))["content"] == "It will rain."
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_one_that_comes_to_light_as_it_is_given_up_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.service.answers["make"] = answer(b"oops", 500)
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    fail, client = desk.steps.fail, desk.web.client
    headers, body = desk.service.message("trun_1")

    async def told_before(*asked: Any, **named: Any) -> bool:
        told = await client.post("/api/v1/research/webhook", content=body, headers=headers)
        assert told.status_code == 200, told.text
        return await fail(*asked, **named)

    monkeypatch.setattr(desk.steps, "fail", told_before)
    await desk.follow(after_s=UNKNOWN_S + 1)
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    await desk.follow(after_s=1)
    assert (await desk.show(made["id"]))["content"] == "It will rain."
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_message_may_come_before_the_answer_and_twice(desk: Desk) -> None:
    make, client = desk.service.make, desk.web.client

    async def told_first(request: object) -> object:
        made = await make(request)  # type: ignore[arg-type]
        headers, body = desk.service.message("trun_1")
        for _ in range(2):
            told = await client.post("/api/v1/research/webhook", content=body, headers=headers)
            assert told.status_code == 200
        return made

    desk.service.line.paths = {**desk.service.line.paths, MADE: told_first}  # type: ignore[dict-item]
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], len(desk.service.made)) == ("COMPLETED", 1)
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_message_makes_a_run_due_at_once(desk: Desk) -> None:
    made = await desk.ask()
    await desk.follow()
    await desk.follow()
    desk.service.end("trun_1")
    await desk.follow()
    assert (await desk.show(made["id"]))["status"] == "RUNNING", "it isn't due"
    headers, body = desk.service.message("trun_1")
    await desk.web.client.post("/api/v1/research/webhook", content=body, headers=headers)
    await desk.follow()
    assert (await desk.show(made["id"]))["status"] == "COMPLETED"


async def test_messages_that_are_not_the_services_are_refused(desk: Desk) -> None:
    await desk.ask()
    await desk.follow()
    _, body = desk.service.message("trun_1")
    wrong = [
        {"content-type": "application/json"},
        signed(body, secret="another"),
        signed(body + b" "),
        signed(body, at=0),
        {**signed(body), "webhook-id": "whevent_2"},
        {**signed(body), "webhook-timestamp": "soon"},
    ]
    for headers in wrong:
        told = await desk.web.client.post("/api/v1/research/webhook", content=body, headers=headers)
        assert told.status_code == 401, headers
    other = b'{"type":"task_run.status","data":{"run_id":"../x","status":"completed"}}'
    told = await desk.web.client.post(
        "/api/v1/research/webhook", content=other, headers=signed(other)
    )
    assert told.status_code == 400
    unknown = b'{"type":"another","data":{}}'
    told = await desk.web.client.post(
        "/api/v1/research/webhook", content=unknown, headers=signed(unknown)
    )
    assert told.status_code == 200, "what it may say one day is passed over"


async def test_a_run_that_fails_costs_nothing(desk: Desk) -> None:
    made = await desk.ask()
    await desk.follow()
    desk.service.end("trun_1", "failed", error="no sources")
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["error"], shown["cost"]) == ("FAILED", "no sources", "0.00")
    assert await desk.budget() == ("0.00", "0.00", "5.00")


@pytest.mark.parametrize("path", ["events", "", "result"])
async def test_what_breaks_while_a_run_is_followed_is_asked_again(desk: Desk, path: str) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    where = f"/v1/tasks/runs/trun_1{'/' if path else ''}{path}"
    for fault in (Fault.HALF_BODY, Fault.SERVER_ERROR, Fault.RATE_LIMITED):
        desk.service.line.fail(fault, path=where)
        await desk.follow(after_s=11)
    await desk.follow(after_s=11)
    assert (await desk.show(made["id"]))["status"] == "COMPLETED"
    assert await desk.budget() == ("0.00", "1.00", "4.00")


@pytest.mark.parametrize("path", ["show", "result"])
@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_key_that_is_refused_for_a_while_loses_no_answer(
    desk: Desk, path: str, status: int
) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    desk.service.answers[path] = answer(b'{"error":{"message":"no such key"}}', status)
    await desk.follow()
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    assert await desk.budget() == ("1.00", "0.00", "4.00")
    del desk.service.answers[path]
    await desk.follow(after_s=11)
    assert (await desk.show(made["id"]))["content"] == "It will rain."
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_run_that_the_service_no_longer_has_is_paid_and_told(desk: Desk) -> None:
    made = await desk.ask()
    await desk.follow()
    desk.service.answers["show"] = answer(b'{"error":{"message":"no such run"}}', 404)
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["error"]) == ("FAILED", "it answered 404: no such run")
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_page_instead_of_a_run_ends_nothing(desk: Desk) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    desk.service.answers["show"] = answer(b"<html>Back soon</html>")
    await desk.follow()
    assert (await desk.show(made["id"]))["status"] == "RUNNING"
    del desk.service.answers["show"]
    await desk.follow(after_s=11)
    assert (await desk.show(made["id"]))["content"] == "It will rain."


async def test_a_result_that_nobody_can_read_is_paid_and_told(desk: Desk) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    desk.service.outputs["trun_1"] = {"type": "video"}
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["cost"]) == ("FAILED", "1.00")
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_result_that_is_too_large_is_read_once(desk: Desk) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask()
    await desk.follow()
    desk.service.answers["result"] = answer(b" " * (RESULT_BYTES + 1))
    await desk.follow()
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["error"]) == (
        "FAILED",
        "its answer is larger than what is read of one",
    )
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_run_without_end_has_failed(desk: Desk) -> None:
    made = await desk.ask()
    await desk.follow()
    await desk.follow(after_s=LONGEST_S + 60)
    shown = await desk.show(made["id"])
    assert (shown["status"], shown["error"]) == ("FAILED", "it took too long")
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_a_service_that_hangs_is_waited_for_within_the_jobs_time(desk: Desk) -> None:
    job, _ = desk.following.jobs()
    turn_s = FOLLOWED_S + 2 * ASKED_S
    assert SPAN_S + turn_s < job.time_limit_s
    assert turn_s < LEASE_S, "nobody else takes it up meanwhile"


async def test_two_workers_at_once_send_a_question_once(desk: Desk) -> None:
    desk.service.ends_at_once = True
    await desk.ask()
    await asyncio.gather(*(desk.follow() for _ in range(4)))
    await asyncio.gather(*(desk.follow() for _ in range(4)))
    assert len(desk.service.made) == 1
    assert await desk.budget() == ("0.00", "1.00", "4.00")


async def test_an_account_that_is_deleted_while_its_question_ends_waits_for_that(
    desk: Desk,
) -> None:
    made = await desk.ask()
    await desk.follow()
    pool = desk.web.parts.pool
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database())"
    )
    async with pool.transaction() as connection:
        # As whatever ends it: its row first, and then its month's.
        row = await connection.fetchrow(
            "SELECT user_id, month FROM research WHERE id = $1 FOR UPDATE", int(made["id"])
        )
        assert row is not None
        user_id, month = row
        gone = asyncio.create_task(PersonalData(pool).erase(user_id, desk.clock()))
        while not await pool.fetchval(waiting):
            assert not gone.done(), gone.result()
            await asyncio.sleep(0.01)
        await settle(connection, user_id, month, 100, spent=100)
    assert await gone is not None
    assert await pool.fetchval("SELECT count(*) FROM research") == 0
