"""A clock that was ahead and was put right: what it stamped keeps nothing of today out."""

from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.model import ListedStatus, MarketsPage, VenueEvent, VenueMarket
from persistence.repositories.feeds.matches import Matches, MatchFilter, MatchStatus, NewMatch
from persistence.repositories.feeds.snapshots import POLL, Snapshots
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import market
from tests.gateway.feeds.intake.test_snapshots import snapshot

NOW = 1_790_000_000_000_000
YEAR = 365 * 86_400_000_000
MINUTE = 60_000_000


def page(*markets: VenueMarket, events: tuple[VenueEvent, ...] = ()) -> MarketsPage:
    return MarketsPage(markets=markets, events=events)


async def test_a_market_goes_on_when_the_clock_is_right_again(store: Store) -> None:
    await store.catalogue.store("fake", page(market(1, last_price=1), market(2)), NOW + YEAR)
    await store.catalogue.store("fake", page(market(1, last_price=2), market(2)), NOW)
    found = {row.external_id: row for row in await store.markets.find_some("fake", ["M1", "M2"])}
    assert market_of(found["M1"].record, None).last_price == 2
    assert [found[name].as_of for name in ("M1", "M2")] == [NOW, NOW], "also what didn't change"
    # A little later is another process, whose page came first.
    await store.catalogue.store("fake", page(market(1, last_price=3)), NOW - MINUTE)
    row = await store.markets.find("fake", "M1")
    assert row is not None
    assert (market_of(row.record, None).last_price, row.as_of) == (2, NOW)


async def test_ends_are_looked_for_again(store: Store) -> None:
    closed = market(1, status=ListedStatus.CLOSED)
    await store.catalogue.store("fake", page(closed, market(2)), NOW + YEAR)

    async def due() -> list[str]:
        return await store.markets.due(
            "fake", now=NOW, unseen_since=NOW - 30 * MINUTE, not_since=NOW - MINUTE, limit=9
        )

    assert await due() == ["M1", "M2"], "M2 may be gone from the list for as long as that"
    await store.markets.asked("fake", ["M1"], NOW)
    await store.catalogue.store("fake", page(market(2)), NOW)
    assert await due() == []


async def test_events_go_on(store: Store) -> None:
    def event(title: str) -> VenueEvent:
        return VenueEvent(platform="fake", external_id="E", title=title)

    await store.catalogue.store("fake", page(events=(event("then"),)), NOW + YEAR)
    await store.catalogue.store("fake", page(events=(event("now"),)), NOW)
    found = await store.events.find("fake", "E")
    assert found is not None
    assert found.changed_at == NOW


async def test_snapshots_go_on_in_their_numbers(store: Store) -> None:
    await store.catalogue.store("fake", page(market(1)), NOW)
    snapshots = Snapshots(store.pool)
    assert await snapshots.add(POLL, [snapshot(NOW + YEAR, 1_000)]) == 1
    assert await snapshots.add(POLL, [snapshot(NOW, 2_000), snapshot(NOW - MINUTE, 3_000)]) == 1
    latest = await snapshots.latest(1)
    assert latest is not None
    assert (latest.at, latest.sequence, latest.yes_price) == (NOW, 2, 2_000)


async def test_the_standing_of_a_venue_is_todays(store: Store) -> None:
    await store.state.succeeded("fake", "list", NOW + YEAR, 1, {})
    await store.state.failed("fake", "list", NOW + YEAR, "away")
    await store.state.succeeded("fake", "list", NOW, 1, {})
    await store.state.succeeded("fake", "list", NOW - MINUTE, 1, {})
    [standing] = await store.state.all()
    assert (standing.last_success_at, standing.last_failure_at) == (NOW, None)
    await store.state.failed("fake", "list", NOW - MINUTE, "away")
    await store.state.succeeded("fake", "list", NOW, 1, {})
    [standing] = await store.state.all()
    assert standing.last_failure_at == NOW - MINUTE


async def test_nobody_looks_at_a_market_for_a_year(store: Store) -> None:
    await store.catalogue.store("fake", page(market(1), market(2), market(3)), NOW)
    for number, until in ((1, NOW + YEAR), (2, NOW + 10 * MINUTE), (3, NOW - 1)):
        await store.state.watch([number], until)
    assert await store.state.forget_watches(NOW) == 2
    assert await store.state.watched(NOW, 9) == [("fake", "M2")]


async def test_candidates_of_then_go(store: Store) -> None:
    matches = Matches(store.pool)
    pairs = [NewMatch(("kalshi", name), ("polymarket", name), 9_000) for name in ("a", "b")]
    await matches.replace(pairs, NOW + YEAR)
    assert await matches.replace(pairs[:1], NOW) == 1
    found = await matches.page(MatchFilter(tuple(MatchStatus)), 9, 0, None)
    assert [one.first[1] for one in found] == ["a"]
