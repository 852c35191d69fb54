"""What the gateway asks of the engine's side, by the names it uses.

A command goes in by `CommandPort.submit`, which puts it on the engine's queue *before* it returns,
so that one client's commands keep their order; the future is done after the commit, and a caller
that stops waiting for it takes nothing back. Reads come from the committed view, which is moved
forward after the commit and before the answer.
"""

from collections.abc import Mapping
from typing import Protocol

from persistence.errors import CommandNotTaken, EngineElsewhere, OutcomeUnknown, QueueFull
from persistence.loop.ports import Answer, CommandPort

__all__ = [
    "AccountsView",
    "Answer",
    "CommandNotTaken",
    "CommandPort",
    "EngineElsewhere",
    "OutcomeUnknown",
    "QueueFull",
]


class AccountsView(Protocol):
    """The part of the committed view that sign-in reads."""

    @property
    def accounts(self) -> Mapping[int, object]:
        """Return the accounts by id."""
