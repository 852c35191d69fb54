"""The lives of our markets, stored change by change.

Laws: a change is stored once, under the command that made it; `market_seq` is the market's after
that command, by the books that were applied before. Few commands change any, so nothing is held
between two stores.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from exchange.messages.execution import Execution
from exchange.projections.lifecycle import life_changes
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection

MarketSeqs = Callable[[int], int]
"""Market id -> its seq after the command that was applied last."""

_STORE: Final = (
    "INSERT INTO market_life (market_id, seq, at, market_seq, number, change)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)
_encode: Final = msgspec.msgpack.Encoder().encode


class LifecycleProjection:
    """Implements `Projection`; whoever keeps the books is applied before it."""

    def __init__(self, market_seq: MarketSeqs) -> None:
        self._market_seq = market_seq
        self._found: list[tuple[int, int, int, int, int, bytes]] = []

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load nothing: a change follows from its command alone."""

    def apply(self, execution: Execution) -> None:
        """Take one command."""
        for number, change in enumerate(life_changes(execution)):
            market_id = change.market_id
            seq, at, market_seq = execution.seq, execution.at, self._market_seq(market_id)
            self._found.append((market_id, seq, at, market_seq, number, _encode(change)))

    async def store(self, connection: Connection) -> None:
        """Write what was found."""
        if self._found:
            await connection.executemany(_STORE, self._found)
            self._found.clear()

    def forget(self) -> None:
        """Drop what was found."""
        self._found.clear()

    async def erase(self, connection: Connection) -> None:
        """Empty the table."""
        await connection.execute("TRUNCATE market_life")
