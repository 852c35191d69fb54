"""The job that adds interest to the loans on stocks (`interest`), every day that is over.

Laws: which day it is the database says, since what a clock that is ahead charges isn't given back.
A stock whose last trade has no answer yet waits for the next run. One whose reserve isn't as it
should be fails the run, but only when the others have had theirs.
"""

from gateway.economy.stocks.interest import JOB, Interest, interest_today
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.postgres.database import DeadlinePool
from persistence.repositories.audit import AuditLog
from persistence.repositories.jobs import JobRows


class StockInterest(Interest):
    """Runs it."""

    def __init__(self, pool: DeadlinePool, rows: JobRows, audit: AuditLog, logger: Logger) -> None:
        super().__init__(pool, audit)
        self._rows = rows
        self._logger = logger

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name=JOB,
                schedule="*/10 * * * *",
                run=self.run,
                time_limit_s=300,
                tries=3,
                first_wait_s=30,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Add the interest of every day that is over."""
        added = await self.add(await interest_today(self._pool))
        if added:
            self._logger.info("stock interest", orders=added)

    async def begin(self) -> None:
        """Queue a run at the start of a worker, unless one is there."""
        await self._rows.put_unless_there(JOB)
