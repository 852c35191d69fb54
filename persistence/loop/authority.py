"""By what right a command was sent, and whether that still stands when the engine takes it.

A command waits in the queue, and what its sender was let in by may end meanwhile (an API key that
is revoked, or expires). Whoever lets a sender in by such a right says so for as long as it handles
what was sent (`acting_by`); `Sequencer.submit` notes it beside the command, and `Intake.take` asks
it once more before the command is stamped: what no longer stands is answered, and never runs.

Law: it goes with the context and not with each call in between, so that no handler can forget it.
It is no part of the command: the journal holds what happened, not what was refused before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class Authority(Protocol):
    """A right that may end."""

    def refusal(self) -> Exception | None:
        """Return what the sender is told if it has ended, None while it stands; never waits."""


_AUTHORITY: Final[ContextVar[Authority | None]] = ContextVar("authority", default=None)


def current_authority() -> Authority | None:
    """Return by what right the code that runs now was called, None for one that can't end."""
    return _AUTHORITY.get()


@contextmanager
def acting_by(authority: Authority) -> Iterator[None]:
    """Let what is done inside, and the tasks begun there, be done by a right that may end."""
    token = _AUTHORITY.set(authority)
    try:
        yield
    finally:
        _AUTHORITY.reset(token)
