"""The sample venue keeps the contract, says that it is one, and lives."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import NamedTuple

import pytest

from gateway.bootstrap.feeds import demo_settings
from gateway.bootstrap.settings import load_settings
from gateway.feeds.model import ListedStatus, VenueMarket
from gateway.feeds.registry import VENUES, Entry, chosen, open_venues
from gateway.feeds.sample.market import RESOLVED_S, STEP_S, SampleMarket
from gateway.feeds.sample.venue import SampleVenue, questions
from gateway.feeds.settings import FeedSettings
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    Printed,
    Venue,
    VenueRefused,
    VenueTools,
    VenueUnavailable,
)
from gateway.observability.logs import process_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import SettingsError
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def whole_list(venue: SampleVenue, *, live_only: bool = True) -> list[VenueMarket]:
    found: list[VenueMarket] = []
    cursor: str | None = None
    while True:
        page = await venue.markets(cursor, live_only=live_only)
        assert len(page.raw) == len(page.markets)
        found += page.markets
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_every_market_says_that_it_is_a_sample() -> None:
    for market in await whole_list(SampleVenue(Clock()), live_only=False):
        assert market.question.startswith("[Sample] ")
        assert "Sample data" in market.description
        assert market.tags[0] == "sample"
        assert market.slug is not None
        assert re.fullmatch(r"sample-[0-9]+-[0-9]+", market.slug)
        assert market.currency == "SAMPLE"


async def test_what_is_shown_is_sound_at_every_time() -> None:
    for question in questions():
        number = question.round_at(NOW)
        market = SampleMarket(question, number)
        assert market.open_s <= NOW < market.close_s
        for step in range(0, question.period_s + 2 * RESOLVED_S, question.period_s // 37):
            at = market.open_s + step
            shown, book = market.market(at), market.book(at)
            if shown.status is not ListedStatus.OPEN:
                assert book.bids == book.asks == ()
                assert shown.best_bid is None
                continue
            prices = [price for price, _ in book.bids]
            asks = [price for price, _ in book.asks]
            assert prices == sorted({*prices}, reverse=True)
            assert asks == sorted({*asks})
            assert 0 < prices[-1] <= prices[0] < asks[0] <= asks[-1] < 10_000
            assert (shown.best_bid, shown.best_ask) == (prices[0], asks[0])
            assert all(size > 0 for _, size in (*book.bids, *book.asks))
            if newest := market.trades(at, 1):
                assert shown.last_price == newest[0].yes_price


async def test_candles_end_now_and_tell_nothing_of_what_comes() -> None:
    clock = Clock()
    venue = SampleVenue(clock)
    [market, *_] = await whole_list(venue)
    hour = 3_600
    clock.now = clock.now // hour * hour + 20 * 60
    first, last = (int(clock.now) - 5 * hour) * 10**6, (int(clock.now) + 5 * hour) * 10**6
    found = await venue.candles(market, first, last, hour)
    assert found[-1].start <= clock.now * 10**6 < found[-1].start + hour * 10**6
    so_far = await venue.history(market, found[-1].start, last, STEP_S)
    worth = {point.yes_price for point in so_far}
    assert {found[-1].open, found[-1].high, found[-1].low, found[-1].close} <= worth


async def test_two_processes_show_the_same_and_time_changes_it() -> None:
    one, other = Clock(), Clock()
    first, second = SampleVenue(one), SampleVenue(other)
    before = await whole_list(first)
    assert before == await whole_list(second)
    one.now += 60
    after = await whole_list(first)
    assert sum(a.yes_price != b.yes_price for a, b in zip(before, after, strict=True)) > 10
    assert await first.history(after[0], 0, int(one.now * 10**6), 60)


async def test_markets_close_and_are_resolved() -> None:
    clock = Clock()
    venue = SampleVenue(clock)
    market = min(await whole_list(venue), key=lambda one: one.close_time or 0)
    clock.now = (market.close_time or 0) / 1_000_000
    [found] = (await venue.some_markets([market.external_id])).markets
    assert found.status is ListedStatus.CLOSED
    clock.now += RESOLVED_S
    [found] = (await venue.some_markets([market.external_id])).markets
    assert found.status is ListedStatus.RESOLVED
    assert found.resolution is not None
    assert found.yes_price is None
    assert market.external_id not in {one.external_id for one in await whole_list(venue)}


@pytest.mark.parametrize(
    "name", ["", "-", "1-", "x-1", "1-99999999999", "01-5", "1-0", "٣-5", "99-5"]
)
async def test_ids_that_no_market_has(name: str) -> None:
    venue = SampleVenue(Clock())
    assert (await venue.some_markets([name])).markets == ()
    [known, *_] = await whole_list(venue)
    with pytest.raises(VenueRefused):
        await venue.book(
            VenueMarket(
                platform="sample", external_id=name, question="?", status=known.status, currency="X"
            )
        )


async def test_the_stream_leads_to_the_book() -> None:
    clock = Clock()
    venue = SampleVenue(clock)
    [market, *_] = await whole_list(venue)
    stream = venue.stream()
    await stream.watch([market])
    events = stream.events()
    first = await anext(events)
    assert isinstance(first, BookSnapshot)
    bids, asks = dict(first.book.bids), dict(first.book.asks)
    for _ in range(20):
        clock.now += STEP_S
        await stream.watch([market])
        async with asyncio.timeout(30):
            change, trade = await anext(events), await anext(events)
        assert isinstance(change, BookChange)
        assert isinstance(trade, Printed)
        for side, changes in ((bids, change.bids), (asks, change.asks)):
            for price, size in changes:
                if size:
                    side[price] = size
                else:
                    del side[price]
        now = await venue.book(market)
        assert (bids, asks) == (dict(now.bids), dict(now.asks))
        assert change.venue_seq == now.venue_seq
        assert trade.trade == (await venue.trades(market, 1))[0]
    await stream.unwatch([market.external_id])


async def test_the_registry_opens_what_is_named() -> None:
    tools = VenueTools([], Metrics(), process_logs("error"))
    async with open_venues(chosen(["sample"]), tools) as venues:
        assert list(venues) == ["sample"]
    assert {entry.platform for entry in chosen(None)} == {
        entry.platform for entry in VENUES if entry.is_real
    }
    with pytest.raises(SettingsError, match=r'FEED_PLATFORMS: there is no venue "smaple"'):
        chosen(["smaple"])
    with pytest.raises(LookupError):
        tools.settings(FeedSettings)


async def test_the_catalogue_takes_all_of_it(store: Store) -> None:
    venue = SampleVenue(Clock())
    await store.ingest(venue)
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == len(questions())
    [standing] = await store.state.all()
    assert standing.counts["refused"] == {}
    assert await store.events.find("sample", "lighthouses") is not None


class _Offered(NamedTuple):
    """Who is asked in place of the real venues."""

    entries: tuple[Entry, ...]

    def __call__(self, _platforms: object) -> tuple[Entry, ...]:
        return self.entries


@pytest.mark.parametrize(
    ("failures", "platforms"),
    [
        ([VenueUnavailable("fake", "no internet")], ("sample",)),
        ([VenueUnavailable("fake", "no internet"), None], None),
        ([], ("sample",)),
    ],
)
async def test_a_demo_falls_back_to_samples_where_no_venue_answers(
    monkeypatch: pytest.MonkeyPatch,
    failures: list[Exception | None],
    platforms: tuple[str, ...] | None,
) -> None:
    entries = []
    for number, failure in enumerate(failures):
        venue = FakeVenue(platform=f"fake{number}")
        venue.failure = failure
        opened: Callable[[VenueTools], AbstractAsyncContextManager[Venue]]
        opened = partial(_given, venue)
        entries.append(Entry(platform=venue.platform, open=opened))
    monkeypatch.setattr("gateway.bootstrap.feeds.chosen", _Offered(tuple(entries)))
    logger = process_logs("error")
    unset = load_settings({"DATA_DIR": "data"})
    assert (await demo_settings(unset, logger)).feeds.platforms == platforms
    named = load_settings({"DATA_DIR": "data", "FEED_PLATFORMS": "none"})
    assert (await demo_settings(named, logger)).feeds.platforms == ()


@asynccontextmanager
async def _given(venue: FakeVenue, _tools: VenueTools) -> AsyncIterator[Venue]:
    yield venue
