"""Snapshots: a row only where something changed, one sequence for ever, months and candles."""

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.feeds.intake.snapshots import SnapshotPoller, snapshot_of
from gateway.feeds.model import ListedStatus
from gateway.feeds.venue import VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.feeds.snapshots import (
    DAY,
    HOUR,
    MINUTE,
    POLL,
    WEBSOCKET,
    NewSnapshot,
    Snapshots,
)
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of

changed = msgspec.structs.replace


def micros(year: int, month: int, day: int, hour: int = 0, minute: int = 0, s: float = 0) -> int:
    moment = dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)
    return round((moment.timestamp() + s) * 1_000_000)


def snapshot(at: int, price: int = 5_000, number: int = 1, **others: Any) -> NewSnapshot:
    return snapshot_of(market(1, yes_price=price, **others), number, at)


@pytest.fixture
async def snapshots(store: Store) -> Snapshots:
    """With the markets M0 to M9, whose ids are 1 to 10."""
    await store.ingest(FakeVenue(market(n) for n in range(10)))
    return Snapshots(store.pool)


def poller(
    store: Store, *venues: FakeVenue, limit: int = 200, candles_kept_s: dict[int, int] | None = None
) -> SnapshotPoller:
    return SnapshotPoller(
        store.rounds(venues),
        store.markets,
        Snapshots(store.pool),
        store.state,
        store.missing,
        store.logger,
        limit=limit,
        kept_s=60 * DAY,
        candles_kept_s=candles_kept_s or {MINUTE: 180 * DAY, HOUR: 400 * DAY},
    )


async def rows(store: Store) -> list[tuple[Any, ...]]:
    found = await store.pool.fetch(
        "SELECT market_id, source, sequence, yes_price FROM market_snapshots ORDER BY id"
    )
    return [tuple(row) for row in found]


async def test_a_row_only_where_something_changed(store: Store) -> None:
    venue = FakeVenue([market(1), market(2)])
    await store.ingest(venue)
    polling = poller(store, venue)
    await polling.run()
    await polling.run()
    assert len(await rows(store)) == 2
    venue.listed["M1"] = changed(venue.listed["M1"], volume_24h=Decimal(5), liquidity=Decimal(7))
    await polling.run()
    assert len(await rows(store)) == 2, "a window that moves on is no change"
    changes: tuple[dict[str, Any], ...] = (
        {"bid_quantity": 7},
        {"last_price": 9},
        {"volume_total": Decimal(77)},
    )
    for number, change in enumerate(changes, start=3):
        venue.listed["M1"] = changed(venue.listed["M1"], **change)
        await polling.run()
        assert len(await rows(store)) == number
    [first, _, *later] = await rows(store)
    assert [row[2] for row in later] == [2, 3, 4]
    assert {row[1] for row in (first, *later)} == {POLL}


async def test_the_watched_and_the_most_active_are_chosen(store: Store) -> None:
    one = FakeVenue(market(n, volume_24h=Decimal(n)) for n in range(1, 10))
    other = FakeVenue(
        (market(n, platform="other", volume_24h=Decimal(n)) for n in range(1, 10)),
        platform="other",
    )
    gone = FakeVenue([market(1, platform="gone")], platform="gone")
    closed = market(99, volume_24h=Decimal(10**6), status=ListedStatus.CLOSED)
    one.listed["M99"] = closed
    await store.ingest(one, other, gone)
    found = await store.markets.known("fake", ["M1", "M2", "M99"])
    ids = {name: number for name, (number, _) in found.items()}
    await store.state.watch([ids["M1"], ids["M99"]], now_us() + 10**9)
    await store.state.watch([ids["M2"]], now_us() - 1)
    one.asked.clear()
    other.asked.clear()
    await poller(store, one, other, limit=6).run()
    [(_, names)] = one.asked
    assert {*names[:2]} == {"M1", "M99"}
    assert names[2:] == ["M9", "M8"]
    assert other.asked == [("some_markets", ["M9", "M8"])]


