"""An event loop without time, sockets or threads, shared by processes that only seem to be many.

    ready callbacks of a process, in their order      <- which process goes on next: the seed says
    nobody is ready                                   <- the clock jumps to the next timer

Laws: everything that happens is a function of the seed. A process is whatever was begun in its
context (`Process.run`): one that is killed runs no line more, no `finally` either, as after a
`kill -9`; one that is paused keeps what comes to it, as after a SIGSTOP. Reading a clock costs a
few microseconds, drawn by the seed, so that bounds of time are met at other places in each run.
"""

import asyncio
import contextvars
import heapq
import itertools
import time
from asyncio import events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final
from unittest import mock

EPOCH_US: Final = 1_790_000_000_000_000
"""The wall clock of every process when a run begins."""
BEGINS_S: Final = 1_000.0
"""The time that only grows, when a run begins."""
_LOOK_S: Final = 0.000_02
"""Reading the clock costs so much at most."""
_UNWINDINGS: Final = 20
_HICCUP_S: Final = 0.003
"""... or so much, rarely: the machine did something else."""


class Process:
    """One of the processes that share the loop."""

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.stood_still_s = 0.0
        """For how long it was paused last, by the loop's clock ..."""
        self.went_on_at = 0.0
        """... and when it went on."""
        self.ahead_us = 0
        """How far its wall clock is ahead of the true time."""
        self.ready: deque[events.Handle] = deque()
        self._paused_at = 0.0
        self._loop = loop
        self._context = contextvars.Context()
        self._context.run(_PROCESS.set, self)

    def call(self, callback: Callable[..., Any], *args: Any) -> None:
        """Let the process do something in its next turn; a dead one never does."""
        self._loop.call_soon(callback, *args, context=self._context)

    def later(self, seconds: float, callback: Callable[..., Any], *args: Any) -> None:
        """Let the process do something after a while."""
        self._loop.call_at(self._loop.time() + seconds, callback, *args, context=self._context)

    def start(self, work: Any) -> "asyncio.Task[Any]":
        """Begin a coroutine that belongs to the process."""
        return self._loop.create_task(work, context=self._context)

    def kill(self) -> None:
        """End it here: nothing of it runs any more."""
        self.is_dead, self.is_paused = True, False
        self._loop.bury(self)

    def resume(self) -> None:
        """Go on where it was paused."""
        if self.is_paused:
            self.went_on_at = self._loop.time()
            self.stood_still_s = self.went_on_at - self._paused_at
        self.is_paused = False

    def pause(self) -> None:
        """Stand still."""
        if not self.is_paused:
            self._paused_at = self._loop.time()
        self.is_paused = True


_PROCESS: Final[contextvars.ContextVar[Process]] = contextvars.ContextVar("process")


class Stuck(Exception):
    """Nobody is ready and no timer is set: the run would never end."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop of a run; `world` is the process of whatever is no program of ours."""

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self._dice = dice
        self._now = BEGINS_S
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, events.TimerHandle]] = []
        self._processes: list[Process] = []
        self._every: list[Process] = []
        self._graves: list[Any] = []
        """What dead processes had begun: if it were let go of, it would end in its own way."""
        self.world = self.process("world")
        self.on_fault: Callable[[str], None] = lambda _: None
        """Told of what was raised where nobody could hear it."""
        self.set_exception_handler(_note_fault)

    def process(self, name: str) -> Process:
        """Add a process."""
        made = Process(self, name)
        self._processes.append(made)
        self._every.append(made)
        return made

    def bury(self, process: Process) -> None:
        """Forget what a dead process would have done; keep its frames, so that none is unwound."""
        self._graves += asyncio.all_tasks(self)
        if process in self._processes:
            self._processes.remove(process)

    def unwind(self) -> None:
        """Let everything that ever began come to an end, dead or not; what it does is nothing."""
        for process in self._every:
            process.is_dead = process.is_paused = False
        self._processes, self._graves = list(self._every), []
        for _ in range(_UNWINDINGS):
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if not left:
                break
            self.run_until_complete(asyncio.sleep(1.0))

    def time(self) -> float:
        """Return the seconds that only grow."""
        return self._now

    def look(self) -> float:
        """Return the same for a program, to which reading it costs something."""
        most = _HICCUP_S if self._dice.random() < 0.001 else _LOOK_S
        self._now += most * self._dice.random()
        return self._now

    def wall_ns(self) -> int:
        """Return the wall clock of the process that asks."""
        process = _PROCESS.get(self.world)
        return (EPOCH_US + round(self._now * 1_000_000) + process.ahead_us) * 1_000

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> events.TimerHandle:
        """Set a timer."""
        timer = events.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        """Do it at once: there are no threads."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        return future

    def _call_soon(
        self, callback: Any, args: Any, context: contextvars.Context | None
    ) -> events.Handle:
        handle = events.Handle(callback, args, self, context)
        self._make_ready(handle)
        return handle

    def _make_ready(self, handle: events.Handle) -> None:
        process = handle._context.get(_PROCESS, self.world)  # type: ignore[attr-defined]
        process.ready.append(handle)

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        """Nothing: it is passed over when its time comes."""

    def _write_to_self(self) -> None:
        """Nothing: nobody sleeps here."""

    def _run_once(self) -> None:
        timers = self._timers
        while timers and (timers[0][0] <= self._now or timers[0][2].cancelled()):
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                self._make_ready(timer)
        able = [one for one in self._processes if one.ready and not one.is_paused]
        if not able:
            if not timers and not self._stopping:  # type: ignore[attr-defined]
                raise Stuck
            if timers:
                self._now = max(self._now, timers[0][0])
            return
        process = able[0] if len(able) == 1 else self._dice.choice(able)
        for _ in range(len(process.ready)):
            if process.is_dead or process.is_paused or not process.ready:
                break
            handle = process.ready.popleft()
            if not handle.cancelled():
                handle._run()


def _note_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # What nobody fetched is found when memory is, and not when it happened.
    if isinstance(loop, VirtualLoop) and "callback" in context.get("message", ""):
        loop.on_fault(f"{context['message']}: {context.get('exception')!r}")


@contextmanager
def virtual_time(dice: Random) -> Iterator[VirtualLoop]:
    """Let all programs of this process live in a loop of their own, by its clocks."""
    loop = VirtualLoop(dice)
    with (
        mock.patch.object(time, "monotonic", loop.look),
        mock.patch.object(time, "time_ns", loop.wall_ns),
    ):
        try:
            yield loop
        finally:
            for task in asyncio.all_tasks(loop):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            loop.close()


def current_process() -> Process:
    """Return the process that runs now."""
    return _PROCESS.get()
