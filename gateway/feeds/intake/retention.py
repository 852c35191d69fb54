"""What of the feed goes: ended markets that concern nobody, events without markets, unused words.

    markets   resolved or void, unchanged for VENUE_MARKETS_KEPT; nobody holds or watches them,
              there is no snapshot of them and no candle shorter than a day, and nobody decided
              that they match another; their candles of a day go with them;
              likewise those that were missing (`missing.py`) for as long, whatever their status
    events    unchanged for as long, and no market is of them
    words     that no text has had for two runs

Laws: hourly, in short steps, a bounded number of them a run; what a run can't manage the next one
goes on with. A word waits for a second run because a process remembers for up to
`catalogue.WORDS_KNOWN_S` which words it need not write: one that was unused for longer is written
again by whoever meets it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.feeds.intake.catalogue import WORDS_KNOWN_S
from gateway.feeds.intake.missing import Missing
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.retention import FeedRetention

JOB: Final = "feed-housekeeping"
STEP_ROWS: Final = 1_000
STEPS_MAX: Final = 200
"""Of markets and of events in one run."""
WORD_STEP: Final = 500
WORD_STEPS_MAX: Final = 200
UNUSED_MAX: Final = 50_000
"""So many unused words are remembered until the next run."""
_UNUSED_US: Final = int(2 * WORDS_KNOWN_S * MICROSECONDS)


class FeedHousekeeping:
    """Throws away what is over."""

    def __init__(
        self,
        rows: FeedRetention,
        missing: Missing,
        logger: Logger,
        *,
        kept_s: int,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Keep what has ended for so many seconds."""
        self._rows = rows
        self._missing = missing
        self._logger = logger
        self._kept_us = kept_s * MICROSECONDS
        self._clock = clock
        self._market = self._event = 0
        self._word = ""
        self._unused: dict[str, int] = {}
        """Words that the last walk over all found in no text, and since when that is known."""
        self._unused_now: dict[str, int] = {}
        """The same of the walk that is under way: a word that is used again isn't carried over."""

    async def run(self) -> None:
        """Throw away what was over long enough before now."""
        before = self._clock() - self._kept_us
        markets = events = 0
        bounds = await self._missing.bounds()
        unseen = {platform: bound - self._kept_us for platform, bound in bounds.items()}
        for _ in range(STEPS_MAX):
            step = await self._rows.prune_markets(self._market, before, unseen, STEP_ROWS)
            markets, self._market = markets + step.gone, step.next_after or 0
            if step.next_after is None:
                break
            await asyncio.sleep(0)  # the engine may share this event loop
        for _ in range(STEPS_MAX):
            step = await self._rows.prune_events(self._event, before, STEP_ROWS)
            events, self._event = events + step.gone, step.next_after or 0
            if step.next_after is None:
                break
            await asyncio.sleep(0)
        words = await self._words()
        self._logger.info("feed housekeeping", markets=markets, events=events, words=words)

    async def _words(self) -> int:
        gone, now = 0, self._clock()
        for _ in range(WORD_STEPS_MAX):
            step = await self._rows.unused_words(self._word, WORD_STEP)
            due = []
            for word in step.unused:
                since = self._unused.get(word, now)
                if since <= now - _UNUSED_US:
                    due.append(word)
                elif len(self._unused_now) < UNUSED_MAX:
                    self._unused_now[word] = since
            if due:
                gone += await self._rows.delete_words(due)
            self._word = step.next_after or ""
            if step.next_after is None:
                self._unused, self._unused_now = self._unused_now, {}
                break
            await asyncio.sleep(0)
        return gone
