"""Replaying the past off the event loop: one process of its own that decodes and computes, nice to
everybody else.

    loop: fetch bytes ──> process: decode, replay, encode ──> loop: send

Laws: a function that is run is a module's own, its arguments and its result are plain data; it
touches no database. At most `waiting` calls wait or run, more are told to come back; a call that
takes too long ends the process, since nothing else can end it, and the next one gets a new one. The
process begins with the first call, and ends with its parent, however that ends; a thread waits for
its answers (`replay_process.py` says how they are told).
"""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO, Final, TypeVar, TypeVarTuple, cast

from gateway.engine_side.replay_process import read_frame, write_frame
from gateway.wire.errors import Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WORKERS: Final = 1
WAITING_MOST: Final = 32
TIMEOUT_S: Final = 10.0
"""So long a call may take, its wait included: far more than any that is bounded as it should be."""
_COMMAND: Final = (sys.executable, "-P", "-m", "gateway.engine_side.replay_process")


class ReplayDied(Exception):
    """The process ended before it answered."""


class ReplayPool:
    """Runs functions in processes; `close` when done."""

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        waiting: int = WAITING_MOST,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="replays")
        self._most = waiting
        self._timeout_s = timeout_s
        self._waiting = 0
        self._idle: list[_Process] = []
        self._busy: dict[int, _Process] = {}
        """By the number of the call."""
        self._calls = 0
        self._is_closed = False

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what the function returns, or raise what it raises.

        Raises:
            Unavailable: too many wait, it took too long, or the process died; all may pass.
        """
        if self._is_closed or self._waiting >= self._most:
            raise Unavailable("too many look into the past just now; try again in a moment")
        self._waiting += 1
        self._calls += 1
        number, loop = self._calls, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                question = pickle.dumps((function, args))
                told = await loop.run_in_executor(self._threads, self._ask, number, question)
        except TimeoutError as error:
            raise Unavailable("the past took too long to replay; try again in a moment") from error
        except ReplayDied as error:
            raise Unavailable("the past could not be replayed; try again in a moment") from error
        finally:
            self._waiting -= 1
            # Still there if nobody waits for its answer any more.
            left = self._busy.pop(number, None)
            if left is not None:
                left.end()
        returned, value = pickle.loads(told)  # noqa: S301 - of our own process
        if not returned:
            raise value
        return cast("T", value)

    def close(self) -> None:
        """End the processes; what they have under way is lost."""
        self._is_closed = True
        for process in (*self._idle, *self._busy.values()):
            process.end()
        self._threads.shutdown(wait=True, cancel_futures=True)
        # One that was begun meanwhile.
        for process in self._idle:
            process.end()

    def _ask(self, number: int, question: bytes) -> bytes:
        """Let a process answer; in a thread, of which there are as many as processes."""
        process = self._idle.pop() if self._idle else _Process()
        self._busy[number] = process
        try:
            answer = process.ask(question)
        except ReplayDied:
            self._busy.pop(number, None)
            process.end()
            raise
        if self._busy.pop(number, None) is not None:
            self._idle.append(process)
        return answer


class _Process:
    """A process, and the pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._stdin = cast("BinaryIO", self._process.stdin)
        self._stdout = cast("BinaryIO", self._process.stdout)
        self._path: bytes | None = pickle.dumps(sys.path)

    def ask(self, question: bytes) -> bytes:
        """Return the answer; raises ReplayDied if none comes."""
        try:
            if self._path is not None:
                write_frame(self._stdin, self._path)
                self._path = None
            write_frame(self._stdin, question)
            return read_frame(self._stdout)
        except (EOFError, OSError, ValueError) as error:
            raise ReplayDied from error

    def end(self) -> None:
        """End it at once, and leave nothing of it."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._stdin.close()
        self._stdout.close()
