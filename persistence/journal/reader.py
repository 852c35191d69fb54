"""Read the journal: one batch, the newest commands, or the whole of it in bounded memory.

Laws: what is read is given back as it stands; whether it is whole is `verification`'s to say; what
was moved to files is read there (`source`), and may be `SegmentUnreadable`. Writing is `journal`,
the bytes of a row `rows`.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

import msgspec

from exchange.messages.command_bases import Prior
from exchange.messages.commands import BatchOrders, Command, PlaceOrder
from exchange.messages.events import CommandRejected, CommandReplayed, Event, OrderPlaced
from exchange.messages.execution import Execution
from exchange.messages.operations import sections
from exchange.messages.reasons import Reason
from exchange.model.idempotency import ORDER_ID, Key, fingerprint, key_of
from persistence.errors import HistoryMismatch
from persistence.journal.rows import COLUMNS, JournalRow
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection

_ROWS_AT_ONCE: Final = 4
"""A row may be a megabyte; so many are held at a time."""
_SMALL_AT_ONCE: Final = 64
_AFTER: Final = f"FROM journal WHERE first_seq > $1 ORDER BY first_seq LIMIT {_ROWS_AT_ONCE}"
# No payload is read for its size.
_AFTER_BY_SIZE: Final = f"""
FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY first_seq) AS size
        FROM (SELECT * FROM journal WHERE first_seq > $1 ORDER BY first_seq
               LIMIT {_SMALL_AT_ONCE}) AS next) AS journal
WHERE size - octet_length(payload) < $2 ORDER BY first_seq
"""  # noqa: S608 - a constant


async def executions_at(journal: JournalSource, seqs: Sequence[int]) -> dict[int, Execution]:
    """Return the commands that were stamped with these sequences, by sequence.

    Args:
        journal: asked once for each batch that holds any.
        seqs: ascending.

    Raises:
        HistoryMismatch: the journal doesn't hold one of them.
    """
    found: dict[int, Execution] = {}
    row = None
    for seq in seqs:
        if row is None or row.last_seq < seq:
            row = await _row_of(journal, seq)
        found[seq] = row.execution(seq)
    return found


async def _row_of(journal: JournalSource, seq: int) -> JournalRow:
    rows = await journal.select(
        "FROM journal WHERE first_seq <= $1 ORDER BY first_seq DESC LIMIT 1", seq
    )
    if not rows:
        rows = await journal.moved([], seq, seq)
    if not rows or rows[0].last_seq < seq:
        raise HistoryMismatch(f"the journal doesn't hold command {seq}")
    return rows[0]


async def executions_after(journal: JournalSource, seq: int) -> list[Execution]:
    """Return every command stamped later than `seq`, in order.

    Raises:
        HistoryMismatch: a payload can't be decoded.
    """
    rows = await journal.select(
        "FROM journal WHERE first_seq > coalesce("
        "(SELECT max(first_seq) FROM journal WHERE first_seq <= $1), 0) - 1 ORDER BY first_seq",
        seq,
    )
    if rows:
        rows = await journal.moved(rows, max(seq, 0) + 1, rows[0].first_seq) + rows
    try:
        found = [execution for row in rows for execution in row.executions()]
    except msgspec.DecodeError as error:
        raise HistoryMismatch(f"the journal after {seq} can't be read: {error}") from error
    return [execution for execution in found if execution.seq > seq]


async def rows_after(journal: JournalSource, seq: int, size: int | None = None) -> list[JournalRow]:
    """Return the next few batches after the one that ends with the command `seq`, in order.

    With `size` these are more where they are small: until their payloads have so many bytes.
    """
    if size is None:
        rows = await journal.select(_AFTER, seq)
    else:
        rows = await journal.select(_AFTER_BY_SIZE, seq, size)
    # Behind the newest batch, which is always in the table, nothing is looked for.
    if rows and rows[0].first_seq > seq + 1:
        rows = await journal.moved(rows, seq + 1, rows[0].first_seq, _ROWS_AT_ONCE) + rows
        return rows[:_ROWS_AT_ONCE]
    return rows


async def rows_between(journal: JournalSource, after: int, to: int) -> list[JournalRow]:
    """Return the batches that hold the commands later than `after`, up to `to`, in order.

    Of the first and the last of them some commands may lie outside (`JournalRow.within`). None hold
    any if `to` isn't later than `after`.
    """
    if after >= to:
        return []
    rows = await journal.select(
        "FROM journal WHERE first_seq <= $2 AND first_seq >= coalesce("
        "(SELECT max(first_seq) FROM journal WHERE first_seq <= $1 + 1), 0) AND last_seq > $1"
        " ORDER BY first_seq",
        after,
        to,
    )
    return await journal.moved(rows, max(after, 0) + 1, to) + rows


async def hash_at(journal: JournalSource, seq: int) -> bytes | None:
    """Return the hash of the batch that ends with the command `seq`; None if none does."""
    rows = await journal.tables.fetch(
        "SELECT last_seq, hash FROM journal WHERE first_seq ="
        " (SELECT max(first_seq) FROM journal WHERE first_seq <= $1)",
        seq,
    )
    if rows:
        found: bytes = rows[0]["hash"]
        return found if rows[0]["last_seq"] == seq else None
    if await journal.segments.reach(journal.tables, seq):
        return await journal.segments.hash_at(seq)
    return None


async def stream(
    connection: Connection, segments: Segments | None = None
) -> AsyncIterator[JournalRow]:
    """Yield every row, oldest first; the connection must be in a transaction of one snapshot.

    Raises SegmentUnreadable, also if a file isn't byte for byte the one that was written.
    """
    journal = JournalSource(connection, segments)
    oldest = await journal.oldest()
    await journal.segments.reach(connection, oldest - 1)
    async for row in journal.segments.stream(oldest):
        yield row
    query = f"SELECT {COLUMNS} FROM journal ORDER BY first_seq"  # noqa: S608 - a constant
    async for found in connection.cursor(query, prefetch=_ROWS_AT_ONCE):
        yield JournalRow(*found.values())


class Use(NamedTuple):
    """An id, the command that was the first to use it, and the order it was given to, or 0."""

    key: Key
    prior: Prior
    order_id: int


def first_uses(execution: Execution) -> list[Use]:
    """Return the client ids that a command was the first to use, in the order of their use."""
    command, events = execution.command, execution.events
    found = _first_use(execution.seq, command, events)
    if isinstance(command, BatchOrders):
        for operation, section in zip(command.operations, sections(events), strict=False):
            if isinstance(operation, PlaceOrder):
                found += _first_use(execution.seq, operation, section)
    return found


def _first_use(seq: int, command: Command, events: Sequence[Event]) -> list[Use]:
    key, first = key_of(command), events[0]
    if key is None:
        return []
    if isinstance(first, CommandReplayed):
        return []
    if isinstance(first, CommandRejected) and first.reason is Reason.CONFLICT:
        # Of a batch that was undone the conflict may have been an operation's.
        undone = isinstance(command, BatchOrders) and first.field != "requestId"
        return [Use(key, Prior(seq, fingerprint(command)), 0)] if undone else []
    placed = key[1] == ORDER_ID and isinstance(first, OrderPlaced)
    order_id = first.order_id if placed and isinstance(first, OrderPlaced) else 0
    return [Use(key, Prior(seq, fingerprint(command)), order_id)]
