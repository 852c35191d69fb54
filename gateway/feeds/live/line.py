"""One venue's markets that somebody follows: by its socket, else by asking for their books again.

Laws: one connection to a venue, whatever the number of markets and readers; none while nobody
follows. A venue without a stream is asked for each book every `POLL_S`, one at a time, as is a book
that its stream hasn't given for `FALLBACK_S`. What a stream says is worked off in turns of
`TURN_S`, so that whoever else uses the event loop waits no longer than that.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import aclosing, suppress
from typing import Final

from gateway.feeds.api.reading import FeedReader
from gateway.feeds.live.followed import Followed
from gateway.feeds.model import Unrepresentable
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    StreamEvent,
    TopChanged,
    Venue,
    VenueRefused,
    VenueStream,
    VenueUnavailable,
)
from gateway.jobs.supervisor import CheckIn
from gateway.wire.errors import ApiError
from persistence.clock import now_us
from persistence.postgres.database import is_absence

TURN_S: Final = 0.002
POLL_S: Final = 5.0
FALLBACK_S: Final = 5.0
REFRESH_S: Final = 60.0
BOOK_AGAIN_S: Final = 10.0
"""A stream is asked for one book again at most so often."""
_POLL_GAP_S: Final = 0.1
_LOOK_S: Final = 0.25
_IDLE_S: Final = 10.0
_POLLED_TRADES: Final = 100
_SLACK: Final = 4
"""A polled book is out of sync when so many polls of it are overdue."""


class _Polled:
    """When a market was asked for last."""

    __slots__ = ("asked", "refreshed", "seen", "streamed_again")

    def __init__(self, now: float) -> None:
        self.asked = float("-inf")
        self.refreshed = now
        self.seen: frozenset[str] | None = None
        """The prints that are known, None before the first look."""
        self.streamed_again = float("-inf")


class VenueLine:
    """Follows markets of one venue."""

    def __init__(
        self,
        venue: Venue,
        reader: FeedReader,
        heard: Callable[[Followed], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Follow nothing; `heard` is called when there may be something for a step."""
        self._venue = venue
        self._reader = reader
        self._heard = heard
        self._clock = clock
        self._wake = asyncio.Event()
        self._followed: dict[str, Followed] = {}
        self._polled: dict[Followed, _Polled] = {}
        self._streamed: dict[str, Followed] = {}
        self._has_stream = False

    @property
    def name(self) -> str:
        """What the supervisor calls it."""
        return f"follow-{self._venue.platform}"

    def count(self) -> int:
        """Return how many markets are followed."""
        return len(self._followed)

    def add(self, followed: Followed) -> None:
        """Follow a market."""
        self._followed[followed.market.external_id] = followed
        self._polled[followed] = _Polled(self._clock())
        self._wake.set()

    def drop(self, followed: Followed) -> None:
        """Follow a market no longer."""
        self._followed.pop(followed.market.external_id, None)
        self._polled.pop(followed, None)
        self._wake.set()

    async def run(self, check_in: CheckIn) -> None:
        """Follow whatever there is to follow, until cancelled."""
        while True:
            check_in()
            if self._followed:
                await self._follow(check_in)
                continue
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()

    async def _follow(self, check_in: CheckIn) -> None:
        """Follow until there is nothing left to follow."""
        stream = self._venue.stream()
        self._has_stream = stream is not None
        self._streamed.clear()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._poll(check_in))]
                if stream is not None:
                    tasks.append(group.create_task(self._listen(stream)))
                await self._keep_watching(stream)
                for task in tasks:
                    task.cancel()
        finally:
            now = self._clock()
            for followed in self._followed.values():
                followed.by_stream = False
                followed.lose(now)

    # -- the stream -----------------------------------------------------------------------------

    async def _listen(self, stream: VenueStream) -> None:
        turn = self._clock()
        async with aclosing(stream.events()) as events:
            async for event in events:
                self._take(event)
                if self._clock() - turn >= TURN_S:
                    await asyncio.sleep(0)
                    turn = self._clock()
        raise VenueUnavailable(self._venue.platform, "its stream has ended")

    def _take(self, event: StreamEvent) -> None:
        at, now = now_us(), self._clock()
        for name in _named(event):
            followed = self._followed.get(name)
            if followed is not None:
                followed.take(event, at, now)
                self._heard(followed)

    async def _keep_watching(self, stream: VenueStream | None) -> None:
        """Have the stream watch what is followed; returns when nothing is."""
        while self._followed:
            self._wake.clear()
            if stream is not None:
                await self._reconcile(stream)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()

    async def _reconcile(self, stream: VenueStream) -> None:
        now, streamed = self._clock(), self._streamed
        gone = [name for name, one in streamed.items() if self._followed.get(name) is not one]
        again = [
            one
            for one in streamed.values()
            if one.wants_book
            and one in self._polled
            and now - self._polled[one].streamed_again >= BOOK_AGAIN_S
        ]
        for followed in again:
            self._polled[followed].streamed_again, followed.wants_book = now, False
            gone.append(followed.market.external_id)
        if gone:
            for name in gone:
                streamed.pop(name, None)
            await stream.unwatch(gone)
        new = {
            name: one
            for name, one in self._followed.items()
            if name not in streamed and not one.is_final
        }
        if not new:
            return
        streamed |= new
        try:
            await stream.watch([one.market for one in new.values()])
        except (VenueRefused, Unrepresentable):
            # One of them can't be: the others can, and what can't is asked for.
            for followed in new.values():
                with suppress(VenueRefused, Unrepresentable):
                    await stream.watch([followed.market])

    # -- asking ---------------------------------------------------------------------------------

    async def _poll(self, check_in: CheckIn) -> None:
        while True:
            check_in()
            now = self._clock()
            if (stalest := self._next_refresh(now)) is not None:
                await self._refresh(stalest)
            followed = self._next_poll(now)
            if followed is not None:
                await self._ask(followed)
            await asyncio.sleep(_LOOK_S if followed is None else _POLL_GAP_S)

    def _next_refresh(self, now: float) -> Followed | None:
        for followed, polled in self._polled.items():
            wait = POLL_S if followed.wants_refresh else REFRESH_S
            if now - polled.refreshed >= wait:
                return followed
        return None

    def _next_poll(self, now: float) -> Followed | None:
        """Return the market whose book is to be asked for, the one that waits longest."""
        due: Followed | None = None
        first = now - POLL_S
        for followed, polled in self._polled.items():
            self._look_at_age(followed, polled, now)
            if polled.asked > first or followed.is_final or followed.by_stream:
                continue
            # What was asked for once is asked for until the stream has it.
            is_late = followed.in_sync or now - followed.out_of_sync_since >= FALLBACK_S
            if not self._has_stream or is_late:
                due, first = followed, polled.asked
        return due

    def _look_at_age(self, followed: Followed, polled: _Polled, now: float) -> None:
        if followed.is_final or followed.by_stream or not followed.in_sync:
            return
        overdue = max(_SLACK * POLL_S, _SLACK * _POLL_GAP_S * len(self._polled))
        if now - polled.asked > overdue:
            followed.lose(now)

    async def _ask(self, followed: Followed) -> None:
        polled = self._polled.get(followed)
        if polled is None:
            return
        polled.asked = self._clock()
        try:
            book, entry = await self._reader.book(followed.known)
            trades = []
            if not self._has_stream:
                prints, _ = await self._reader.trades(followed.known, _POLLED_TRADES)
                trades = list(prints)
        except ApiError:
            followed.lose(self._clock())
            return
        if followed.by_stream:
            return
        if entry.failed:
            followed.lose(self._clock())
        elif entry.at > followed.book_at:
            followed.show(book, entry.at)
        for trade in reversed(trades):
            if polled.seen is not None and trade.trade_id not in polled.seen:
                followed.print(trade)
        if not self._has_stream:
            polled.seen = frozenset(trade.trade_id for trade in trades)
        self._heard(followed)

    async def _refresh(self, followed: Followed) -> None:
        """Learn of the market's life: of its venue if that said so, else as it is stored."""
        polled = self._polled[followed]
        polled.refreshed = self._clock()
        try:
            known = await self._reader.named(followed.id)
            if followed.wants_refresh:
                known = await self._reader.live(known)
        except ApiError:
            return
        except Exception as error:
            if not is_absence(error):
                raise
            return
        if not known.stale:
            followed.refreshed(known)
            self._heard(followed)


def _named(event: StreamEvent) -> Collection[str]:
    match event:
        case BookSnapshot(book=book):
            return (book.external_id,)
        case Printed(trade=trade):
            return (trade.external_id,)
        case Lost(external_ids=external_ids):
            return external_ids
        case BookChange() | TopChanged() | LifeChanged():
            return (event.external_id,)
