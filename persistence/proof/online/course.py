"""What a course through the tables is: it goes on in pieces, each over one picture of the tables.

Laws: a piece is bounded in rows, so in time; it begins anywhere, behind a key that is stored; a
thing that is wrong ends no piece and no course: it is told, and the course goes on behind it. What
a piece tells is wrong in that picture itself, so no commit on the way can make it a false alarm.
"""

from typing import Final, NamedTuple, Protocol

import msgspec

from persistence.postgres.database import Connection
from persistence.repositories.checks.findings import Finding

TOLD_MAX: Final = 20
"""Findings of a piece: where more is wrong, the same is to be done."""


class Mark(NamedTuple):
    """Where a course stands: behind this key, where a chain has this hash (None: not known)."""

    key: int = 0
    hash: bytes | None = None


class Piece(msgspec.Struct, frozen=True):
    """What a piece came to."""

    mark: Mark
    """Where the next one begins."""
    findings: list[Finding]
    is_end: bool
    """Whether it reached the end, so that the next one begins at the start, or waits for more."""


class Course(Protocol):
    """A course."""

    @property
    def name(self) -> str:
        """Say under which name it is kept how far it has come."""
        ...

    @property
    def start(self) -> Mark:
        """Return where a round begins."""
        ...

    @property
    def is_front(self) -> bool:
        """Say whether it stays at the end, to look at what is new; else it begins again."""
        ...

    async def length(self, connection: Connection) -> int:
        """Return about how many keys it goes past from start to end."""
        ...

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next piece; `seq` is the last command in this picture of the tables."""
        ...
