"""Polymarket is asked as it wants to be, and whatever it does the client says so and comes back."""

import io
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from exchange.messages.terms import Resolution
from gateway.feeds.model import ListedStatus, TakenSide, Unrepresentable, VenueMarket
from gateway.feeds.polymarket.client import PAGE, Polymarket
from gateway.feeds.polymarket.settings import PolymarketSettings
from gateway.feeds.venue import (
    Venue,
    VenueRefused,
    VenueStream,
    VenueUnavailable,
    Watched,
)
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import read_area
from tests.gateway.feeds.polymarket.conftest import QUICK, Desk
from tests.venues.polymarket import (
    condition_id,
    sample_event,
    sample_market,
    tokens,
)
from tests.venues.stand_in import Fault


def test_it_is_a_venue() -> None:
    settings, _ = read_area(PolymarketSettings, {})
    assert settings is not None
    client = Polymarket(settings, Metrics(), configure_logs("info", io.StringIO()))
    venue: Venue = client
    watched: Watched = client
    socket = client.stream()
    stream: VenueStream = socket
    assert (venue.platform, venue.title, venue.currency) == ("polymarket", "Polymarket", "USDC")
    assert isinstance(client, Watched), "so /feed/status shows its addresses"
    assert len(watched.conditions()) == 4
    assert stream is socket


async def test_a_list_comes_page_by_page_with_its_events(desk: Desk) -> None:
    desk.venue.events = [sample_event(n, [sample_market(n)]) for n in range(1, 2 * PAGE + 51)]
    found = await desk.all_pages()
    assert len(found) == 2 * PAGE + 50
    assert len({market.external_id for market in found}) == len(found)
    first = await desk.client.markets(None, live_only=True)
    assert len(first.raw) == len(first.markets) == PAGE
    assert json.loads(first.raw[0])["conditionId"] == first.markets[0].external_id
    assert (first.events[0].title, first.events[0].category) == ("Event 1", "Crypto")
    market = first.markets[0]
    assert msgspec.structs.replace(market, description="", stream_keys=()) == VenueMarket(
        platform="polymarket",
        external_id=condition_id(1),
        question="Will sample 1 happen?",
        slug="sample-1",
        category="Crypto",
        tags=("All", "Crypto"),
        event_id="1",
        event_title="Event 1",
        status=ListedStatus.OPEN,
        close_time=1_798_718_400_000_000,
        created_at=1_767_225_600_500_000,
        yes_price=5_500,
        best_bid=5_400,
        best_ask=5_600,
        last_price=5_500,
        tick_size=100,
        min_quantity=500,
        volume_24h=Decimal("10.500000"),
        volume_total=Decimal("1234.567890"),
        liquidity=Decimal("99.250000"),
        currency="USDC",
        url="https://polymarket.com/event/event-1/sample-1",
        venue_at=1_770_921_571_394_000,
    )


async def test_the_whole_list_has_what_is_closed_behind_what_is_open(desk: Desk) -> None:
    over = sample_event(7, [sample_market(7, closed=True)], closed=True)
    desk.venue.events = [over, *(sample_event(n, [sample_market(n)]) for n in range(10, 13 + PAGE))]
    live = await desk.all_pages()
    assert len(live) == PAGE + 3
    whole = await desk.all_pages(live_only=False)
    assert [market.external_id for market in whole[-1:]] == [condition_id(7)]
    assert len(whole) == len(live) + 1


async def test_rows_that_move_across_pages_come_twice_and_harm_nobody(desk: Desk) -> None:
    desk.venue.events = [sample_event(n, [sample_market(n)]) for n in range(1, PAGE + 11)]
    first = await desk.client.markets(None, live_only=True)
    desk.venue.events.insert(0, sample_event(900, [sample_market(900)]))
    second = await desk.client.markets(first.next_cursor, live_only=True)
    both = {m.external_id for m in (*first.markets, *second.markets)}
    assert len(both) == PAGE + 10
    assert second.next_cursor is None


async def test_a_list_that_goes_in_circles_ends(desk: Desk) -> None:
    desk.venue.events = [sample_event(n, [sample_market(n)]) for n in range(1, PAGE + 1)]
    desk.venue.ignores_offset = True
    first = await desk.client.markets(None, live_only=True)
    with pytest.raises(VenueUnavailable, match="same page"):
        await desk.client.markets(first.next_cursor, live_only=True)
    with pytest.raises(ValueError, match="no cursor"):
        await desk.client.markets("abc", live_only=True)


async def test_markets_by_id_are_found_open_and_closed(desk: Desk) -> None:
    prices = '["0.9999999999", "0.0000000001"]'
    closed = sample_market(3, closed=True, umaResolutionStatus="resolved", outcomePrices=prices)
    desk.venue.events.append(sample_event(2, [closed]))
    wanted = [condition_id(n) for n in (1, 2, 3, 99)]
    page = await desk.client.some_markets(wanted)
    assert [market.external_id for market in page.markets] == wanted[:3]
    third = page.markets[2]
    assert (third.status, third.resolution) == (ListedStatus.RESOLVED, Resolution.YES)
    assert (third.yes_price, third.best_bid, third.best_ask) == (None, None, None)


