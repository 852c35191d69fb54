"""What alerts want to know beside prices: what was paid within a day; and that venues are asked.

Our markets' figures come from candles, other venues' from what the feed has stored of them. A
market that somebody waits for is looked at as if it were read, so that those who poll ask for it.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from gateway.alerts.watching import millionths
from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.intake.snapshots import WATCH_S
from gateway.feeds.known import OURS, MarketRef
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.candles import Turnover
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.feeds.state import FeedState

_AGAIN_S: Final = 60.0
_REMEMBERED: Final = 10_000


class KnowsTurnovers(Protocol):
    """Where what was paid in our markets is stored; `Candles` in production."""

    async def turnovers(self, now: int) -> dict[int, Turnover]:
        """Return what was paid in every market that was ever traded."""


class MarketFigures:
    """Knows volumes, and has venues asked."""

    def __init__(
        self,
        ours: KnowsTurnovers,
        theirs: VenueMarkets,
        state: FeedState,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ours = ours
        self._theirs = theirs
        self._state = state
        self._clock = clock
        self._attended: dict[MarketRef, float] = {}

    async def volumes(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, int]:
        """Return what was paid within 24 hours in millionths, where it is known."""
        found: dict[MarketRef, int] = {}
        if any(ref.platform == OURS for ref in refs):
            turnovers = await self._ours.turnovers(now_us())
            days = {str(number): turnover.day for number, turnover in turnovers.items()}
            found = {ref: days.get(ref.external_id, 0) for ref in refs if ref.platform == OURS}
        for platform in sorted({ref.platform for ref in refs} - {OURS}):
            names = [ref.external_id for ref in refs if ref.platform == platform]
            for row in await self._theirs.find_some(platform, names):
                volume = millionths(market_of(row.record, row.venue_at).volume_24h)
                if volume is not None:
                    found[MarketRef(platform, row.external_id)] = volume
        return found

    async def attend(self, refs: Sequence[MarketRef]) -> None:
        """Note that somebody waits for these markets, each once a minute at most."""
        now = self._clock()
        new = [ref for ref in refs if self._attended.get(ref, float("-inf")) <= now - _AGAIN_S]
        if not new:
            return
        if len(self._attended) + len(new) > _REMEMBERED:
            self._attended.clear()
        self._attended |= dict.fromkeys(new, now)
        numbers: list[int] = []
        for platform in sorted({ref.platform for ref in new}):
            names = [ref.external_id for ref in new if ref.platform == platform]
            numbers += [row.id for row in await self._theirs.find_some(platform, names)]
        if numbers:
            await self._state.watch(numbers, now_us() + WATCH_S * MICROSECONDS)
