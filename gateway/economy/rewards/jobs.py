"""The job that rewards whoever was there on the day before, at midnight UTC.

Law: it looks at which day it is, not at which tick called it. A midnight that went by without a run
(nothing ran, the database was away, a clock was behind) is made up for within minutes; once a day
had a run it has no other, by which who came since would be given what they claim by hand.
"""

from typing import Final

from gateway.economy.rewards.claims import Everybody
from gateway.economy.rewards.rules import day_of, start_of
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import AHEAD_US, now_us
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
                schedule="*/10 * * * *",
                run=self.run,
                time_limit_s=600,
                tries=5,
                first_wait_s=30,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Store the rewards of today, once; the sweep of the engine's process carries them out."""
        done = (await self._rows.last_successes()).get(JOB, 0)
        # It may be midnight meanwhile; and what lies ahead of now is of a clock that was wrong.
        while not start_of(day_of(now := now_us())) <= done <= now + AHEAD_US:
            self._logger.info("daily rewards", given=await self._everybody.reward(now))
            done = now

    async def begin(self) -> None:
        """Queue a run at the start of a worker, unless one is there."""
        await self._rows.put_unless_there(JOB)
