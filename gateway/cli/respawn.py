"""Crash-only: an engine that can't go on is followed by a new process that reads the truth.

    engine stops -> everything is closed -> pause -> exec of the same command -> recovery
          └─ from here on a stand-in answers on the port (`stand_in.py`) ─┘

Laws: nothing of the old process is trusted but its arguments; the new one has its pid and its port,
so whoever watches over it sees one process; the pauses grow, and after `TRIES` starts without a
quiet minute between them the process ends for good and says why. A start because the database was
away is none of the tries: it comes back some day, and the new process waits for it (`waiting.py`).
An operator's signal ends it at any moment. What may be tried again is the caller's to say; a start
that was never up isn't.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Final, NoReturn

from gateway.cli.stand_in import StandIn
from gateway.cli.waiting import answers_of_a_start

TRIES: Final = 6
QUIET_SECONDS: Final = 60.0
"""A process that was up for so long is none of the tries any more."""
_PAUSE_SECONDS: Final = 0.1
_PAUSE_SECONDS_MAX: Final = 5.0
_PAUSE_SECONDS_AWAY: Final = 0.5
START_SECONDS: Final = 60.0
"""So long, at most, the next process may take to answer, and this one to close what is open."""
SAID_ONCE: Final = frozenset({"--accept-tip"})
"""Words of the operator that were meant for the first start alone."""
COUNT: Final = "PROBITY_STARTS_AGAIN"
"""How the count reaches the next process, and that there was one before; no setting."""


def starts_before(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many starts led here without a quiet minute between them."""
    text = environment.get(COUNT, "")
    return int(text) if text.isascii() and text.isdigit() else 0


class Respawn:
    """The tries of one process, counted from its start."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before = starts_before()
        self._is_again = COUNT in os.environ
        self._stand_in: StandIn | None = None

    @property
    def is_again(self) -> bool:
        """Whether this process follows one whose engine stopped."""
        return self._is_again

    def pause_seconds(self) -> float | None:
        """Return how long to wait before the next start; None if it was tried often enough."""
        tried = self._tried()
        if tried >= TRIES:
            return None
        return float(min(_PAUSE_SECONDS * 2**tried, _PAUSE_SECONDS_MAX))

    def keep_answering(self, listening: socket.socket, end_s: float) -> None:
        """Let a stand-in answer on this socket until the process that follows does.

        `end_s` is how long the end of what this one serves may take.
        """
        # Without room for one, whoever comes is refused until then.
        with contextlib.suppress(OSError):
            self._stand_in = StandIn(listening, *answers_of_a_start(), end_s + START_SECONDS)

    def end(self) -> None:
        """Leave the port: no process follows."""
        if self._stand_in is not None:
            self._stand_in.end()

    def start_again(self, *, is_try: bool = True) -> NoReturn:
        """Become a new process with the same arguments, after a pause; everything is closed.

        Without `is_try` it is for the database's sake, and counts for nothing.
        """
        pause = self.pause_seconds() if is_try else _PAUSE_SECONDS_AWAY
        if pause is None:
            raise RuntimeError("every try has been used up")
        time.sleep(pause)
        left = {} if self._stand_in is None else self._stand_in.leave()
        environment = {**os.environ, **left, COUNT: str(self._tried() + is_try)}
        kept = [argument for argument in sys.orig_argv[1:] if argument not in SAID_ONCE]
        arguments = [sys.executable, *kept]
        os.execve(sys.executable, arguments, environment)  # noqa: S606 - ourselves, no shell

    def _tried(self) -> int:
        was_quiet = time.monotonic() - self._started >= QUIET_SECONDS
        return 0 if was_quiet else self._before