async def test_a_result_that_gamma_does_not_state_is_asked_of_the_clob(desk: Desk) -> None:
    desk.venue.events = [
        sample_event(1, [sample_market(3, closed=True, outcomePrices='["0","0"]')])
    ]
    assert (await desk.market(3)).resolution is None
    yes, no = tokens(3)
    desk.venue.clob_markets[condition_id(3)] = {
        "condition_id": condition_id(3), "question": "?", "closed": True, "active": True,
        "tokens": [
            {"token_id": yes, "outcome": "Yes", "price": 0, "winner": False},
            {"token_id": no, "outcome": "No", "price": 1, "winner": True},
        ],
    }  # fmt: skip
    market = await desk.market(3)
    assert (market.status, market.resolution) == (ListedStatus.RESOLVED, Resolution.NO)
    assert len((await desk.client.clob_page(None)).markets) == 1


async def test_a_book_is_in_yes_terms_best_first_and_cut(desk: Desk) -> None:
    market = await desk.market()
    book = await desk.client.book(market)
    assert book.bids == ((5_400, 10_050), (1_000, 5_000))
    assert book.asks == ((5_600, 725), (9_000, 2_000))
    assert book.venue_at == 1_770_921_571_394_000
    assert [b.external_id for b in await desk.client.books([market])] == [market.external_id]
    assert await desk.client.midpoint(market) == 5_550
    gone = msgspec.structs.replace(market, stream_keys=("1", "2"))
    with pytest.raises(VenueRefused):
        await desk.client.book(gone)
    with pytest.raises(Unrepresentable):
        await desk.client.book(msgspec.structs.replace(market, stream_keys=()))


async def test_trades_of_both_tokens_are_newest_first(desk: Desk) -> None:
    yes, no = tokens(1)
    base = {"conditionId": condition_id(1), "transactionHash": "0x1", "size": 2.5}
    desk.venue.trades = [
        {**base, "asset": yes, "outcomeIndex": 0, "side": "SELL", "price": 0.21999995306666104,
         "timestamp": 1770479519},
        {**base, "asset": no, "outcomeIndex": 1, "side": "SELL", "price": 0.25,
         "timestamp": 1770479520},
        {**base, "asset": no, "outcomeIndex": 1, "side": "BUY", "price": 1.0,
         "timestamp": 1770479521},
    ]  # fmt: skip
    found = await desk.client.trades(await desk.market(), 10)
    assert [(t.yes_price, t.quantity, t.taken) for t in found] == [
        (7_500, 250, TakenSide.YES),
        (2_200, 250, TakenSide.NO),
    ]
    assert desk.refused("no_price") == 1


async def test_history_is_oldest_first_and_within_its_bounds(desk: Desk) -> None:
    desk.venue.history = [
        {"t": 20, "p": 0.5},
        {"t": 10, "p": 0.4},
        {"t": 30, "p": 1},
        {"t": 90, "p": 0.1},
    ]
    market = await desk.market()
    found = await desk.client.history(market, 10_000_000, 40_000_000, 60)
    assert [(point.at, point.yes_price) for point in found] == [
        (10_000_000, 4_000),
        (20_000_000, 5_000),
    ]
    query = dict(desk.venue.clob.seen[-1].query)
    assert query == {
        "market": market.stream_keys[0],
        "startTs": "10",
        "endTs": "40",
        "fidelity": "1",
    }
    assert await desk.client.candles(market, 0, 1, 60) is None


async def test_search_and_tags(desk: Desk) -> None:
    assert len((await desk.client.search("event 1", 5)).markets) == 2
    assert await desk.client.tags(10, 0) == [("Crypto", "crypto")]


async def test_a_key_is_sent_and_never_shown(desk: Desk) -> None:
    environment = {**desk.venue.environment, "POLYMARKET_API_KEY": "s3cret"}
    settings, _ = read_area(PolymarketSettings, environment)
    assert settings is not None
    assert "s3cret" not in repr(settings)
    client = Polymarket(settings, Metrics(), desk.logger, bounds=QUICK)
    await client.tags(1, 0)
    assert desk.venue.gamma.seen[-1].headers["authorization"] == "Bearer s3cret"
    await client.close()


@pytest.mark.parametrize(
    "url", ["ftp://a", "https://user:x@a", "https://a?x=1", "//a", "https://", "https://a b"]
)
def test_an_address_that_is_none_is_refused_by_name(url: str) -> None:
    _, wrong = read_area(PolymarketSettings, {"POLYMARKET_API_URL": url})
    assert [str(error).startswith("POLYMARKET_API_URL: must be") for error in wrong] == [True]


