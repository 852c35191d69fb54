"""Write batches: one call, one transaction, fenced and chained; acknowledged only when it is back.

Laws: one message carries a whole batch and its COMMIT, so an engine stopped anywhere holds no lock;
no deadline and no cancellation, since a commit that was given up has an unknown outcome (how long
it takes is watched by `persistence.loop.stall`); every failure is one of three, told apart exactly:

    FenceLost        another engine leads; nothing was written
    BatchRefused     PostgreSQL refused the data and rolled back for certain
    OutcomeUnknown   anything else: the connection is gone, or the server was told to stop

One `Journal` belongs to one engine and one connection. What a row holds is `batch_rows` and
`rows`.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import msgspec

from exchange.engine import RULES_VERSION
from exchange.messages.errors import InvariantViolated
from exchange.model.state import State
from exchange.proof.running_balances import RunningBalances
from persistence.errors import BatchRefused, FenceLost, OutcomeUnknown
from persistence.journal.batch_rows import BatchRows, after_images, mode_code
from persistence.journal.open_orders import OpenOrders
from persistence.journal.row_layouts import packed
from persistence.journal.rows import JournalRow, chain, join_payload
from persistence.postgres.database import Connection, connect

if TYPE_CHECKING:
    Statement = asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]

# The batch's rows are joined to tables of any size: always by index, whatever was planned when
# the tables were empty. A session stuck inside a transaction is ended before 2 s, one whose engine
# is gone from the network after 5 s: what it holds, the lead too, is free then.
SESSION: Final[Mapping[str, str]] = {
    "application_name": "probity engine",
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "1500",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    "statement_timeout": "0",
    "client_min_messages": "error",
}
# What comes as lines (`row_layouts.text_list`): ids of new orders, used ids, their fingerprints.
_LINES: Final[Mapping[int, str]] = {
    15: "string_to_array($15, E'\\n', '')",
    21: "string_to_array($21, E'\\n')",
    22: "string_to_array($22, E'\\n')::bytea[]",
}
_ARGUMENTS: Final = [_LINES.get(number, f"${number}") for number in range(1, 37)]
CALL: Final = f"CALL commit_batch({', '.join(_ARGUMENTS)})"
EPOCH: Final = "SELECT epoch FROM engine_state"
_FENCE_LOST: Final = "PB001"
# What a value can do wrong: cardinality, data, integrity, access rule, limits, a trigger's raise.
# Everything else (resources, operators, the system) is not the batch's fault.
_REFUSALS: Final = frozenset({"21", "22", "23", "42", "44", "54", "P0"})


class SealedBatch(msgspec.Struct, frozen=True):
    """A batch ready to be written."""

    first_seq: int
    last_seq: int
    hash: bytes
    arguments: tuple[Any, ...]
    """Of `commit_batch`, in its order."""

    def row(self) -> JournalRow:
        """Return the row that the journal holds when the batch is committed."""
        epoch, _, previous_hash, last_seq, hash_, at, rules_version, payload = self.arguments[:8]
        return JournalRow(
            self.first_seq, last_seq, epoch, at, rules_version, payload, previous_hash, hash_
        )


class Journal:
    """The way to the store, at one place in the chain: `last_seq` and `chain_hash`."""

    def __init__(
        self,
        connection: Connection,
        epoch: int,
        last_seq: int,
        chain_hash: bytes,
        open_orders: OpenOrders,
        led_at: float | None = None,
    ) -> None:
        """Go on behind `last_seq`; `led_at`, None is now, is when this engine led, by
        `time.monotonic`.
        """
        self.connection = connection
        self.epoch = epoch
        self.last_seq = last_seq
        self.chain_hash = chain_hash
        self._open_orders = open_orders
        self._reached = (0, 0)
        """How far the engine has come in its stream of commands; stored with every batch."""
        self.asked_at: float | None = None
        """When the database was asked what it hasn't answered yet, on the monotonic clock."""
        self.heard_at = time.monotonic()
        """When it answered last."""
        self.led_at = self.heard_at if led_at is None else led_at
        """When it was asked what it has done last: this engine led then, or later."""
        self._statement: Statement | None = None

    def reach(self, place: tuple[int, int]) -> None:
        """Note a place in the stream of commands that the batch to be sealed next has reached.

        It never goes back, not even where a batch is refused and its commands run again alone: what
        lies behind it was certainly not executed, what lies before it may have been.
        """
        self._reached = max(self._reached, place)

    def seal(self, state: State, rows: BatchRows, balances: RunningBalances) -> SealedBatch:
        """End a batch: take its after-images, chain it to the last sealed one, clear `dirty`.

        Batches must be committed in the order in which they were sealed.

        Raises:
            InvariantViolated: sequences have a gap, or ledger and balances disagree.
        """
        first_seq, last_seq = self.last_seq + 1, state.seq
        if last_seq - first_seq + 1 != rows.commands or not rows.commands:
            raise InvariantViolated(f"a batch of {rows.commands} ends at {last_seq}")
        balances.compare(state.dirty.accounts)
        payload = join_payload(rows.payload)
        previous, at = self.chain_hash, state.now
        hash_ = chain(previous, first_seq, last_seq, self.epoch, at, RULES_VERSION, payload)
        images = after_images(rows, state, self.last_seq)
        arguments = (
            self.epoch,
            self.last_seq,
            previous,
            last_seq,
            hash_,
            at,
            RULES_VERSION,
            payload,
            mode_code(state),
            state.next_order_id,
            state.next_market_id,
            state.issued,
            state.fees,
            images["placed"],
            images["placed_ids"],
            images["placed_conditions"],
            images["changed"],
            *rows.per_command(),
            images["opened_accounts"],
            images["changed_accounts"],
            images["held"],
            images["changed_markets"],
            packed(self._open_orders.change(state.dirty.orders)),
            images["listed"],
            images["resolved"],
            images["settled"],
            images["credited"],
            images["amended"],
            state.next_place,
            images["rare"],
            *self._reached,
        )
        state.dirty.clear()
        self.last_seq, self.chain_hash = last_seq, hash_
        return SealedBatch(first_seq, last_seq, hash_, arguments)

    def rewind(self, last_seq: int, chain_hash: bytes, open_orders: OpenOrders) -> None:
        """Go back to what is committed, after a refused batch."""
        self.last_seq, self.chain_hash = last_seq, chain_hash
        self._open_orders = open_orders

    async def commit(self, batch: SealedBatch) -> None:
        """Write a batch; back means committed.

        A cancelled caller doesn't cancel the commit.

        Raises:
            FenceLost, BatchRefused, OutcomeUnknown: see the module.
        """
        await asyncio.shield(self.write(batch))

    async def ping(self) -> None:
        """Ask the database for a sign of life, when it has been asked nothing else for a while, and
        whether this engine still leads: one that has nothing to write would never hear of another.

        Raises:
            OutcomeUnknown: it gives none.
            FenceLost: another engine leads.
        """
        with self.asking():
            try:
                epoch = await self.connection.fetchval(EPOCH)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                raise OutcomeUnknown(f"the database ended the engine's session: {error}") from error
            if epoch != self.epoch:
                raise FenceLost("another engine leads")

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Note that the database is being asked something while the block runs."""
        asked_at = self.asked_at = time.monotonic()
        try:
            yield
            self.led_at = asked_at
        finally:
            self.asked_at, self.heard_at = None, time.monotonic()

    async def write(self, batch: SealedBatch) -> None:
        """Do what `commit` does, for a task that nobody cancels: two turns of the loop sooner."""
        with self.asking():
            try:
                if self._statement is None:
                    self._statement = await self.connection.prepare(CALL)
                await self._statement.fetch(*batch.arguments)
            except asyncpg.PostgresError as error:
                raise _judged(error, closed=self.connection.is_closed()) from error
            except (asyncpg.InterfaceError, OSError) as error:
                raise OutcomeUnknown(f"the connection was lost in a commit: {error}") from error


async def connect_engine(url: str) -> Connection:
    """Open the engine's own connection: its own session settings, no deadline, never pooled."""
    connection = await connect(url, settings=SESSION)
    # A statement that waits for something ends when its engine is gone; not every system can tell.
    with suppress(asyncpg.PostgresError):
        await connection.execute("SET client_connection_check_interval = '1s'")
    return connection


def _judged(
    error: asyncpg.PostgresError, *, closed: bool
) -> FenceLost | BatchRefused | OutcomeUnknown:
    state = error.sqlstate or ""
    if closed or getattr(error, "severity_en", None) in ("FATAL", "PANIC"):
        return OutcomeUnknown(f"the database ended the session in a commit: {error}")
    if state == _FENCE_LOST:
        return FenceLost(str(error))
    if state[:2] in _REFUSALS:
        return BatchRefused(f"{state}: {error}")
    return OutcomeUnknown(f"the database failed in a commit, {state}: {error}")
