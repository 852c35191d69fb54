"""Start is recovery: take the lead, raise the epoch, load one snapshot, check it, open.

::

    connect -> durable settings? -> advisory lock -> raise the epoch -> read one snapshot
            -> tip: behind, or another history? -> build twice (live, view) -> invariants

Laws: the lock only says who should lead, the epoch decides: after it is raised no older engine can
commit, so the snapshot stays true. The epoch is raised in a statement of its own, so that loading
holds no lock. A database that contradicts itself or the tip is refused, never mended.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from exchange.messages.errors import InvariantViolated
from exchange.model.state import State
from exchange.proof import invariants
from persistence.errors import DatabasePooled, EngineRunning, HistoryMismatch
from persistence.journal import tables
from persistence.journal.journal import EPOCH, SESSION, Journal, connect_engine
from persistence.journal.open_orders import OpenOrders
from persistence.journal.reader import hash_at
from persistence.journal.rows import GENESIS_HASH
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.journal.tip import Tip, TipFile
from persistence.postgres.database import Connection, Fetching, is_pooled
from persistence.postgres.durability import assert_durable

if TYPE_CHECKING:
    from pathlib import Path


LEADER_LOCK: Final = 0x70726F_656E67  # "proeng"
LOCK_WAIT_S: Final = 10.0
"""An engine that was killed leaves the lock when its last statement ends."""
_LOCK_RETRY_S: Final = 0.05
STARTING: Final = f"{SESSION['application_name']}, starting"
"""What the engine's session is called until it trades: loading, it says nothing for a long time."""
# What the engine before this one took of its stream of commands is known for certain from here on:
# it commits nothing more. Whoever sent one that it didn't take is told so.
_RAISE_EPOCH: Final = (
    "UPDATE engine_state SET epoch = epoch + 1, stream_id = $1, commands_ms = 0, commands_no = 0,"
    " last_stream_id = stream_id, last_commands_ms = commands_ms, last_commands_no = commands_no"
    " RETURNING epoch"
)


class Recovered(msgspec.Struct):
    """A ready engine's parts: the live state, the committed view, and the way to the store."""

    connection: Connection
    journal: Journal
    live: State
    view: State
    tip: TipFile | None
    database_id: str


class Source(Protocol):
    """From where the exchange comes at a start."""

    async def read(self, connection: Connection, segments: Segments | None) -> tables.Head:
        """Take in everything up to the last commit, and return where that is."""

    def build(self) -> tuple[State, State]:
        """Return the live state and the view, which share nothing; raises HistoryMismatch."""


class StoredTables:
    """All of it from the tables, and checked; a `Source`."""

    def __init__(self) -> None:
        self._snapshot: tables.Snapshot | None = None

    async def read(self, connection: Connection, segments: Segments | None) -> tables.Head:
        """Read one snapshot."""
        self._snapshot = await tables.read(connection, segments=segments)
        return self._snapshot.head

    def build(self) -> tuple[State, State]:
        """Build it twice."""
        if self._snapshot is None:
            raise HistoryMismatch("nothing was read")
        return _build(self._snapshot), tables.build(self._snapshot, with_ids=False)


