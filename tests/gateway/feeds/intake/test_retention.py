"""What has ended and concerns nobody goes; whatever anybody holds, watches or was shown stays."""

from collections.abc import Callable

import msgspec
import pytest

from gateway.feeds.intake import catalogue, retention
from gateway.feeds.intake.retention import FeedHousekeeping
from gateway.feeds.model import ListedStatus, VenueEvent
from persistence.clock import now_us
from persistence.repositories.feeds.retention import FeedRetention
from persistence.repositories.feeds.snapshots import DAY, MINUTE, POLL, Snapshots
from persistence.repositories.feeds.snapshots import HOUR as HOUR_S
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.intake.test_snapshots import snapshot

KEPT_S = 1_000
LONG = 2 * KEPT_S * 1_000_000
HOUR = 3_600 * 1_000_000


def housekeeping(
    store: Store, clock: Callable[[], int] = lambda: now_us() + LONG
) -> FeedHousekeeping:
    return FeedHousekeeping(
        FeedRetention(store.pool), store.missing, store.logger, kept_s=KEPT_S, clock=clock
    )


async def left(store: Store) -> set[str]:
    rows = await store.pool.fetch("SELECT external_id FROM venue_markets")
    return {row[0] for row in rows}


async def market_id(store: Store, name: str) -> int:
    row = await store.markets.find("fake", name)
    assert row is not None
    return row.id


ENDED = (ListedStatus.RESOLVED, ListedStatus.VOID)


async def test_what_ended_long_ago_goes_with_all_that_is_of_it(store: Store) -> None:
    living = [market(n) for n in range(10, 13)]
    over = [market(n, status=ENDED[n % 2]) for n in range(5)]
    await store.ingest(FakeVenue([*living, *over, market(5, status=ListedStatus.CLOSED)]))
    await housekeeping(store, now_us).run()
    assert len(await left(store)) == 9, "too young"
    await housekeeping(store).run()
    assert await left(store) == {"M10", "M11", "M12", "M5"}
    for table in ("venue_sightings", "venue_raws", "venue_texts"):
        assert await store.pool.fetchval(f"SELECT count(*) FROM {table}") == 4
    assert '"markets":5' in store.log.getvalue()


@pytest.mark.parametrize("reason", ["watchlist", "position", "look", "snapshot", "candle", "match"])
async def test_what_concerns_somebody_stays(store: Store, reason: str) -> None:
    await store.ingest(FakeVenue([market(n, status=ListedStatus.RESOLVED) for n in range(3)]))
    number = await market_id(store, "M1")
    owner = await store.pool.fetchval(
        "INSERT INTO users (email, role, password_hash, created_at)"
        " VALUES ('a@b.c', 'USER', '!', 0) RETURNING id"
    )
    match reason:
        case "watchlist":
            await store.pool.execute(
                "WITH w AS (INSERT INTO watchlists (user_id, name, created_at, updated_at)"
                " VALUES ($1, 'mine', 0, 0) RETURNING id)"
                " INSERT INTO watchlist_items (watchlist_id, user_id, platform, external_id,"
                " added_at) SELECT id, $1, 'fake', 'M1', 0 FROM w",
                owner,
            )
        case "position":
            await store.pool.execute(
                "WITH p AS (INSERT INTO portfolios (user_id, name, description, is_default,"
                " created_at, updated_at) VALUES ($1, 'mine', '', true, 0, 0) RETURNING id)"
                " INSERT INTO portfolio_positions (portfolio_id, user_id, platform, external_id,"
                " side, quantity, avg_cost, question, opened_at, updated_at)"
                " SELECT id, $1, 'fake', 'M1', 1, 1, 0.5, '?', 0, 0 FROM p",
                owner,
            )
        case "look":
            await store.state.watch([number], 1)
        case "snapshot":
            await Snapshots(store.pool).add(POLL, [snapshot(now_us(), number=number)])
        case "candle":
            snapshots, at = Snapshots(store.pool), now_us() // HOUR * HOUR
            await snapshots.add(POLL, [snapshot(at, number=number)])
            await snapshots.roll_up(at, at + HOUR)
            assert await snapshots.candles(number, MINUTE, at, at + HOUR, 5)
            await store.pool.execute("DELETE FROM market_snapshots")
        case _:
            await store.pool.execute(
                "INSERT INTO market_matches (first_platform, first_id, second_platform, second_id,"
                " score, status, found_at, seen_at) VALUES ('fake', 'M1', 'other', 'X', 5,"
                " 'DENIED', 0, 0), ('another', 'Y', 'fake', 'M2', 5, 'CANDIDATE', 0, 0)"
            )
    await housekeeping(store).run()
    assert await left(store) == {"M1"}


async def test_candles_of_a_day_keep_no_market_and_go_with_it(store: Store) -> None:
    await store.ingest(FakeVenue([market(n, status=ListedStatus.RESOLVED) for n in range(2)]))
    for name, lengths in (("M0", (DAY,)), ("M1", (HOUR_S, DAY))):
        for seconds in lengths:
            await store.pool.execute(
                "INSERT INTO snapshot_candles (market_id, seconds, start, snapshots)"
                " VALUES ($1, $2, 0, 1)",
                await market_id(store, name),
                seconds,
            )
    await housekeeping(store).run()
    assert await left(store) == {"M1"}
    assert await store.pool.fetchval("SELECT count(*) FROM snapshot_candles") == 2
    snapshots = Snapshots(store.pool)
    assert await snapshots.prune_candles(HOUR_S, 1, 9) == 1
    await housekeeping(store).run()
    assert await left(store) == set()
    assert await store.pool.fetchval("SELECT count(*) FROM snapshot_candles") == 0


