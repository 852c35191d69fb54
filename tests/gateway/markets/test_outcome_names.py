"""What YES and NO of a market are called is said when it is listed, and shown wherever it is."""

import asyncio
from typing import Any

import msgspec
import pytest

from exchange.messages.commands import CreateMarket
from gateway.jobs import looking
from gateway.markets.outcome_names import (
    LOST_S,
    YES_AND_NO,
    KeptOutcomeNames,
    OutcomeNames,
)
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.market_outcomes import MarketOutcomes, NamedOutcomes
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.gateway.trading_desk import Desk

MARKET = {"slug": "derby", "question": "Who wins?", "closeTime": "2026-01-31T00:00:00Z"}
NAMES = ["Home", "Away"]
WANTED = (
    "outcomes: must be two different names of 1 to 80 characters, none of them invisible, such as"
    ' ["Home", "Away"]'
)


def market(**changes: object) -> dict[str, Any]:
    return MARKET | {"outcomes": NAMES} | changes


async def shown(reader: Caller, slug: str = "derby") -> list[str]:
    """What the outcomes of a market are called."""
    names: list[str] = (await reader.data("GET", f"/markets/{slug}"))["outcomes"]
    return names


async def stored(web: Web) -> list[tuple[str, str, str]]:
    rows = await web.parts.pool.fetch("SELECT slug, yes_label, no_label FROM market_outcomes")
    return [(row[0], row[1], row[2]) for row in rows]


async def known_elsewhere(web: Web) -> OutcomeNames:
    """What a process learns that is started now."""
    names = OutcomeNames()
    await KeptOutcomeNames(MarketOutcomes(web.parts.pool), names).look()
    return names


async def test_names_are_shown_wherever_the_market_is(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    await admin.data("POST", "/markets", market(outcomes=[" Home ", "Cafe\u0301"]))
    await admin.data("POST", "/markets", market(slug="plain") | {"outcomes": ["Yes", "No"]})
    named = ["Home", "Café"]
    for path in ("", "/live"):
        assert (await ann.data("GET", f"/markets/derby{path}"))["outcomes"] == named
    assert (await ann.data("GET", "/markets/derby/full"))["market"]["outcomes"] == named
    for query in ("", "?platform=exchange", "?platform=all&search=who", "/search?q=wins"):
        found = await ann.data("GET", f"/markets{query}")
        names = {one["slug"]: one["outcomes"] for one in found}
        assert names == {"derby": named, "plain": ["Yes", "No"]}, query
    names_elsewhere = await known_elsewhere(web)
    assert names_elsewhere.of("derby") == ("Home", "Café")
    assert names_elsewhere.of("plain") == YES_AND_NO


async def test_admins_are_told_them_with_the_market(web: Web) -> None:
    admin = await caller(web, admin=True)
    answers = [
        await admin.data("POST", "/markets", market()),
        await admin.data("PATCH", "/markets/derby", {"category": "sports"}),
        await admin.data("PATCH", "/markets/derby/status", {"status": "HALTED"}),
        await admin.data("POST", "/markets/derby/resolve", {"outcome": "VOID"}),
    ]
    assert [one["outcomes"] for one in answers] == [NAMES] * 4


async def test_a_market_without_names_has_yes_and_no(desk: Desk) -> None:
    await desk.call("POST", "/markets", "root", MARKET)
    assert (await desk.get("/markets/derby"))["outcomes"] == ["Yes", "No"]


async def test_a_process_started_later_shows_them(make_web: MakeWeb) -> None:
    first = await make_web()
    admin = await caller(first, admin=True)
    await admin.data("POST", "/markets", market())
    second = await make_web()
    second.engine.run(first.engine.submitted[-1])
    ann = await caller(second)
    kept = KeptOutcomeNames(second.parts.feeds.outcomes, second.parts.feeds.mirrored.names)
    assert await shown(ann) == ["Yes", "No"]
    await kept.look()
    assert await shown(ann) == NAMES


async def test_a_draft_has_its_names(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    await admin.data("POST", "/markets", market(draft=True))
    assert await shown(admin) == NAMES
    assert (await ann.call("GET", "/markets/derby")).status_code == 404
    await admin.data("PATCH", "/markets/derby/status", {"status": "OPEN"})
    assert await shown(ann) == NAMES


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["Home"], "outcomes: must have exactly 2 items"),
        (["Home", "Draw", "Away"], "outcomes: must have exactly 2 items"),
        ([], "outcomes: must have exactly 2 items"),
        ("Home", "outcomes: must be a list, not text"),
        (None, "outcomes: must be a list, not null"),
        ([1, 2], "outcomes[0]: must be text, not a whole number"),
        (["", "Away"], "outcomes[0]: must have at least 1 character"),
        (["Home", "x" * 81], "outcomes[1]: must have at most 80 characters"),
        (["Home", "  "], WANTED),
        (["Home", "Ho\u200bme"], WANTED),
        (["Home\n", "Aw\nay"], WANTED),
        (["Home", " Home"], WANTED),
        (["Caf\u00e9", "Cafe\u0301"], WANTED),
        (["Home", "\u1e9b\u0323" * 41], "outcomes[1]: must have at most 80 characters"),
        (["Home", "\u0344" * 80], WANTED),
    ],
)
async def test_names_that_cannot_be_are_refused(desk: Desk, given: object, message: str) -> None:
    reply = await desk.call("POST", "/markets", "root", market(outcomes=given))
    assert (reply.status, reply.error["message"]) == (400, message)
    assert "derby" not in desk.engine.view.market_by_slug


