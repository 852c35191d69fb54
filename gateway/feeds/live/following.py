"""The markets of other venues that somebody in this process follows.

Laws: a market is followed once, whatever the number of its readers, and for `GRACE_S` after the
last has gone; at most `limit` are at once, those that nobody reads make room. Steps come at most
every `interval_s` for a market; what happened meanwhile is one step. Nothing here waits for a
reader.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gateway.feeds.api.reading import FeedReader, Known
from gateway.feeds.live.followed import Followed, Step
from gateway.feeds.live.line import VenueLine
from gateway.feeds.live.recorder import Recorder
from gateway.jobs.supervisor import CheckIn, Work
from gateway.observability.metrics import UpstreamMetrics
from gateway.wire.errors import Unavailable
from persistence.clock import now_us

GRACE_S: Final = 5.0
LOOK_S: Final = 1.0
READERS: Final = "readers"
HOLDER_OF_HOUSE: Final = "house"
"""Whoever reads makes no room where the house's quotes would go with it."""

Hearer = Callable[[Followed, Step], None]


class Following:
    """Follows markets for whoever holds them."""

    def __init__(
        self,
        reader: FeedReader,
        recorder: Recorder,
        *,
        limit: int,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Follow nothing; at most `limit` markets."""
        self.reader: Final = reader
        self._recorder = recorder
        self._limit = limit
        self._interval_s = interval_s
        self._clock = clock
        self._lines = {
            platform: VenueLine(venue, reader, self._note, clock)
            for platform, venue in reader.venues.items()
        }
        self._followed: dict[tuple[str, str], Followed] = {}
        self._ending: dict[Followed, asyncio.TimerHandle] = {}
        self._dirty: dict[Followed, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._epochs = itertools.count(now_us())
        self.hearers: Final[list[Hearer]] = []
        """Called with each step, in order; they must not raise."""

    def works(self) -> Iterator[tuple[str, Work]]:
        """Yield the continuous work by name."""
        for line in self._lines.values():
            yield line.name, line.run
        yield "follow-look", self._look
        yield "follow-record", self._recorder.run

    def watch(self, metrics: UpstreamMetrics) -> None:
        """Show how many markets are followed, by venue."""
        for platform, line in self._lines.items():
            metrics.watch_followed(platform, line.count)

    def all(self) -> Mapping[tuple[str, str], Followed]:
        """Return what is followed, by platform and external id."""
        return self._followed

    def follow(self, known: Known, holder: str) -> Followed:
        """Return the market, followed from now on for `holder`.

        Raises Unavailable if as many are followed as may be, each for readers.
        """
        ref = known.row.platform, known.row.external_id
        followed = self._followed.get(ref)
        if followed is None:
            if len(self._followed) >= self._limit:
                self._make_room(holder)
            followed = Followed(known, next(self._epochs), self._clock())
            self._followed[ref] = followed
            if followed.is_final:
                followed.refreshed(known)
                self._note(followed)
            self._lines[ref[0]].add(followed)
        followed.holders[holder] = None
        if (ending := self._ending.pop(followed, None)) is not None:
            ending.cancel()
        return followed

    def release(self, followed: Followed, holder: str) -> None:
        """Note that `holder` has no need of it; without any it soon is followed no longer."""
        followed.holders.pop(holder, None)
        is_here = self._followed.get(followed.ref) is followed
        if is_here and not followed.holders and followed not in self._ending:
            loop = asyncio.get_running_loop()
            self._ending[followed] = loop.call_later(GRACE_S, self._end, followed)

    def shown(self, ref: tuple[str, str]) -> Followed | None:
        """Return a market whose book is known and up to date, with no step left to be made."""
        followed = self._followed.get(ref)
        if followed is None or not followed.book.is_known or not followed.in_sync:
            return None
        self.flush(followed)
        return None if followed.is_dirty else followed

    def flush(self, followed: Followed) -> None:
        """Make the step that is due."""
        step = followed.step(self._clock())
        if step is None:
            return
        self._dirty.pop(followed, None)
        for hear in self.hearers:
            hear(followed, step)
        # What is asked for is written down by the job that polls.
        if followed.by_stream and (step.bids or step.asks or step.trades or step.is_whole):
            self._recorder.note(followed)

    def _make_room(self, holder: str) -> None:
        """End one that nobody reads, the one in its grace first; raises Unavailable."""
        spare = next(iter(self._ending), None)
        if spare is None and holder == READERS:
            kept = {READERS, HOLDER_OF_HOUSE}
            unread = (one for one in self._followed.values() if kept.isdisjoint(one.holders))
            spare = next(unread, None)
        if spare is None:
            raise Unavailable(
                f"As many markets of other venues are followed as may be ({self._limit})",
                retry_after_seconds=int(GRACE_S),
            )
        self._end(spare)

    def _end(self, followed: Followed) -> None:
        if (ending := self._ending.pop(followed, None)) is not None:
            ending.cancel()
        if self._followed.get(followed.ref) is followed:
            del self._followed[followed.ref]
            self._lines[followed.ref[0]].drop(followed)
        self._dirty.pop(followed, None)

    def _note(self, followed: Followed) -> None:
        """See to it that what happened is told with the next steps."""
        if not followed.is_dirty or self._followed.get(followed.ref) is not followed:
            return
        if followed.is_full:
            self.flush(followed)
            return
        self._dirty[followed] = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval_s, self._make_steps)

    def _make_steps(self) -> None:
        self._timer = None
        dirty, self._dirty = list(self._dirty), {}
        for followed in dirty:
            self.flush(followed)
            # A book that is crossed isn't shown yet.
            self._note(followed)

    async def _look(self, check_in: CheckIn) -> None:
        """See again and again whether something has become stale."""
        while True:
            now = self._clock()
            for followed in list(self._followed.values()):
                followed.look(now)
                self._note(followed)
            check_in()
            await asyncio.sleep(LOOK_S)
