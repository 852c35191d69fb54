"""Sums up the days that are over, each once.

Laws: a run makes what is missing, the oldest first, so many days at most; the next one goes on. It
asks the database alone.
"""

from typing import Final

from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.exports.day_summary import NotOver
from persistence.exports.kept_summaries import KeptSummaries

DAYS_AT_ONCE: Final = 100


class DailySummaries:
    """Makes the files of days."""

    def __init__(self, summaries: KeptSummaries, logger: Logger) -> None:
        self._summaries = summaries
        self._logger = logger

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(name="daily-summaries", schedule="*/5 * * * *", run=self.run, time_limit_s=240),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Make what is missing."""
        days = await self._summaries.missing(DAYS_AT_ONCE)
        for day in days:
            try:
                made = await self._summaries.make(day)
            except NotOver:
                # The projector began anew meanwhile: the next run finds how far it is.
                return
            self._logger.info("a day was summed up", day=made.manifest.day, rows=made.manifest.rows)
