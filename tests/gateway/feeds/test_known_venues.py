"""What is known of venues' markets by name, over a real catalogue."""

import pytest

from exchange.messages.terms import NO, YES, Resolution
from gateway.feeds.known import AllMarkets, MarketRef
from gateway.feeds.known_venues import STEP, KnownVenueMarkets
from gateway.feeds.model import ListedStatus
from persistence.clock import now_us
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market


async def test_a_market_is_known_as_its_venue_lists_it(store: Store) -> None:
    before = now_us()
    listed = market(7, yes_price=None, last_price=3_300, fees=(("taker", "0.02"),))
    await store.ingest(FakeVenue([listed]))
    known = KnownVenueMarkets(["fake"], store.markets)
    found = await known.known("fake", "M7")
    assert found is not None
    assert (found.ref, found.question) == (MarketRef("fake", "M7"), listed.question)
    assert (found.category, found.slug, found.fees) == ("Weather", "market-7", listed.fees)
    assert (found.best_bid, found.best_ask) == (listed.best_bid, listed.best_ask)
    assert (found.worth(YES), found.worth(NO)) == (3_300, 6_700), "the last price, without another"
    assert found.as_of is not None
    assert before <= found.as_of <= now_us()
    assert await known.known("fake", "M8") is None
    assert await known.known("other", "M7") is None


@pytest.mark.parametrize(
    ("resolution", "payout", "status", "worth"),
    [
        (Resolution.YES, None, ListedStatus.RESOLVED, 10_000),
        (Resolution.NO, None, ListedStatus.RESOLVED, 0),
        (Resolution.SPLIT, 5_000, ListedStatus.RESOLVED, 5_000),
        (Resolution.SPLIT, None, ListedStatus.RESOLVED, None),
        (Resolution.VOID, None, ListedStatus.VOID, None),
        (Resolution.YES, None, ListedStatus.RESOLVING, 4_000),
    ],
)
async def test_a_market_that_is_over_is_worth_what_it_paid(
    store: Store,
    resolution: Resolution,
    payout: int | None,
    status: ListedStatus,
    worth: int | None,
) -> None:
    over = market(1, resolution=resolution, yes_payout=payout, status=status, yes_price=4_000)
    await store.ingest(FakeVenue([over]))
    found = await KnownVenueMarkets(["fake"], store.markets).known("fake", "M1")
    assert found is not None
    assert found.worth(YES) == worth


async def test_many_are_known_at_once(store: Store) -> None:
    count = 2 * STEP + 10
    await store.ingest(FakeVenue([market(number) for number in range(count)]))
    refs = [MarketRef("fake", f"M{number}") for number in range(count + 5)]
    everywhere = AllMarkets(KnownVenueMarkets(["fake"], store.markets))
    found = await everywhere.known_many([*refs, MarketRef("nowhere", "M1")])
    assert set(found) == set(refs[:count])
