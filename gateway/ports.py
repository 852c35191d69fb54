"""What the gateway asks of the engine's side; whoever runs the engine implements it.

A command goes in by `CommandPort.submit`, which puts it on the engine's queue *before* it returns,
so that one client's commands keep their order; the future is done after the commit. Reads come
from the committed view, which is moved forward after the commit and before the answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class QueueFull(Exception):
    """The engine's queue is at its bound; the command was not taken, nothing happened."""


class OutcomeUnknown(Exception):
    """The command was taken and its commit neither confirmed nor refused."""


class Answer(Protocol):
    """What came of a command; `at` in microseconds since the epoch, the balance as right after."""

    seq: int
    at: int
    events: Sequence[Any]
    available: int
    locked: int


class CommandPort(Protocol):
    """The way in."""

    @property
    def is_open(self) -> bool:
        """Say whether commands are taken: recovered, leading, not draining."""

    def submit(self, command: object) -> asyncio.Future[Any]:
        """Enqueue at once and return the future of the Answer.

        Raises QueueFull; the future raises OutcomeUnknown.
        """


class AccountsView(Protocol):
    """The part of the committed view that sign-in reads."""

    @property
    def accounts(self) -> Mapping[int, object]:
        """Return the accounts by id."""
