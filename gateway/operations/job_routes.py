"""How the jobs stand, for admins: each row of the list, whichever process runs it."""

from collections.abc import Callable, Sequence

from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.jobs.job import Job
from gateway.wire.scalars import time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.jobs import JobRows, Standing


class JobView(AnswerStruct, frozen=True):
    """One job; times are null for what never was, counts are of all processes."""

    name: str
    schedule: str | None
    """Cron's fields, UTC; null for a job that runs when it is put."""
    time_limit_seconds: float
    tries: int
    last_success_at: str | None
    last_failure_at: str | None
    last_error: str | None
    queued: int
    running: int
    failed: int
    """Runs that had all their tries, as long as they are kept."""
    next_run_at: str | None
    """The next tick, or the next try of a run that waits for it."""

    @classmethod
    def of(cls, job: Job, standing: Standing, now: int) -> "JobView":
        """Return the view of a job at a time in microseconds."""
        tick = job.next_tick(now / MICROSECONDS)
        ticks = [] if tick is None else [int(tick * MICROSECONDS)]
        due = [] if standing.due_at is None else [standing.due_at]
        return cls(
            job.name,
            job.schedule,
            job.time_limit_s,
            job.tries,
            time_if_known(standing.last_success_at),
            time_if_known(standing.last_failure_at),
            standing.last_error,
            standing.queued,
            standing.running,
            standing.failed,
            time_if_known(min(ticks + due, default=None)),
        )


class JobRoutes:
    """The rows of the route table about jobs."""

    def __init__(
        self, jobs: Sequence[Job], rows: JobRows, clock: Callable[[], int] = now_us
    ) -> None:
        """Tell of these jobs, whether or not this process runs them."""
        self._jobs = jobs
        self._rows = rows
        self._clock = clock

    async def list_jobs(self, _request: Request[None, None]) -> Page[JobView]:
        """Return all jobs by name."""
        jobs = sorted(self._jobs, key=lambda job: job.name)
        standings = await self._rows.standings([job.name for job in jobs])
        now = self._clock()
        views = [JobView.of(job, standings[job.name], now) for job in jobs]
        return Page(views, len(views), len(views), 0)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/admin/jobs",
                handler=self.list_jobs,
                access=Access.ADMIN,
                answer=JobView,
                shape=Shape.PAGE,
                summary="Show the jobs beside requests: what ran, what failed, what comes next",
                tag="admin",
            ),
        )
