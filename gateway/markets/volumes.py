"""What was paid in our markets, kept at hand for whoever lists or sorts them.

    candles ── read when they have moved, or a minute is over ──> memory <── lists, single markets

Laws: nobody waits for it, and a list asks the database nothing; so these figures may be a moment
behind the rest of an answer, and behind its `asOfSeq`, which `/tickers` isn't. What isn't known yet
is told as unknown, never as nothing.
"""

import asyncio
import time
from typing import Final, Protocol

from exchange.model.market import Market
from gateway.jobs.supervisor import CheckIn
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import absence_waited_for
from persistence.repositories.candles import Turnover

INTERVAL_S: Final = 1.0
_SHARE: Final = 20
"""A look takes at most one part in so many of the time."""
_NOTHING: Final = Turnover(0, 0)
_MINUTE_US: Final = 60 * MICROSECONDS


class KnowsTurnovers(Protocol):
    """Where what was paid is stored; `Candles` in production."""

    async def projected(self) -> int:
        """Return the last command that is in everything stored."""

    async def turnovers(self, now: int) -> dict[int, Turnover]:
        """Return what was paid in every market that was ever traded."""


class MarketVolumes:
    """Knows what was paid; continuous work keeps it young."""

    NAME: Final = "market-volumes"

    def __init__(self, store: KnowsTurnovers) -> None:
        self._store = store
        self._known: dict[int, Turnover] = {}
        self._read: tuple[int, int] | None = None
        """(last command, minute) as of which the store was read."""

    def of(self, market: Market) -> Turnover | None:
        """Return what was paid in a market; None while that isn't known."""
        found = self._known.get(market.id)
        return _NOTHING if found is None and not market.trade_no else found

    async def refresh(self) -> None:
        """Read what is stored, if anything can have changed since the last time."""
        now = now_us()
        place = await self._store.projected(), now // _MINUTE_US
        if place != self._read:
            self._known = await self._store.turnovers(now)
            self._read = place

    async def run(self, check_in: CheckIn) -> None:
        """Refresh until cancelled; an absent database is waited for."""
        while True:
            began = time.monotonic()
            with absence_waited_for():
                await self.refresh()
                check_in()
            await asyncio.sleep(max(INTERVAL_S, _SHARE * (time.monotonic() - began)))
