"""Reach PostgreSQL, with an end to every wait.

Laws: the only module that opens connections, but for `job_pool.py`, which speaks through another
driver; whoever uses a pool has an answer or an error within the statement timeout and half a second
(asyncpg itself sets no end, neither for `acquire` nor for a query, and would wait for a frozen
server's word on the way out); a connection for writing sets no client
deadline, since a cancelled COMMIT has an unknown outcome; no URL with its password in a message.
Through a pooler, which may give each transaction another server's session, a pool keeps nothing in
one: no statements, no settings but those of the transaction that each use of it is.
The embedded server is `persistence.embedded.server`; queries live with what they ask for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from persistence.errors import (
    DatabaseUnavailable,
    DataFolderBusy,
    EmbeddedPostgresError,
    OutcomeUnknown,
    PoolerInTheWay,
)
from persistence.postgres.hosts import enter

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.connection import LoggedQuery
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[Record]
    _Pool = Pool[Record]
else:  # asyncpg's classes take no parameters at run time
    Connection = asyncpg.Connection
    _Pool = asyncpg.Pool

CONNECT_TIMEOUT_S: Final = 10.0
ACQUIRE_TIMEOUT_S: Final = 10.0
STATEMENT_TIMEOUT_MS: Final = 5_000
# The client gives up a little later than the server, so that the server's clearer error wins.
_CLIENT_GRACE_S: Final = 0.5
_CLOSE_TIMEOUT_S: Final = 2.0
# A peer that is gone (a pulled cable, a frozen host) is noticed by the server in 25 s, whether it
# waits for us or we owe it an acknowledgement.
_SESSION: Final[Mapping[str, str]] = {
    "application_name": "probity",
    "timezone": "UTC",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
# What every pooler takes at a start; others are refused, or forgotten.
_PLAIN: Final[Mapping[str, str]] = {"application_name": "probity", "timezone": "UTC"}
_STATEMENTS_KEPT: Final = 100
_REFUSED_BY_POOLERS: Final = "unsupported startup parameter"
_CANNOT_CONNECT: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
    asyncpg.TargetServerAttributeNotMatched,
    ValueError,
)


QueryObserver = Callable[[str, float], None]
_VERBS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"})


def verb_of(query: str) -> str:
    """Return what a statement does, one of a few words: SELECT, INSERT ... or OTHER."""
    first = query.split(None, 1)[0].upper() if query.strip() else ""
    return first if first in _VERBS else "OTHER"


def affected(status: str) -> int:
    """Return how many rows a statement was about: 7 of "DELETE 7"."""
    return int(status.rpartition(" ")[2])


class _Stateless(Connection):
    """A connection whose users leave nothing behind in its session but prepared statements, so that
    there is nothing to reset: a round trip less for whoever waits for an answer.
    """

    def get_reset_query(self) -> str:
        """Return what the pool sends when a connection comes back: nothing."""
        return ""


class DeadlinePool(_Pool):
    """An asyncpg pool in which everything has an end: waiting for a connection, and using it.

    `fetch` and its like borrow by `acquire`, too.
    """

    url: str = ""
    """Where it leads."""
    lent_s: float = STATEMENT_TIMEOUT_MS / 1_000 + _CLIENT_GRACE_S
    """For how long a connection is lent, the wait for it included."""
    wait_s: float = ACQUIRE_TIMEOUT_S
    """For how long somebody waits for a connection."""
    limits: str | None = None
    """Sets the deadlines of a transaction; None if the session has them, with no pooler between."""

    def acquire(  # type: ignore[override]  # asyncpg's could be awaited as well
        self, *, timeout: float | None = None
    ) -> "AbstractAsyncContextManager[PoolConnectionProxy[Record]]":
        """Lend a connection; TimeoutError after ``timeout`` or `wait_s` seconds without
        one, or when it was lent for `lent_s` seconds: then it is cut, and the server rolls back.
        """
        return self._lend(self.wait_s if timeout is None else timeout)

    @asynccontextmanager
    async def _lend(self, acquire_s: float) -> "AsyncIterator[PoolConnectionProxy[Record]]":
        loop, told_before = asyncio.get_running_loop(), _times_told_to_end()
        ends_at, is_cut = loop.time() + self.lent_s, False
        connection = await super().acquire(timeout=min(acquire_s, self.lent_s))

        def cut() -> None:
            # No cancellation: a transaction would await its rollback, and a frozen server's word.
            nonlocal is_cut
            is_cut = True
            with suppress(asyncpg.InterfaceError):  # it was given back, or lost, just now
                connection.terminate()

        timer = loop.call_at(ends_at, cut)
        try:
            try:
                async with self._limited(connection):
                    yield connection
            except asyncpg.InterfaceError as error:
                # asyncpg says first what it can't do any more, and not that the connection is gone.
                if is_cut or not _is_gone(connection):
                    raise
                raise _unavailable(error) from error
            finally:
                await self.release(connection)
        except _CANNOT_CONNECT as error:
            if _times_told_to_end() > told_before:
                # On its way back the connection waited for a silent server, too long: what says
                # so must not stand in for the cancellation, or whoever was to end would go on.
                raise asyncio.CancelledError from error
            if not is_cut:
                raise
            raise TimeoutError(f"no answer within {self.lent_s:.1f} s") from error
        finally:
            timer.cancel()

    @property
    def in_use(self) -> int:
        """How many connections are lent just now."""
        return self.get_size() - self.get_idle_size()

    async def close(self) -> None:
        """Close every connection, and cut those that a silent server doesn't let go."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await super().close()

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[PoolConnectionProxy[Record]]":
        """Lend a connection for one transaction; TimeoutError as `acquire`.

        Raises:
            DatabaseUnavailable: the connection was lost on the way; whether a COMMIT that was under
                way took effect is unknown.
        """
        async with self.acquire() as connection, self._begun(connection):
            yield connection

    def _begun(
        self, connection: "PoolConnectionProxy[Record]"
    ) -> AbstractAsyncContextManager[object]:
        # Through a pooler what is lent is a transaction already.
        return connection.transaction() if self.limits is None else nullcontext()

    @asynccontextmanager
    async def _limited(self, connection: "PoolConnectionProxy[Record]") -> AsyncIterator[None]:
        if self.limits is None:
            yield
            return
        async with connection.transaction():
            await connection.execute(self.limits)
            yield


