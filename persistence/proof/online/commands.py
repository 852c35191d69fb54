"""The journal, batch by batch along its chain, and what each command stored: what is new at each
look, and all of it in rounds.

    journal      the chain is whole, commandSeq dense, and it ends where engine_state says
    ledger, trades, ids, settlements, credits
                 the tables hold exactly what the events of these commands say
    ledger       each command's entries sum to zero; each balance follows from the one before
    bets         what was told of bets and sales is what their orders traded

Laws: how a batch is judged is `journal_chain`'s, how rows are compared `comparisons`'; commands are
not run again, which is `probity verify`'s. Where files hold what this machine doesn't have, that
part is left to the sums; one that is there and damaged is a finding. One that can't be read, or is
missing among others, may be a disk's or a mount's fault: it is told, and halts nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from exchange.messages.execution import Execution
from persistence.errors import SegmentUnreadable
from persistence.journal import tables
from persistence.journal.reader import rows_after
from persistence.journal.rows import GENESIS_HASH, JournalRow
from persistence.journal.segments.segment_file import Damaged
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.proof.bets import BetComparison
from persistence.proof.comparisons import Comparisons, Row, Span
from persistence.proof.journal_chain import ChainWalk
from persistence.proof.online.course import Mark, Piece
from persistence.proof.sums import UNBALANCED
from persistence.repositories.checks.findings import Finding

BYTES_AT_ONCE: Final = 500_000
COMMANDS_AT_ONCE: Final = 2_000
"""Of a part that only PostgreSQL looks at."""
_AFTERS: Final = """
WITH of_span AS (
    SELECT *, lag(available_after) OVER owners AS available_before,
           lag(locked_after) OVER owners AS locked_before, row_number() OVER owners AS place
      FROM ledger {of}
    WINDOW owners AS (PARTITION BY owner_id, owner ORDER BY command_seq, entry_no))
SELECT * FROM (
    SELECT s.command_seq, s.entry_no, s.owner, s.owner_id, s.available_after, s.locked_after,
           coalesce(s.available_before, b.available_after, 0) + s.available AS available_due,
           coalesce(s.locked_before, b.locked_after, 0) + s.locked AS locked_due
      FROM of_span AS s LEFT JOIN LATERAL (
           SELECT available_after, locked_after FROM ledger AS l
            WHERE s.place = 1 AND l.owner_id = s.owner_id AND l.owner = s.owner
              AND l.command_seq <= {after}
            ORDER BY l.command_seq DESC, l.entry_no DESC LIMIT 1) AS b ON true) AS due
 WHERE (available_after, locked_after) <> (available_due, locked_due)
 ORDER BY command_seq, entry_no LIMIT 1
"""
_OF_MARKET: Final = {"trades": 1, "settlements": 2}
"""Where a row says of which market it is; other tables are the exchange's."""


