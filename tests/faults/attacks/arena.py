"""A real server with its default limits, traders who watch, and attackers: who waited how long, and
what the server's memory grew by.

Laws: traders and attackers are processes of their own, and the attackers' are humble (`nice`); the
measure of a slow machine is the same load without an attack, on the same server before them all.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import msgspec
import psutil

from tests.faults.attacks.watch import TRADERS, Report
from tests.faults.attacks.wire import Account, Attack, Target
from tests.server_process import ADMIN_PASSWORD, WIDE_LIMITS, ServerProcess

ROOT: Final = Path(__file__).parents[3]
WAIT_MS: Final = 100.0
"""What the 99th of a hundred acknowledgements may take while somebody attacks."""
TIMES_BASELINE: Final = 5.0
"""On a machine that is slow without an attack, so many times that."""
MEMORY_MB: Final = 50.0
AFTERMATH_SECONDS: Final = 0.3
CALM_SECONDS: Final = 2.0
SLUG: Final = "storm"
_HUMBLE: Final = ("nice", "-n", "10")
_LATE_SECONDS: Final = 60.0
_MEGABYTE: Final = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack did."""

    name: str
    before: Report
    during: Report
    grown_mb: float
    said: dict[str, Any]

    @property
    def allowed_ms(self) -> float:
        """Return what the 99th of a hundred may take on this machine now."""
        return max(WAIT_MS, TIMES_BASELINE * self.before.p99)

    def line(self) -> str:
        """Return the row of the table."""
        during = self.during
        told = {**self.said, **during.refused, **({"lost": during.lost} if during.lost else {})}
        figures = (self.before.p99, during.p50, during.p99, during.worst, self.grown_mb)
        row = "".join(f"{figure:>10.1f}" for figure in figures)
        return f"{self.name:<34}{row}  {told or ''}"


HEADER: Final = f"{'ms, MB':<34}" + "".join(
    f"{title:>10}" for title in ("calm p99", "p50", "p99", "worst", "memory")
)


class Arena:
    """One server, its traders, and all attacks on it, one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: ServerProcess | None = None
        self._watch: subprocess.Popen[str] | None = None
        self._attacks = 0
        self._servers = 0

    # -- life ---------------------------------------------------------------------------------

    def open(self) -> ServerProcess:
        """Return the running server; a new one if there is none."""
        if self._server is None:
            self._servers += 1
            server = self._server = ServerProcess(self._folder / f"data-{self._servers}")
            for name in WIDE_LIMITS:
                del server.environment[name]
            server.is_warm = False  # its memory is measured
            # All attacks of a long run are on the same sign-ins.
            server.environment["JWT_ACCESS_EXPIRES_IN"] = "4h"
            server.start()
            server.market(SLUG)
            self._start_watch(server)
        return self._server

    def close(self) -> None:
        """End everything, whatever state it is in."""
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None
        if self._server is not None:
            self._server.clean_up()
            self._server = None

    def _start_watch(self, server: ServerProcess) -> None:
        traders = tuple(
            register(server, f"127.0.1.{number}", f"trader-{number}")
            for number in range(1, TRADERS + 1)
        )
        self._watch = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.attacks.watch"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        target = Target(server.port, SLUG, "127.0.1.1", 0, traders, traders[0], ADMIN_PASSWORD)
        self._tell(msgspec.json.encode(target).decode())
        if self._heard() != "ready":
            raise AssertionError(f"the traders didn't come\n{server.words()}")
        self._calm(0.5)
        self._before = self._calm(CALM_SECONDS)
        self._victim = traders[0]

    def _tell(self, line: str) -> None:
        assert self._watch is not None
        assert self._watch.stdin is not None
        self._watch.stdin.write(f"{line}\n")
        self._watch.stdin.flush()

    def _heard(self) -> str:
        assert self._watch is not None
        assert self._watch.stdout is not None
        return self._watch.stdout.readline().strip()

    # -- measuring ----------------------------------------------------------------------------

    def _calm(self, seconds: float) -> Report:
        """Return how long acknowledgements take without an attack."""
        self._tell("begin")
        time.sleep(seconds)
        return self._reported()

    def _reported(self) -> Report:
        self._tell("report")
        return msgspec.json.decode(self._heard(), type=Report)

    def beside(
        self, work: Callable[[], T], calm_s: float = CALM_SECONDS
    ) -> tuple[Report, Report, T]:
        """Do something; return how long acknowledgements took for so many seconds before, and
        meanwhile, and what it gave.
        """
        calm = self._calm(calm_s)
        self._tell("begin")
        done = work()
        return calm, self._reported(), done

    def suffer(
        self, name: str, attack: Attack, seconds: float, calm_s: float | None = None
    ) -> Outcome:
        """Run one attack; return what it did, beside `calm_s` seconds just before if given."""
        server = self.open()
        self._attacks += 1
        # Addresses that no attack before has used up.
        network = f"127.1.{self._attacks}"
        accounts = tuple(
            register(server, f"{network}.{number}", f"{self._attacks}-{number}")
            for number in range(1, attack.accounts + 1)
        )
        stranger = f"{network}.100"
        target = Target(
            server.port, SLUG, stranger, seconds, accounts, self._victim, ADMIN_PASSWORD
        )
        before = self._before if calm_s is None else self._calm(calm_s)
        with memory_of(server.pid) as memory:
            self._tell("begin")
            said = self._attacked(name, target)
            time.sleep(AFTERMATH_SECONDS)
            during = self._reported()
        return Outcome(name, before, during, memory.grown_mb, said)

    def _attacked(self, name: str, target: Target) -> dict[str, Any]:
        attacker = subprocess.run(
            [*_HUMBLE, sys.executable, "-m", "tests.faults.attacks.attacker", name],
            cwd=ROOT,
            input=msgspec.json.encode(target),
            stdout=subprocess.PIPE,
            timeout=target.seconds + _LATE_SECONDS,
            check=True,
        )
        said: dict[str, Any] = msgspec.json.decode(attacker.stdout)
        return said


class Memory:
    """The resident set of a process, looked at often."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._begin = self._most = self._process.memory_info().rss
        self.is_over = threading.Event()

    @property
    def grown_mb(self) -> float:
        """Return by how much it grew at most."""
        return (self._most - self._begin) / _MEGABYTE

    def look(self) -> None:
        """Look until told that it is over."""
        while not self.is_over.wait(0.02):
            self._most = max(self._most, self._process.memory_info().rss)


@contextmanager
def memory_of(pid: int) -> Iterator[Memory]:
    """Watch a process's memory meanwhile."""
    memory = Memory(pid)
    thread = threading.Thread(target=memory.look)
    thread.start()
    try:
        yield memory
    finally:
        memory.is_over.set()
        thread.join()


def register(server: ServerProcess, address: str, name: str) -> Account:
    """Make an account from an address of its own, as any newcomer would."""
    email = f"{name}@example.com"
    body = {"email": email, "password": ADMIN_PASSWORD}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as client:
        answer = client.post(f"{server.url}/api/v1/auth/register", json=body, timeout=30)
    assert answer.is_success, answer.text
    return Account(address, email, answer.json()["data"]["accessToken"])
