"""A PostgreSQL server without one: sessions, the leader's lock, and everything that can go wrong.

::

    client ── way there ──> the statement runs, whole or not at all ── way back ──> client
            cut before           refused, hung, ended                   cut after

Laws: what stands here for asyncpg is `asyncpg.connect` and what it gives, nothing above it; a
session runs one statement after the other; a client that is gone is noticed when the statement
under way has ended, as a backend does; what is committed is told to `on_commit` at that very
moment. With `lock_is_weak` the server has lost its advisory locks, so that only the epoch is left
to keep two engines apart.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import asyncpg

from persistence.journal.journal import CALL
from persistence.journal.rows import JournalRow
from persistence.postgres.database import ACQUIRE_TIMEOUT_S
from tests.faults.simulation.statements import answer
from tests.faults.simulation.stored_tables import FenceLost, Row, Tables, Unstorable
from tests.faults.simulation.virtual_loop import EPOCH_US, Process, VirtualLoop, current_process
from tests.faults.simulation.weather import Fate, Weather

_STARTED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LENT_S: Final = 5.5
_LOCK: Final = "SELECT pg_try_advisory_lock"
_END_LEADER: Final = "SELECT pg_terminate_backend"
_PID: Final = "SELECT pg_backend_pid()"
_NAME: Final = "SELECT set_config('application_name'"
_LEASE: Final = "SELECT e.epoch, e.last_seq, e.chain_hash, h.pid"


def _postgres_error(state: str, message: str, severity: str = "ERROR") -> BaseException:
    fields = {"C": state, "M": message, "S": severity, "V": severity}
    made: BaseException = asyncpg.PostgresError.new(fields)
    return made


class Server:
    """The database's machine; it belongs to the world and dies with nobody."""

    def __init__(self, loop: VirtualLoop, dice: Random, weather: Weather, tables: Tables) -> None:
        self.loop = loop
        self.dice = dice
        self.weather = weather
        self.tables = tables
        self.lock_is_weak = False
        self.is_up = True
        self.ahead_us = 0
        self.led_since = 0.0
        """When the epoch was raised last."""
        self.on_commit: Callable[[JournalRow], None] = lambda _: None
        self.on_statement: Callable[[Process, str], None] = lambda *_: None
        """Told twice of each statement of an engine's session: before it leaves, and after."""
        self.sessions: list[Session] = []
        self._leader: Session | None = None
        self._pids = 100

    def now_us(self) -> int:
        """Return the server's clock."""
        return EPOCH_US + round(self.loop.time() * 1_000_000) + self.ahead_us

    async def connect(self, _url: str, **_options: Any) -> "Session":
        """Do what `asyncpg.connect` does."""
        process = current_process()
        await self.travel()
        if not self.is_up or self.weather.refuses_connections(self.dice):
            raise ConnectionRefusedError("the simulated database is away")
        self._pids += 1
        session = Session(self, process, self._pids)
        self.sessions.append(session)
        return session

    async def travel(self) -> None:
        """Take the time of one way."""
        arrived: asyncio.Future[None] = self.loop.create_future()
        self.loop.world.later(self.weather.delay(self.dice), _done, arrived)
        await arrived

    def may_lead(self, session: "Session") -> bool:
        """Give the leader's lock, if it is free."""
        if self._leader is None or self._leader is session or self.lock_is_weak:
            self._leader = session
            return True
        return False

    def end_leader(self, pid: int | None = None) -> None:
        """End the session that holds the lock; only that one, if its number is given."""
        leader = self._leader
        if leader is not None and not self.lock_is_weak and pid in (None, leader.get_server_pid()):
            leader.end()

    def lease(self, starting: str) -> list[Row]:
        """Return where the exchange stands, and what is known of the session that leads."""
        engine = self.tables.engine
        place = {name: engine[name] for name in ("epoch", "last_seq", "chain_hash")}
        about = {"pid": None, "since": None, "starting": False, "silent_s": None}
        if self._leader is not None:
            about = self._leader.about(starting)
        return [Row(place | about)]

    def ended(self, session: "Session") -> None:
        """Forget a session, and what it held."""
        if session in self.sessions:
            self.sessions.remove(session)
        if self._leader is session:
            self._leader = None

    def stop(self) -> None:
        """Go down at once: every session is lost, what was committed stays."""
        self.is_up = False
        for session in list(self.sessions):
            session.end()

    def hang_up(self, process: Process) -> None:
        """Notice that a process is gone, as its machine tells it."""
        for session in list(self.sessions):
            if session.process is process:
                self.loop.world.later(self.weather.delay(self.dice), session.hung_up)


