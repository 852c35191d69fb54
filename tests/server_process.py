"""A real `probity serve` for tests: started, spoken to, stopped and killed as an operator would.

Laws: each server has a data folder and a port of its own and limits that no test meets by chance;
nothing of one outlives its test, and a server that was stopped orderly must itself have left
nothing running. What tests send and check belongs in the tests.
"""

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import httpx
import psutil

from persistence.embedded import postmaster
from persistence.embedded.server import running_url
from persistence.postgres.database import Connection, connect
from tests import prepared_cluster
from tests.loopback.sitecustomize import ABSENT
from tests.measured import tries
from tests.warm import starts as warm

ROOT: Final = Path(__file__).parent.parent
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0
NOTICE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.02
CALL_SECONDS: Final = 30.0
"""Longer than a server may be silent (`COMMIT_TIMEOUT_SECONDS`, and a gateway's wait beyond that):
what it says then is told, and not that nothing came.
"""
ADMIN_EMAIL: Final = "admin@example.com"
ADMIN_PASSWORD: Final = "correct horse battery"
FAR_CLOSE: Final = "2099-01-01T00:00:00Z"
_TRIED: Final = itertools.count(secrets.randbelow(500))
_RUN: Final = zlib.crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode())
"""Another run on this machine at the same time begins elsewhere."""
PROBITY: Final = str(Path(sys.executable).with_name("probity"))
WIDE_LIMITS: Final[Mapping[str, str]] = {
    "RATE_LIMIT_MAX_REQUESTS": "1000000",
    "RATE_LIMIT_USER_MAX_REQUESTS": "100000000",
    "RATE_LIMIT_SOCKETS_PER_ADDRESS": "100000",
    "RATE_LIMIT_SOCKETS_PER_USER": "100000",
    "CONNECTIONS_PER_ADDRESS": "10000",
    "LOG_LEVEL": "warning",
}


_PORTS_OF_A_WORKER: Final = 500
_FIRST_PORT: Final = 12_000


