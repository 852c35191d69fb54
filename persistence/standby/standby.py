"""The waiting engine: follows the journal, watches the lease, and says when it is its turn.

::

    every 0.2 s   who leads, how far is it?  ──> the journal's next rows ──> the twin
    every minute or so        one moment of the tables ──> the same hash? (`comparison`)
    nobody leads, or silent   ──> `due`  ──> recover: end its session, lock, raise the epoch,
                                             the last rows, ready

Laws: what it takes over with is what it holds, plus the rows that were committed up to the moment
at which it raised the epoch; nothing is committed by anybody else after that. A twin that differed
once takes nothing over any more (`alarm`). A lead that nobody ever had is left for a while to
whoever was started to have it. A database that is away is waited for; one that has another history
than what was followed is loaded anew, unless the tip, which follows each commit, names what it
doesn't hold: then nothing is taken over, and the tip stays as it is until an operator accepts that.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg

from exchange.model.state import State
from persistence.errors import (
    HistoryMismatch,
    PersistenceError,
    SegmentUnreadable,
    StateDiffers,
)
from persistence.journal import tables
from persistence.journal.reader import rows_after
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.journal.tip import Tip, TipFile
from persistence.loop.recovery import Recovered, StoredTables, recover, tip_problem
from persistence.postgres import migrate
from persistence.postgres.database import OUTAGES, Connection, connect
from persistence.standby import lease
from persistence.standby.beside import beside
from persistence.standby.comparison import Comparison, Patience
from persistence.standby.lease import Leader, Standing
from persistence.standby.observer import StandbyObserver
from persistence.standby.twin import Twin

_LOG: Final = logging.getLogger(__name__)

LOOK_S: Final = 0.2
LEASE_S: Final = 3.0
COMPARE_S: Final = 60.0
_PATIENCE_S: Final = 5.0
"""A database that answers nothing for so long is asked on another connection."""
_LOAD_S: Final = 120.0
"""So long the tables, and what was committed since, may take to come."""
_REST: Final = 50
"""So many times as long as a comparison took there is none behind it."""
_RETRY_S: Final = 0.25
_LOCK_S: Final = 1.0
_RELOAD_COMMANDS: Final = 200_000
"""A longer gap isn't replayed: loading the tables is quicker."""
_AWAY: Final = (*OUTAGES, asyncpg.InterfaceError, asyncpg.PostgresError)


