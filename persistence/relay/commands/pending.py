"""What a gateway has sent and waits for: each is answered once, at its deadline at the latest.

    sent ─> engine's answer ─> (the view has it) ─> told
         ─> the engine ended before it took it   ─> told that nothing happened
         ─> nothing in time                      ─> told that the outcome is unknown

Law: an answer is told when this process's own view holds what it did, as the process that has the
engine does; so whoever is told reads it here, and what is shown of the answer is made of the view.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from typing import Final

from exchange.model.state import State
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.authority import Place
from persistence.loop.ports import Answer

_NOBODY: Final = 1 << 63


class Pending:
    """One command that was sent."""

    __slots__ = ("future", "is_answered", "number", "place", "stream", "until")

    def __init__(self, number: int, future: "asyncio.Future[Answer]", until: float) -> None:
        self.number = number
        self.future = future
        self.until = until
        """When it is called unknown, by the event loop's clock."""
        self.stream: str | None = None
        """The engine's life it was sent to; None while it waits to be sent."""
        self.place: Place | None = None
        """Where it stands there; None if Redis didn't say."""
        self.is_answered = False
        """Whether its answer has come, and waits for the view."""


class PendingCommands:
    """All of one sender, in the order of their numbers and so of their ends."""

    def __init__(self, view: State, unanswered: Callable[[], None]) -> None:
        """Hold answers until `view` has them; `unanswered` hears of each that is unknown."""
        self._view = view
        self._unanswered = unanswered
        self._pending: dict[int, Pending] = {}
        self._early: list[tuple[int, int, Pending, Answer]] = []
        """Answers that the view hasn't reached, by their command's sequence."""
        self._next = _NOBODY
        self._nobody = asyncio.Event()
        self._nobody.set()

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Pending]:
        return iter(list(self._pending.values()))

    def add(self, pending: Pending) -> None:
        """Wait for one more."""
        self._pending[pending.number] = pending
        self._nobody.clear()

    async def drained(self) -> None:
        """Wait until nobody waits, which takes no longer than the last deadline."""
        await self._nobody.wait()

    def answered(self, number: int, answer: Answer) -> None:
        """Take an answer; the first one counts."""
        pending = self._pending.get(number)
        if pending is None or pending.is_answered:
            return
        if answer.seq <= self._view.seq:
            self._tell(pending, answer)
            return
        pending.is_answered = True
        heapq.heappush(self._early, (answer.seq, number, pending, answer))
        self._next = self._early[0][0]

    def refused(self, number: int, error: Exception) -> None:
        """Tell one that it wasn't taken, or that nobody can say."""
        pending = self._removed(number)
        if pending is not None:
            self._fail(pending, error)

    def reached(self, seq: int) -> None:
        """Tell the answers that the view holds up to `seq`."""
        if seq < self._next:
            return
        early = self._early
        while early and early[0][0] <= seq:
            _, _, pending, answer = heapq.heappop(early)
            self._tell(pending, answer)
        self._next = early[0][0] if early else _NOBODY

    def expire(self, now: float) -> None:
        """Tell those whose time is over that the outcome is unknown."""
        while self._pending:
            pending = next(iter(self._pending.values()))
            if pending.until > now:
                break
            self.refused(pending.number, _unknown())

    def life_ended(self, stream: str, reached: Place | None) -> None:
        """Tell what was sent to an engine that leads no more: what it never took did nothing.

        `reached` is how far it came in its stream; None if nobody knows.
        """
        for pending in self:
            if pending.stream != stream:
                continue
            place = pending.place
            if reached is not None and place is not None and place > reached:
                message = "the engine ended before it took the command, nothing was done"
                self.refused(pending.number, CommandNotTaken(message))
            else:
                self.refused(pending.number, _unknown())

    def _tell(self, pending: Pending, answer: Answer) -> None:
        # One whose time was over while its answer waited for the view was told already.
        if self._removed(pending.number) is not None and not pending.future.done():
            pending.future.set_result(answer)

    def _removed(self, number: int) -> Pending | None:
        pending = self._pending.pop(number, None)
        if not self._pending:
            self._nobody.set()
        return pending

    def _fail(self, pending: Pending, error: Exception) -> None:
        if isinstance(error, OutcomeUnknown):
            self._unanswered()
        if not pending.future.done():
            pending.future.set_exception(error)
            # The client may be gone; an answer that nobody fetches is no fault of ours.
            pending.future.exception()


def _unknown() -> OutcomeUnknown:
    return OutcomeUnknown("the engine's answer didn't come, ask again under the same id")