class Lead:
    """The dedicated connection, holding the leader's lock until it is closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    async def take(cls, url: str, *, take_over: bool = False, wait_s: float = LOCK_WAIT_S) -> Self:
        """Connect and take the lock; `take_over` ends the session of the engine that holds it.

        Raises:
            DatabaseUnavailable, DatabaseUnsuitable: no connection, or settings that lose data.
            EngineRunning: another engine leads, and still does after `wait_s`.
        """
        connection = await connect_engine(url)
        try:
            if await is_pooled(connection):
                raise DatabasePooled(
                    "a pooler stands before the database: set DIRECT_URL to its own address"
                )
            await assert_durable(connection)
            if take_over:
                await _end_leader(connection)
            await _lock(connection, wait_s)
        except BaseException:
            # Whatever went wrong, a cancellation included, the lock must not stay behind.
            await _drop(connection)
            raise
        return cls(connection)

    async def close(self) -> None:
        """Let the lead go."""
        await self.connection.close()


async def recover(
    url: str,
    data_dir: "Path | None" = None,
    *,
    accept_tip: bool = False,
    take_over: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
    stream_id: str | None = None,
    segments: Segments | None = None,
    source: Source | None = None,
) -> Recovered:
    """Start: everything the engine needs, at the last committed command.

    Args:
        url: of the database, reached directly and not through a pooler.
        data_dir: where the tip is kept; None keeps none.
        accept_tip: the operator's word that the database was put back on purpose.
        take_over: end the session of an engine that leads but doesn't answer.
        lock_wait_s: how long an engine that is just ending is waited for.
        stream_id: a name that no engine had before, under which this one speaks to other processes.
        segments: of the journal, if the tip is as old as that; as `JournalSource`.
        source: from where the exchange comes; None: from the tables, by which it is checked.

    Raises:
        EngineRunning, DatabaseUnavailable, DatabaseUnsuitable: see `Lead.take`.
        EngineRunning: another engine raised the epoch while this one read.
        HistoryMismatch: the tables contradict the tip, the journal or the invariants.
    """
    lead = await Lead.take(url, take_over=take_over, wait_s=lock_wait_s)
    connection, source = lead.connection, source or StoredTables()
    try:
        await _call_session(connection, STARTING)
        epoch = await connection.fetchval(_RAISE_EPOCH, stream_id)
        head = await source.read(connection, segments)
        _check_lead(epoch, head.epoch)
        tip = None
        if data_dir is not None:
            tip = TipFile(data_dir / "tip", head.database_id)
            journal = JournalSource(connection, segments)
            await check_tip(journal, tip, head, accept_tip=accept_tip)
        await _check_head(connection, head)
        live, view = source.build()
        await _call_session(connection, SESSION["application_name"])
        # It may have stood still meanwhile; whatever holds it up from here on is a doubt.
        led_at = time.monotonic()
        _check_lead(epoch, await connection.fetchval(EPOCH))
    except BaseException:
        # Whatever went wrong, a cancellation included, the lock must not stay behind.
        await _drop(connection)
        raise
    open_orders = OpenOrders(live.orders)
    way = Journal(connection, head.epoch, head.last_seq, head.chain_hash, open_orders, led_at)
    return Recovered(connection, way, live, view, tip, head.database_id)


async def check_tip(
    journal: JournalSource, tip: TipFile, head: tables.Head, *, accept_tip: bool = False
) -> None:
    """Compare the database with the tip kept outside it; with `accept_tip`, set the tip anew.

    Raises:
        HistoryMismatch: the database is behind the tip, or has another history at it; or the file
            can't be read or written.
    """
    known = tip.read()
    problem = None
    if known is not None:
        problem = await tip_problem(journal, known, head)
    if problem is not None and not accept_tip:
        raise HistoryMismatch(
            f"{problem}: the database was put back in time; if a restore was meant, start with"
            " --accept-tip"
        )
    if problem is not None:
        tip.write(Tip(head.last_seq, head.chain_hash))


async def tip_problem(journal: JournalSource, known: Tip, head: tables.Head) -> str | None:
    """Say what is wrong if the database doesn't hold what the tip names; None if it does."""
    if head.last_seq < known.seq:
        return f"the database ends at {head.last_seq}, but {known.seq} was committed"
    if known.seq and await hash_at(journal, known.seq) != known.hash:
        return f"the database has another history at {known.seq}"
    return None


def _check_lead(raised: int, found: int) -> None:
    """See that no other engine raised the epoch since; the lock alone doesn't rule that out."""
    if raised != found:
        raise EngineRunning(f"another engine took the lead meanwhile: epoch {found}, not {raised}")


async def _check_head(source: Fetching, head: tables.Head) -> None:
    last = await source.fetchrow(
        "SELECT last_seq, hash FROM journal ORDER BY first_seq DESC LIMIT 1"
    )
    found = (0, GENESIS_HASH) if last is None else (last["last_seq"], last["hash"])
    if found != (head.last_seq, head.chain_hash):
        _check_lead(head.epoch, await source.fetchval(EPOCH))
        raise HistoryMismatch(
            f"engine_state stands at {head.last_seq}, the journal at {found[0]}, or their hashes"
            " differ: run `probity verify`"
        )


def _build(snapshot: tables.Snapshot) -> State:
    """Build the live state and check it; raises HistoryMismatch."""
    try:
        live = tables.build(snapshot, with_ids=True)
        invariants.check(live)
    except InvariantViolated as error:
        raise HistoryMismatch(f"the stored exchange breaks a law: {error}") from error
    except LookupError as error:
        # A code, an account or a market that a row names isn't there.
        raise HistoryMismatch(
            f"the stored exchange holds what no Probity writes: {error}"
        ) from error
    return live


async def _call_session(connection: Connection, name: str) -> None:
    """Say to whoever looks at the database's sessions what this one is."""
    await connection.execute("SELECT set_config('application_name', $1, false)", name)


async def _drop(connection: Connection) -> None:
    connection.terminate()
    # The transport closes its socket in the next turn of the event loop.
    await asyncio.sleep(0)


async def _lock(connection: Connection, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not await connection.fetchval(f"SELECT pg_try_advisory_lock({LEADER_LOCK})"):
        if time.monotonic() > deadline:
            raise EngineRunning("another engine leads this database: stop it first")
        await asyncio.sleep(_LOCK_RETRY_S)


async def _end_leader(connection: Connection) -> None:
    """End the session that holds the leader's lock; whatever it hadn't committed is undone."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
        " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()"
        "   AND classid = $1::bigint::oid AND objid = $2::bigint::oid"
        "   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        LEADER_LOCK >> 32,
        LEADER_LOCK & 0xFFFF_FFFF,
    )
