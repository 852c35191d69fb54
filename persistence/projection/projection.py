"""One thing that follows from the journal, as the projector sees it.

Laws: only events count, never the live tables, so that everything can be made again from the first
command; nobody but the projector writes a projection's tables; each command is given once, in
order, unless `forget` came between: then memory is empty, and what is given next is what follows
the last `store` that was committed.
"""

from collections.abc import Sequence
from typing import Protocol

from exchange.messages.execution import Execution
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection


class Projection(Protocol):
    """Something that follows."""

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load what these commands build on and memory doesn't hold."""

    def apply(self, execution: Execution) -> None:
        """Take one command."""

    async def store(self, connection: Connection) -> None:
        """Write what changed since the last time, within the transaction that moves the progress.

        Called after every few thousand commands, and wherever the journal ends for now: at quiet
        times after each command.
        """

    def forget(self) -> None:
        """Drop all memory."""

    async def erase(self, connection: Connection) -> None:
        """Empty the tables: the first command comes next."""
