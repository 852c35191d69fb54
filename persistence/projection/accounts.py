"""The past of each account: its segments (`exchange/projections/account_segments.py`), stored as
the journal goes on.

    command ─ by_account ─> AccountReplay of each one touched ─> commands of its open segment

Laws: what is stored of a segment is enough to take the account up again, by its image and its
commands' events from the journal, so any account may be dropped from memory between two steps;
those that nothing touched for longest are, once memory holds `RECORDS_HELD`. A closed segment is
kept for `kept_us` after its last command, by the time of the journal (0: for ever); an account's
open one always.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from exchange.messages.command_bases import NO_ACCOUNT
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.messages.waiting_events import OrdersReached, OrdersStoodDown
from exchange.projections.account_replay import AccountReplay
from exchange.projections.account_segments import (
    AccountPast,
    Segment,
    decode_commands,
    take_command,
)
from exchange.projections.touches import WaitingOrders, by_account
from persistence.journal.rows import JournalRow
from persistence.journal.scattered import row_sizes, rows_at
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, Fetching

RECORDS_HELD: Final = 500_000
"""Orders, positions and accounts in memory: some hundred megabytes at most."""
SWEEP_US: Final = 3_600_000_000
"""So often what is too old is thrown away, by the time of the journal."""
SWEPT_AT_ONCE: Final = 10_000
_ACCOUNTS_AT_ONCE: Final = 500
_BYTES_AT_ONCE: Final = 8_000_000

_NEWEST: Final = """
SELECT newest.* FROM unnest($1::bigint[]) AS wanted (id),
       LATERAL (SELECT account_id, account_seq, seq, image, commands FROM account_segments
                 WHERE account_id = wanted.id ORDER BY account_seq DESC LIMIT 1) AS newest
"""
_OWNERS: Final = (
    "SELECT order_id, account_id FROM account_waiting WHERE order_id = ANY($1::bigint[])"
)
_BEGIN: Final = """
INSERT INTO account_segments (account_id, account_seq, closed_at, commands, seq, image)
VALUES ($1, $2, $3, $4, $5, $6)
"""
# An image is never written twice: it may be large.
_GROW: Final = """
UPDATE account_segments SET closed_at = $3, commands = $4 WHERE account_id = $1 AND account_seq = $2
"""
_BEGUN: Final = "INSERT INTO account_waiting VALUES ($1, $2)"
_ENDED: Final = "DELETE FROM account_waiting WHERE order_id = ANY($1::bigint[])"
_SWEEP: Final = """
DELETE FROM account_segments WHERE (account_id, account_seq) IN (
       SELECT account_id, account_seq FROM account_segments
        WHERE closed_at > 0 AND closed_at < $1 ORDER BY closed_at LIMIT $2)
