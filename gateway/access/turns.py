"""Whose turn it is: connections that sent more at once than was handled, and requests of which many
came at once, share each turn of the event loop.

Laws: few requests are begun in one turn, fewer still of those that lay behind another of their
connection; the others later, in the order in which they came. Those with more to handle get
`TURN_SECONDS` a turn together, and one of them at least, in the order in which they came to wait.
So a hundred connections that send without end take as much of everybody's time as one does. A
server has one of these for both protocols. What is asked to go on twice goes on twice: whoever asks
knows whether it still has to.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from gateway.access.connections import PIPELINED_PER_TURN, REQUESTS_PER_TURN, TURN_SECONDS


class Turns:
    """The queues of those that wait for a turn."""

    __slots__ = ("_begun", "_is_due", "_loop", "_pipelined", "_requests", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._requests: deque[Callable[[], None]] = deque()
        self._pipelined: deque[Callable[[], None]] = deque()
        self._begun = 0
        """Requests in this turn."""
        self._is_due = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, request: Callable[[], None], *, is_pipelined: bool = False) -> None:
        """Call `request` now, or in a later turn if many have been begun in this one, or if it lay
        behind another.
        """
        if is_pipelined:
            self._pipelined.append(request)
        elif self._begun < REQUESTS_PER_TURN:
            self._begun += 1
            request()
        else:
            self._requests.append(request)
        self._see_to_a_turn()

    def ask(self, go_on: Callable[[], None]) -> None:
        """Have `go_on` called in one of the next turns."""
        self._waiting.append(go_on)
        self._see_to_a_turn()

    def _see_to_a_turn(self) -> None:
        if (self._waiting or self._begun or self._pipelined) and not self._is_due:
            self._is_due = True
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        waiting, ends_at = self._waiting, monotonic() + TURN_SECONDS
        self._is_due = False
        self._begun = min(len(self._requests), REQUESTS_PER_TURN)
        try:
            for _ in range(self._begun):
                self._requests.popleft()()
            for _ in range(min(len(self._pipelined), PIPELINED_PER_TURN)):
                self._pipelined.popleft()()
            # Those that ask again meanwhile come behind, in a later turn.
            for _ in range(len(waiting)):
                waiting.popleft()()
                if monotonic() > ends_at:
                    break
        finally:
            self._see_to_a_turn()