async def test_of_a_listing_that_was_refused_nothing_stays(web: Web) -> None:
    admin = await caller(web, admin=True)
    past = market(closeTime="1970-01-01T00:00:00.001Z")
    refused = await admin.call("POST", "/markets", past)
    assert refused.json()["error"]["code"] == "CLOSE_TIME_PASSED"
    web.engine.is_open = False
    assert (await admin.call("POST", "/markets", market())).status_code == 503
    web.engine.is_open = True
    assert await stored(web) == []
    await admin.data("POST", "/markets", MARKET)
    assert await shown(admin) == ["Yes", "No"]


async def test_a_slug_that_is_taken_keeps_its_names(web: Web) -> None:
    admin = await caller(web, admin=True)
    await admin.data("POST", "/markets", market())
    await web.parts.pool.execute("UPDATE market_outcomes SET changed_at = 1")
    for given in ({"outcomes": ["North", "South"]}, {}):
        refused = await admin.call("POST", "/markets", MARKET | given)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "SLUG_TAKEN")
    assert await shown(admin) == NAMES
    assert await stored(web) == [("derby", *NAMES)]


async def test_names_of_a_market_whose_answer_was_lost_are_found(web: Web) -> None:
    admin = await caller(web, admin=True)
    web.engine.loses_answers = True
    assert (await admin.call("POST", "/markets", market())).status_code == 504
    web.engine.loses_answers = False
    parts = web.parts
    await KeptOutcomeNames(parts.feeds.outcomes, parts.feeds.mirrored.names).look()
    assert await shown(admin) == NAMES


async def test_what_a_lost_listing_left_names_no_other_market(web: Web) -> None:
    admin, rows = await caller(web, admin=True), MarketOutcomes(web.parts.pool)
    at = now_us()
    await rows.claim(NamedOutcomes("derby", ("North", "South"), at), 0)
    before = len(web.engine.submitted)
    refused = await admin.call("POST", "/markets", market())
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert len(web.engine.submitted) == before
    assert await stored(web) == [("derby", "North", "South")]
    # It was answered long ago, or never will be.
    lost = at - LOST_S * MICROSECONDS
    await web.parts.pool.execute("UPDATE market_outcomes SET changed_at = $1", lost)
    # A process has looked at it in the meantime.
    kept = KeptOutcomeNames(rows, web.parts.feeds.mirrored.names)
    await kept.look()
    await admin.data("POST", "/markets", MARKET)
    assert await shown(admin) == ["Yes", "No"]
    assert (await known_elsewhere(web)).of("derby") == YES_AND_NO


async def test_of_two_at_once_one_is_listed_under_its_own_names(web: Web) -> None:
    admin = await caller(web, admin=True)
    pairs = [[f"Home {number}", f"Away {number}"] for number in range(5)]
    answers = await asyncio.gather(
        *(admin.call("POST", "/markets", market(outcomes=pair)) for pair in pairs)
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    listed = next(
        pair for pair, answer in zip(pairs, answers, strict=True) if answer.status_code == 201
    )
    assert await shown(admin) == listed
    assert (await known_elsewhere(web)).of("derby") == tuple(listed)


async def test_names_are_read_a_few_at_a_time(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 2)
    rows, names = MarketOutcomes(web.parts.pool), OutcomeNames()
    for number in range(5):
        # They may have been stored at the same moment.
        await rows.claim(NamedOutcomes(f"m-{number}", ("A", f"B{number}"), 7_000_000_000), 0)
    kept = KeptOutcomeNames(rows, names)
    await kept.look()
    assert [names.of(f"m-{number}") for number in range(5)] == [
        ("A", f"B{number}") for number in range(5)
    ]
    # What was stamped a little earlier and commits late is found yet; what is older isn't read.
    for slug, at in (("late", 6_941_000_000), ("old", 6_939_000_000)):
        await rows.claim(NamedOutcomes(slug, ("A", "B"), at), 0)
    await kept.look()
    assert (names.of("late"), names.of("old")) == (("A", "B"), YES_AND_NO)


async def test_the_engine_hears_nothing_of_names(desk: Desk) -> None:
    await desk.call("POST", "/markets", "root", MARKET)
    await desk.call("POST", "/markets", "root", market(slug="named"))
    plain, named = desk.engine.submitted[-2:]
    assert isinstance(plain, CreateMarket)
    assert named == msgspec.structs.replace(plain, slug="named")
