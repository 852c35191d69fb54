"""A question from being asked to being read: what is sent, stored, told and paid on the way."""

import asyncio
import json

import pytest

from gateway.research.inquiries import telling
from gateway.research.inquiries.asking import month_of
from gateway.research.inquiries.outputs import CONTENT_MAX
from gateway.research.inquiries.telling import EVENT, ResearchTelling
from gateway.research.inquiries.views import ResearchView
from persistence.clock import now_us
from persistence.repositories.research.inquiries import Inquiries
from persistence.repositories.research.steps import Answered, Begun, InquirySteps
from tests.gateway.conftest import MakeWeb
from tests.gateway.portfolio.venue_fake import caller
from tests.gateway.research.inquiries.conftest import Desk
from tests.gateway.research.inquiries.parallel_service import KEY, ParallelService
from tests.venues.stand_in import Fault, answer

NOWHERE = [{"url": "javascript:1"}]


async def test_a_question_is_asked_followed_read_and_paid(desk: Desk) -> None:
    service = desk.service
    asked = await desk.ask(marketId="kalshi:KXRAIN-26", processor="core", requestId="one")
    assert asked["status"] == "QUEUED"
    assert (asked["cost"], asked["cached"], asked["question"]) == (
        "2.50",
        False,
        "Will KXRAIN-26 happen?",
    )
    assert await desk.budget() == ("2.50", "0.00", "2.50")
    service.stream = [
        {"type": "task_run.progress_msg.plan", "message": "Looking around"},
        {
            "type": "task_run.progress_stats",
            "progress_meter": 40.7,
            "source_stats": {"num_sources_considered": 12, "num_sources_read": 3},
        },
    ]
    await desk.follow()
    sent = service.made[0]
    assert sent["processor"] == "core"
    assert sent["task_spec"] == {"output_schema": {"type": "text"}}
    assert 'prediction market "Will KXRAIN-26 happen?"' in sent["input"]
    assert sent["webhook"]["url"].endswith("/api/v1/research/webhook")
    await desk.follow()
    shown = await desk.show(asked["id"])
    assert shown["status"] == "RUNNING"
    assert shown["progress"]["message"] == "Looking around", "the first of what is told at once"
    service.end("trun_1")
    await desk.follow(after_s=11)
    shown = await desk.show(asked["id"])
    assert (shown["status"], shown["contentType"], shown["content"]) == (
        "COMPLETED",
        "text",
        "It will rain.",
    )
    assert shown["sources"] == [
        {
            "field": "output",
            "reasoning": "Two forecasts agree.",
            "confidence": "high",
            "citations": [
                {
                    "url": "https://weather.example/vienna",
                    "title": "Vienna",
                    "excerpts": ["Rain from noon."],
                }
            ],
        }
    ]
    assert await desk.budget() == ("0.00", "2.50", "2.50")
    again = await desk.ask(marketId="kalshi:KXRAIN-26", processor="core", requestId="one")
    assert again == shown, "the same request is the same question"
    status, _ = await desk.ann.refused(
        "POST", "/research", {"query": "Something else", "requestId": "one"}
    )
    assert status == 409
    assert len(service.made) == 1


async def test_the_same_question_is_answered_as_before_for_nothing(desk: Desk) -> None:
    desk.service.ends_at_once = True
    first = await desk.ask("Will it  RAIN?")
    await desk.follow()
    await desk.follow()
    bob = await caller(desk.web)
    known = await bob.data("POST", "/research", {"query": "will it rain?"})
    assert (known["status"], known["cached"], known["cost"]) == ("COMPLETED", True, "0.00")
    assert known["content"] == "It will rain."
    other = await bob.data("POST", "/research", {"query": "will it rain?", "processor": "lite"})
    assert other["status"] == "QUEUED", "another kind of research is another answer"
    # Whoever had it found may delete it: the other has one of their own.
    await desk.ann.data("DELETE", f"/research/{first['id']}")
    assert (await bob.data("GET", f"/research/{known['id']}"))["content"] == "It will rain."
    assert (await bob.call("GET", f"/research/{first['id']}")).status_code == 404


