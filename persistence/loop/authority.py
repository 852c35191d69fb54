"""By what right a command was sent, and whether that still stands when the engine takes it.

A command waits in the queue, and what its sender was let in by may end meanwhile (an API key that
is revoked, or expires). Whoever lets a sender in by such a right says so for as long as it handles
what was sent (`acting_by`); `Sequencer.submit` notes it beside the command, and `Intake.take` asks
it once more before the command is stamped: what no longer stands is answered, and never runs.

Law: it goes with the context and not with each call in between, so that no handler can forget it.
It is no part of the command: the journal holds what happened, not what was refused before. What
came from another process by a stream has its deadline for a right (`Arrived`), and its place there,
which is committed with what it did.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol

from persistence.during import During
from persistence.errors import CommandLate

Place = tuple[int, int]
"""Where a command stands in a stream of Redis: the two parts of its id, which only grow."""
NOWHERE: Final[Place] = (0, 0)
"""Before the first."""


class Authority(Protocol):
    """A right that may end."""

    def refusal(self) -> Exception | None:
        """Return what the sender is told if it has ended, None while it stands; never waits."""


class Arrived:
    """The right of what another process sent: it ends with the command's deadline."""

    __slots__ = ("_clock", "_deadline", "place")

    def __init__(self, place: Place, deadline: int, clock: Callable[[], int]) -> None:
        """Take where it stands in its stream, and until when of `clock` it may run."""
        self.place = place
        self._deadline = deadline
        self._clock = clock

    def refusal(self) -> Exception | None:
        """Return that it came too late, if it did."""
        if self._clock() <= self._deadline:
            return None
        return CommandLate("the command's time was over before the engine took it")


_AUTHORITY: Final[ContextVar[Authority | None]] = ContextVar("authority", default=None)


def current_authority() -> Authority | None:
    """Return by what right the code that runs now was called, None for one that can't end."""
    return _AUTHORITY.get()


def acting_by(authority: Authority) -> During[Authority | None]:
    """Let what is done inside, and the tasks begun there, be done by a right that may end."""
    return During(_AUTHORITY, authority)
