"""Watchlists and positions with a venue behind them: asked for what no list has shown, and for a
live price; down, it is a 502 where nothing is known, and the last price where something is.
"""

import msgspec
import pytest

from exchange.messages.commands import OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES
from gateway.feeds.api.reading import ABSENT
from gateway.feeds.venue import VenueUnavailable
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.portfolio.records.test_portfolios import portfolio, position
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.persistence.running import listing


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


async def test_what_is_noted_of_an_unlisted_market_needs_no_venue(
    web: Web, ann: Caller, venue: FakeVenue
) -> None:
    """Least of all once it is changed or closed: a 502 then would say that nothing was done."""
    number = await portfolio(ann)
    made = await position(ann, number, "fake:M9 YES 10 @ 0.4", question="Will it?")
    await web.parts.feeds.reader.cache.forget(ABSENT, "fake:M9")
    venue.failure = VenueUnavailable("fake", "down")
    path = f"/positions/{made['id']}"
    assert (await ann.data("GET", path))["markPrice"] is None
    changed = await ann.data("PATCH", path, {"quantity": "20"})
    assert changed["quantity"] == "20.00000000"
    closed = await ann.data("POST", f"{path}/close", {"price": "0.5"})
    assert closed["realizedPnl"] == "2.00000000"


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


async def test_a_market_has_one_price_whoever_shows_it(web: Web, venue: FakeVenue) -> None:
    """Between the best offers, not the last trade: as lists, matches and watchlists say alike."""
    venue.listed["M2"] = msgspec.structs.replace(
        venue.listed["M2"], yes_price=None, best_bid=None, best_ask=None, last_price=3_300
    )
    ann, engine = await caller(web), web.engine
    maker = (await web.register()).id
    engine.run(listing())
    for account in (ann.id, maker):
        engine.run(OpenAccount(account, 1_000_000_000))
    for account, outcome, price in ((maker, YES, 3_000), (ann.id, NO, 7_000)):
        engine.run(PlaceOrder(account, 1, BUY, outcome, LIMIT, price, 500, GTC))
    for outcome, price in ((YES, 4_000), (NO, 4_000)):
        engine.run(PlaceOrder(maker, 1, BUY, outcome, LIMIT, price, 500, GTC))
    made = await ann.data("POST", "/watchlists", {"name": "all"})
    for name, expected in (("rain", "0.5000"), ("fake:M2", None)):
        item = await ann.data("POST", f"/watchlists/{made['id']}/items", {"marketId": name})
        shown = await ann.data("GET", f"/markets/{name}")
        assert (item["yesPrice"], shown["yesPrice"]) == (expected, expected)
    [held] = await ann.data("GET", "/portfolios/exchange/positions")
    assert held["markPrice"] == "0.7000", "what one holds counts by the last trade"
    number = await portfolio(ann)
    noted = await position(ann, number, "fake:M2 NO 1 @ 0.5")
    assert noted["markPrice"] == "0.6700", "or a venue's, where it says no other price"
