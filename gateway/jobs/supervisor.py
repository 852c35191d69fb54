"""Continuous work: started by name, started again when it ends, and shown in metrics.

    async with supervisor.running("session-watch", watch):
        ...                                             # ended, and waited for, at the block's end

Laws: work never ends by itself, so returning is as much a failure as raising is. After a failure
comes a pause that doubles up to a bound, with jitter so that processes don't knock in step; work
that ran for `WELL_S` and checked in meanwhile begins with the first pause again. Each failure
counts in `job_failures_total`, and one line a minute at most says so. Work that the process can't
do without is `fatal`: its first failure sets `failed`, upon which the process ends and a new one
recovers.

Work *checks in* when it has just done what it is for (looked at the sessions, sent the
heartbeats); that is what `job_last_success_timestamp_seconds` shows. Merely being alive is none:
a watch whose database is away doesn't check in. Scheduled and queued work is `jobs/queue.py`.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from gateway.observability.logs import Logger
from gateway.observability.metrics import JobMeter, JobMetrics

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
WELL_S: Final = 60.0
"""So long work must have run for its next failure to be taken for a first one."""
SAID_S: Final = 60.0
"""At most one line about a work's failures in so many seconds."""
_JITTER: Final = (0.5, 1.0)
"""A pause is cut to somewhere between these parts of itself."""

CheckIn = Callable[[], None]
Work = Callable[[CheckIn], Coroutine[Any, Any, None]]


class WorkEnded(Exception):
    """Continuous work returned, which it never should."""


class WorkFailed(Exception):
    """Work that the process can't do without failed; `name` says which, its cause why."""

    def __init__(self, name: str, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.name = name
        self.__cause__ = cause


class Clock(Protocol):
    """What a supervisor knows of time; tests hand in one that doesn't make them wait."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""

    def wall(self) -> float:
        """Return seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class LoopClock:
    """The machine's clocks and the event loop's sleep."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the Unix epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Supervisor:
    """Looks after one process's continuous work."""

    def __init__(
        self,
        metrics: JobMetrics,
        logger: Logger,
        clock: Clock | None = None,
        jitter: Callable[[], float] = lambda: random.uniform(*_JITTER),  # noqa: S311 - not secret
    ) -> None:
        """Begin without work; `jitter` gives the part of a pause that is waited."""
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """Done when the process can't go on, with the reason."""
        self._metrics = metrics
        self._logger = logger
        self._clock = clock or LoopClock()
        self._jitter = jitter
        self._names: set[str] = set()

    @asynccontextmanager
    async def running(
        self,
        name: str,
        work: Work,
        *,
        fatal: bool = False,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> AsyncIterator[None]:
        """Keep `work` going beside the block; at its end, end it and wait until it has.

        Args:
            name: of the work in metrics and log lines; one of our own words.
            work: is handed how it checks in, and makes a new coroutine for each start.
            fatal: whether the process must end when it fails.
            longest_pause_s: bound of the pauses between a failure and the next start.
        """
        if name in self._names:
            raise ValueError(f"{name} is running already")
        self._names.add(name)
        one = _Supervised(
            name,
            work,
            self.fail if fatal else None,
            longest_pause_s,
            self._metrics.register(name),
            self._logger,
            self._clock,
            self._jitter,
        )
        task = asyncio.create_task(one.run(), name=name)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._names.discard(name)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._logger.error("work failed at its end", job=name, exc_info=error)

    def fail(self, reason: BaseException) -> None:
        """Say that the process can't go on; the first reason counts."""
        if not self.failed.done():
            self.failed.set_result(reason)


class _Supervised:
    """One work, through all its starts."""

    def __init__(
        self,
        name: str,
        work: Work,
        on_fatal: Callable[[BaseException], None] | None,
        longest_pause_s: float,
        meter: JobMeter,
        logger: Logger,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._name = name
        self._work = work
        self._on_fatal = on_fatal
        self._first_pause_s = min(FIRST_PAUSE_S, longest_pause_s)
        self._longest_pause_s = longest_pause_s
        self._meter = meter
        self._logger = logger
        self._clock = clock
        self._jitter = jitter
        self._has_checked_in = False
        self._said_at = -math.inf
        self._unsaid = 0

    async def run(self) -> None:
        """Start it, and start it again, until cancelled; or until a fatal one fails."""
        pause = self._first_pause_s
        while True:
            started = self._clock.monotonic()
            self._has_checked_in = False
            error = await self._run_once()
            self._meter.failed()
            if self._on_fatal is not None:
                self._logger.critical("work failed", job=self._name, exc_info=error)
                self._on_fatal(WorkFailed(self._name, error))
                return
            if self._has_checked_in and self._clock.monotonic() - started >= WELL_S:
                pause = self._first_pause_s
            wait = pause * self._jitter()
            self._say(error, wait)
            await self._clock.sleep(wait)
            pause = min(2 * pause, self._longest_pause_s)

    async def _run_once(self) -> Exception:
        """Return why the work ended; whatever it does with it, a cancel of ours goes through."""
        try:
            await self._work(self._check_in)
        except asyncio.CancelledError:
            if _is_to_end():
                raise
            # It waited for something that somebody else cancelled: not a wish that it should end.
            return WorkEnded("cancelled by what it waited for")
        except Exception as error:
            # The outermost boundary of continuous work.
            if _is_to_end():
                raise
            return error
        if _is_to_end():
            raise asyncio.CancelledError
        return WorkEnded("returned")

    def _check_in(self) -> None:
        self._has_checked_in = True
        self._meter.succeeded(self._clock.wall())

    def _say(self, error: Exception, wait: float) -> None:
        now = self._clock.monotonic()
        if now - self._said_at < SAID_S:
            self._unsaid += 1
            return
        self._logger.error(
            "work failed, it is started again",
            job=self._name,
            pause_ms=round(wait * 1_000),
            unsaid=self._unsaid,
            exc_info=error,
        )
        self._said_at, self._unsaid = now, 0


def _is_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