async def test_whoever_holds_a_market_is_found_by_an_index(store: Store) -> None:
    """Of each market that is over; without one every position is read for it."""
    await store.pool.execute(
        "WITH u AS (INSERT INTO users (email, role, password_hash, created_at)"
        " VALUES ('a@b.c', 'USER', '!', 0) RETURNING id), p AS (INSERT INTO portfolios (user_id,"
        " name, description, is_default, created_at, updated_at) SELECT id, 'mine', '', true, 0, 0"
        " FROM u RETURNING id, user_id) INSERT INTO portfolio_positions (portfolio_id, user_id,"
        " platform, external_id, side, quantity, avg_cost, question, opened_at, updated_at)"
        " SELECT id, user_id, 'fake', 'M' || n, 1, 1, 0.5, '?', 0, 0"
        " FROM p, generate_series(1, 20000) AS n"
    )
    await store.pool.execute("ANALYZE portfolio_positions")
    plan = await store.pool.fetch(
        "EXPLAIN SELECT FROM unnest($1::text[]) AS l(external_id) WHERE NOT EXISTS (SELECT FROM"
        " portfolio_positions p WHERE p.platform = 'fake' AND p.external_id = l.external_id)",
        ["M1", "M2"],
    )
    assert "portfolio_positions_by_market" in str([row[0] for row in plan])


async def test_steps_go_over_everything_and_on_in_the_next_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 3)
    monkeypatch.setattr(retention, "STEPS_MAX", 2)
    await store.ingest(FakeVenue([market(n, status=ListedStatus.VOID) for n in range(20)]))
    one = housekeeping(store)
    for count in (14, 8, 2, 0):
        await one.run()
        assert len(await left(store)) == count
    await store.ingest(FakeVenue([market(30, status=ListedStatus.VOID)]))
    await one.run()
    assert await left(store) == set(), "it begins again at the beginning"


async def test_events_stay_as_long_as_a_market_of_theirs(store: Store) -> None:
    venue = FakeVenue([market(1), market(11, status=ListedStatus.RESOLVED)])
    venue.events = [
        VenueEvent(platform="fake", external_id=f"E{n}", title=f"Event {n}") for n in range(3)
    ]
    await store.ingest(venue)
    await housekeeping(store).run()
    rows = await store.pool.fetch("SELECT external_id FROM venue_events")
    assert [row[0] for row in rows] == ["E0"]


async def words(store: Store) -> set[str]:
    return {row[0] for row in await store.pool.fetch("SELECT word FROM search_words")}


async def test_words_go_when_two_runs_found_them_in_no_text(store: Store) -> None:
    plain = {"description": "", "slug": None, "tags": (), "event_title": None, "category": ""}
    ended = market(1, question="Zanzibar", status=ListedStatus.RESOLVED, **plain)
    await store.ingest(FakeVenue([ended, market(2, question="Lisbon", **plain)]))
    assert await words(store) == {"zanzibar", "lisbon", "yes", "no"}
    clock = [now_us() + LONG]
    one = housekeeping(store, lambda: clock[0])
    await one.run()
    assert "zanzibar" in await words(store), "a process may still take it for written"
    clock[0] += HOUR
    await one.run()
    assert await words(store) == {"lisbon", "yes", "no"}
    forms = await store.pool.fetchval("SELECT count(*) FROM search_forms WHERE word = 'zanzibar'")
    assert forms == 0


async def test_a_word_that_is_used_again_meanwhile_counts_anew(store: Store) -> None:
    ended = market(1, question="Zanzibar", status=ListedStatus.RESOLVED)
    await store.ingest(FakeVenue([ended]))
    clock = [now_us() + LONG]
    one = housekeeping(store, lambda: clock[0])
    await one.run()
    again = msgspec.structs.replace(ended, external_id="M2", status=ListedStatus.OPEN)
    await store.ingest(FakeVenue([again]))
    clock[0] += HOUR
    await one.run()
    assert "zanzibar" in await words(store)
    await store.pool.execute("DELETE FROM venue_markets")
    clock[0] += HOUR
    await one.run()
    assert "zanzibar" in await words(store)
    clock[0] += HOUR
    await one.run()
    assert await words(store) == set()


async def test_what_a_process_remembers_of_words_ends_before_they_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = FakeVenue([market(1, question="Zanzibar")])
    await store.ingest(venue)
    await store.pool.execute("DELETE FROM search_words")
    venue.listed["M1"] = market(1, question="Zanzibar", yes_price=77)
    await store.ingest(venue)
    assert await words(store) == set(), "remembered"
    monkeypatch.setattr(catalogue, "WORDS_KNOWN_S", 0.0)
    store.catalogue._known_until = 0.0
    venue.listed["M1"] = market(1, question="Zanzibar", yes_price=78)
    await store.ingest(venue)
    assert "zanzibar" in await words(store)
    assert retention._UNUSED_US >= 2 * 1_200 * 1_000_000


async def test_a_look_at_a_market_that_has_gone_keeps_no_other_from_being_noted(
    store: Store,
) -> None:
    await store.ingest(FakeVenue([market(1), market(2)]))
    found = await store.markets.known("fake", ["M1", "M2"])
    ids = [number for number, _ in found.values()]
    await store.pool.execute("DELETE FROM venue_markets WHERE external_id = 'M1'")
    until = now_us() + 10**9
    await store.state.watch([*ids, 10**9], until)
    assert await store.state.watched(until - 1, 9) == [("fake", "M2")]