async def test_a_venue_that_fails_costs_its_own_alone(store: Store) -> None:
    one, down = FakeVenue([market(1)]), FakeVenue([market(1, platform="down")], platform="down")
    await store.ingest(one, down)
    down.failure = VenueUnavailable("down", "no answer")
    await poller(store, one, down).run()
    assert len(await rows(store)) == 1


async def test_the_sequence_goes_on_over_writers_and_months(
    store: Store, snapshots: Snapshots
) -> None:
    turn = micros(2026, 3, 1)
    before = [snapshot(turn - 3, 1), snapshot(turn - 2, 2), snapshot(turn - 1, 2)]
    after = [snapshot(turn, 3), snapshot(turn + 1, 4)]
    assert await snapshots.add(WEBSOCKET, before) == 2
    again = Snapshots(store.pool)
    assert await again.add(WEBSOCKET, after) == 2
    assert await snapshots.add(POLL, after[:1]) == 1
    found = [(row[1], row[2], row[3]) for row in await rows(store)]
    assert found == [
        (WEBSOCKET, 1, 1),
        (WEBSOCKET, 2, 2),
        (WEBSOCKET, 3, 3),
        (WEBSOCKET, 4, 4),
        (POLL, 1, 3),
    ]
    assert await snapshots.partitions() == ["market_snapshots_2026_02", "market_snapshots_2026_03"]
    assert await snapshots.add(WEBSOCKET, [snapshot(turn - 5, 9)]) == 0, "older than the last"


async def test_a_venues_own_number_that_is_too_long_keeps_no_snapshot_out(
    store: Store, snapshots: Snapshots
) -> None:
    at = micros(2026, 3, 1)
    told = [snapshot_of(market(n), n, at, "f" * length) for n, length in ((1, 500), (2, 128))]
    assert await snapshots.add(WEBSOCKET, told) == 2
    found = await store.pool.fetch("SELECT venue_seq FROM market_snapshots ORDER BY market_id")
    assert [row[0] for row in found] == [None, "f" * 128], "half a number would be another one"


async def test_writers_at_once_leave_no_number_twice_and_none_out(
    store: Store, snapshots: Snapshots
) -> None:
    base = micros(2026, 5, 31, 23, 59, 59)

    async def write(writer: int) -> None:
        for step in range(20):
            at = base + step * 100_000 + writer
            await snapshots.add(
                WEBSOCKET, [snapshot(at, 1 + (step * 8 + writer) % 9_000, number=n) for n in (1, 2)]
            )

    await asyncio.gather(*(write(writer) for writer in range(8)))
    for number in (1, 2):
        found = [row[2] for row in await rows(store) if row[0] == number]
        assert sorted(found) == list(range(1, len(found) + 1))
        assert len(found) >= 20
    assert len(await snapshots.partitions()) == 2


async def test_partitions_are_made_ahead_and_dropped_whole(snapshots: Snapshots) -> None:
    await snapshots.make_partitions_ahead(micros(2026, 11, 30, 23, 59))
    names = [f"market_snapshots_{month}" for month in ("2026_11", "2026_12", "2027_01")]
    assert await snapshots.partitions() == names
    await snapshots.make_partitions_ahead(micros(2026, 12, 1))
    assert await snapshots.partitions() == [*names, "market_snapshots_2027_02"]
    assert await snapshots.drop_before(micros(2026, 12, 31)) == names[:1]
    assert await snapshots.drop_before(micros(2026, 12, 31)) == []
    assert await snapshots.partitions() == [*names[1:], "market_snapshots_2027_02"]


async def test_a_quiet_market_is_written_again_when_its_last_snapshot_is_dropped(
    snapshots: Snapshots,
) -> None:
    old, new = micros(2026, 3, 9), micros(2026, 5, 20)
    still = [snapshot(old, 7), snapshot(old, 8, number=2)]
    assert await snapshots.add(POLL, still) == 2
    assert await snapshots.add(POLL, [snapshot(new - 9, 9, number=3)]) == 1
    again = [changed(one, at=new) for one in still]
    assert await snapshots.add(POLL, again) == 0
    assert await snapshots.drop_before(micros(2026, 4, 2)) == ["market_snapshots_2026_03"]
    assert await snapshots.latest(1) is None
    assert await snapshots.add(POLL, [*again, snapshot(new, 9, number=3)]) == 2
    for number, price in ((1, 7), (2, 8)):
        latest = await snapshots.latest(number)
        assert latest is not None
        assert (latest.at, latest.yes_price, latest.sequence) == (new, price, 2)
    assert await snapshots.drop_before(micros(2026, 4, 2)) == []
    assert await snapshots.add(POLL, again) == 0


