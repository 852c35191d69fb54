"""Our own exchange's past as a tape: every command of everybody, in order, from its journal.

Laws: nothing is written; what was moved to files is read there. A few batches are held at a time,
and no transaction stays open meanwhile, so a long run costs a running exchange no more than its
reads. It ends with what was there when it began.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from exchange.messages.execution import Execution
from gateway.research.tape.events import TapeBroken, TapeRefused
from gateway.research.tape.stored import StoredTape
from gateway.wire.scalars import parse_id
from persistence.errors import PersistenceError
from persistence.journal.reader import rows_after
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource

_BYTES_AT_ONCE = 1 << 20


class Traded(NamedTuple):
    """A market of ours."""

    id: int
    slug: str
    created_at: int
    """Microseconds since the epoch, as are the tape's times."""


class JournalTape(StoredTape):
    """The journal of a database."""

    def __init__(self, url: str, segments: Segments) -> None:
        super().__init__(url)
        self._segments = segments
        self._last_seq = 1
        self._read = 0

    def market(self, name: str) -> Traded:
        """Return a market by slug or id; raises TapeRefused if there is none."""
        query = (
            "SELECT id, slug, created_at FROM markets WHERE slug = $1 OR id = $2"
            " ORDER BY slug = $1 DESC LIMIT 1"
        )
        row: Any = self._wait(self._known.fetchrow(query, name, parse_id(name) or 0))
        if row is None:
            raise TapeRefused(f"there is no market {name!r}")
        return Traded(*row.values())

    def part(self) -> float:
        """Return how much of the journal has been read, 0 to 1."""
        return min(1.0, self._read / self._last_seq)

    def executions(self) -> Iterator[Execution]:
        """Yield every command and what it did; raises TapeBroken where the journal is."""
        journal = JournalSource(self._known, self._segments)
        last = self._wait(self._known.fetchval("SELECT last_seq FROM engine_state")) or 0
        self._last_seq, self._read = max(last, 1), 0
        while self._read < last:
            try:
                rows = self._wait(rows_after(journal, self._read, _BYTES_AT_ONCE))
                done = [execution for row in rows for execution in row.executions()]
            except (PersistenceError, ValueError) as error:
                raise TapeBroken(f"the journal after {self._read}: {error}") from error
            for execution in done:
                if execution.seq != self._read + 1:
                    break
                if execution.seq > last:
                    return
                self._read = execution.seq
                yield execution
            if not done or self._read < min(done[-1].seq, last):
                raise TapeBroken(f"the journal has no command {self._read + 1}")
