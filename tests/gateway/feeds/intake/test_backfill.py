"""What a market was worth before it was watched: asked for once, written before what was seen."""

from typing import Any

import pytest

from gateway.feeds.intake import backfill
from gateway.feeds.intake.backfill import Backfill
from gateway.feeds.model import PricePoint
from gateway.feeds.venue import VenueRefused, VenueUnavailable
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.backfills import Backfills
from persistence.repositories.feeds.snapshots import BACKFILL, DAY, HOUR, MINUTE, POLL, Snapshots
from tests.conftest import SetBound
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.intake.test_snapshots import snapshot

HOUR_US = HOUR * MICROSECONDS


class PastVenue(FakeVenue):
    """Refuses the past of some of its markets."""

    tells_nothing_of: tuple[str, ...] = ()

    async def history(self, market: Any, start: int, end: int, interval_s: int) -> Any:
        if market.external_id in self.tells_nothing_of:
            raise VenueRefused("fake", 404, "no such market")
        return await super().history(market, start, end, interval_s)


def filler(store: Store, *venues: FakeVenue, days: int = 3) -> Backfill:
    snapshots = Snapshots(store.pool)
    backfills = Backfills(store.pool, snapshots)
    return Backfill(store.rounds(venues), backfills, snapshots, back_s=days * DAY)


async def watched(store: Store, *names: str) -> list[int]:
    found = await store.markets.known("fake", names)
    numbers = [found[name][0] for name in names]
    await store.state.watch(numbers, now_us() + 60 * MICROSECONDS)
    return numbers


async def rows(store: Store) -> list[tuple[Any, ...]]:
    found = await store.pool.fetch(
        "SELECT market_id, sequence, (extract(epoch FROM at) * 1e6)::bigint, yes_price"
        "  FROM market_snapshots WHERE source = $1 ORDER BY market_id, sequence",
        BACKFILL,
    )
    return [tuple(row) for row in found]


def histories(venue: FakeVenue) -> list[Any]:
    return [names for kind, names in venue.asked if kind == "history"]


async def test_a_watched_market_is_filled_back_once(store: Store) -> None:
    venue = PastVenue([market(1), market(2)])
    await store.ingest(venue)
    now = now_us() // HOUR_US * HOUR_US
    prices = [(73, 1), (49, 4_000), (48.5, 4_000), (48, 4_100), (3, 4_000), (1, 4_500)]
    # Older than asked for, unchanged, after what was seen here: none of that is written.
    venue.points = [
        PricePoint(at=now - round(back * HOUR_US), yes_price=price) for back, price in prices
    ]
    [number] = await watched(store, "M1")
    snapshots = Snapshots(store.pool)
    assert await snapshots.add(POLL, [snapshot(now - 2 * HOUR_US, 4_300, number)]) == 1
    filling = filler(store, venue)
    await filling.run()
    assert await rows(store) == [
        (number, 1, now - 49 * HOUR_US, 4_000),
        (number, 2, now - 48 * HOUR_US, 4_100),
        (number, 3, now - 3 * HOUR_US, 4_000),
    ]
    assert histories(venue) == ["M1"]
    await filling.run()
    assert histories(venue) == ["M1"], "a market is asked for once"
    assert len(await rows(store)) == 3
    latest = await snapshots.latest(number)
    assert latest is not None
    assert (latest.source, latest.yes_price) == (POLL, 4_300)


async def test_what_is_filled_back_becomes_candles_of_that_market_alone(store: Store) -> None:
    venue = PastVenue([market(1), market(2)])
    await store.ingest(venue)
    now = now_us() // HOUR_US * HOUR_US
    venue.points = [
        PricePoint(at=now - back * HOUR_US, yes_price=5_000 + back) for back in (40, 39, 2)
    ]
    [number, other] = await watched(store, "M1", "M2")
    snapshots = Snapshots(store.pool)
    await Backfills(store.pool, snapshots).fill(other, [(now - 30 * HOUR_US, 77)])
    await filler(store, venue).run()
    for seconds in (MINUTE, HOUR):
        found = await snapshots.candles(number, seconds, now - 50 * HOUR_US, now, 100)
        assert [(one.open, one.close) for one in found] == [
            (5_040, 5_040),
            (5_039, 5_039),
            (5_002, 5_002),
        ]
    assert await snapshots.candles(number, DAY, now - 72 * HOUR_US, now, 100)
    assert await snapshots.candles(other, HOUR, now - 50 * HOUR_US, now, 100) == []


async def test_one_market_or_venue_that_fails_costs_its_own_alone(store: Store) -> None:
    venue = PastVenue([market(1), market(2), market(3)])
    await store.ingest(venue)
    venue.points = [PricePoint(at=now_us() - HOUR_US, yes_price=4_000)]
    venue.tells_nothing_of = ("M1",)
    one, two, three = await watched(store, "M1", "M2", "M3")
    del venue.listed["M3"]
    venue.failure = VenueUnavailable("fake", "no answer")
    await filler(store, venue).run()
    assert await rows(store) == []
    venue.failure = None
    for _ in range(2):
        await filler(store, venue).run()
    assert [row[0] for row in await rows(store)] == [two]
    assert await Backfills(store.pool, Snapshots(store.pool)).pending("fake", now_us(), 10) == []
    assert len({one, two, three}) == 3


async def test_two_writers_fill_a_market_back_once(store: Store) -> None:
    venue = PastVenue([market(1)])
    await store.ingest(venue)
    [number] = await watched(store, "M1")
    backfills = Backfills(store.pool, Snapshots(store.pool))
    # Of a month that has no partition yet.
    points = [(now_us() - 90 * DAY * MICROSECONDS + step, 4_000 + step) for step in range(3)]
    assert await backfills.fill(number, points) == 3
    assert await backfills.fill(number, points) == 0
    assert [row[1] for row in await rows(store)] == [1, 2, 3]


async def test_a_run_asks_for_a_bounded_number_of_markets(
    store: Store, set_bound: SetBound
) -> None:
    set_bound(backfill, "MARKETS_AT_ONCE", 2)
    venue = PastVenue([market(n) for n in range(1, 6)])
    await store.ingest(venue)
    await watched(store, *(f"M{n}" for n in range(1, 6)))
    filling = filler(store, venue)
    for asked in (2, 4, 5, 5):
        await filling.run()
        assert len(histories(venue)) == asked


@pytest.mark.parametrize("count", [0, 1, 12_000])
def test_a_venue_that_tells_too_much_is_cut(count: int) -> None:
    told = [PricePoint(at=number, yes_price=1 + number % 2) for number in range(count)]
    found = backfill.changes(told, 0, count)
    assert found == [(one.at, one.yes_price) for one in told[-5_000:]]
