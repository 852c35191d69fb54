"""Scheduled and queued work: Procrastinate on our PostgreSQL, from a plain list of jobs.

The library's application is built here from what it is given, so no module knows all jobs by
importing them, and each restart of the work begins with a new one.

Laws: a queue has its job's name, and a process takes from the queues of the jobs it has: an older
version next to a newer one leaves alone what it doesn't know. A schedule's tick is put once however
many processes there are (a row a tick, unique), one run of a scheduled job goes at a time, and one
behind which a later one waits is passed over. A run that fails is begun again after growing waits,
and fails for good after its tries; a process that ends under it costs it none, one that dies does,
since the run may be why. What a dead process had under way is queued again by whoever looks next,
and so is what ended here without being noted: the library says nothing of a line that broke then.
Runs that end well are deleted; what is known of them is in `job_outcomes`.

One line a failure, without its message, which may hold anything; the message is for admins.
"""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import DeleteJobCondition
from procrastinate.jobs import Job as QueuedJob

from gateway.jobs.job import Job
from gateway.jobs.supervisor import CheckIn, WorkEnded
from gateway.observability.logs import Logger
from gateway.observability.metrics import JobMeter, JobMetrics
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import OUTAGES
from persistence.postgres.job_pool import job_connector
from persistence.repositories.jobs import Bounds, JobRows

LEFT: Final = "left by its worker, which died or could not say how the run ended"
"""What is kept of a run that nobody is at any more, instead of an error."""
OVERDUE_S: Final = 60.0
"""So long after its time limit nobody can be at a run any more."""
_FAREWELL_S: Final = 1.0
"""So long a worker may take to leave the database's list of workers."""
_SAID_BY_US: Final = frozenset({"job_error", "job_error_retry", "job_aborted", "job_aborted_retry"})


class JobTookTooLong(Exception):
    """A run was cancelled at its time limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTimes:
    """How often a worker looks; seconds."""

    poll: float = 5.0
    """For runs whose time has come; it is told of new ones at once."""
    heartbeat: float = 10.0
    silent: float = 30.0
    """A worker that hasn't been heard for so long is taken for dead."""
    look: float = 10.0
    """For what dead workers left."""
    noted: float = 30.0
    """So long after a run has ended the library has noted that, or never does."""


