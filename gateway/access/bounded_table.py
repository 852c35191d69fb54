"""Room in a table of keys: what has ended goes first, then what was put in longest ago.

A sweep for what has ended is O(capacity), so it runs at most once a second; in between the oldest
goes. Whoever puts a key in anew takes it out before, so that the oldest is always the first.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

_SWEEP_SECONDS: Final = 1.0

K = TypeVar("K")
V = TypeVar("V")


class Room:
    """Keeps a table within `capacity` keys."""

    __slots__ = ("_capacity", "_next_sweep")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._next_sweep = 0.0

    def make(self, table: dict[K, V], has_ended: Callable[[V], bool]) -> None:
        """See that one more key fits into the table."""
        if len(table) < self._capacity:
            return
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            for key in [key for key, value in table.items() if has_ended(value)]:
                del table[key]
        if len(table) >= self._capacity:
            del table[next(iter(table))]