async def test_candles_are_those_of_the_snapshots_however_often_rolled_up(
    snapshots: Snapshots,
) -> None:
    day = micros(2026, 4, 1)
    prices = [(s * 20, 1_000 + (s * 37) % 800) for s in range(600)]
    for s, price in prices:
        total = Decimal(s)
        await snapshots.add(POLL, [snapshot(day + s * 1_000_000, price, volume_total=total)])
    for _ in range(2):
        for hour in range(24):
            start = day + hour * HOUR * 1_000_000
            await snapshots.roll_up(start, start + HOUR * 1_000_000)
    for seconds in (MINUTE, HOUR, DAY):
        found = await snapshots.candles(1, seconds, day, day + DAY * 1_000_000, 10_000)
        expected: dict[int, list[int]] = {}
        for s, price in prices:
            expected.setdefault(s // seconds, []).append(price)
        assert [(one.start, one.open, one.high, one.low, one.close) for one in found] == [
            (day + n * seconds * 1_000_000, part[0], max(part), min(part), part[-1])
            for n, part in expected.items()
        ]
    assert await snapshots.prune_candles(MINUTE, day + HOUR * 1_000_000, 50) == 50
    left = await snapshots.candles(1, MINUTE, day, day + DAY * 1_000_000, 10_000)
    assert len(left) == 150


async def test_candles_lose_no_volume_between_their_minutes_and_hours(store: Store) -> None:
    """One snapshot a minute: what was traded lies between two of them."""
    snapshots = Snapshots(store.pool)
    await store.ingest(FakeVenue([market(1)]))
    start = micros(2026, 3, 1)
    totals = [100, 130, 130, 137, None, 150, 149]
    for minute, total in enumerate(totals, start=58):
        volume = None if total is None else Decimal(total)
        at = start + minute * 60_000_000 + 5_000_000
        await snapshots.add(POLL, [snapshot(at, 1_000 + minute, volume_total=volume)])
    hour = HOUR * 1_000_000
    for _ in range(2):
        for number in range(2):
            await snapshots.roll_up(start + number * hour, start + (number + 1) * hour)
    minutes = await snapshots.candles(1, MINUTE, start, start + 2 * hour, 100)
    assert [one.volume for one in minutes] == [0, 30, 0, 7, None, 13, 0]
    hours = await snapshots.candles(1, HOUR, start, start + 2 * hour, 100)
    assert [one.volume for one in hours] == [30, 20], "150 - 100 in all"


async def test_the_hourly_job_does_it_all_and_again(store: Store) -> None:
    venue = FakeVenue([market(1)])
    await store.ingest(venue)
    polling = poller(store, venue)
    await polling.run()
    old = Snapshots(store.pool)
    await old.add("BACKFILL", [snapshot(micros(2020, 1, 5))])
    for days in (100, 200, 300, 500):
        for seconds in (MINUTE, HOUR, DAY):
            start = (now_us() // 1_000_000 - days * DAY) // seconds * seconds * 1_000_000
            await store.pool.execute(
                "INSERT INTO snapshot_candles (market_id, seconds, start, snapshots)"
                " VALUES (7, $1, $2, 1)",
                seconds,
                start,
            )
    for _ in range(2):
        await polling.roll_up()
    left = await store.pool.fetch(
        "SELECT seconds, count(*) FROM snapshot_candles WHERE market_id = 7 GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in left] == [(MINUTE, 1), (HOUR, 3), (DAY, 4)]
    assert len(await old.partitions()) == 3
    [row] = await store.pool.fetch(
        "SELECT close FROM snapshot_candles WHERE seconds = 60 AND market_id <> 7"
    )
    assert row["close"] == venue.listed["M1"].yes_price


async def test_a_days_candle_is_of_all_its_hours_though_they_stay_for_an_hour_alone(
    store: Store,
) -> None:
    venue = FakeVenue([market(1)])
    await store.ingest(venue)
    day_us = DAY * 1_000_000
    first = now_us() // day_us * day_us - 2 * day_us
    rows = [snapshot(first + hour * HOUR * 1_000_000, 1_000 + hour) for hour in range(24)]
    snapshots = Snapshots(store.pool)
    await snapshots.add(POLL, rows)
    polling = poller(store, venue, candles_kept_s={MINUTE: HOUR, HOUR: HOUR})
    for _ in range(2):
        await polling.roll_up()
    [candle] = await snapshots.candles(1, DAY, first, first, 10)
    assert (candle.open, candle.high, candle.low, candle.close) == (1_000, 1_023, 1_000, 1_023)
    assert await snapshots.candles(1, HOUR, first, first + day_us, 100) == []


async def test_snapshots_over_rest(make_web: MakeWeb) -> None:
    venue = FakeVenue([market(1), market(2)])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    snapshots = reader.web.parts.feeds.snapshots
    base = micros(2026, 2, 28, 23, 59, 50)
    for step in range(25):
        await snapshots.add(POLL, [snapshot(base + step * 1_000_000, 1_000 + step)])
    await snapshots.add(WEBSOCKET, [snapshot(base + 30_000_000, 2_000, venue_at=base)])
    found, cursor = [], ""
    while True:
        body = (await reader.ask(f"/markets/fake:M1/snapshots?limit=10{cursor}")).json()
        found += body["data"]
        if body["nextCursor"] is None:
            break
        cursor = f"&cursor={body['nextCursor']}"
    assert [one["yesPrice"] for one in found] == ["0.2000"] + [
        f"0.1{step:03d}" for step in range(24, -1, -1)
    ]
    latest = await reader.get("/markets/M1/snapshots/latest")
    assert latest == found[0] == await reader.get("/markets/market-1/latest")
    assert latest["source"] == "WEBSOCKET"
    assert latest["sequence"] == 1
    assert (latest["at"], latest["venueAt"]) == (
        "2026-03-01T00:00:20.000Z",
        "2026-02-28T23:59:50.000Z",
    )
    assert (latest["ticker"], latest["platform"], latest["marketId"]) == ("M1", "fake", "fake:M1")
    assert await reader.get(f"/snapshots/{found[7]['id']}") == found[7]
    polled = await reader.get("/markets/M1/snapshots?source=POLL&limit=200")
    assert polled == found[1:]
    within = await reader.get(
        "/markets/M1/snapshots?from=2026-02-28T23:59:52Z&to=2026-02-28T23:59:55Z"
    )
    assert [one["yesPrice"] for one in within] == ["0.1004", "0.1003", "0.1002"]
    assert await reader.get("/markets/M2/snapshots") == []
    for path in ("/markets/M2/latest", "/snapshots/999999", "/snapshots/0", "/snapshots/x"):
        await reader.refused(path, 404)


async def test_snapshots_go_on_by_cursor_when_there_were_billions(make_web: MakeWeb) -> None:
    venue = FakeVenue([market(1)])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    feeds = reader.web.parts.feeds
    await reader.web.accounts.users._pool.execute(
        f"ALTER SEQUENCE market_snapshot_ids RESTART WITH {2**31 - 1}"
    )
    base = micros(2026, 3, 1)
    await feeds.snapshots.make_partitions_ahead(base)
    for step in range(3):
        await feeds.snapshots.add(POLL, [snapshot(base + step, 1_000 + step)])
    found: list[str] = []
    cursor = ""
    for _ in range(3):
        body = (await reader.ask(f"/markets/fake:M1/snapshots?limit=1{cursor}")).json()
        found += [one["id"] for one in body["data"]]
        cursor = f"&cursor={body['nextCursor']}"
    assert found == [str(2**31 + 1), str(2**31), str(2**31 - 1)]