class Queryable(Protocol):
    """A connection, pooled or not: what the checks below need of one."""

    async def fetchrow(self, query: str, /) -> Any: ...  # noqa: ANN401, D102 - asyncpg's own Record


class Fetching(Protocol):
    """A connection or a pool, for whoever only reads."""

    async def fetch(self, query: str, /, *args: Any) -> list[Any]: ...  # noqa: ANN401, D102
    async def fetchrow(self, query: str, /, *args: Any) -> Any: ...  # noqa: ANN401, D102
    async def fetchval(self, query: str, /, *args: Any) -> Any: ...  # noqa: ANN401, D102


async def connect(
    url: str,
    *,
    settings: Mapping[str, str] | None = None,
    timeout_s: float = CONNECT_TIMEOUT_S,
) -> Connection:
    """Open one connection without a deadline on its statements.

    Args:
        url: ``postgresql://user:password@host/database``; a socket's folder as ``?host=/folder``.
        settings: session settings beside the usual ones, such as ``lock_timeout``.
        timeout_s: how long the server may take to let us in.

    Raises:
        DatabaseUnavailable: the server can't be reached or refuses us.
    """
    try:
        return await enter(url, timeout=timeout_s, server_settings={**_SESSION, **(settings or {})})
    except _CANNOT_CONNECT as error:
        raise _unavailable(error) from error


async def connect_plainly(url: str) -> Connection:
    """Open one connection that may lead through a pooler, to be used in transactions only.

    Raises:
        DatabaseUnavailable: the server can't be reached or refuses us.
    """
    try:
        return await enter(
            url, timeout=CONNECT_TIMEOUT_S, statement_cache_size=0, server_settings={**_PLAIN}
        )
    except _CANNOT_CONNECT as error:
        raise _unavailable(error) from error


async def is_pooled(connection: Connection) -> bool:
    """Say whether a pooler stands between: who greeted us isn't the process that answers."""
    async with connection.transaction():
        pid = await connection.fetchval("SELECT pg_backend_pid()")
    return bool(pid != connection.get_server_pid())


