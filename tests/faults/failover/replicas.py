"""Two PostgreSQL servers of one history, the second one a streaming replica of the first, as an
operator or Patroni would make them; the programs are those that Probity brings.

Both listen on loopback alone, and let in whoever asks there.
"""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import psutil

from persistence.embedded.server import find_binaries
from persistence.embedded.unprivileged import account_for
from persistence.postgres.database import Connection, connect
from tests.server_process import free_port

START_SECONDS: Final = 60.0
_STATE: Final = "SELECT sync_state FROM pg_stat_replication"
_RECEIVES: Final = "SELECT count(*) FROM pg_stat_wal_receiver"
_SETTINGS: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = 32MB
logging_collector = off
"""


class Server:
    """One of them: a folder, a port and, while it runs, a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/probity"
        self._binaries = find_binaries()
        self._account = account_for(folder)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *words: str) -> None:
        """Run a program of PostgreSQL's on the server's account."""
        done = subprocess.run(
            self._command(program, *words), cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _command(self, program: str, *words: str) -> list[str]:
        path = self._binaries / program
        return list(self._account.command([str(path), *words], [path, self.folder.parent]))

    def make(self) -> None:
        """Make a new history."""
        self._own()
        self.run("initdb", "--auth=trust", "--encoding=UTF8", "--username=postgres", self._data)
        self._say(_SETTINGS)

    def copy(self, primary: "Server") -> None:
        """Become a replica of another server."""
        self._own()
        where = f"host=127.0.0.1 port={primary.port} user=postgres"
        words = ("--write-recovery-conf", "--create-slot", "--slot=replica", "--checkpoint=fast")
        self.run("pg_basebackup", f"--dbname={where}", f"--pgdata={self.folder}", *words)

    @property
    def _data(self) -> str:
        return f"--pgdata={self.folder}"

    def _own(self) -> None:
        self.folder.mkdir(mode=0o700)
        shutil.chown(self.folder, self._account.uid, self._account.gid)

    def _say(self, settings: str) -> None:
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(settings)

    def start(self) -> None:
        """Start it and wait until it lets somebody in."""
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.folder), "-p", str(self.port)),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._lets_in():
            assert self._process.poll() is None, self.folder.with_suffix(".log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _lets_in(self) -> bool:
        words = ("-h", "127.0.0.1", "-p", str(self.port), "-q")
        command = self._command("pg_isready", *words)
        return subprocess.run(command, cwd="/", check=False).returncode == 0

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once, as `pg_ctl -m immediate` does, unless another signal is meant."""
        assert self._process is not None
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(number)
        self._process.wait(START_SECONDS)
        psutil.wait_procs(family, START_SECONDS)

    def clean_up(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @contextlib.asynccontextmanager
    async def session(self, database: str = "probity") -> AsyncIterator[Connection]:
        """Open a connection."""
        connection = await connect(self.url.replace("/probity", f"/{database}"))
        try:
            yield connection
        finally:
            await connection.close()


class Pair:
    """Both, up."""

    def __init__(self, folder: Path) -> None:
        self.primary = Server(folder / "primary")
        self.replica = Server(folder / "replica")
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.replica.port}"
        self.url = f"postgresql://postgres@{hosts}/probity?target_session_attrs=read-write"
        """Of whichever of them takes writes."""

    async def start(self, *, is_synchronous: bool) -> None:
        """Make both and wait until the second one follows."""
        await asyncio.to_thread(self.primary.make)
        await asyncio.to_thread(self.primary.start)
        async with self.primary.session("postgres") as connection:
            await connection.execute("CREATE DATABASE probity")
        await asyncio.to_thread(self.replica.copy, self.primary)
        await asyncio.to_thread(self.replica.start)
        async with self.primary.session() as connection:
            if is_synchronous:
                await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                await connection.execute("SELECT pg_reload_conf()")
            state = "sync" if is_synchronous else "async"
            async with asyncio.timeout(START_SECONDS):
                while await connection.fetchval(_STATE) != state:  # noqa: ASYNC110 - the server's
                    await asyncio.sleep(0.05)

    async def cut(self) -> None:
        """Let the replica hear nothing more, as if the network between them were gone."""
        async with self.replica.session() as connection:
            await connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            await connection.execute("SELECT pg_reload_conf()")
            async with asyncio.timeout(START_SECONDS):
                while await connection.fetchval(_RECEIVES):  # noqa: ASYNC110 - the server's
                    await asyncio.sleep(0.05)

    async def promote(self) -> None:
        """Do what Patroni does when the primary is gone."""
        async with self.replica.session() as connection:
            assert await connection.fetchval("SELECT pg_promote()")


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Make both, not started yet; nothing is left of them."""
    folder.mkdir(mode=0o755)
    made = Pair(folder)
    try:
        yield made
    finally:
        made.replica.clean_up()
        made.primary.clean_up()
