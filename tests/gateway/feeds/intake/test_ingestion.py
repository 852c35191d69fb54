"""Lists become rows: once, only where something changed, and whatever one market or venue does."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from exchange.messages.terms import Resolution
from gateway.feeds.intake.catalogue import amount, event_of, market_of, raw_of
from gateway.feeds.model import ListedStatus, VenueEvent, VenueMarket
from gateway.feeds.venue import VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.feeds.markets import UNKNOWN
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.lengths import IS_LONG
from tests.measured import computing, tries

changed = msgspec.structs.replace


async def versions(store: Store) -> list[tuple[Any, ...]]:
    """Which row versions there are: a rewritten row has another."""
    rows = await store.pool.fetch(
        "SELECT id, xmin::text, ctid::text FROM venue_markets ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def counts(store: Store, job: str = "market-ingest") -> dict[str, Any]:
    found = {(one.platform, one.job): one.counts for one in await store.state.all()}
    return found["fake", job]


async def test_what_a_venue_lists_is_what_is_stored(store: Store) -> None:
    full = market(
        7,
        resolution=Resolution.SPLIT,
        yes_payout=2_500,
        status=ListedStatus.RESOLVED,
        fees=(("taker", "0.02"),),
        stream_keys=("1", "2"),
        venue_at=1_700_000_000_000_000,
    )
    bare = VenueMarket(
        platform="fake", external_id="bare", question="?", status=ListedStatus.OPEN, currency="USD"
    )
    venue = FakeVenue([full, bare, market(8)], page=2)
    venue.events = [VenueEvent(platform="fake", external_id="E0", title="All of them")]
    before = now_us()
    await store.ingest(venue)
    for one in (full, bare):
        row = await store.markets.find("fake", one.external_id)
        assert row is not None
        assert market_of(row.record, row.venue_at) == one
        assert before <= row.as_of <= now_us()
        raw = await store.markets.raw(row.id)
        assert raw is not None
        assert raw_of(raw) == venue.raw
    event = await store.events.find("fake", "E0")
    assert event is not None
    assert event_of(event.record).title == "All of them"
    assert await counts(store) == {
        "seen": 3,
        "inserted": 3,
        "changed": 0,
        "pages": 2,
        "isCut": False,
        "refused": {},
    }


async def test_an_unchanged_pass_rewrites_no_row_and_a_changed_market_its_own(store: Store) -> None:
    venue = FakeVenue([market(n, venue_at=1) for n in range(40)], page=15)
    await store.ingest(venue)
    before = await versions(store)
    seen = {row.id: row.as_of for row in await store.markets.find_some("fake", list(venue.listed))}
    for name, one in venue.listed.items():
        venue.listed[name] = changed(one, venue_at=2)
    await store.ingest(venue)
    assert await versions(store) == before
    rows = await store.markets.find_some("fake", list(venue.listed))
    assert all(row.as_of > seen[row.id] and row.venue_at == 2 for row in rows)
    venue.listed["M3"] = changed(venue.listed["M3"], last_price=77)
    await store.ingest(venue)
    after = await versions(store)
    assert len([one for one in after if one not in before]) == 1
    assert (await counts(store))["changed"] == 1
    row = await store.markets.find("fake", "M3")
    assert row is not None
    assert market_of(row.record, None).last_price == 77


async def test_one_market_that_cannot_be_stored_leaves_the_others(store: Store) -> None:
    venue = FakeVenue(
        [
            market(1),
            market(2, question="a\x00b"),
            market(3, external_id="x" * 201),
            market(4, external_id="a/b"),
            market(5, platform="other"),
            market(6, slug="lone \ud800"),
            market(7),
        ]
    )
    venue.refused = (("M9", "scalar"), ("", "shape"), ("M10", "scalar"))
    await store.ingest(venue)
    rows = await store.pool.fetch("SELECT external_id FROM venue_markets ORDER BY 1")
    assert [row[0] for row in rows] == ["M1", "M7"]
    assert (await counts(store))["refused"] == {
        "scalar": 2,
        "shape": 1,
        "text": 2,
        "id": 2,
        "platform": 1,
    }
    metric = 'feed_refused_total{platform="fake",reason="scalar"} 2.0'
    assert metric in store.metrics.exposition().decode()
    said = [
        line for line in map(json.loads, store.log.getvalue().splitlines()) if "example" in line
    ]
    assert sorted(line["reason"] for line in said) == ["id", "platform", "scalar", "shape", "text"]


async def test_what_postgresql_refuses_is_found_by_halving(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poison that no check of ours knows, as if one had been forgotten."""
    monkeypatch.setattr("gateway.feeds.intake.catalogue._problem", lambda *_: None)
    venue = FakeVenue([market(n) for n in range(20)] + [market(99, slug="a\x00b")])
    await store.ingest(venue)
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 20
    assert (await counts(store))["refused"] == {"database": 1}


def event(name: str, **changes: Any) -> VenueEvent:
    fields = {"platform": "fake", "external_id": name, "title": "?"}
    return VenueEvent(**(fields | changes))