async def create_pool(
    url: str,
    *,
    size: int = 20,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    settings: Mapping[str, str] | None = None,
    on_query: QueryObserver | None = None,
) -> DeadlinePool:
    """Open a pool for reads: a bounded wait for a connection, and for every statement.

    Whether its way leads through a pooler is looked at once, now.

    Args:
        url: as in :func:`connect`.
        size: the most connections open at once; two are opened now.
        statement_timeout_ms: after which the server cancels a statement.
        settings: session settings beside the usual ones; not through a pooler.
        on_query: told of each statement's verb and its seconds, after it ended.

    Raises:
        DatabaseUnavailable: the server can't be reached or refuses us.
    """

    async def watch(connection: Connection) -> None:
        if on_query is None:
            return

        def note(done: "LoggedQuery") -> None:
            on_query(verb_of(done.query), done.elapsed)

        connection.add_query_logger(note)

    probe = await connect_plainly(url)
    try:
        pooled = await is_pooled(probe)
    except _CANNOT_CONNECT as error:
        raise _unavailable(error) from error
    finally:
        await probe.close(timeout=CONNECT_TIMEOUT_S)
    limits = {
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(statement_timeout_ms),
    }
    session = _PLAIN if pooled else {**_SESSION, **limits, **(settings or {})}
    pool = DeadlinePool(
        url,
        min_size=min(2, size),
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        setup=None,
        init=watch,
        loop=None,
        connection_class=_Stateless,
        record_class=asyncpg.Record,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=statement_timeout_ms / 1_000 + 2 * _CLIENT_GRACE_S,
        server_settings={**session},
        connect=enter,  # type: ignore[arg-type]  # takes its words by name
        statement_cache_size=0 if pooled else _STATEMENTS_KEPT,
    )
    if pooled:
        pool.limits = "; ".join(f"SET LOCAL {name} = {value}" for name, value in limits.items())
    pool.lent_s = statement_timeout_ms / 1_000 + _CLIENT_GRACE_S
    pool.url = url
    try:
        await pool
    except _CANNOT_CONNECT as error:
        raise _unavailable(error) from error
    return pool


def _times_told_to_end() -> int:
    """Return how many cancellations of the task that runs nobody has taken back."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _is_gone(connection: "PoolConnectionProxy[Record]") -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back, lost as it is


def _unavailable(error: Exception) -> DatabaseUnavailable:
    reason = f"the database can't be reached: {str(error) or type(error).__name__}"
    if _REFUSED_BY_POOLERS in reason:
        hint = "a pooler stands there, set DIRECT_URL to the database's own address"
        return PoolerInTheWay(f"{reason}: {hint}")
    return DatabaseUnavailable(reason)


OUTAGES: Final = (
    DatabaseUnavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    # Refused and reset connections; TimeoutError is one of these too.
    OSError,
)

# Of SQLSTATE: connections, resources (a full disk is one), operators, the system.
_ABSENT: Final = frozenset({"08", "53", "57", "58"})


def is_absence(error: BaseException) -> bool:
    """Say whether something failed because the database is away, ending, full or silent: what
    passes when it is back, whatever was asked of it. One that refuses us counts, too: whoever
    looks after it may be at work on our role.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, asyncpg.PostgresError):
            return (cause.sqlstate or "")[:2] in _ABSENT
        if isinstance(cause, DataFolderBusy):
            return False
        if isinstance(cause, PermissionError) and cause.filename is not None:
            return False  # a file of ours
        if isinstance(cause, (*OUTAGES, EmbeddedPostgresError)):
            return True
        if isinstance(cause, asyncpg.InterfaceError):
            # Wrong arguments are ValueErrors as well.
            return not isinstance(cause, ValueError)
        if isinstance(cause, OutcomeUnknown) and cause.__cause__ is None:
            return True
        cause = cause.__cause__
    return False


@contextmanager
def absence_waited_for() -> Iterator[None]:
    """Leave the block, as if it were done, where the database is away in it."""
    try:
        yield
    except Exception as error:
        if not is_absence(error):
            raise
