"""The markets of all platforms, put together for whoever asks for one by its name.

A process with a view of the exchange asks that for ours, a worker the tables; other venues' are
asked of what the feed has stored of them, and in a process that answers people of the venues too.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from exchange.model.state import State
from gateway.bootstrap.credits.mirrors import keep_mirrored
from gateway.bootstrap.feeds import Feeds
from gateway.feeds.known import AllMarkets, OurMarkets, OurStoredMarkets
from gateway.feeds.known_venues import KnownVenueMarkets
from gateway.feeds.registry import VENUES
from gateway.jobs.supervisor import Supervisor
from gateway.markets.outcome_names import KeptOutcomeNames
from gateway.markets.volumes import MarketVolumes
from persistence.postgres.database import DeadlinePool
from persistence.repositories.candles import Candles
from persistence.repositories.listed_markets import ListedMarkets


def platforms_of(feeds: Feeds) -> tuple[str, ...]:
    """Return the platforms beside ours that may be named: the real ones, asked or not, and those
    that are asked.
    """
    real = [entry.platform for entry in VENUES if entry.is_real]
    return tuple(dict.fromkeys((*real, *feeds.venues)))


def markets_in_view(view: State, feeds: Feeds) -> AllMarkets:
    """Return the markets of all platforms, ours by the committed view."""
    theirs = KnownVenueMarkets(platforms_of(feeds), feeds.markets, feeds.reader)
    return AllMarkets(OurMarkets(view), theirs)


def stored_markets(pool: DeadlinePool, feeds: Feeds) -> AllMarkets:
    """Return the markets of all platforms, ours by the tables, as they were seen last."""
    theirs = KnownVenueMarkets(platforms_of(feeds), feeds.markets)
    return AllMarkets(OurStoredMarkets(ListedMarkets(pool)), theirs)


@asynccontextmanager
async def running_volumes(
    pool: DeadlinePool, supervisor: Supervisor
) -> AsyncIterator[MarketVolumes]:
    """Yield what was paid in our markets, kept young beside the block."""
    volumes = MarketVolumes(Candles(pool))
    async with supervisor.running(volumes.NAME, volumes.run):
        yield volumes


async def keep_outcomes(
    stack: AsyncExitStack, pool: DeadlinePool, feeds: Feeds, supervisor: Supervisor
) -> None:
    """Know what YES and NO of our markets are called, until the stack ends: of mirrors as at their
    source, of others as whoever listed them said.
    """
    await keep_mirrored(stack, pool, feeds, supervisor)
    kept = KeptOutcomeNames(feeds.outcomes, feeds.mirrored.names)
    await kept.look()
    await stack.enter_async_context(supervisor.running(kept.NAME, kept.run))