class Standby:
    """One waiting engine of a database."""

    def __init__(
        self,
        url: str,
        observer: StandbyObserver,
        *,
        data_dir: Path | None = None,
        segments: Segments | None = None,
        lease_s: float = LEASE_S,
        compare_s: float = COMPARE_S,
        accept_tip: bool = False,
    ) -> None:
        """Prepare to follow.

        Args:
            url: reaches the database past any pooler.
            observer: told how it goes.
            data_dir: where the tip is kept, as of an engine; None keeps none.
            segments: of the journal.
            lease_s: how long the leader's session may be silent.
            compare_s: between two comparisons with the tables.
            accept_tip: the operator's word that the database was put back on purpose.
        """
        self.alarm: str | None = None
        """In what twin, tables and tip differ; then nothing is taken over."""
        self.due = asyncio.Event()
        """Set when there is nobody who leads, or nobody who answers."""
        self.has_led = False
        """Whether it has taken over: then what it followed is an engine's."""
        self._url = url
        self._observer = observer
        self._data_dir = data_dir
        self._segments = segments
        self._lease_s = lease_s
        self._compare_s = compare_s
        self._accepts_tip = accept_tip
        self._twin: Twin | None = None
        self._tip: TipFile | None = None
        self._silent: Leader | None = None
        self._was_led = False
        self._began = time.monotonic()
        self._compares_at = time.monotonic() + compare_s
        self._patience = Patience()

    @property
    def seq(self) -> int:
        """The last command that is followed; 0 before the tables were loaded."""
        return 0 if self._twin is None else self._twin.seq

    async def run(self) -> None:
        """Follow until it is due, or cancelled; whatever the database does meanwhile."""
        self.due.clear()
        while not self.due.is_set():
            try:
                await self._follow()
            except (*_AWAY, HistoryMismatch, SegmentUnreadable) as error:
                is_ours = isinstance(error, PersistenceError)
                self._observer.away(str(error) if is_ours else type(error).__name__)
                await asyncio.sleep(_RETRY_S)

    async def recover(
        self,
        url: str,
        data_dir: Path | None = None,
        *,
        accept_tip: bool = False,
        stream_id: str | None = None,
        segments: Segments | None = None,
    ) -> Recovered:
        """Take over; as `persistence.loop.recovery.recover`, which starts with nothing.

        Raises EngineRunning if another one did meanwhile, StateDiffers if the last rows can't be
        run, SchemaError if the tables were migrated since it was started, TimeoutError if the
        database fell silent on the way: nothing was taken over.
        """
        async with asyncio.timeout(_LOAD_S):
            await self._come_to_the_end()
            recovered = await recover(
                url,
                data_dir,
                accept_tip=accept_tip,
                lock_wait_s=_LOCK_S,
                stream_id=stream_id,
                segments=segments,
                source=_Brought(self),
            )
        self.has_led = True
        return recovered

    async def bring_forward(self, connection: Connection, head: tables.Head) -> bool:
        """Take the last rows before `head`; False if the twin can't come there."""
        twin = self._twin
        if twin is None or not 0 <= head.last_seq - twin.seq <= _RELOAD_COMMANDS:
            return False
        try:
            while twin.seq < head.last_seq:
                if not await self._take_rows(connection, twin):
                    return False
        except SegmentUnreadable:
            return False
        except StateDiffers as error:
            self._differ(str(error))
            raise
        return twin.is_exact and (twin.seq, twin.chain_hash) == (head.last_seq, head.chain_hash)

    def states(self) -> tuple[State, State]:
        """Give away what is followed."""
        twin, self._twin = self._twin, None
        if twin is None:
            raise HistoryMismatch("nothing was followed")
        return twin.states()

    async def _come_to_the_end(self) -> None:
        """End the session of whoever is silent, and take what was committed up to then."""
        silent, self._silent = self._silent, None
        connection = await self._connect()
        try:
            with _cut(connection, _LOAD_S):
                await migrate.require_newest_of(connection)
                if silent is not None:
                    await lease.end(connection, silent)
                standing = await lease.look(connection)
                if standing is not None:
                    await self._go_on(connection, standing, compares=False)
        finally:
            await self._leave(connection)
        if self.alarm is not None:
            raise StateDiffers(self.alarm)

    async def _follow(self) -> None:
        connection = await self._connect()
        try:
            while not self.due.is_set():
                standing = await self._look(connection)
                if self.due.is_set():
                    return
                with _cut(connection, _LOAD_S):
                    await self._go_on(connection, standing)
                await asyncio.sleep(LOOK_S)
        finally:
            await self._leave(connection)

    async def _look(self, connection: Connection) -> Standing:
        """See who leads, and whether it is this one's turn."""
        with _cut(connection, _PATIENCE_S):
            standing = await lease.look(connection)
        if standing is None:
            raise HistoryMismatch("engine_state is empty")
        self._judge(standing)
        return standing

    async def _go_on_beside(self, comparison: Comparison) -> None:
        """Look, on a connection of its own, and follow as soon as the twin may move, until it is
        due or has more to run again than a takeover has time for.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(*_AWAY):
                connection = await self._connect()
                try:
                    while await self._go_one_step(connection, comparison):  # noqa: ASYNC110 - a look
                        await asyncio.sleep(LOOK_S)
                    return
                finally:
                    await self._leave(connection)

    async def _go_one_step(self, connection: Connection, comparison: Comparison) -> bool:
        standing = await self._look(connection)
        behind = standing.last_seq - comparison.twin.seq
        if self.due.is_set():
            return False
        if self._patience.is_over(behind, standing.leader, self._lease_s):
            self._observer.left_comparing(behind)
            return False
        if comparison.is_still:
            self._observer.followed(standing, self.seq)
            return True
        with _cut(connection, _LOAD_S):
            await self._go_on(connection, standing, compares=False)
        return True

    def _judge(self, standing: Standing) -> None:
        leader = standing.leader
        self._was_led |= leader is not None
        if self.alarm is not None or self._twin is None:
            return
        if leader is None:
            if self._was_led or time.monotonic() - self._began > self._lease_s:
                self.due.set()
        elif leader.has_lost(self._lease_s):
            self._silent = leader
            self.due.set()

    async def _go_on(
        self, connection: Connection, standing: Standing, *, compares: bool = True
    ) -> None:
        """Bring the twin to where the journal is, and compare it if that is due."""
        if self.alarm is not None:
            self._observer.followed(standing, self.seq)  # it stays where it was right
            return
        try:
            twin = self._twin
            if twin is None or not 0 <= standing.last_seq - twin.seq <= _RELOAD_COMMANDS:
                twin = await self._load(connection)
            while twin.seq < standing.last_seq:
                if not await self._take_rows(connection, twin):
                    twin = await self._load(connection)
            if twin.seq == standing.last_seq and twin.chain_hash != standing.chain_hash:
                twin = await self._load(connection)
            self._note(twin)
            self._observer.followed(standing, twin.seq)
            if compares and time.monotonic() >= self._compares_at:
                await self._compare(connection, twin)
        except StateDiffers as error:
            self._differ(str(error))

    async def _take_rows(self, connection: Connection, twin: Twin) -> bool:
        """Take the journal's next few rows; False if they don't follow."""
        rows = await rows_after(JournalSource(connection, self._segments), twin.seq)
        for row in rows:
            if not twin.fits(row):
                return False
            twin.take(row)
            await asyncio.sleep(0)
        return bool(rows)

    async def _load(self, connection: Connection) -> Twin:
        known = None if self._data_dir is None else await self._read_tip(connection, self._data_dir)
        snapshot = await tables.read(connection, segments=self._segments)
        if known is not None:
            await self._judge_tip(connection, known, snapshot.head)
        self._accepts_tip = False
        try:
            twin = self._twin = await asyncio.to_thread(Twin, snapshot)
        except LookupError as error:
            raise StateDiffers(f"the tables hold what no Probity writes: {error}") from None
        self._observer.loaded(twin.seq)
        return twin

    async def _read_tip(self, connection: Connection, folder: Path) -> Tip | None:
        """Return what was committed as this machine knows it: read before the tables are, since an
        engine beside this process may write it, too.
        """
        if self._tip is not None:
            await self._tip.close()
        head = await tables.read_head(connection)
        self._tip = TipFile(folder / "tip", head.database_id, ".standby")
        return self._tip.read()

    async def _judge_tip(self, connection: Connection, known: Tip, head: tables.Head) -> None:
        """See that the database holds what the tip names, or set it anew where that is accepted."""
        problem = await tip_problem(JournalSource(connection, self._segments), known, head)
        if problem is None:
            return
        if not self._accepts_tip or self._tip is None:
            raise StateDiffers(f"{problem}: the database was put back in time")
        await asyncio.to_thread(self._tip.write, Tip(head.last_seq, head.chain_hash))

    async def _compare(self, connection: Connection, twin: Twin) -> None:
        """Hold the twin against one moment of the tables.

        A takeover doesn't wait for it, and has little to run because of it, however large the
        exchange is and however much is traded. It has a small part of the time, whether it comes to
        its end or not.
        """
        started = time.monotonic()
        comparison = Comparison(twin, self._take_rows, self._segments)
        try:
            await beside(comparison.run(connection), self._go_on_beside(comparison))
        finally:
            ended = time.monotonic()
            self._compares_at = ended + max(self._compare_s, _REST * (ended - started))
        if comparison.found is not None and self.alarm is None:
            self._patience.ended()
            self._observer.compared(*comparison.found)

    def _differ(self, problem: str) -> None:
        self.alarm = problem
        self._compares_at = math.inf
        self._observer.differs(problem)

    def _note(self, twin: Twin) -> None:
        """Keep the tip beside this process, for its own start and for what it takes over."""
        if self._tip is not None and twin.seq:
            self._tip.committed(Tip(twin.seq, twin.chain_hash))

    async def _connect(self) -> Connection:
        return await connect(self._url, timeout_s=_PATIENCE_S)

    @staticmethod
    async def _leave(connection: Connection) -> None:
        with contextlib.suppress(*_AWAY):
            await connection.close(timeout=_RETRY_S)


@contextlib.contextmanager
def _cut(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection if the block takes longer, so that whatever waits for it fails."""
    timer = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()


class _Brought(StoredTables):
    """What was followed, brought to its end; or the tables, where that isn't the same."""

    def __init__(self, standby: Standby) -> None:
        super().__init__()
        self._standby = standby
        self._is_brought = False

    async def read(self, connection: Connection, segments: Segments | None) -> tables.Head:
        """Take the last rows."""
        head = await tables.read_head(connection)
        started = time.monotonic()
        self._is_brought = await self._standby.bring_forward(connection, head)
        if not self._is_brought:
            _LOG.warning("what was followed can't be taken over with: the tables are loaded")
            return await super().read(connection, segments)
        took_ms = round((time.monotonic() - started) * 1_000)
        _LOG.info("what was followed is at its end after %s ms", took_ms)
        return head

    def build(self) -> tuple[State, State]:
        """Return what was followed."""
        return self._standby.states() if self._is_brought else super().build()