def extended(body: bytes) -> bytes:
    events = json.loads(body)
    for event in events:
        event["brandNew"] = {"deep": [1, 2]}
        for market in event["markets"]:
            market["another"] = None
    return json.dumps(events).encode()


def retyped(body: bytes) -> bytes:
    """Numbers as texts, texts as numbers, arrays that were texts: all of it can be read."""
    events = json.loads(body)
    for event in events:
        event["id"] = int(event["id"])
        for market in event["markets"]:
            market["outcomes"] = json.loads(market["outcomes"])
            market["outcomePrices"] = [0.55, 0.45]
            market["clobTokenIds"] = json.loads(market["clobTokenIds"])
            market["bestBid"], market["volumeNum"] = "0.54", "1234.5678901"
            market["closed"] = "false"
    return json.dumps(events).encode()


@pytest.mark.parametrize("change", [extended, retyped])
async def test_a_schema_that_changed_harmlessly_changes_nothing(desk: Desk, change: Any) -> None:
    before = await desk.client.markets(None, live_only=True)
    desk.venue.gamma.alter["/events"] = change
    after = await desk.client.markets(None, live_only=True)
    assert (after.markets, after.events) == (before.markets, before.events)
    assert (after.refused, after.unread) == ((), ())


def without(name: str) -> Any:
    def change(body: bytes) -> bytes:
        events = json.loads(body)
        for event in events:
            event["markets"][0].pop(name)
        return json.dumps(events).encode()

    return change


@pytest.mark.parametrize(
    ("field", "reason"),
    [("conditionId", "no_id"), ("question", "no_question"), ("outcomes", "no_outcomes")],
)
async def test_a_market_without_what_it_needs_is_refused_alone(
    desk: Desk, field: str, reason: str
) -> None:
    desk.venue.gamma.alter["/events"] = without(field)
    await desk.client.markets(None, live_only=True)
    page = await desk.client.markets(None, live_only=True)
    assert [market.external_id for market in page.markets] == [condition_id(2)]
    assert [why for _, why in page.refused] == [reason]
    assert desk.refused(reason) == 2
    assert desk.log.getvalue().count(reason) == 1


async def test_fields_in_an_unknown_form_are_left_out_and_named(desk: Desk) -> None:
    strange = {"bestBid": [1], "endDate": "soon", "volumeNum": "lots", "volume": {}, "tags": 5,
               "orderMinSize": "1e99", "orderPriceMinTickSize": 0.00001}  # fmt: skip
    desk.venue.events = [sample_event(1, [sample_market(1, **strange)])]
    page = await desk.client.markets(None, live_only=True)
    (market,) = page.markets
    assert (market.best_bid, market.close_time, market.volume_total) == (None, None, None)
    assert market.yes_price == 5_500
    assert {name for _, name in page.unread} == {
        "bestBid", "endDate", "volumeNum", "volume", "tags", "orderPriceMinTickSize",
    }  # fmt: skip
    assert desk.refused("unread:endDate") == 1


@pytest.mark.parametrize("outcomes", ['["A"]', '["A","B","C"]', "[]"])
async def test_a_market_of_other_than_two_outcomes_is_refused(desk: Desk, outcomes: str) -> None:
    desk.venue.events = [sample_event(1, [sample_market(1, outcomes=outcomes)])]
    page = await desk.client.markets(None, live_only=True)
    assert page.refused == ((condition_id(1), "not_binary"),)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RATE_LIMITED,
        Fault.SERVER_ERROR,
        Fault.SILENCE,
        Fault.HALF_BODY,
        Fault.WRONG_TYPE,
        Fault.TOO_DEEP,
    ],
)
async def test_each_fault_is_told_and_gets_over(desk: Desk, fault: Fault) -> None:
    desk.venue.gamma.fail(fault, times=None)
    with pytest.raises(VenueUnavailable):
        await desk.client.markets(None, live_only=True)
    condition = desk.client.conditions()[0]
    assert condition.last_error is not None
    assert (condition.last_success_at, condition.failures > 0) == (
        None,
        fault is not Fault.RATE_LIMITED,
    )
    # The CLOB is another address: what Gamma does is no matter of its.
    assert desk.client.conditions()[1].failures == 0
    desk.venue.gamma.mend()
    assert len((await desk.client.markets(None, live_only=True)).markets) == 2
    condition = desk.client.conditions()[0]
    assert (condition.breaker, condition.failures) == ("closed", 0)
    assert condition.last_success_at is not None


async def test_a_list_element_that_is_no_object_is_refused_alone(desk: Desk) -> None:
    desk.venue.gamma.alter["/events"] = lambda body: b"[7,null," + body[1:]
    page = await desk.client.markets(None, live_only=True)
    assert len(page.markets) == 2
    assert [why for _, why in page.refused] == ["malformed", "malformed"]