async def stored_events(store: Store) -> list[str]:
    rows = await store.pool.fetch("SELECT external_id FROM venue_events ORDER BY 1")
    return [row[0] for row in rows]


async def test_an_event_that_cannot_be_stored_is_counted_and_leaves_the_others(
    store: Store,
) -> None:
    venue = FakeVenue([market(1)])
    venue.events = [
        event("E1"),
        event("E2", platform="other"),
        event(""),
        event("x" * 201),
        event("a/b"),
        event("a\x00b"),
        event("E3", slug="lone \ud800"),
        event("E4", category="a\x00b"),
        event("E5", title="lone \ud800"),
        event("E6"),
    ]
    await store.ingest(venue)
    assert await stored_events(store) == ["E1", "E6"]
    assert await store.markets.find("fake", "M1") is not None
    assert (await counts(store))["refused"] == {
        "event_platform": 1,
        "event_id": 4,
        "event_text": 2,
        "event_encoding": 1,
    }
    metric = 'feed_refused_total{platform="fake",reason="event_id"} 4.0'
    assert metric in store.metrics.exposition().decode()
    said = [line for line in store.log.getvalue().splitlines() if "has no form here" in line]
    assert len(said) == 4, "each reason once"


async def test_events_that_postgresql_refuses_are_found_by_halving(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feeds.intake.catalogue._event_problem", lambda *_: None)
    venue = FakeVenue([market(1)])
    venue.events = [*(event(f"E{n:02}") for n in range(20)), event("E99", slug="a\x00b")]
    await store.ingest(venue)
    assert await stored_events(store) == [f"E{n:02}" for n in range(20)]
    assert (await counts(store))["refused"] == {"event_database": 1}


async def test_one_venue_that_fails_keeps_no_other(store: Store) -> None:
    down, well = FakeVenue(platform="down"), FakeVenue([market(1)])
    broken = FakeVenue(platform="broken")
    down.failure = VenueUnavailable("down", "no answer")
    broken.failure = RuntimeError("a fault of ours")
    await store.ingest(down, broken, well)
    assert await store.markets.find("fake", "M1") is not None
    standings = {one.platform: one for one in await store.state.all()}
    assert standings["down"].last_error == "down: no answer"
    assert standings["broken"].last_error == "RuntimeError"
    assert '"error":"RuntimeError"' in store.log.getvalue()
    assert standings["down"].last_success_at is None
    assert standings["fake"].last_failure_at is None
    down.failure = None
    await store.ingest(down)
    standings = {one.platform: one for one in await store.state.all()}
    assert (standings["down"].last_success_at or 0) > (standings["down"].last_failure_at or 0)


@pytest.mark.parametrize("following", [lambda _: "0", str], ids=["circle", "endless"])
async def test_a_list_without_an_end_is_noticed(store: Store, following: Any) -> None:
    venue = FakeVenue([market(n) for n in range(10)], page=10)
    venue.next_cursor = following
    async with asyncio.timeout(60):
        await store.ingest(venue)
    [standing] = await store.state.all()
    assert "has no end" in (standing.last_error or "")
    assert len(venue.asked) < 50
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 10


async def test_a_pass_takes_no_more_than_its_limit(store: Store) -> None:
    venue = FakeVenue([market(n) for n in range(100)], page=10)
    await store.ingest(venue, limit=25)
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 30
    assert (await counts(store))["isCut"] is True


async def test_rows_twice_across_pages_and_in_one_are_one_market(store: Store) -> None:
    venue = FakeVenue([market(1), market(2)], page=2)
    pages = [venue._page([market(1), market(1, last_price=5)], "1"), venue._page([market(1)], None)]
    for page in pages:
        await store.catalogue.store("fake", page, now_us())
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 1


async def test_what_was_asked_for_earlier_replaces_nothing_later(store: Store) -> None:
    venue = FakeVenue()
    await store.catalogue.store("fake", venue._page([market(1, last_price=2)], None), 2_000)
    await store.catalogue.store("fake", venue._page([market(1, last_price=1)], None), 1_000)
    row = await store.markets.find("fake", "M1")
    assert row is not None
    assert market_of(row.record, None).last_price == 2
    assert row.as_of == 2_000


async def test_two_passes_at_once_leave_each_market_once(store: Store) -> None:
    venue = FakeVenue([market(n) for n in range(300)], page=100)
    again = Store(store.pool)
    await asyncio.gather(store.ingest(venue), again.ingest(venue))
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 300
    assert [one.last_error for one in await store.state.all()] == [None]


async def test_prices_are_asked_of_the_most_active_open_markets(store: Store) -> None:
    closed = market(500, status=ListedStatus.CLOSED, volume_24h=Decimal(10**6))
    venue = FakeVenue([*(market(n) for n in range(1, 20)), closed])
    await store.ingest(venue)
    venue.listed["M19"] = changed(venue.listed["M19"], yes_price=4_321)
    await store.refresh(venue, limit=3)
    assert venue.asked[-1] == ("some_markets", ["M19", "M18", "M17"])
    row = await store.markets.find("fake", "M19")
    assert row is not None
    assert market_of(row.record, None).yes_price == 4_321
    assert await counts(store, "market-prices") == {"asked": 3, "seen": 3, "changed": 1}


async def test_markets_are_asked_for_until_they_have_ended(store: Store) -> None:
    past = market(1, close_time=1_000)
    closed = market(2, status=ListedStatus.CLOSED)
    gone = market(3)
    running = market(4)
    ended = market(5, close_time=1_000, status=ListedStatus.RESOLVED, resolution=Resolution.NO)
    venue = FakeVenue([past, closed, gone, running, ended])
    await store.ingest(venue)
    await store.resolve(venue)
    assert venue.asked[-1] == ("markets", None), "they were seen a moment ago"
    hour = 3_600_000_000
    await store.pool.execute("UPDATE venue_sightings SET asked_at = asked_at - $1", hour)
    await store.pool.execute(
        "UPDATE venue_sightings SET seen_at = seen_at - $1 WHERE market_id ="
        " (SELECT id FROM venue_markets WHERE external_id = 'M3')",
        hour,
    )
    del venue.listed["M3"]
    venue.listed["M1"] = changed(past, status=ListedStatus.RESOLVED, resolution=Resolution.YES)
    await store.resolve(venue)
    assert sorted(names(venue)) == ["M1", "M2", "M3"]
    row = await store.markets.find("fake", "M1")
    assert row is not None
    assert market_of(row.record, None).resolution is Resolution.YES
    asked = len(venue.asked)
    await store.resolve(venue)
    assert len(venue.asked) == asked, "nobody is asked for again at once, not even who is gone"
    await store.pool.execute("UPDATE venue_sightings SET asked_at = asked_at - $1", hour)
    await store.resolve(venue)
    assert sorted(names(venue)) == ["M2", "M3"]


@pytest.mark.parametrize(
    ("value", "sorted_by"),
    [
        (None, UNKNOWN),
        (Decimal("12.3456789"), 12_345_678),
        (Decimal(0), 0),
        (Decimal(-1), UNKNOWN),
        (Decimal("NaN"), UNKNOWN),
        (Decimal("1E+1000000"), 2**62),
        (Decimal("1E-1000000"), 0),
    ],
)
def test_amounts_are_sorted_by_micro_units(value: Decimal | None, sorted_by: int) -> None:
    with computing() as took:
        assert amount(value) == sorted_by
    assert took.seconds < 0.1


def names(venue: FakeVenue) -> list[str]:
    """Which markets the venue was asked for last."""
    what, of = venue.asked[-1]
    assert what == "some_markets"
    return list(of)


class LoopLag:
    """How late the event loop wakes, as the metric of the process measures it."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.all: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time() + 0.01
            await asyncio.sleep(0.01)
            self.all.append(loop.time() - asked)
            self.worst = max(self.worst, self.all[-1])


async def test_twenty_thousand_markets(store: Store) -> None:
    """First ingest under 30 s, the second under 10 s and no row rewritten; the loop is free."""
    venue = FakeVenue((market(n) for n in range(20_000)), raw=b'{"x":"' + b"y" * 1_500 + b'"}')
    for attempt in tries():
        await store.pool.execute("TRUNCATE venue_markets CASCADE")
        lag = LoopLag()
        watching = asyncio.create_task(lag.watch())
        started = time.monotonic()
        await store.ingest(venue)
        first = time.monotonic() - started
        before = await versions(store)
        started = time.monotonic()
        await store.ingest(venue)
        second = time.monotonic() - started
        watching.cancel()
        assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 20_000
        assert await versions(store) == before
        assert (await counts(store))["seen"] == 20_000
        attempt.takes("first, s", first, 30)
        attempt.takes("second, s", second, 10)
        usual = sorted(lag.all)[len(lag.all) * 99 // 100]
        attempt.takes("p99 of the loop's lateness, s", usual, 0.05)
        if IS_LONG:
            attempt.takes("worst of it, s", lag.worst, 0.05)


async def test_jobs_that_note_the_same_markets_lock_nobody_out(store: Store) -> None:
    """Whoever sees markets and whoever asked for them take their rows in one order."""
    listed = [market(number) for number in range(600)]
    await store.ingest(FakeVenue(listed))
    names = [one.external_id for one in listed]
    ids = [number for number, _ in (await store.markets.known("fake", names)).values()]
    start = now_us()

    async def seen() -> None:
        for step in range(1, 20):
            await store.markets.seen([(number, None) for number in ids], start + 2 * step)

    async def asked() -> None:
        for step in range(1, 20):
            # A plan without an index goes over the rows as they lie: where each was written last.
            await store.markets.asked("fake", names[::-1], start + 2 * step + 1)

    await asyncio.gather(seen(), asked(), seen(), asked())
