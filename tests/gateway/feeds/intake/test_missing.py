"""Markets that their venue has deleted: asked for ever more rarely, counted, gone in the end."""

from decimal import Decimal
from itertools import pairwise

from gateway.feeds.intake.ingestion import JOB as LISTS_JOB
from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.retention import FeedHousekeeping
from gateway.feeds.intake.snapshots import SnapshotPoller
from gateway.feeds.venue import VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.feeds.retention import FeedRetention
from persistence.repositories.feeds.snapshots import Snapshots
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.conftest import MISSING_S, Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of

NOW = 1_790_000_000_000_000
MINUTE = 60_000_000
DAY = 1_440 * MINUTE
KEPT_S = 10 * 86_400


async def unseen(store: Store, name: str, for_us: int) -> None:
    """As if the last sighting of a market, and the last question for it, were so long ago."""
    await store.pool.execute(
        "UPDATE venue_sightings SET seen_at = $2, asked_at = $2 WHERE market_id ="
        " (SELECT id FROM venue_markets WHERE external_id = $1)",
        name,
        now_us() - for_us,
    )


async def deleted(store: Store, for_us: int) -> FakeVenue:
    """A venue with M1 and M3, which has deleted M2, its most active one, so long ago."""
    gone = market(2, volume_24h=Decimal(10**9))
    venue = FakeVenue([market(1), gone, market(3)])
    await store.ingest(venue)
    del venue.listed["M2"]
    await unseen(store, "M2", for_us)
    return venue


async def test_the_longer_nobody_saw_it_the_more_rarely_it_is_asked_for(store: Store) -> None:
    """Some sixty questions in three months, where there were 130 000."""
    await store.catalogue.store("fake", FakeVenue()._page([market(1), market(2)], None), NOW)
    asked: list[int] = []
    at, end = NOW, NOW + 93 * DAY
    while at < end:
        # From one question to the next by bisection: whether it is due only turns from no to yes.
        low, high = 0, (end - at) // MINUTE
        while low < high:
            middle = (low + high) // 2
            if await due(store, at + middle * MINUTE):
                high = middle
            else:
                low = middle + 1
        at += low * MINUTE
        if at < end:
            asked.append((at - NOW) // MINUTE)
            await store.markets.asked("fake", ["M1", "M2"], at)
        at += MINUTE
    assert asked[:3] == [31, 36, 42]
    assert all(later >= one * 8 / 7 - 1 for one, later in pairwise(asked))
    assert 40 < len(asked) < 80


async def due(store: Store, now: int) -> list[str]:
    return await store.markets.due(
        "fake", now=now, unseen_since=now - 30 * MINUTE, not_since=now - 45_000_000, limit=9
    )


async def test_what_a_clock_stamped_ahead_isnt_asked_for_without_end(store: Store) -> None:
    await store.catalogue.store("fake", FakeVenue()._page([market(1)], None), NOW + 365 * DAY)
    assert await due(store, NOW) == ["M1"]
    await store.markets.asked("fake", ["M1"], NOW)
    assert await due(store, NOW + 5 * MINUTE) == []
    assert await due(store, NOW + 60 * MINUTE) == ["M1"]


async def test_it_takes_no_place_of_the_active_and_is_counted(store: Store) -> None:
    venue = await deleted(store, 4 * DAY)
    poller = SnapshotPoller(
        store.rounds([venue]),
        store.markets,
        Snapshots(store.pool),
        store.state,
        store.missing,
        store.logger,
        limit=2,
        kept_s=KEPT_S,
        candles_kept_s={},
    )
    await store.refresh(venue, limit=2)
    await poller.run()
    assert venue.asked[-2:] == [("some_markets", ["M3", "M1"])] * 2
    await store.resolve(venue)
    [standing] = [one for one in await store.state.all() if one.job == "market-resolutions"]
    assert standing.counts == {"asked": 1, "seen": 0, "changed": 0, "missing": 1}
    assert 'feed_missing_markets{platform="fake"} 1.0' in store.metrics.exposition().decode()
    venue.listed["M2"] = market(2)
    await store.ingest(venue)
    await store.resolve(venue)
    assert 'feed_missing_markets{platform="fake"} 0.0' in store.metrics.exposition().decode()


async def test_it_isnt_missing_before_its_time(store: Store) -> None:
    venue = await deleted(store, 2 * DAY)
    await store.refresh(venue, limit=1)
    assert venue.asked[-1] == ("some_markets", ["M2"])


async def test_nothing_is_missing_where_the_venue_was_away(store: Store) -> None:
    """Whatever the clock says: the bound goes by the last list that was read to its end."""
    venue = FakeVenue([market(1)])
    assert await store.missing.bounds() == {}
    await store.ingest(venue)
    listed = next(one for one in await store.state.all() if one.job == LISTS_JOB)
    venue.failure = VenueUnavailable("fake", "away")
    await store.ingest(venue)
    later = Missing(store.state, MISSING_S, clock=lambda: now_us() + 365 * DAY)
    assert listed.last_success_at is not None
    assert await later.bounds() == {"fake": listed.last_success_at - MISSING_S * 1_000_000}
    await housekeeping(store, 365).run()
    assert await names(store) == {"M1"}


def housekeeping(store: Store, days: int = 0) -> FeedHousekeeping:
    return FeedHousekeeping(
        FeedRetention(store.pool),
        store.missing,
        store.logger,
        kept_s=KEPT_S,
        clock=lambda: now_us() + days * DAY,
    )


async def names(store: Store) -> set[str]:
    rows = await store.pool.fetch("SELECT external_id FROM venue_markets")
    return {row[0] for row in rows}


async def test_it_goes_when_it_was_missing_for_as_long_as_what_has_ended(store: Store) -> None:
    venue = await deleted(store, 12 * DAY)
    await store.pool.execute("UPDATE venue_markets SET changed_at = $1", now_us() - 20 * DAY)
    await housekeeping(store).run()
    assert await names(store) == {"M1", "M2", "M3"}, "three days until it is missing, and ten more"
    await unseen(store, "M2", 14 * DAY)
    number = await store.pool.fetchval("SELECT id FROM venue_markets WHERE external_id = 'M2'")
    await store.state.watch([number], now_us())
    await housekeeping(store).run()
    assert await names(store) == {"M1", "M2", "M3"}, "somebody looks at it"
    await store.state.forget_watches(now_us())
    await housekeeping(store).run()
    assert await names(store) == {"M1", "M3"}
    venue.listed["M2"] = market(2)
    await store.ingest(venue)
    assert await names(store) == {"M1", "M2", "M3"}, "it may come back"


async def test_it_is_shown_as_old_as_it_is(make_web: MakeWeb) -> None:
    venue = FakeVenue([market(1)])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    await reader.web.parts.pool.execute("UPDATE venue_sightings SET seen_at = $1", now_us() - DAY)
    await reader.web.parts.pool.execute("UPDATE venue_markets SET changed_at = 1")
    del venue.listed["M1"]
    for path in ("/markets/fake:M1", "/markets/fake:M1/live"):
        shown = await reader.get(path)
        assert shown["status"] == "OPEN"
        assert shown["asOf"]["stale"] is True
        assert shown["asOf"]["ageMs"] >= DAY // 1_000
