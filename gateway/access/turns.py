"""Whose turn it is: connections that sent more at once than was handled, and requests of which many
came at once, share each turn of the event loop; and who is turned away when there is too much.

Laws: few requests are begun in one turn, fewer still of those that lay behind another of their
connection; the others later, in the order in which they came, spared ones before the rest. Those
with more to handle get `TURN_SECONDS` a turn together, and one of them at least, in the order in
which they came to wait. So a hundred connections that send without end take as much of everybody's
time as one does. A server has one of these for both protocols. What is asked to go on twice goes on
twice: whoever asks knows whether it still has to.

Nobody waits in vain: while one that waits has waited for longer than `Bounds.wait_seconds` when its
turn was over, or so many wait as there may, what comes is shed, but for what is spared (cancels,
ends of sessions, a look at the health). Those that lay behind another of their connection wait for
one another and not for the rest, so nobody else is shed for them. It is judged after each turn and
not when something comes: a process that stood still has its turn first, and then sees how far it is
behind.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from gateway.access.connections import (
    PIPELINED_PER_TURN,
    REQUESTS_PER_TURN,
    SPARED_PER_TURN,
    TURN_SECONDS,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long requests may wait for their turn, in seconds, and how many."""

    wait_seconds: float = 0.25
    most: int = 1_000


_DEFAULT: Final = Bounds()


class Turns:
    """The queues of those that wait for a turn."""

    __slots__ = (
        "_begun",
        "_bounds",
        "_clock",
        "_is_due",
        "_loop",
        "_pipelined",
        "_requests",
        "_spared",
        "_waiting",
        "sheds",
        "sheds_pipelined",
    )

    def __init__(self, bounds: Bounds = _DEFAULT, clock: Callable[[], float] = monotonic) -> None:
        """Hold requests to `bounds`; `clock` tells seconds."""
        self._bounds = bounds
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._requests: deque[tuple[float, Callable[[], None]]] = deque()
        self._spared: deque[Callable[[], None]] = deque()
        self._pipelined: deque[tuple[float, Callable[[], None]]] = deque()
        self._begun = 0
        """Requests in this turn."""
        self._is_due = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.sheds = False
        """Whether what comes now is too much, but for what is spared."""
        self.sheds_pipelined = False
        """The same of what lay behind another of its connection."""

    def refuses(self, *, is_pipelined: bool) -> bool:
        """Say whether a request that comes now is shed, if it isn't spared."""
        return self.sheds or (is_pipelined and self.sheds_pipelined)

    def begin(
        self,
        request: Callable[[], None],
        *,
        is_pipelined: bool = False,
        is_spared: bool = False,
    ) -> None:
        """Call `request` now, or in a later turn if many have been begun in this one, or if it lay
        behind another. Whoever asks what `refuses`, and isn't spared, makes it wait longer.
        """
        if is_pipelined:
            self._pipelined.append((self._clock(), request))
            if len(self._pipelined) >= self._bounds.most:
                self.sheds_pipelined = True
        elif self._begun < REQUESTS_PER_TURN:
            self._begun += 1
            request()
        elif is_spared:
            self._spared.append(request)
        else:
            self._requests.append((self._clock(), request))
            if len(self._requests) >= self._bounds.most:
                self.sheds = True
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
        spared = min(len(self._spared), SPARED_PER_TURN)
        others = min(len(self._requests), REQUESTS_PER_TURN - spared)
        self._begun = spared + others
        try:
            for _ in range(spared):
                self._spared.popleft()()
            for _ in range(others):
                self._requests.popleft()[1]()
            for _ in range(min(len(self._pipelined), PIPELINED_PER_TURN)):
                self._pipelined.popleft()[1]()
            # Those that ask again meanwhile come behind, in a later turn.
            for _ in range(len(waiting)):
                waiting.popleft()()
                if monotonic() > ends_at:
                    break
        finally:
            self.sheds = self._is_behind(self._requests)
            self.sheds_pipelined = self._is_behind(self._pipelined)
            self._see_to_a_turn()

    def _is_behind(self, requests: deque[tuple[float, Callable[[], None]]]) -> bool:
        """Say whether somebody still waits who has waited too long, or too many do."""
        if not requests:
            return False
        waited = self._clock() - requests[0][0]
        return waited > self._bounds.wait_seconds or len(requests) >= self._bounds.most