class JobQueue:
    """Runs jobs in this process; `work` is continuous work of a supervisor."""

    def __init__(
        self,
        url: str,
        jobs: Iterable[Job],
        rows: JobRows,
        metrics: JobMetrics,
        logger: Logger,
        *,
        at_once: int,
        drain_s: float,
        in_haste: Callable[[], bool] = lambda: False,
        times: QueueTimes | None = None,
    ) -> None:
        """Take the jobs of this process; nothing is opened before `work`.

        Args:
            url: of the database, past any pooler.
            jobs: each name once.
            rows: what is known of jobs.
            metrics: where each job gets its meter.
            logger: for a line a failure.
            at_once: runs under way at a time.
            drain_s: how long runs may take to end when the work is cancelled.
            in_haste: whether runs are to be left where they are when the work is cancelled.
            times: how often it looks.

        Raises:
            DatabaseUnavailable: psycopg can't read the URL.
        """
        self._url = url
        self._jobs = {job.name: job for job in jobs}
        self._rows = rows
        self._meters = {name: metrics.register(name) for name in self._jobs}
        self._logger = logger
        self._at_once = at_once
        self._times = times or QueueTimes()
        # A worker that drains sends no heartbeat; nobody else may take its runs meanwhile.
        self._drain_s = min(drain_s, self._times.silent / 2)
        self._in_haste = in_haste
        self._draining = asyncio.Event()
        self._under_way = 0
        self._ended: dict[tuple[int, int], float] = {}
        """Of a run and its try when it ended, until the library must have noted it."""
        self._looked_at = float("-inf")
        job_connector(url)

    @property
    def is_working(self) -> bool:
        """Say whether runs are taken: the database was reached in the last few looks."""
        return time.monotonic() - self._looked_at < 3 * self._times.look

    async def work(self, check_in: CheckIn) -> None:
        """Run jobs until cancelled, which lets those under way end; a look that works checks in.

        Raises what the database does, WorkEnded if the library gave up after saying why.
        """
        _leave_to_us()
        async with self._app().open_async() as app:
            parts = (
                asyncio.create_task(self._run_worker(app), name="job worker"),
                asyncio.create_task(self._keep_looking(check_in), name="job rescue"),
            )
            told = asyncio.create_task(self._draining.wait(), name="job drain")
            ending: asyncio.Task[None] | None = None
            try:
                done, _ = await asyncio.wait((*parts, told), return_when=asyncio.FIRST_COMPLETED)
                self._looked_at = float("-inf")
                if told in done:
                    ending = asyncio.create_task(self._end(parts), name="job end")
                    await asyncio.Event().wait()
                for part in parts:
                    if part.done():
                        part.result()
                raise WorkEnded("the worker stopped")
            finally:
                self._looked_at = float("-inf")
                told.cancel()
                # A drain that has begun goes on for the rest of its time.
                await (ending or self._end(parts))

    async def drain(self) -> None:
        """Begin to end, without waiting for it: nothing new is run, runs under way may finish.

        `work` waits then to be cancelled, which waits for what is left of that time.
        """
        self._draining.set()

    async def _end(self, parts: Iterable[asyncio.Task[None]]) -> None:
        """End the parts: runs under way may finish, a database that is away isn't waited for."""
        patience_s = _FAREWELL_S
        if self._under_way and not self._in_haste():
            patience_s += self._drain_s
        for part in parts:
            part.cancel()
        _, left = await asyncio.wait(parts, timeout=patience_s)
        for part in left:
            part.cancel()
        # What still notes something in a database that is silent isn't waited for any longer: it
        # ends with the process, and another worker finds the run.
        ended, _ = await asyncio.wait(parts, timeout=_FAREWELL_S)
        for part in ended:
            if not part.cancelled():
                part.exception()  # that it was ended

    async def _run_worker(self, app: App) -> None:
        await app.run_worker_async(
            queues=list(self._jobs),
            concurrency=self._at_once,
            fetch_job_polling_interval=self._times.poll,
            abort_job_polling_interval=self._times.poll,
            shutdown_graceful_timeout=self._drain_s,
            delete_jobs=DeleteJobCondition.SUCCESSFUL.value,
            install_signal_handlers=False,
            update_heartbeat_interval=self._times.heartbeat,
            stalled_worker_timeout=self._times.silent,
        )

    async def _keep_looking(self, check_in: CheckIn) -> None:
        bounds = [
            Bounds(job.name, job.tries, job.time_limit_s + OVERDUE_S) for job in self._jobs.values()
        ]
        while True:
            by = time.monotonic() - self._times.noted
            ended = [one for one, at in self._ended.items() if at < by]
            rescued = await self._rows.rescue(bounds, self._times.silent, ended)
            for known in ended:
                del self._ended[known]
            for one in rescued:
                self._meters[one.name].failed()
                self._logger.warning(
                    "job was left by its worker", job=one.name, run=one.id, again=one.again
                )
                await self._keep_failure(one.name, LEFT)
            # Another process may have been the one to run it.
            for name, at in (await self._rows.last_successes()).items():
                if name in self._meters:
                    self._meters[name].succeeded(at / MICROSECONDS)
            self._looked_at = time.monotonic()
            check_in()
            await asyncio.sleep(self._times.look)

    def _app(self) -> App:
        app = App(connector=job_connector(self._url))
        for job in self._jobs.values():
            register = app.task(
                name=job.name,
                queue=job.name,
                lock=None if job.schedule is None else job.name,
                retry=_Tries(job),
                pass_context=True,
            )
            task = register(self._run_of(job))
            if job.schedule is not None:
                app.periodic(cron=job.schedule)(task)
        return app

    def _run_of(self, job: Job) -> Callable[..., Awaitable[None]]:
        """Return what the library calls for a run."""
        meter = self._meters[job.name]

        async def run(context: JobContext, **arguments: Any) -> None:  # noqa: ANN401 - JSON
            queued = context.job
            started, is_over = time.monotonic(), True
            self._under_way += 1
            try:
                if job.schedule is not None and await self._is_superseded(queued):
                    self._logger.info("job passed over", job=job.name, run=queued.id)
                    return
                await _within(job, arguments)
                await self._rows.succeeded(job.name, at := now_us())
            except asyncio.CancelledError:
                is_over = False  # the next try is the same one
                await self._note_interruption(job, queued)
                raise
            except Exception as error:
                await self._note_failure(job, meter, queued, error)
                raise
            finally:
                self._under_way -= 1
                if is_over and queued.id is not None:
                    self._ended[queued.id, queued.attempts] = time.monotonic()
            meter.succeeded(at / MICROSECONDS)
            took_ms = round((time.monotonic() - started) * 1_000)
            say = self._logger.debug if job.is_frequent else self._logger.info
            say("job done", job=job.name, run=queued.id, ms=took_ms)

        return run

    async def _is_superseded(self, queued: QueuedJob) -> bool:
        return queued.id is not None and await self._rows.is_superseded(queued.queue, queued.id)

    async def _note_interruption(self, job: Job, queued: QueuedJob) -> None:
        """Say that the process ends under a run, which costs it no try."""
        self._logger.warning("job interrupted, it is begun again", job=job.name, run=queued.id)
        try:
            if queued.id is not None:
                await self._rows.interrupted(queued.id)
        except Exception as error:
            # Whatever it was, the end goes on; it costs this run a try.
            self._logger.warning("job's interruption can't be noted", job=job.name, exc_info=error)

    async def _note_failure(
        self, job: Job, meter: JobMeter, queued: QueuedJob, error: Exception
    ) -> None:
        meter.failed()
        tried = queued.attempts + 1
        self._logger.error(
            "job failed",
            job=job.name,
            run=queued.id,
            tried=tried,
            again=tried < job.tries,
            exc_info=error,
        )
        await self._keep_failure(job.name, f"{type(error).__name__}: {error}")

    async def _keep_failure(self, name: str, error: str) -> None:
        try:
            await self._rows.failed(name, now_us(), error)
        except OUTAGES:
            # The failure that was is worth more than that it couldn't be written down.
            self._logger.warning("job's failure can't be noted", job=name)


