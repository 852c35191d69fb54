"""The job that makes the leaderboards anew, every LEADERBOARD_MINUTES and at a worker's start.

Laws: it works in the database, over a connection of its own (`make_boards`), so it keeps no event
loop and no pool waiting; one that fails, or finds another one at work, leaves the last boards as
they are. It comes a minute after the full hour: by then whatever was traded before a midnight is
in the tables.
"""

from collections.abc import Callable
from typing import Final

from gateway.economy.settings import EconomySettings
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.repositories.jobs import JobRows
from persistence.repositories.leaderboards.computing import make_boards

JOB: Final = "leaderboards"


class LeaderboardJob:
    """Runs it."""

    def __init__(
        self, url: Callable[[], str], rows: JobRows, logger: Logger, settings: EconomySettings
    ) -> None:
        """`url` passes any pooler."""
        self._url = url
        self._rows = rows
        self._logger = logger
        self._forecasts_min = settings.forecasts_min
        self._minutes = settings.leaderboard_minutes

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name=JOB,
                schedule=f"{1 % self._minutes}-59/{self._minutes} * * * *",
                run=self.run,
                # The first run of an exchange that has traded for years adds up all of it; one that
                # is cut off has kept its steps.
                time_limit_s=800,
                first_wait_s=10,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Make the boards."""
        made = await make_boards(self._url(), now_us(), forecasts_min=self._forecasts_min)
        if made is not None:
            self._logger.info("leaderboards made", through_seq=made.through_seq, steps=made.steps)

    async def begin(self) -> None:
        """Queue a run at the start of a worker, unless one is there."""
        await self._rows.put_unless_there(JOB)
