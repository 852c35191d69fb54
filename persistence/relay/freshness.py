"""How old a view is at most: by the engine's word and by the database's, never by when it was read.

::

    engine:    "at 12:00:00.0, by the database's clock, 4711 was the last committed command"
    database:  "4711 is the last committed command", asked 0.3 s ago

Laws: each counts from the moment for which it was true, and only once the view holds what it names.
The engine's word shows that it is alive, the database's that this engine leads and that the view is
this database's. No two machines' clocks are compared: the engine reads the database's clock, and so
does the gateway with each look, beside its own monotonic one. What can't be right (a word from the
future, since the database's clock was set) counts as said when it was heard.
"""

import math
from collections.abc import Callable
from typing import Final

from persistence.clock import MICROSECONDS
from persistence.relay.looks import Look

_NEVER: Final = -math.inf


class Claim:
    """That nothing later than a command was committed at some moment, held against the view."""

    __slots__ = ("_waiting", "held_at")

    def __init__(self) -> None:
        self.held_at = _NEVER
        """The latest moment for which the view is known to hold everything."""
        self._waiting: tuple[int, float] | None = None

    def made(self, seq: int, at: float, reached: int) -> None:
        """Take a claim; one that the view hasn't reached waits, the oldest of several."""
        if reached >= seq:
            self.held_at = max(self.held_at, at)
        elif self._waiting is None:
            self._waiting = (seq, at)

    def reached(self, seq: int) -> None:
        """Note how far the view has come."""
        if self._waiting is not None and seq >= self._waiting[0]:
            self.held_at = max(self.held_at, self._waiting[1])
            self._waiting = None

    def is_late(self, seq: int) -> bool:
        """Say whether a claim still waits for a view that has come so far."""
        return self._waiting is not None and seq < self._waiting[0]

    def forget(self) -> None:
        """Begin anew."""
        self.held_at = _NEVER
        self._waiting = None


class Freshness:
    """Both claims, and how the database's clock is read by this process's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock that looks are timed by."""
        self._clock = clock
        self._word = Claim()
        self._look = Claim()
        self._database_at = 0
        self._read_at = _NEVER

    @property
    def age_s(self) -> float:
        """Seconds since the view was last known to be where the engine is; infinite if never."""
        return self._clock() - min(self._word.held_at, self._look.held_at)

    def looked(self, look: Look, reached: int) -> None:
        """Take the database's word."""
        self._database_at, self._read_at = look.at, look.asked_at
        self._look.made(look.last_seq, look.asked_at, reached)

    def said(self, at: int, seq: int, reached: int) -> None:
        """Take the engine's word: the database's clock, and the last command committed then."""
        said_at = self._read_at + (at - self._database_at) / MICROSECONDS
        self._word.made(seq, min(said_at, self._clock()), reached)

    def reached(self, seq: int) -> None:
        """Note how far the view has come."""
        self._word.reached(seq)
        self._look.reached(seq)

    def is_late(self, seq: int) -> bool:
        """Say whether what an earlier look named is still missing."""
        return self._look.is_late(seq)

    def forget_word(self) -> None:
        """Wait for another engine's word."""
        self._word.forget()

    def forget_looks(self) -> None:
        """Wait for the next look: the view isn't what was looked at."""
        self._look.forget()
