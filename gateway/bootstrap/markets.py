"""The markets of all platforms, put together for whoever asks for one by its name.

A process with a view of the exchange asks that for ours, a worker the tables; other venues' are
asked of what the feed has stored of them, in either.
"""

from typing import Final

from exchange.model.state import State
from gateway.feeds.known import AllMarkets, OurMarkets, OurStoredMarkets
from gateway.feeds.known_venues import KnownVenueMarkets
from persistence.postgres.database import DeadlinePool
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.listed_markets import ListedMarkets

VENUES: Final = ("kalshi", "polymarket")
"""Platforms beside ours, whether or not the feed is asked for them now."""


def markets_in_view(view: State, pool: DeadlinePool) -> AllMarkets:
    """Return the markets of all platforms, ours by the committed view."""
    return AllMarkets(OurMarkets(view), KnownVenueMarkets(VENUES, VenueMarkets(pool)))


def stored_markets(pool: DeadlinePool) -> AllMarkets:
    """Return the markets of all platforms, ours by the tables."""
    return AllMarkets(
        OurStoredMarkets(ListedMarkets(pool)), KnownVenueMarkets(VENUES, VenueMarkets(pool))
    )
