"""How far the committed view of this process has come, and who waits until it has come further.

    answer (asOfSeq 17) -> another process, ?minSeq=17 -> waits until its view holds command 17

So whoever has an answer reads what it did anywhere, from a process that follows the engine too.

Laws: a wait is bounded in time, and the waits at once in number; a commit pays one comparison for
those that wait for later ones.
"""

import asyncio
import itertools
from typing import Final

from sortedcontainers import SortedDict

from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.wire.errors import NotYetReached, Unavailable

WAITS_MAX: Final = 1_000
"""At once, in a process: less than what its addresses may have open."""
_NOBODY: Final = 1 << 63


class Progress:
    """The last command that the view holds; implements `persistence.loop.ports.ExecutionListener`.

    `wait_s` is how long a read may be kept for the command that it asks for.
    """

    def __init__(self, view: State, wait_s: float) -> None:
        self._view = view
        self._wait_s = wait_s
        self._numbers = itertools.count()
        self._waiting: SortedDict[tuple[int, int], asyncio.Future[None]] = SortedDict()
        self._next = _NOBODY
        """The first command that anybody waits for."""

    @property
    def seq(self) -> int:
        """Return the number of the last command whose effects are in the view."""
        return self._view.seq

    async def reach(self, seq: int) -> None:
        """Wait until the view holds command `seq`.

        Raises NotYetReached if that takes too long, Unavailable if too many wait.
        """
        if seq <= self._view.seq:
            return
        if len(self._waiting) >= WAITS_MAX:
            raise Unavailable("too many reads wait for a command; try again in a moment")
        key = (seq, next(self._numbers))
        self._waiting[key] = reached = asyncio.get_running_loop().create_future()
        self._next = self._waiting.peekitem(0)[0][0]
        try:
            async with asyncio.timeout(self._wait_s):
                await reached
        except TimeoutError:
            raise NotYetReached.of(seq, self._view.seq) from None
        finally:
            del self._waiting[key]
            self._next = self._waiting.peekitem(0)[0][0] if self._waiting else _NOBODY

    def on_execution(self, execution: Execution, view: State) -> None:  # noqa: ARG002 - the port's
        """Let those go on who wait for this command."""
        if execution.seq >= self._next:
            self._let_go(execution.seq)

    def on_reload(self, view: State) -> None:
        """Let those go on who wait for what a view that was loaded anew holds."""
        self._let_go(view.seq)

    def _let_go(self, seq: int) -> None:
        for key in self._waiting.irange(maximum=(seq, _NOBODY)):
            reached = self._waiting[key]
            if not reached.done():
                reached.set_result(None)
