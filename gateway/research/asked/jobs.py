"""Whose turn it is: the job that runs what was asked for, each in a process of its own.

    POST /backtests -> a row -> this job -> a process -> the row, with what came of it

Laws: one run of the job goes at a time, whatever the number of workers, and has `at_once` lanes; so
many backtests run in all, and one of a person. A run that was cancelled or deleted ends within
`LOOK_S`. One that its process left, or whose worker died, is begun anew, and has failed when that
happened too often: none stays under way for ever, and each ends once. A database that is away for
less than `SILENT_US` ends none, and what goes wrong with one on our side ends that one alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from gateway.jobs.job import Arguments, Job, every
from gateway.observability.logs import Logger
from gateway.research.asked.child import BacktestProcess
from gateway.research.asked.plan import OUR_FAULT, Done, Failed, Limits, Order, Plan, tape_file
from gateway.research.asked.settings import BacktestSettings
from gateway.research.playing import SAMPLE
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import absence_waited_for, is_absence
from persistence.repositories.research.backtests import Backtest, Backtests, Execution

JOB: Final = "backtests"
TURN_S: Final = 60.0
"""So long a run of the job takes new ones, and while one goes on for as long again as that may:
only one run of the job goes at a time, so a lane that ended meanwhile would stand still behind it.
"""
LOOK_S: Final = 1.0
"""How often it is noted how far a run is, and seen whether anybody still wants it."""
SILENT_US: Final = 20 * MICROSECONDS
"""A run of which nobody has said anything for so long has been left."""
_SLACK_S: Final = 60.0


class BacktestJob:
    """Runs backtests."""

    def __init__(
        self,
        rows: Backtests,
        url: Callable[[], str],
        segments: Path,
        settings: BacktestSettings,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """`url` passes any pooler; `segments` holds what was moved out of the journal."""
        self._rows = rows
        self._url = url
        self._segments = segments
        self._settings = settings
        self._logger = logger
        self._clock = clock
        self._claiming = asyncio.Lock()
        self._under_way = 0

    def jobs(self) -> tuple[Job, ...]:
        """Return the job, if any are taken."""
        if self._settings.at_once == 0:
            return ()
        limit = TURN_S + 2 * self._settings.time_max + _SLACK_S
        return (Job(name=JOB, schedule=every(30), run=self.run, time_limit_s=limit),)

    async def run(self, _arguments: Arguments) -> None:
        """Run what waits, until nothing does or the turn is over."""
        until = time.monotonic() + TURN_S
        async with asyncio.TaskGroup() as lanes:
            for _ in range(self._settings.at_once):
                lanes.create_task(self._lane(until))

    async def _lane(self, until: float) -> None:
        last = until + self._settings.time_max
        while (now_s := time.monotonic()) < until or (self._under_way > 0 and now_s < last):
            run, is_known = None, False
            with absence_waited_for():
                async with self._claiming:
                    now = self._clock()
                    await self._rows.rescue(now - SILENT_US, now)
                    run = await self._rows.claim(now)
                is_known = True
            if run is None:
                if is_known and self._under_way == 0:
                    return
                await asyncio.sleep(LOOK_S)
                continue
            self._under_way += 1
            try:
                await self._run(run)
            finally:
                self._under_way -= 1

    async def _run(self, run: Backtest) -> None:
        """See a run through; what goes wrong with it on our side is its own end alone."""
        try:
            await self._stored(run, await self._played(run))
        except asyncio.CancelledError:
            # The process ends; another one begins it anew.
            with absence_waited_for():
                await self._rows.give_back(run)
            raise
        except Exception as error:
            self._logger.exception("backtest failed", backtest=run.id, exc_info=error)
            if not is_absence(error):
                with absence_waited_for():
                    await self._rows.fail(run, OUR_FAULT, self._clock())

    async def _stored(self, run: Backtest, told: Done | Failed | None) -> None:
        """Store what came of a run, if anything did."""
        if isinstance(told, Done):
            result, fills = told.result.decode(), [Execution(*one) for one in told.fills]
            await _persist(lambda: self._rows.end(run, result, told.events, fills, self._clock()))
        elif told is not None:
            if told.fault is not None:
                self._logger.error("backtest failed", backtest=run.id, fault=told.fault)
            await _persist(lambda: self._rows.fail(run, told.reason, self._clock()))

    async def _played(self, run: Backtest) -> Done | Failed | None:
        """Return what came of a run; None if nobody wants it any more."""
        try:
            plan = msgspec.json.decode(run.plan, type=Plan)
        except msgspec.MsgspecError:
            # Of another version of ours: no reason to end what runs beside it.
            return Failed(OUR_FAULT, "a plan that can't be read")
        path = None
        if plan.tape not in {None, SAMPLE}:
            path = tape_file(self._settings.tapes, plan.tape or "")
            if path is None:
                return Failed(f"there is no tape {plan.tape} any more")
        process = BacktestProcess(self._order(plan, path))
        running = asyncio.create_task(process.run(), name=f"backtest {run.id}")
        try:
            while True:
                done, _ = await asyncio.wait([running], timeout=LOOK_S)
                if done:
                    return running.result()
                going, is_wanted = process.going, True
                with absence_waited_for():
                    is_wanted = await self._rows.note(
                        run, self._clock(), going.progress, going.events
                    )
                if not is_wanted:
                    return None
        finally:
            running.cancel()
            await asyncio.wait([running])

    def _order(self, plan: Plan, tape: Path | None) -> Order:
        set_ = self._settings
        limits = Limits(
            time_s=set_.time_max,
            cpu_s=set_.cpu_max,
            memory_mib=set_.memory_max,
            events=set_.events_max,
        )
        return Order(
            plan=plan,
            limits=limits,
            url=self._url(),
            segments=str(self._segments),
            tape=None if tape is None else str(tape),
        )


async def _persist(write: Callable[[], Awaitable[object]]) -> None:
    """Store something once the database is there; raises the absence of one that is away for so
    long that the run has been left.
    """
    until = time.monotonic() + SILENT_US / MICROSECONDS
    while True:
        try:
            await write()
        except Exception as error:
            if not is_absence(error) or time.monotonic() >= until:
                raise
            await asyncio.sleep(LOOK_S)
        else:
            return