async def test_no_more_are_kept_than_may_be_though_they_cost_nothing(make_web: MakeWeb) -> None:
    web = await make_web(PARALLEL_API_KEY="key", RESEARCH_MAX="3")
    ann, bob = await caller(web), await caller(web)
    first = await ann.data("POST", "/research", {"query": "rain?", "requestId": "one"})
    steps = InquirySteps(web.parts.pool)
    assert await steps.begin(int(first["id"]), now_us(), 0) is Begun.SEND
    assert await steps.has_run(int(first["id"]), now_us(), "trun_1")
    assert await steps.complete(int(first["id"]), now_us(), Answered("text", "Yes.", "[]"))
    ids = [(await ann.data("POST", "/research", {"query": "rain?"}))["id"] for _ in range(2)]
    answer = await ann.call("POST", "/research", {"query": "rain?"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "LIMIT_REACHED")
    assert "at most 3; delete one first" in answer.text
    known = await ann.data("POST", "/research", {"query": "rain?", "requestId": "one"})
    assert known["id"] == first["id"], "asked again it is the one that is there"
    assert (await bob.data("POST", "/research", {"query": "rain?"}))["cached"]
    await ann.data("DELETE", f"/research/{ids[0]}")
    assert (await ann.data("POST", "/research", {"query": "rain?"}))["cached"]


async def test_of_two_at_once_the_last_cents_pay_for_one(desk: Desk) -> None:
    asked = [{"query": f"question {number}", "processor": "core"} for number in range(6)]
    answers = await asyncio.gather(*(desk.ann.call("POST", "/research", one) for one in asked))
    assert sorted(one.status_code for one in answers) == [201, 201, 422, 422, 422, 422]
    refusal = next(one for one in answers if one.status_code == 422).json()["error"]
    assert refusal["code"] == "LIMIT_REACHED"
    assert refusal["message"] == ("This costs 2.50 cents, and 0.00 of this month's 5.00 are left")
    assert await desk.budget() == ("5.00", "0.00", "0.00")
    searched = await desk.ann.call("POST", "/research/search", {"query": "rain"})
    assert searched.status_code == 422
    assert desk.service.made == [], "nothing was asked of anybody"


async def test_all_together_spend_no_more_than_is_theirs(
    make_web: MakeWeb, service: ParallelService
) -> None:
    web = await make_web(
        PARALLEL_API_KEY=KEY, PARALLEL_URL=service.url, RESEARCH_TOTAL_BUDGET_CENTS="6"
    )
    people = [await caller(web) for _ in range(3)]
    asked = [
        person.call("POST", "/research", {"query": "rain?", "processor": "core"})
        for person in people
    ]
    answers = await asyncio.gather(*asked)
    assert sorted(one.status_code for one in answers) == [201, 201, 422]
    refusal = next(one for one in answers if one.status_code == 422).json()["error"]
    told = "This costs 2.50 cents, and 1.00 of the 6.00 that all here may spend this month are left"
    assert (refusal["code"], refusal["message"]) == ("LIMIT_REACHED", told)
    refused = next(who for who, one in zip(people, answers, strict=True) if one.status_code == 422)
    standing = await refused.data("GET", "/research/budget")
    assert (standing["held"], standing["spent"], standing["left"]) == ("0.00", "0.00", "1.00")
    # A search that fails gives it back; one that is made uses it up; who has left used it, too.
    service.line.fail(Fault.RATE_LIMITED)
    assert (await refused.call("POST", "/research/search", {"query": "rain"})).status_code == 502
    for _ in range(2):
        await refused.data("POST", "/research/search", {"query": "rain"})
    rows = Inquiries(web.parts.pool)
    (one, two) = (who for who in people if who is not refused)
    (waiting,) = await one.data("GET", "/research")
    await one.call("DELETE", f"/research/{waiting['id']}")
    assert (await refused.data("GET", "/research/budget"))["left"] == "2.50"
    await web.parts.pool.execute("DELETE FROM users WHERE id = $1", two.id)
    assert (await rows.budget(refused.id, month_of(now_us()))).of_all == 350
    await refused.data("POST", "/research", {"query": "snow?", "processor": "core"})
    assert (await one.data("GET", "/research/budget"))["left"] == "0.00"
    assert (await one.call("POST", "/research/search", {"query": "rain"})).status_code == 422


async def test_no_more_are_under_way_than_may_be(desk: Desk) -> None:
    asked = [{"query": f"question {number}", "processor": "lite"} for number in range(5)]
    answers = await asyncio.gather(*(desk.ann.call("POST", "/research", one) for one in asked))
    assert sorted(one.status_code for one in answers) == [201, 201, 201, 422, 422]
    assert await desk.budget() == ("1.50", "0.00", "3.50")


async def test_one_that_waits_is_released_and_one_that_runs_is_paid(desk: Desk) -> None:
    waits, runs = await desk.ask("waits"), await desk.ask("runs")
    await desk.ann.data("DELETE", f"/research/{waits['id']}")
    assert await desk.budget() == ("1.00", "0.00", "4.00")
    await desk.follow()
    await desk.ann.data("DELETE", f"/research/{runs['id']}")
    assert await desk.ann.data("GET", "/research") == []
    assert await desk.budget() == ("1.00", "0.00", "4.00"), "it can't be stopped there"
    desk.service.end("trun_1")
    await desk.follow(after_s=11)
    assert await desk.budget() == ("0.00", "1.00", "4.00")
    rows = await desk.web.parts.pool.fetchval("SELECT count(*) FROM research")
    assert rows == 0, "it is gone now"


async def test_what_is_deleted_while_it_runs_can_be_asked_again(desk: Desk) -> None:
    first = await desk.ask("runs", requestId="mine")
    await desk.follow()
    await desk.ann.data("DELETE", f"/research/{first['id']}")
    again = await desk.ask("runs", requestId="mine")
    assert again["id"] != first["id"]


async def test_an_object_is_kept_as_one_and_a_huge_one_cut(desk: Desk) -> None:
    desk.service.ends_at_once = True
    made = await desk.ask("fields", outputFormat="auto")
    await desk.follow()
    desk.service.outputs["trun_1"] = {
        "type": "json",
        "content": {"chance": 0.7, "why": "clouds"},
        "basis": [{"field": "chance", "reasoning": "x" * 9_000, "citations": NOWHERE}],
    }
    await desk.follow()
    shown = await desk.show(made["id"])
    assert shown["contentType"] == "json"
    assert json.loads(shown["content"]) == {"chance": 0.7, "why": "clouds"}
    assert shown["sources"][0]["citations"] == []
    assert len(shown["sources"][0]["reasoning"]) == 4_000
    huge = await desk.ask("huge", outputFormat="auto")
    await desk.follow()
    desk.service.outputs["trun_2"] = {"type": "json", "content": {"text": "y" * 300_000}}
    await desk.follow()
    shown = await desk.show(huge["id"])
    assert (shown["contentType"], len(shown["content"])) == ("text", CONTENT_MAX)


async def test_sockets_are_told_each_state_once(desk: Desk) -> None:
    said: list[tuple[int, str, str]] = []
    asked: list[tuple[str | None, str | None]] = []

    class TopicFake:
        def publish(self, user_id: int, event: str, data: ResearchView) -> None:
            said.append((user_id, event, data.status))
            asked.append((data.market_id, data.question))

    rows = Inquiries(desk.web.parts.pool)
    tells = ResearchTelling(rows, TopicFake())  # type: ignore[arg-type]
    desk.service.ends_at_once = True
    await desk.ask(marketId="kalshi:KXRAIN-26")
    for _ in range(3):
        await tells.look()
    await desk.follow()
    await tells.look()
    await desk.follow()
    await tells.look()
    await tells.look()
    who = desk.ann.id
    assert said == [(who, EVENT, state) for state in ("QUEUED", "RUNNING", "COMPLETED")]
    assert set(asked) == {("kalshi:KXRAIN-26", None)}


async def test_sockets_are_told_all_that_changes_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class TopicFake:
        def publish(self, _user_id: int, _event: str, data: ResearchView) -> None:
            said.append(data.id)

    monkeypatch.setattr(telling, "AT_ONCE", 2)
    pool = desk.web.parts.pool
    tells = ResearchTelling(Inquiries(pool), TopicFake())  # type: ignore[arg-type]
    await desk.ask()
    await pool.execute(
        "INSERT INTO research (user_id, query, processor, format, input, key, token, status, cost,"
        " month, next_at, created_at, changed_at)"
        " SELECT user_id, query, processor, format, input, key, token || n, status, 0, month,"
        " next_at, created_at, changed_at FROM research, generate_series(1, 6) n"
    )
    assert await tells.look() == 7
    assert (len(set(said)), len(said)) == (7, 7)
    await pool.execute("UPDATE research SET version = version + 1 WHERE id % 2 = 0")
    changed = await pool.fetchval("SELECT count(*) FROM research WHERE id % 2 = 0")
    assert (await tells.look(), await tells.look()) == (changed, 0)


async def test_a_search_is_answered_at_once_and_paid_if_it_was(desk: Desk) -> None:
    service = desk.service
    service.found = [
        {"url": "https://weather.example/", "title": "Rain", "excerpts": ["wet"]},
        {"url": "ftp://weather.example/", "excerpts": []},
        {
            "url": "https://b.example/",
            "publish_date": "2026-11-01",
            "excerpts": list("abcd"),
        },
    ]
    told = await desk.ann.data("POST", "/research/search", {"query": "rain", "numResults": 5})
    assert [one["url"] for one in told["results"]] == [
        "https://weather.example/",
        "https://b.example/",
    ]
    assert (told["cost"], len(told["results"][1]["excerpts"])) == ("0.50", 3)
    assert service.made[0]["advanced_settings"] == {"max_results": 5}
    assert await desk.budget() == ("0.00", "0.50", "4.50")
    service.line.fail(Fault.RATE_LIMITED)
    refused = await desk.ann.call("POST", "/research/search", {"query": "rain"})
    assert (refused.status_code, "busy" in refused.text) == (502, True)
    assert "it cost nothing" in refused.text
    assert await desk.budget() == ("0.00", "0.50", "4.50"), "what wasn't made cost nothing"
    service.answers["search"] = answer(b"[]")
    lost = await desk.ann.call("POST", "/research/search", {"query": "rain"})
    assert (lost.status_code, "may have been paid" in lost.text) == (502, True)
    assert await desk.budget() == ("0.00", "1.00", "4.00"), "what may have been made counts"
