"""The bounded queue before the engine: who comes next.

Laws: commands of one account keep their order; admin commands and cancels may overtake commands of
*other* accounts, never an earlier one of the same account (RULEBOOK 8); what came first goes first
within each of the two lanes; a full queue takes nothing. Everything here happens before a command
is stamped.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec

from exchange.messages.commands import Command
from persistence.errors import QueueFull
from persistence.loop.ports import Answer

QUEUE_COMMANDS: Final = 10_000
"""A quarter of a second of work at the speed we aim for; a longer wait is worth less than a
refusal."""


class Waiting(msgspec.Struct, frozen=True):
    """A command, and who waits for its answer."""

    command: Command
    future: asyncio.Future[Answer]


class CommandQueue:
    """Two lanes, first come first served in each; the fast one is emptied first."""

    __slots__ = ("_fast", "_slow", "_waiting", "bound")

    def __init__(self, bound: int = QUEUE_COMMANDS) -> None:
        self.bound = bound
        self._fast: deque[Waiting] = deque()
        self._slow: deque[Waiting] = deque()
        self._waiting: dict[int, int] = {}
        """How many commands of an account are in the slow lane."""

    def __len__(self) -> int:
        return len(self._fast) + len(self._slow)

    def put(self, waiting: Waiting) -> None:
        """Queue a command.

        Raises:
            QueueFull: the queue is at its bound.
        """
        if len(self._fast) + len(self._slow) >= self.bound:
            raise QueueFull(f"{self.bound} commands are waiting")
        command = waiting.command
        account_id = command.account_id
        if command.urgent and account_id not in self._waiting:
            self._fast.append(waiting)
            return
        self._slow.append(waiting)
        self._waiting[account_id] = self._waiting.get(account_id, 0) + 1

    def take(self, count: int) -> list[Waiting]:
        """Remove and return the next commands, at most `count`."""
        taken: list[Waiting] = []
        while self._fast and len(taken) < count:
            taken.append(self._fast.popleft())
        while self._slow and len(taken) < count:
            waiting = self._slow.popleft()
            account_id = waiting.command.account_id
            left = self._waiting[account_id] - 1
            if left:
                self._waiting[account_id] = left
            else:
                del self._waiting[account_id]
            taken.append(waiting)
        return taken
