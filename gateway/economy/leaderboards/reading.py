"""The boards for whoever looks at them, remembered for a moment.

    memory (FRESH_S) --> sorted set in Redis, where there is one --> PostgreSQL

Laws: all three give the same places. What is asked for by many at once is asked for once. A page
names who is on it as they want to be named when it is made, so who leaves the boards is gone from
them `FRESH_S` later; a run that makes them anew shows as late. Memory is bounded.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec

from gateway.economy.leaderboards.sorted_sets import SortedSets
from gateway.observability.metrics import CacheMetrics
from persistence.repositories.leaderboards.boards import Head, Leaderboards, Place, Ranked
from persistence.repositories.leaderboards.computing import TOP
from persistence.repositories.leaderboards.words import Board, Span

FRESH_S: Final = 15.0
PAGES_MAX: Final = 500
"""Pages that are remembered; the one that was made first is forgotten for a new one."""
_CACHE: Final = "leaderboards"
_NEVER: Final = Head(0, 0, 0, 0)
T = TypeVar("T")


class BoardPage(msgspec.Struct, frozen=True):
    """A part of a board: whoever wants to be seen, with their places, and where it goes on."""

    head: Head
    places: list[tuple[Place, Ranked]]
    next_rank: int | None
    """The last place of this part; None at the end."""

    @property
    def total(self) -> int:
        """How many places are shown of the board."""
        return min(self.head.ranked, TOP)


class Reading:
    """Reads boards."""

    def __init__(
        self,
        rows: Leaderboards,
        sets: SortedSets | None,
        metrics: CacheMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._sets = sets
        self._metrics = metrics
        self._clock = clock
        self._known: dict[tuple[Any, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def page(self, board: Board, span: Span, after: int, limit: int) -> BoardPage:
        """Return at most `limit` places below one; nothing before the first run."""
        key = (board, span, after, limit)
        return await self._remembered(key, lambda: self._page(board, span, after, limit))

    async def head(self, board: Board, span: Span) -> Head:
        """Return when a board was made, and of what."""
        heads = await self._remembered((), self._rows.heads)
        return heads.get((board, span), _NEVER)

    async def _page(self, board: Board, span: Span, after: int, limit: int) -> BoardPage:
        while True:
            head = await self.head(board, span)
            count = max(0, min(limit, min(head.ranked, TOP) - after))
            places = await self._places(board, span, head, after, count) if count else []
            if places is not None:
                break
            # Made anew since: its head is asked for again.
            self._known.pop((), None)
        people = await self._rows.people([place.account_id for place in places]) if places else {}
        more = after + count < min(head.ranked, TOP)
        return BoardPage(
            head,
            [(one, people[one.account_id]) for one in places if one.account_id in people],
            after + count if more and count else None,
        )

    async def _places(
        self, board: Board, span: Span, head: Head, after: int, count: int
    ) -> list[Place] | None:
        if self._sets is None:
            return await self._rows.places(board, span, head.made_at, after, count)
        found = await self._sets.places(board, span, head.made_at, after, count)
        if found is None:
            every = await self._rows.places(board, span, head.made_at, 0, TOP)
            if every is None:
                return None
            await self._sets.fill(board, span, head.made_at, every)
            found = every[after : after + count]
        return found

    async def _remembered(self, key: tuple[Any, ...], ask: Callable[[], Awaitable[T]]) -> T:
        """Return what is known, or ask; whoever comes meanwhile waits for the same answer."""
        known = self._known.get(key)
        if known is not None and self._clock() < known[0] and not _has_failed(known[1]):
            self._metrics.counted(_CACHE, "hit")
            answer: T = await asyncio.shield(known[1])
            return answer
        self._metrics.counted(_CACHE, "miss")
        self._known.pop(key, None)
        if len(self._known) >= PAGES_MAX:
            del self._known[next(iter(self._known))]
        task: asyncio.Task[T] = asyncio.ensure_future(_asked(ask))
        self._known[key] = self._clock() + FRESH_S, task
        # Whoever asked may leave; the others still want to know.
        return await asyncio.shield(task)


async def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()


def _has_failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
