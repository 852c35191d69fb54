"""When a worker looks for what alerts wait for, and sends what they tell.

Prints and fills are looked at every two seconds, markets as they are every five; what fired is sent
every two. Each run does all there is, in steps, so one that comes late, or again, misses nothing
and tells nothing twice.
"""

from collections.abc import Callable
from typing import Final

from gateway.alerts.tallies import AlertMetrics
from gateway.alerts.watching import AlertWatch
from gateway.alerts.webhooks.sending import AlertSending
from gateway.jobs.job import Arguments, Job, every
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.alerts.firings import Firings

KEPT_OF_ONE: Final = 1_000
"""Lines of what was told to one person; older ones go."""
OWNERS: Final = 100
"""Whose lines are counted in one step."""
PRUNED: Final = 1_000
PRUNE_STEPS_MAX: Final = 1_000


class AlertJobs:
    """Looks, sends, and throws away what is old."""

    def __init__(
        self,
        watch: AlertWatch,
        sending: AlertSending,
        firings: Firings,
        metrics: AlertMetrics,
        logger: Logger,
        *,
        kept_s: int,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._watch = watch
        self._sending = sending
        self._firings = firings
        self._metrics = metrics
        self._logger = logger
        self._kept_us = kept_s * MICROSECONDS
        self._clock = clock

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(name="alerts-trades", schedule=every(2), run=self.look, time_limit_s=120),
            Job(name="alerts-markets", schedule=every(5), run=self.look_around, time_limit_s=120),
            Job(name="alerts-send", schedule=every(2), run=self.send, time_limit_s=300),
            Job(
                name="alerts-housekeeping", schedule="53 * * * *", run=self.prune, time_limit_s=900
            ),
        )

    async def look(self, _arguments: Arguments) -> None:
        """Look at prints and fills."""
        self._metrics.fired(await self._watch.look_at_prints())
        self._metrics.fired(await self._watch.look_at_fills())

    async def look_around(self, _arguments: Arguments) -> None:
        """Look at markets as they are."""
        self._metrics.fired(await self._watch.look_at_markets())

    async def send(self, _arguments: Arguments) -> None:
        """Send what is due."""
        await self._sending.send_due()

    async def prune(self, _arguments: Arguments) -> None:
        """Throw away what was told long ago, and what is too much of one person."""
        before, gone = self._clock() - self._kept_us, 0
        for _ in range(PRUNE_STEPS_MAX):
            step = await self._firings.prune(before, PRUNED)
            gone += step
            if step < PRUNED:
                break
        owner: int | None = 0
        while owner is not None:
            step, owner = await self._firings.prune_many(KEPT_OF_ONE, owner, OWNERS)
            gone += step
        self._logger.info("what alerts told is tidied", gone=gone)
