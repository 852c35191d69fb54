"""The job that rewards whoever was there on the day before, at midnight UTC.

Law: it looks at which day it is, not at which tick called it, so a run that was missed is made up
for at the next start of a worker; a second run of a day finds nothing to do.
"""

from typing import Final

from gateway.economy.rewards.claims import Everybody
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.repositories.jobs import JobRows

JOB: Final = "daily-rewards"


class RewardsOfTheDay:
    """Runs it."""

    def __init__(self, everybody: Everybody, rows: JobRows, logger: Logger) -> None:
        self._everybody = everybody
        self._rows = rows
        self._logger = logger

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name=JOB,
                schedule="0 0 * * *",
                run=self.run,
                time_limit_s=600,
                tries=5,
                first_wait_s=30,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Store the rewards of today; the sweep of the engine's process carries them out."""
        self._logger.info("daily rewards", given=await self._everybody.reward(now_us()))

    async def begin(self) -> None:
        """Queue a run at the start of a worker, unless one is there."""
        await self._rows.put_unless_there(JOB)