"""


class AccountProjection:
    """Implements `Projection`."""

    def __init__(self, *, kept_us: int = 0) -> None:
        """Keep closed segments for so long; 0: for ever."""
        self._kept_us = kept_us
        self._held: dict[int, AccountPast] = {}
        """By account, the one that was touched last the last."""
        self._touched: dict[int, AccountPast] = {}
        self._prepared: deque[dict[int, list[Event]]] = deque()
        """Of each command that is to be applied, its events by account."""
        self._waiting = WaitingOrders()
        self._records = 0
        self._now = 0
        self._swept_at = 0

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load the accounts that are touched and not held, and whose the orders are that a price
        reaches.
        """
        await self._know_waiting(journal.tables, executions)
        touched: dict[int, None] = {}
        for execution in executions:
            events = by_account(execution.events, self._waiting)
            self._prepared.append(events)
            touched.update(dict.fromkeys(events))
        missing = [account_id for account_id in touched if account_id not in self._held]
        for start in range(0, len(missing), _ACCOUNTS_AT_ONCE):
            await self._load(journal, missing[start : start + _ACCOUNTS_AT_ONCE])

    def apply(self, execution: Execution) -> None:
        """Take one command."""
        self._now = execution.at
        take_command(execution, self._prepared.popleft(), self._held, self._touched)

    def _hold(self, account_id: int, held: AccountPast) -> None:
        """Keep an account as the one that was touched last, and count what it holds now."""
        self._held.pop(account_id, None)
        self._held[account_id] = held
        weight = held.replay.weight + 1
        self._records += weight - held.weight
        held.weight = weight

    async def store(self, connection: Connection) -> None:
        """Write the segments that grew, and whose orders wait; throw away what is too old."""
        await self._store_segments(connection)
        if self._waiting.ended:
            await connection.execute(_ENDED, self._waiting.ended)
        if self._waiting.begun:
            await connection.executemany(_BEGUN, list(self._waiting.begun.items()))
        if self._kept_us and self._now >= self._swept_at + SWEEP_US:
            await connection.execute(_SWEEP, self._now - self._kept_us, SWEPT_AT_ONCE)
            self._swept_at = self._now
        for account_id, held in self._touched.items():
            held.unwritten.clear()
            self._hold(account_id, held)
        self._touched.clear()
        self._waiting.put_away()
        self._drop()

    async def _store_segments(self, connection: Connection) -> None:
        begun: list[tuple[object, ...]] = []
        grown: list[tuple[object, ...]] = []
        for account_id, held in self._touched.items():
            for segment in held.unwritten.values():
                row = account_id, segment.first, segment.closed_at, bytes(segment.commands)
                if segment.image is None:
                    grown.append(row)
                else:
                    begun.append((*row, segment.seq, segment.image))
                    segment.image = None
        if begun:
            await connection.executemany(_BEGIN, begun)
        if grown:
            await connection.executemany(_GROW, grown)

    def _drop(self) -> None:
        """Drop the accounts that were not touched for longest, if too much is held."""
        while self._records > RECORDS_HELD and len(self._held) > 1:
            account_id = next(iter(self._held))
            self._records -= self._held.pop(account_id).weight
        if len(self._waiting.owners) > RECORDS_HELD:
            self._waiting.owners.clear()

    def forget(self) -> None:
        """Drop all memory."""
        self._held.clear()
        self._touched.clear()
        self._prepared.clear()
        self._waiting = WaitingOrders()
        self._records = 0

    async def erase(self, connection: Connection) -> None:
        """Empty the tables."""
        await connection.execute("TRUNCATE account_segments, account_waiting")

    # -- taking up what was stored ----------------------------------------------------------------

    async def _know_waiting(self, tables: Fetching, executions: Iterable[Execution]) -> None:
        wanted = [
            order_id
            for execution in executions
            for event in execution.events
            if isinstance(event, OrdersReached | OrdersStoodDown)
            for order_id in event.order_ids
            if order_id not in self._waiting.owners
        ]
        if wanted:
            found = await tables.fetch(_OWNERS, wanted)
            self._waiting.owners.update(tuple(row.values()) for row in found)

    async def _load(self, journal: JournalSource, account_ids: Sequence[int]) -> None:
        by_seq: dict[int, list[AccountReplay]] = {}
        for row in await journal.tables.fetch(_NEWEST, account_ids):
            account_id, first, seq, image, commands = row.values()
            segment = Segment(first, seq, commands=commands)
            replay = AccountReplay.load(image)
            for command in decode_commands(seq, commands):
                by_seq.setdefault(command, []).append(replay)
                segment.last_seq = command
            self._hold(account_id, AccountPast(replay, segment))
        for part in await _in_parts(journal, sorted(by_seq)):
            for batch in await rows_at(journal, part):
                _bring_forward(batch, part, by_seq)


async def _in_parts(journal: JournalSource, seqs: Sequence[int]) -> list[list[int]]:
    """Return the sequences in parts whose batches are held in memory at once."""
    parts: list[list[int]] = []
    taken = 0
    size = _BYTES_AT_ONCE
    for last_seq, bytes_ in await row_sizes(journal, seqs) if seqs else ():
        if size >= _BYTES_AT_ONCE:
            parts.append([])
            size = 0
        while taken < len(seqs) and seqs[taken] <= last_seq:
            parts[-1].append(seqs[taken])
            taken += 1
        size += bytes_
    return parts


def _bring_forward(
    row: JournalRow, seqs: Sequence[int], by_seq: dict[int, list[AccountReplay]]
) -> None:
    """Let the accounts take their commands of a batch."""
    within = [seq for seq in seqs if row.first_seq <= seq <= row.last_seq]
    for execution in row.some(within):
        replays = {replay.account.id: replay for replay in by_seq[execution.seq]}
        for account_id, events in by_account(
            execution.events, _waiting_of(replays, execution)
        ).items():
            if account_id in replays:
                replays[account_id].take(execution.seq, execution.at, events)


class _Owners(dict[int, int]):
    """Whose orders are, as far as it matters."""

    def __missing__(self, order_id: int) -> int:
        return NO_ACCOUNT


def _waiting_of(replays: Mapping[int, AccountReplay], execution: Execution) -> WaitingOrders:
    """Return which orders that a price reaches, or leaves alone, are of these accounts."""
    owners = _Owners()
    for event in execution.events:
        if isinstance(event, OrdersReached | OrdersStoodDown):
            for order_id in event.order_ids:
                for account_id, replay in replays.items():
                    if order_id in replay.account.orders:
                        owners[order_id] = account_id
    return WaitingOrders(owners)