class Commands:
    """The course: of what is new, or of all."""

    start: Final = Mark(0, GENESIS_HASH)

    def __init__(self, folder: Path | None, *, is_front: bool) -> None:
        """`folder` is where parts of the journal lie that were moved to files."""
        self.is_front = is_front
        self.name = "new-commands" if is_front else "commands"
        self._has_files = folder is not None and folder.is_dir()
        self._segments = Segments(folder)

    async def length(self, connection: Connection) -> int:
        """Return the last command."""
        return await connection.fetchval("SELECT last_seq FROM engine_state") or 0

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next batches; at the end, at where it ends."""
        journal = JournalSource(connection, self._segments)
        if not self._has_files:
            oldest = await journal.oldest()
            if mark.key + 1 < oldest and await self._segments.reach(connection, mark.key + 1):
                span = Span(mark.key, min(mark.key + COMMANDS_AT_ONCE, oldest - 1))
                found = await _sums(connection, span, seq)
                return Piece(Mark(span.to), found, is_end=False)
        try:
            rows = await rows_after(journal, mark.key, BYTES_AT_ONCE)
        except SegmentUnreadable as error:
            return Piece(Mark(self._segments.last_seq), [_of_file(mark, error, seq)], is_end=False)
        walk = ChainWalk(mark.key, mark.hash)
        if not rows:
            return self._end(walk, await tables.read_head(connection), seq)
        findings: list[Finding] = []
        done: list[Execution] = []
        for row in rows:
            problem = walk.step(row) or _unreadable(row, done)
            if problem is not None:
                subject = f"batch {row.first_seq}"
                findings.append(
                    _finding("journal", subject, "the chain as it was written", problem, seq)
                )
        # What a batch holds says nothing where it isn't the one that was written.
        if not findings:
            findings = await _compared(connection, done, Span(mark.key, walk.seq), seq)
        return Piece(Mark(max(walk.seq, mark.key + 1), walk.hash), findings, is_end=False)

    def _end(self, walk: ChainWalk, head: tables.Head, seq: int) -> Piece:
        mark = Mark(walk.seq, walk.hash)
        problem = walk.end_problem(head)
        if problem is not None:
            found = _finding("journal", "end", "the end that engine_state names", problem, seq)
            return Piece(self.start, [found], is_end=True)
        return Piece(mark if self.is_front else self.start, [], is_end=True)


def _of_file(mark: Mark, error: SegmentUnreadable, seq: int) -> Finding:
    """Return what is said of a file: that somebody changed it, or that it can't be read here."""
    if isinstance(error.__cause__, Damaged):
        return _finding("journal", f"after {mark.key}", "a whole file", str(error), seq)
    subject, expected = f"file after {mark.key}", "a file that can be read"
    return Finding("journal", 0, subject, expected, str(error), seq, halts=False)


def _unreadable(row: JournalRow, done: list[Execution]) -> str | None:
    """Read a batch into `done`; say why it can't be, None if it can."""
    try:
        executions = row.executions()
    except msgspec.DecodeError as error:
        return f"the batch of {row.first_seq} can't be read: {error}"
    if [one.seq for one in executions] != list(range(row.first_seq, row.last_seq + 1)):
        return f"the batch of {row.first_seq} holds other commands than it says"
    done += executions
    return None


async def _compared(
    connection: Connection, done: list[Execution], span: Span, seq: int
) -> list[Finding]:
    """Compare what commands stored with what their events say."""
    comparisons = Comparisons(connection, span)
    await comparisons.compare(done, ())
    await comparisons.finish()
    findings = []
    for name, (stored, expected) in comparisons.differences.items():
        row: Sequence[Any] = expected or stored or ()
        market_id = row[_OF_MARKET[name]] if name in _OF_MARKET else 0
        subject = f"command {row[0]}"
        told = "no row" if expected is None else _text(expected)
        seen = "no row" if stored is None else _text(stored)
        findings.append(Finding(name, market_id, subject, told, seen, seq))
    bets = BetComparison(connection, -1)
    await bets.compare(done)
    await bets.compare_taken()
    if bets.problem is not None:
        subject = bets.problem[: bets.problem.index(" ", bets.problem.index(" ") + 1)]
        told = "what its order traded"
        findings.append(Finding("bets", bets.market_id, subject, told, bets.problem, seq))
    return findings or await _sums(connection, span, seq)


async def _sums(connection: Connection, span: Span, seq: int) -> list[Finding]:
    """Add up a span's entries, and follow the balances after each."""
    findings = []
    row = await connection.fetchrow(UNBALANCED.format(of=span.words))
    if row is not None:
        subject, seen = f"command {row['command_seq']}", f"{row['posted']} more than it takes"
        findings.append(_finding("ledger", subject, "entries that sum to 0", seen, seq))
    row = await connection.fetchrow(_AFTERS.format(of=span.words, after=span.after))
    if row is not None:
        subject = f"entry {row['command_seq']}:{row['entry_no']}"
        expected = f"{row['available_due']} and {row['locked_due']} after it"
        seen = f"{row['available_after']} and {row['locked_after']}"
        findings.append(_finding("ledger", subject, expected, seen, seq))
    return findings


def _finding(name: str, subject: str, expected: str, seen: str, seq: int) -> Finding:
    return Finding(name, 0, subject, expected, seen, seq)


def _text(row: Row) -> str:
    return ", ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)