class Fetching(ABC):
    """Whatever answers statements, asked for less than all rows."""

    @abstractmethod
    async def fetch(self, query: str, /, *arguments: Any) -> list[Row]:
        """Run a statement and return its rows."""

    async def fetchrow(self, query: str, /, *arguments: Any) -> Row | None:
        """Return the first row, if there is one."""
        rows = await self.fetch(query, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, query: str, /, *arguments: Any) -> Any:
        """Return the first value of the first row."""
        row = await self.fetchrow(query, *arguments)
        return None if row is None else next(iter(row))


class Session(Fetching):
    """Both ends of a connection: what the client holds, and its backend."""

    def __init__(self, server: Server, process: Process, pid: int) -> None:
        self.process = process
        self._server = server
        self._pid = pid
        self._is_closed = False
        self._has_ended = False
        self._is_running = False
        self._was_hung_up = False
        self._asked: asyncio.Future[Any] | None = None
        self._snapshot: Tables | None = None
        self._name = ""
        self._spoke_at = server.loop.time()

    # -- the client's end ------------------------------------------------------------------------

    async def fetch(self, query: str, /, *arguments: Any) -> list[Row]:
        """Run a statement and return its rows."""
        found: list[Row] = await self.ask(lambda: self._answer(query, arguments), query)
        return found

    async def execute(self, query: str, /, *arguments: Any) -> str:
        """Run a statement for what it does."""
        await self.fetch(query, *arguments)
        return "DONE"

    async def prepare(self, query: str) -> "Statement":
        """Make ready for the one statement that is prepared: `CALL commit_batch`."""
        assert query == CALL
        await self.ask(list, "PREPARE")
        return Statement(self)

    def transaction(self, **_options: Any) -> "Transaction":
        """Begin one; what is read in it is of one moment."""
        return Transaction(self)

    def get_server_pid(self) -> int:
        """Return who answers."""
        return self._pid

    def is_closed(self) -> bool:
        """Return whether this end is."""
        return self._is_closed

    def terminate(self) -> None:
        """Close this end at once."""
        if not self._is_closed:
            self._lose()
            self._server.loop.world.later(
                self._server.weather.delay(self._server.dice), self.hung_up
            )

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Close both ends."""
        await self._server.travel()
        self.terminate()

    async def ask(self, work: Callable[[], Any], name: str) -> Any:
        """Let the backend do something; whatever can happen on the way may happen."""
        if self._is_closed:
            raise asyncpg.InterfaceError("connection is closed")
        if self._asked is not None:
            raise asyncpg.InterfaceError("another operation is in progress")
        server = self._server
        self._asked = asked = server.loop.create_future()
        server.on_statement(self.process, name)
        if not self.process.is_dead:
            fate = server.weather.fate(server.dice, is_commit=name == CALL)
            delay = server.weather.delay(server.dice)
            server.loop.world.later(delay, self._arrive, work, asked, fate)
            server.on_statement(self.process, name)
        try:
            return await asked
        finally:
            self._asked = None

    def _lose(self) -> None:
        """The client's end is closed; whoever waits hears of it."""
        self._is_closed = True
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(
                asyncpg.ConnectionDoesNotExistError("connection was closed in the middle")
            )

    # -- the backend -----------------------------------------------------------------------------

    def end(self) -> None:
        """End the backend now; the client hears of it a little later."""
        self._has_ended = True
        self._server.ended(self)
        self._server.loop.world.later(self._server.weather.delay(self._server.dice), self._lose)

    def hung_up(self) -> None:
        """Notice that the client is gone: at once, or when the statement under way has ended."""
        self._was_hung_up = True
        if not self._is_running and not self._has_ended:
            self._has_ended = True
            self._server.ended(self)

    def _arrive(self, work: Callable[[], Any], asked: asyncio.Future[Any], fate: Fate) -> None:
        if self._has_ended or not self._server.is_up:
            return
        if fate is Fate.CUT_BEFORE:
            self.end()
            return
        self._is_running = True
        self._spoke_at = self._server.loop.time()
        seconds = self._server.weather.takes(self._server.dice, fate)
        self._server.loop.world.later(seconds, self._run, work, asked, fate)

    def _run(self, work: Callable[[], Any], asked: asyncio.Future[Any], fate: Fate) -> None:
        self._is_running = False
        self._spoke_at = self._server.loop.time()
        if self._has_ended:
            return
        result: Any = None
        error: BaseException | None = None
        try:
            if fate is Fate.FAILED:
                raise _postgres_error("53200", "out of memory")
            result = work()
        except FenceLost:
            error = _postgres_error("PB001", "another engine leads, or the journal was changed")
        except Unstorable:
            error = _postgres_error("23514", "a row is refused")
        except asyncpg.PostgresError as failed:
            error = failed
        if fate is Fate.CUT_AFTER:
            self.end()
        elif fate is not Fate.LOST_ANSWER:
            delay = self._server.weather.delay(self._server.dice)
            self._server.loop.world.later(delay, self._tell, asked, result, error)
        if self._was_hung_up:
            self.hung_up()

    def _tell(self, asked: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        if asked.done() or self._is_closed:
            return
        if error is None:
            asked.set_result(result)
        else:
            asked.set_exception(error)

    def _answer(self, query: str, arguments: tuple[Any, ...]) -> list[Row]:
        query = " ".join(query.split())
        if query.startswith(_NAME):
            self._name = arguments[0]
            return []
        if query.startswith(_LEASE):
            return self._server.lease(arguments[2])
        if query.startswith(_LOCK):
            return [Row(locked=self._server.may_lead(self))]
        if query.startswith(_END_LEADER):
            self._server.end_leader(arguments[2] if len(arguments) > 2 else None)
            return []
        if query.startswith(_PID):
            return [Row(pid=self._pid)]
        server = self._server
        tables, epoch = server.tables, server.tables.engine["epoch"]
        found = answer(self._snapshot or tables, server.now_us(), query, arguments)
        if tables.engine["epoch"] != epoch:
            server.led_since = server.loop.time()
        return found

    def about(self, starting: str) -> dict[str, Any]:
        """Return what the server shows of this session to others."""
        silent_s = 0.0 if self._is_running else self._server.loop.time() - self._spoke_at
        since = _STARTED + timedelta(seconds=self._pid)
        is_starting = self._name == starting
        return {"pid": self._pid, "since": since, "starting": is_starting, "silent_s": silent_s}

    def commit(self, arguments: tuple[Any, ...]) -> None:
        """Run `commit_batch`."""
        self._server.on_commit(self._server.tables.commit_batch(*arguments))

    def begin(self) -> None:
        """Take the snapshot of a transaction."""
        self._snapshot = self._server.tables.snapshot()

    def finish(self) -> None:
        """Let it go."""
        self._snapshot = None


class Statement:
    """`CALL commit_batch`, prepared."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def fetch(self, *arguments: Any) -> list[Row]:
        """Write a batch."""
        await self._session.ask(lambda: self._session.commit(arguments), CALL)
        return []


class Transaction:
    """A block that reads one moment."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def __aenter__(self) -> None:
        await self._session.ask(self._session.begin, "BEGIN")

    async def __aexit__(self, *_raised: object) -> None:
        await self._session.ask(self._session.finish, "COMMIT")


class Pool(Fetching):
    """Connections of one process for short questions; each has an end."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[Session] = []

    async def fetch(self, query: str, /, *arguments: Any) -> list[Row]:
        """Run a statement and return its rows; TimeoutError after five seconds and a half."""
        session: Session | None = None
        try:
            async with asyncio.timeout(min(_LENT_S, ACQUIRE_TIMEOUT_S)):
                while self._idle and self._idle[-1].is_closed():
                    self._idle.pop()
                session = self._idle.pop() if self._idle else await self._server.connect("")
                rows = await session.fetch(query, *arguments)
        except BaseException:
            if session is not None:
                with suppress(asyncpg.InterfaceError):
                    session.terminate()
            raise
        self._idle.append(session)
        return rows


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


Options = Mapping[str, Any]
