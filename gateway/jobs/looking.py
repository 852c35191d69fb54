"""Looking at the database again and again, until cancelled: the one way to wait for an absent one.

    await look_again(self.refresh, check_in, pause_s=INTERVAL_S)

What is looked for is often what `Changes` of a table there are: rows that are stamped when they
change, by whatever process.

Laws: what an absence is, `persistence.postgres.database.is_absence` says and nobody else: what
passes when the database is back, whatever was asked of it. Anything else is a fault of ours, which
ends the work for its supervisor to start again. A look that was made checks in; one that an absent
database kept from being made doesn't.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from gateway.jobs.supervisor import CheckIn
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import absence_waited_for

AT_ONCE: Final = 1_000
"""Rows that are read at once of what changed."""
LATE_US: Final = 60 * MICROSECONDS
"""What commits late was stamped earlier by at most so much."""

RowT = TypeVar("RowT")
KeyT = TypeVar("KeyT")


async def look_again(
    look: Callable[[], Awaitable[object]],
    check_in: CheckIn,
    *,
    pause_s: float,
    rests_first: bool = False,
) -> None:
    """Look until cancelled, with a pause (s) between two looks, and before the first one where it
    `rests_first`. Raises what a look does, but for absences.
    """
    if rests_first:
        await asyncio.sleep(pause_s)
    while True:
        with absence_waited_for():
            await look()
            check_in()
        await asyncio.sleep(pause_s)


class Changes(Generic[RowT, KeyT]):
    """What changed of a table since it was looked at last; at first all there is.

    Each look reads to the end, so many rows at a time. What changed shortly before the newest is
    read again: it may have been committed after that.
    """

    def __init__(
        self,
        read: Callable[[tuple[int, KeyT], int], Awaitable[Sequence[RowT]]],
        place: Callable[[RowT], tuple[int, KeyT]],
        lowest: KeyT,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """`read` returns rows behind a (time, key), by these, at most so many; `place` is where a
        row stands among them, `lowest` a key before all.
        """
        self._read = read
        self._place = place
        self._lowest = lowest
        self._clock = clock
        self._since = 0

    async def take(self, note: Callable[[RowT], None]) -> None:
        """Note what changed, in that order."""
        after = self._since, self._lowest
        while True:
            rows = await self._read(after, AT_ONCE)
            for row in rows:
                note(row)
            if rows:
                after = self._place(rows[-1])
            if len(rows) < AT_ONCE:
                break
        # A stamp ahead of now is of a clock that is: what others stamp meanwhile lies before it.
        self._since = max(self._since, min(after[0], self._clock()) - LATE_US)
