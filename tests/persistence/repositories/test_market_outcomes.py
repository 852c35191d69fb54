"""Names of outcomes are claimed before a market is listed, and stay as they are from then on."""

from collections.abc import AsyncIterator

import pytest

from persistence.repositories.market_outcomes import Claim, MarketOutcomes, NamedOutcomes
from tests.persistence.running import Running, listing, running


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as made:
        yield made


def named(at: int, yes: str = "Home", no: str = "Away") -> NamedOutcomes:
    return NamedOutcomes("rain", (yes, no), at)


async def test_a_listed_market_is_named_for_ever(engine: Running) -> None:
    rows = MarketOutcomes(engine.pool)
    assert await rows.claim(named(100), 40) is Claim.STORED
    await engine.send(listing())
    assert "rain" in engine.view.market_by_slug
    # However long ago it was.
    assert await rows.claim(named(900, "North", "South"), 840) is Claim.LISTED
    assert await rows.changed((0, ""), 10) == [named(100)]


async def test_a_market_listed_without_names_gets_none_later(engine: Running) -> None:
    rows = MarketOutcomes(engine.pool)
    await engine.send(listing())
    assert await rows.claim(named(100), 40) is Claim.LISTED
    assert await rows.changed((0, ""), 10) == []


async def test_a_claim_is_one_s_own_until_it_is_lost(engine: Running) -> None:
    rows = MarketOutcomes(engine.pool)
    assert await rows.claim(named(100), 40) is Claim.STORED
    assert await rows.claim(named(159, "North", "South"), 99) is Claim.UNDER_WAY
    assert await rows.claim(named(160, "North", "South"), 100) is Claim.STORED
    # Whoever was lost takes nothing away from whoever came then.
    await rows.drop(named(100))
    assert await rows.changed((0, ""), 10) == [named(160, "North", "South")]
    await rows.drop(named(160))
    assert await rows.changed((0, ""), 10) == []