def free_port() -> int:
    """Return a port that is free, and that nobody else takes before the server does.

    Never one that the kernel gives to whoever asks for any (32768 and up on Linux), so that a
    server that was killed finds its port again; and each of the workers that run tests side by side
    takes from a range of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    begin = _FIRST_PORT + (_RUN + worker) % 32 * _PORTS_OF_A_WORKER
    while True:
        port = begin + next(_TRIED) % _PORTS_OF_A_WORKER
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As servers do: what is left of an ended one's connections stands in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until a condition holds that nobody announces: a process's, a log's, a counter's."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(POLL_SECONDS)


class ServerProcess:
    """One data folder and the server that works in it, now and after every restart."""

    def __init__(
        self, data_dir: Path, settings: Mapping[str, str] | None = None, command: str = "serve"
    ) -> None:
        self.data_dir = data_dir
        self.command = command
        self.program = PROBITY
        self.is_warm = warm.can_be_warm()
        """Whether it is forked from a process that has imported all (`tests/warm`)."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.environment = {
            name: value for name, value in os.environ.items() if name != "DATABASE_URL"
        }
        self.environment |= {
            **WIDE_LIMITS,
            # What the tests' own Socket.IO client needs; half a second of each start.
            ABSENT: "aiohttp",
            "DATA_DIR": str(data_dir),
            # Nothing that a test starts leaves the machine.
            "FEED_PLATFORMS": "none",
            # A process more for each server: those who need it say so.
            "PROJECTOR": "off",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PROBITY_ADMIN_EMAIL": ADMIN_EMAIL,
            "PROBITY_ADMIN_PASSWORD": ADMIN_PASSWORD,
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._admin_token = ""

    # -- life ---------------------------------------------------------------------------------

    def launch(self, *arguments: str) -> None:
        """Start the process without waiting for it; in a new folder it finds its database made."""
        makes_database = self.command == "serve" and "DATABASE_URL" not in self.environment
        if makes_database and not self.data_dir.exists():
            prepared_cluster.put_into(self.data_dir)
        with self.log.open("ab") as log:
            self.process = self._started([self.program, self.command, *arguments], log)

    def _started(
        self, command: Sequence[str], log: IO[bytes], **more: str
    ) -> "subprocess.Popen[bytes]":
        """Start a program or a script of ours; `more` is set beside its environment."""
        environment = {**self.environment, **more}
        if self.is_warm and (command[0] == PROBITY or command[0].endswith(".py")):
            return warm.start(command, environment, self.data_dir.parent, log)
        if command[0].endswith(".py"):
            command = [sys.executable, *command]
            path = environment.get("PYTHONPATH", "")
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [path, str(ROOT)]))
        return subprocess.Popen(
            command,
            env=environment,
            cwd=self.data_dir.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def start(self, *arguments: str) -> float:
        """Start the server and wait until it is ready; return how many seconds that took."""
        started = time.monotonic()
        self.launch(*arguments)
        self.await_ready()
        return time.monotonic() - started

    def start_within(self, seconds: float) -> float:
        """Start the server in so little time; a machine that is busy elsewhere gets other tries."""
        took = 0.0
        # What is measured is the whole way.
        self.is_warm = False
        for attempt in tries():
            if took:
                assert self.end() == 0
            took = self.start()
            attempt.takes("start, s", took, seconds)
        return took

    def await_ready(self) -> None:
        """Wait until `/ready` says yes."""
        process = self._running()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server didn't start:\n{self.words()}")
            time.sleep(POLL_SECONDS)

    def is_ready(self) -> bool:
        """Ask the server whether it takes work."""
        return self.answers("/ready")

    def answers(self, path: str) -> bool:
        """Ask whether a page at the root is there and well."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=10).is_success
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        return self._running().pid

    def _running(self) -> "subprocess.Popen[bytes]":
        if self.process is None:
            raise AssertionError("no server was started")
        return self.process

    def words(self) -> str:
        """Return what the server said on stderr, and its database in its log."""
        own = self.log.read_text("utf-8", "replace")[-4_000:] if self.log.exists() else ""
        logs = sorted((self.data_dir / "postgres" / "log").glob("*.log"), key=os.path.getmtime)
        return own + "".join(path.read_text("utf-8", "replace")[-1_500:] for path in logs[-1:])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; whatever the server started has to be gone."""
        process = self._running()
        started = self.family()
        process.send_signal(number)
        code = process.wait(STOP_SECONDS)
        # What multiprocessing starts beside a pool notices its parent's end a moment later.
        noticed = time.monotonic() + NOTICE_SECONDS
        while any(map(_lives, started)) and time.monotonic() < noticed:
            time.sleep(POLL_SECONDS)
        left = [*filter(_lives, started), *self.database_processes()]
        assert not left, f"still running after the end: {left}\n{self.words()}"
        return code

    def kill(self) -> None:
        """End the server as `kill -9` does; its database stays."""
        self._running().kill()
        self._running().wait()

    def family(self) -> list[psutil.Process]:
        """Return the server's living descendants and its database's processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [*psutil.Process(self.pid).children(recursive=True), *self.database_processes()]
        return self.database_processes()

    def clean_up(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for process in self.database_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    # -- the database -------------------------------------------------------------------------

    def database_processes(self) -> list[psutil.Process]:
        """Return every living process that works in the data folder."""
        folder = str(self.data_dir.resolve())
        return [process for process in psutil.process_iter() if _works_below(process, folder)]

    def postmaster(self) -> psutil.Process:
        """Return the database's first process."""
        found = postmaster.find((self.data_dir / "postgres").resolve())
        if found is None:
            raise AssertionError(f"no database runs in {self.data_dir}\n{self.words()}")
        return found.process

    def kill_database(self) -> None:
        """End the database's first process as `kill -9` does; its children notice by themselves."""
        self.postmaster().kill()

    def database_url(self) -> str:
        """Return where the running embedded database is reached."""
        url = running_url(self.data_dir)
        if url is None:
            raise AssertionError(f"no database runs in {self.data_dir}\n{self.words()}")
        return url

    @contextlib.asynccontextmanager
    async def database(self) -> "AsyncIterator[Connection]":
        """Open a connection to the running embedded database."""
        connection = await connect(self.database_url())
        try:
            yield connection
        finally:
            await connection.close()

    # -- other commands -----------------------------------------------------------------------

    def run(self, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run another `probity` command with this server's settings."""
        if self.is_warm and self.program == PROBITY:
            command = [self.program, *arguments]
            return warm.run(command, self.environment, self.data_dir.parent, timeout)
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            cwd=self.data_dir.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    # -- the API ------------------------------------------------------------------------------

    def call(self, method: str, path: str, token: str = "", body: object = None) -> Any:
        """Send one request to `/api/v1` and return the `data` of its answer, which is a success."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/api/v1{path}"
        answer = httpx.request(method, url, headers=headers, json=body, timeout=CALL_SECONDS)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json().get("data")

    def status(self, path: str, token: str) -> int:
        """Return the status of one GET."""
        headers = {"authorization": f"Bearer {token}"}
        url = f"{self.url}/api/v1{path}"
        return httpx.get(url, headers=headers, timeout=CALL_SECONDS).status_code

    def admin(self) -> str:
        """Return an administrator's access token."""
        if not self._admin_token:
            body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
            self._admin_token = self.call("POST", "/auth/login", body=body)["accessToken"]
        return self._admin_token

    def trader(self, name: str = "") -> tuple[int, str]:
        """Register somebody and return (user id, access token)."""
        email = f"{name or secrets.token_hex(8)}@example.com"
        body = {"email": email, "password": ADMIN_PASSWORD}
        answer = self.call("POST", "/auth/register", body=body)
        return int(answer["user"]["id"]), str(answer["accessToken"])

    def market(self, slug: str, **terms: object) -> dict[str, Any]:
        """List an open market."""
        body = {"slug": slug, "question": f"Will {slug} come?", "closeTime": FAR_CLOSE, **terms}
        listed: dict[str, Any] = self.call("POST", "/markets", self.admin(), body)
        return listed


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _works_below(process: psutil.Process, folder: str) -> bool:
    try:
        where = process.cwd()
        return _lives(process) and (where == folder or where.startswith(f"{folder}/"))
    except psutil.Error:
        return False


@contextlib.contextmanager
def running_server(
    data_dir: Path, settings: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Yield a server that is up; it must end orderly."""
    made = ServerProcess(data_dir, settings)
    try:
        made.start()
        yield made
        assert made.end() == 0
    finally:
        made.clean_up()
