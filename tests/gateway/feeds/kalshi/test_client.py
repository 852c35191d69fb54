"""Asking Kalshi over loopback: pages, prices, and every fault of its own."""

import asyncio
import json

import pytest

from gateway.feeds.kalshi import client as kalshi
from gateway.feeds.model import ListedStatus, Unrepresentable
from gateway.feeds.venue import Venue, VenueRefused, VenueUnavailable, Watched
from tests.venues import kalshi_samples as samples
from tests.venues.kalshi import API
from tests.venues.kalshi_desk import QUICK, desk, market, tickers, world
from tests.venues.stand_in import Fault

DAY = 86_400
MICROSECONDS = 1_000_000


async def test_it_is_a_venue_as_the_feed_wants_one() -> None:
    async with desk() as d:
        venue: Venue = d.client
        watched: Watched = d.client
        assert (venue.platform, venue.title, venue.currency) == ("kalshi", "Kalshi", "USD")
        assert venue.stream() is None
        await d.walk()
        assert isinstance(d.client, Watched), "so /feed/status shows its addresses"
        [condition] = watched.conditions()
        assert condition.last_success_at is not None
        # Three pages, all series, whether it trades.
        assert condition.counts == {"ok": 5}


async def test_the_list_is_walked_page_by_page_with_what_stands_beside_it() -> None:
    async with desk() as d:
        pages = await d.walk()
        assert [len(page.markets) for page in pages] == [2, 2, 1]
        first = pages[0].markets[0]
        assert (first.event_title, first.category) == ("Where will it rain?", "Climate and Weather")
        assert (first.fees[0], first.tags) == (("taker_rate", "0.07"), ("Rain", "Daily"))
        assert [event.external_id for event in pages[0].events] == ["RAIN-0", "RAIN-1"]
        assert json.loads(pages[0].raw[1])["ticker"] == "RAIN-1-NYC"
        assert (d.venue.asked("/series"), d.venue.asked("/exchange/status")) == (1, 1)
        query = dict(d.venue.rest.seen[1].query)
        assert query == {"limit": "100", "with_nested_markets": "true", "status": "open"}


async def test_a_cursor_loop_ends_and_is_counted() -> None:
    async with desk(world(has_cursor_loop=True)) as d:
        for walks in (1, 2):
            pages = await d.walk()
            assert len(pages) <= 5
            assert set(tickers(pages)) == {f"RAIN-{number}-NYC" for number in range(5)}
            assert pages[-1].refused == (("", "cursor_loop"),)
            assert d.unrepresentable("cursor_loop") == walks
        assert d.log.getvalue().count("cursor_loop") == 1


async def test_rows_that_two_pages_share_come_twice_and_end() -> None:
    async with desk(world(overlap=1)) as d:
        found = tickers(await d.walk())
        assert set(found) == {f"RAIN-{number}-NYC" for number in range(5)}
        assert len(found) == 8


async def test_a_changed_shape_costs_its_rows_and_no_more() -> None:
    def alter(body: bytes) -> bytes:
        page = json.loads(body)
        for event in page["events"]:
            event["brand_new"] = {"at": [1, 2]}
            for one in event["markets"]:
                one["ticker" if one["ticker"] == "RAIN-1-NYC" else "unheard_of"] = 7
                one["rules_primary"] = {"text": "now with paragraphs"}
        return json.dumps(page).encode()

    async with desk() as d:
        d.venue.rest.alter[API + "/events"] = alter
        pages = await d.walk()
        assert "RAIN-1-NYC" not in tickers(pages)
        assert len(tickers(pages)) == 4
        assert pages[0].refused == (("", "shape"),)
        assert d.unrepresentable("shape") == 1
        assert pages[0].unread == (("RAIN-0-NYC", "rules_primary"),)
        assert pages[0].markets[0].description == ""
        assert d.unrepresentable("unread_field") == 4
        d.venue.rest.alter[API + "/events"] = lambda _: b'{"events":"gone"}'
        with pytest.raises(VenueUnavailable, match="another shape"):
            await d.client.markets(None, live_only=True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.SILENCE, Fault.HALF_BODY, Fault.WRONG_TYPE,
        Fault.NOT_JSON,
    ],
)  # fmt: skip
async def test_it_degrades_says_so_and_comes_back(fault: Fault) -> None:
    async with desk() as d:
        d.venue.rest.fail(fault, path=API + "/events", times=None)
        with pytest.raises(VenueUnavailable):
            await d.client.markets(None, live_only=True)
        [condition] = d.client.conditions()
        assert condition.last_error is not None
        assert condition.last_error.startswith("/events: ")
        d.venue.rest.mend()
        await asyncio.sleep(QUICK.open_s)
        assert len(await d.walk()) == 3


async def test_what_is_known_of_series_stays_when_they_cant_be_had() -> None:
    async with desk() as d:
        d.venue.rest.fail(Fault.REFUSED, path=API + "/series")
        with pytest.raises(VenueRefused):
            await d.client.markets(None, live_only=True)
        await d.walk()
        d.clock.skipped += 3_601
        d.venue.rest.fail(Fault.REFUSED, path=API + "/series")
        assert (await d.walk())[0].markets[0].fees[0] == ("taker_rate", "0.07")
        assert d.venue.asked("/series") == 3