async def _within(job: Job, arguments: dict[str, Any]) -> None:
    """Run a job; raises JobTookTooLong at its time limit."""
    limit = asyncio.timeout(job.time_limit_s)
    try:
        async with limit:
            await job.run(arguments)
    except TimeoutError:
        if limit.expired():
            raise JobTookTooLong(f"more than {job.time_limit_s:g} s") from None
        raise


class _Tries(BaseRetryStrategy):
    """When a run that failed is begun again."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def get_retry_decision(
        self, *, exception: BaseException, job: QueuedJob
    ) -> RetryDecision | None:
        """Return when; None if it has had all its tries.

        An end of the process costs none: `JobRows.interrupted` has taken it back by then.
        """
        wait_s = 0.0
        if not isinstance(exception, asyncio.CancelledError):
            tried = job.attempts + 1
            if tried >= self._job.tries:
                return None
            wait_s = self._job.wait_s(tried)
        now = dt.datetime.now(tz=dt.UTC)
        return RetryDecision(retry_at=now + dt.timedelta(seconds=wait_s))


def _is_not_said_by_us(record: logging.LogRecord) -> bool:
    return getattr(record, "action", None) not in _SAID_BY_US


def _leave_to_us() -> None:
    """Keep the library from logging outcomes, with a run's arguments, that we log ourselves."""
    # Adding the same function again changes nothing.
    logging.getLogger("procrastinate.worker").addFilter(_is_not_said_by_us)
