"""Replaying the past off the event loop: one process of its own that decodes and computes, nice to
everybody else.

    loop: fetch bytes ──> process: decode, replay, encode ──> loop: send

Laws: a function that is run is a module's own, its arguments and its result are plain data; it
touches no database. At most `waiting` calls wait or run, more are told to come back; a call that
takes too long ends the process, since nothing else can end it, and the next one gets a new one. The
process begins with the first call, ignores Ctrl-C, and ends with its parent, however that ends.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, Final, TypeVar, TypeVarTuple

from gateway.wire.errors import Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WORKERS: Final = 1
WAITING_MOST: Final = 32
TIMEOUT_S: Final = 10.0
"""So long a call may take, its wait included: far more than any that is bounded as it should be."""
_NICE: Final = 5
_NAMES_OF_MAIN: Final = frozenset({"__file__", "__spec__"})
"""By which another process finds a program's main module."""


class ReplayPool:
    """Runs functions in processes; `close` when done."""

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        waiting: int = WAITING_MOST,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._workers = workers
        self._most = waiting
        self._timeout_s = timeout_s
        self._executor: ProcessPoolExecutor | None = None
        self._calls: set[Future[Any]] = set()
        self._is_closed = False

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what the function returns, or raise what it raises.

        Raises:
            Unavailable: too many wait, it took too long, or the process died; all may pass.
        """
        self._calls = {call for call in self._calls if not call.done()}
        if self._is_closed or len(self._calls) >= self._most:
            raise Unavailable("too many look into the past just now; try again in a moment")
        executor = self._executor
        if executor is None:
            executor = self._executor = _executor(self._workers)
        try:
            with _no_main():
                call = executor.submit(function, *args)
            self._calls.add(call)
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.wrap_future(call)
        except TimeoutError as error:
            self._end(executor)
            raise Unavailable("the past took too long to replay; try again in a moment") from error
        except BrokenProcessPool as error:
            self._end(executor)
            raise Unavailable("the past could not be replayed; try again in a moment") from error

    def close(self) -> None:
        """End the processes; what they have under way is lost."""
        self._is_closed = True
        if self._executor is not None:
            self._end(self._executor)

    def _end(self, executor: ProcessPoolExecutor) -> None:
        """End a pool's processes for good; the next call makes another pool."""
        if self._executor is executor:
            self._executor = None
        processes = list((executor._processes or {}).values())  # noqa: SLF001 - no public way to end what runs
        executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()


def _executor(workers: int) -> ProcessPoolExecutor:
    # A fork would have the engine's threads, sockets and locks in it.
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )


@contextmanager
def _no_main() -> Iterator[None]:
    """Let a process that is started import what it runs, and not the whole command line first.

    It would import the program's main module again, and nothing that is run is ever of that.
    """
    main = sys.modules["__main__"].__dict__
    kept = {name: value for name, value in main.items() if name in _NAMES_OF_MAIN}
    main["__spec__"] = None
    main.pop("__file__", None)
    try:
        yield
    finally:
        main.update(kept)


def _begin() -> None:
    """Give way to others, leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def wait() -> None:
        connection.wait([sentinel])
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="parent").start()
