"""Watchlists and positions with a venue behind them: asked for what no list has shown, and for a
live price; down, it is a 502 where nothing is known, and the last price where something is.
"""

import msgspec
import pytest

from gateway.feeds.venue import VenueUnavailable
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.portfolio.records.test_portfolios import portfolio, position
from tests.gateway.portfolio.venue_fake import Caller, caller


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue([market(1, yes_price=4_000), market(2, yes_price=2_000)])


@pytest.fixture
async def web(make_web: MakeWeb, venue: FakeVenue) -> Web:
    return await make_web(venues={"fake": venue})


@pytest.fixture
async def ann(web: Web) -> Caller:
    return await caller(web)


async def test_a_market_that_no_list_has_shown_is_asked_of_its_venue(
    ann: Caller, venue: FakeVenue
) -> None:
    made = await ann.data("POST", "/watchlists", {"name": "new"})
    path = f"/watchlists/{made['id']}/items"
    item = await ann.data("POST", path, {"marketId": "fake:M1"})
    assert (item["yesPrice"], item["slug"]) == ("0.4000", "market-1")
    assert item["asOf"] is not None
    assert await ann.refused("POST", path, {"marketId": "fake:M9"}) == (404, ["marketId"])
    by_slug = await ann.refused("POST", path, {"marketId": "market-1"})
    assert by_slug == (409, ["marketId"]), "a bare slug is the one venue's that has it"
    asked = len(venue.asked)
    whole = await ann.data("GET", f"/watchlists/{made['id']}")
    assert [one["marketId"] for one in whole["items"]] == ["fake:M1"]
    assert len(venue.asked) == asked, "reading a list asks no venue"


async def test_a_venue_that_is_down_is_said_where_nothing_is_known(
    ann: Caller, venue: FakeVenue
) -> None:
    number = await portfolio(ann)
    made = await ann.data("POST", "/watchlists", {"name": "new"})
    venue.failure = VenueUnavailable("fake", "down")
    for path, body in [
        (f"/watchlists/{made['id']}/items", {}),
        (f"/portfolios/{number}/positions", {"side": "YES", "quantity": 1, "avgCost": 0}),
    ]:
        answer = await ann.call("POST", path, {"marketId": "fake:M1", **body})
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "EXTERNAL_API_ERROR")


async def test_closing_asks_for_the_price_of_now(ann: Caller, venue: FakeVenue) -> None:
    number = await portfolio(ann)
    first = await position(ann, number, "fake:M1 YES 10 @ 0.1")
    second = await position(ann, number, "fake:M2 NO 10 @ 0.1")
    assert (first["markPrice"], second["markPrice"]) == ("0.4000", "0.8000")
    venue.listed["M1"] = msgspec.structs.replace(venue.listed["M1"], yes_price=6_000)
    closed = await ann.data("POST", f"/positions/{first['id']}/close")
    assert (closed["closePrice"], closed["realizedPnl"]) == ("0.600000", "5.00000000")
    venue.failure = VenueUnavailable("fake", "down")
    closed = await ann.data("POST", f"/positions/{second['id']}/close")
    assert closed["realizedPnl"] == "7.00000000", "at the last price that is known"


async def test_platforms_may_be_named_that_the_feed_is_not_asked_for(ann: Caller) -> None:
    number = await portfolio(ann)
    made = await position(ann, number, "kalshi:KX YES 1 @ 0.5", question="Will it?")
    assert (made["platform"], made["markPrice"]) == ("kalshi", None)
