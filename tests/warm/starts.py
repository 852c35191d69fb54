"""Starts of `probity` that cost no import: each is forked from a process that has done all of them.

A start from nothing takes more than a second of a core, and tests do that hundreds of times. What
begins here is a process like any other to whoever asks, signals or kills it. Where the way from
nothing is what a test is about, it starts the program itself (`ServerProcess.is_warm`), as
benchmarks do, and runs that measure coverage.
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from tests.loopback.sitecustomize import ABSENT

# What Python itself reads when it starts, before any line of ours.
_OF_THE_INTERPRETER: Final = ("PYTHON", "LD_", "MALLOC_", ABSENT)
_LONGEST: Final = 1 << 18
_ORIGIN: Final = Path(__file__).with_name("origin.py")


class _Origin:
    """One process that others are forked from; asked by one thread at a time."""

    def __init__(self, settings: Sequence[tuple[str, str]]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: text for name, text in os.environ.items() if not _is_read_early(name)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(_ORIGIN), str(theirs.fileno())],
                env=kept | dict(settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours
        self._lock = threading.Lock()

    def ask(self, question: Mapping[str, Any], streams: Sequence[int] = ()) -> Any:
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(question).encode()], streams)
            told = self._socket.recv(_LONGEST)
        if not told:
            raise AssertionError("the process that servers are forked from has ended")
        return json.loads(told)

    def close(self) -> None:
        """Let it end."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()


def _is_read_early(name: str) -> bool:
    return name.startswith(_OF_THE_INTERPRETER)


@functools.cache
def _origin(settings: tuple[tuple[str, str], ...]) -> _Origin:
    made = _Origin(settings)
    atexit.register(made.close)
    return made


class _Forked(subprocess.Popen[bytes]):
    """A process that was forked elsewhere, to be asked like one's own."""

    def __init__(self, origin: _Origin, pid: int, command: Sequence[str]) -> None:
        self._origin = origin
        self.args = command
        self.pid = pid
        self.returncode = None
        self.stdin = self.stdout = self.stderr = None
        # So that nothing of the base class looks for a child of this process.
        self._child_created = False

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self._origin.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not _has_ended(self.pid, left) and timeout is not None:
                raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal to a process that runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _has_ended(pid: int, seconds: float | None) -> bool:
    """Wait for the end of a process that nobody has asked for yet."""
    handle = os.pidfd_open(pid)
    try:
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        return bool(waiting.poll(None if seconds is None else 1_000 * seconds))
    finally:
        os.close(handle)


def can_be_warm() -> bool:
    """Say whether tests run here, on a system that has what is needed, and are not measured."""
    return "PYTEST_VERSION" in os.environ and hasattr(os, "pidfd_open") and not _is_measured()


def _is_measured() -> bool:
    return "coverage" in sys.modules or any(name.startswith("COVERAGE_") for name in os.environ)


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    out: IO[bytes],
    err: IO[bytes] | None = None,
    given: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `probity`, or a script of ours that ends in it, in a session of its own.

    Args:
        command: the program or the script, and its arguments.
        environment: all of its environment.
        folder: where it runs.
        out: where it writes to.
        err: where it writes its errors; to `out` if there is none.
        given: what it reads; nothing if there is none.
    """
    early = {name: text for name, text in environment.items() if _is_read_early(name)}
    origin = _origin(tuple(sorted(early.items())))
    question = {"command": [*command], "environment": {**environment}, "folder": str(folder)}
    with Path(os.devnull).open("rb") as nothing:
        streams = [(given or nothing).fileno(), out.fileno(), (err or out).fileno()]
        return _Forked(origin, origin.ask(question, streams), command)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    seconds: float,
    text: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run such a process to its end, as `subprocess.run` does; `text` is what it reads."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given, out, err = streams
        given.write(text)
        given.seek(0)
        process = start(command, environment, folder, out, err, given)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess(command, code, *said)