async def test_some_markets_with_their_events_as_they_are_now() -> None:
    combo = samples.market("KXMVE-S1-A", mve_collection_ticker="KXMVE-R")
    async with desk(world(markets=[combo, samples.market("GONE-1-A")])) as d:
        wanted = [
            "RAIN-3-NYC",
            "KXMVE-S1-A",
            "NOBODY-1",
            "a/../b",
            "x" * 300,
            "GONE-1-A",
            "RAIN-3-NYC",
        ]
        page = await d.client.some_markets(wanted)
        found = {one.external_id: one for one in page.markets}
        assert set(found) == {"RAIN-3-NYC", "KXMVE-S1-A", "GONE-1-A"}
        assert found["RAIN-3-NYC"].category == "Climate and Weather"
        assert found["KXMVE-S1-A"].event_title is None
        # What was learned isn't asked again, nor is what isn't there, nor a combo's event.
        assert await d.client.some_markets(wanted) == page
        assert d.venue.asked("/events/RAIN-3") == d.venue.asked("/events/GONE-1") == 1
        assert d.venue.asked("/events/KXMVE-S1") == 0


async def test_many_markets_are_asked_for_in_parts() -> None:
    async with desk(world(120)) as d:
        wanted = [f"RAIN-{number}-NYC" for number in range(120)]
        d.venue.page = 1_000
        await d.walk()
        page = await d.client.some_markets(wanted)
        assert [one.external_id for one in page.markets] == wanted
        assert d.venue.asked("/markets") == 3


async def test_an_event_that_cant_be_had_now_is_no_market_without_one() -> None:
    async with desk() as d:
        d.venue.rest.fail(Fault.SERVER_ERROR, path=API + "/events/RAIN-1", times=None)
        with pytest.raises(VenueUnavailable):
            await d.client.some_markets(["RAIN-1-NYC"])


@pytest.mark.parametrize(
    ("exchange", "trading", "status"),
    [
        (True, True, ListedStatus.OPEN),
        (True, False, ListedStatus.HALTED),
        (False, False, ListedStatus.FULL_HALT),
    ],
)
async def test_open_markets_are_halted_while_the_exchange_is(
    exchange: bool, trading: bool, status: ListedStatus
) -> None:
    said = {"exchange_active": exchange, "trading_active": trading}
    async with desk(world(status=said)) as d:
        assert {one.status for page in await d.walk() for one in page.markets} == {status}


async def test_a_market_is_open_if_nobody_says_whether_the_exchange_is() -> None:
    async with desk() as d:
        d.venue.rest.fail(Fault.REFUSED, path=API + "/exchange/status", times=None)
        page = await d.client.markets(None, live_only=True)
        assert page.markets[0].status is ListedStatus.OPEN


async def test_books_of_both_shapes_and_of_nobody() -> None:
    venue = world()
    venue.books["NEW"] = {"orderbook_fp": {"yes_dollars": [["0.3700", "1"]], "no_dollars": []}}
    venue.books["OLD"] = {"orderbook": {"yes": [[37, 1]], "no": None}}
    venue.books["ODD"] = {"orderbook": {"yes": [[60, 1]], "no": [[50, 1]]}}
    async with desk(venue) as d:
        new, old = [await d.client.book(market(ticker)) for ticker in ("NEW", "OLD")]
        assert (new.bids, new.asks) == (old.bids, old.asks) == (((3_700, 100),), ())
        with pytest.raises(VenueRefused):
            await d.client.book(market("NOBODY"))
        with pytest.raises(Unrepresentable, match="crossed"):
            await d.client.book(market("ODD"))


async def test_the_newest_prints_over_pages() -> None:
    trades = [samples.trade(f"t{number}", "RAIN-0-NYC") for number in range(9)]
    async with desk(world(trades=trades, page=4)) as d:
        found = await d.client.trades(market(), 7)
        assert [one.trade_id for one in found] == [f"t{number}" for number in range(7)]
        assert d.venue.asked("/markets/trades") == 2
        d.venue.has_cursor_loop = True
        assert len(await d.client.trades(market(), 10_000)) == 9
        assert d.unrepresentable("cursor_loop") == 1


async def test_candles_of_the_venues_own_intervals_and_of_others() -> None:
    minutes = [samples.candle(DAY + 60 * number, volume_fp="1.00") for number in range(1, 11)]
    days = [samples.candle(DAY * number) for number in range(1, 4)]
    venue = world(candles={("RAIN-0-NYC", 1): minutes, ("RAIN-0-NYC", 1_440): days})
    async with desk(venue) as d:
        start, end = DAY * MICROSECONDS, 2 * DAY * MICROSECONDS
        five = await d.client.candles(market(), start, end, 300)
        assert [(one.start // MICROSECONDS, one.volume) for one in five] == [
            (DAY, 500),
            (DAY + 300, 500),
        ]
        whole = await d.client.candles(market(), start, 3 * DAY * MICROSECONDS, DAY)
        assert [one.start // MICROSECONDS for one in whole] == [DAY, 2 * DAY]
        worth = await d.client.history(market(), start, end, DAY)
        assert [(one.at // MICROSECONDS, one.yes_price) for one in worth] == [(2 * DAY, 4_000)]
        with pytest.raises(ValueError, match="interval_s"):
            await d.client.candles(market(), start, end, 90)


async def test_a_long_time_of_candles_is_asked_for_in_parts_and_bounded() -> None:
    async with desk() as d:
        years = 10 * 365 * DAY
        assert await d.client.candles(market(), 0, years * MICROSECONDS, 60) == ()
        assert d.venue.asked("/markets/candlesticks") == kalshi.CANDLES_MAX // kalshi.CANDLES_A_PAGE
        first = dict(d.venue.rest.seen[0].query)
        assert int(first["start_ts"]) == years - kalshi.CANDLES_MAX * 60 + 1


async def test_an_hour_of_the_venues_word_for_now_is_enough() -> None:
    async with desk() as d:
        await d.walk()
        d.clock.skipped += 61
        await d.walk()
        assert (d.venue.asked("/series"), d.venue.asked("/exchange/status")) == (1, 2)
        d.clock.skipped += 3_600
        await d.walk()
        assert d.venue.asked("/series") == 2
