"""Whose turn it is to go on: connections that sent more at once than was handled share each turn of
the event loop.

Laws: all of them together get `TURN_SECONDS` a turn, and one of them at least, in the order in
which they came to wait; so ten that send without end take as much of everybody's time as one does.
A server has one queue for both protocols. What is asked to go on twice goes on twice: whoever asks
knows whether it still has to.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from gateway.access.connections import TURN_SECONDS


class Turns:
    """The queue of those that wait for a turn."""

    __slots__ = ("_is_due", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def ask(self, go_on: Callable[[], None]) -> None:
        """Have `go_on` called in one of the next turns."""
        self._waiting.append(go_on)
        self._see_to_a_turn()

    def _see_to_a_turn(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        waiting, ends_at = self._waiting, monotonic() + TURN_SECONDS
        self._is_due = False
        try:
            # Those that ask again meanwhile come behind, in a later turn.
            for _ in range(len(waiting)):
                waiting.popleft()()
                if monotonic() > ends_at:
                    break
        finally:
            self._see_to_a_turn()
