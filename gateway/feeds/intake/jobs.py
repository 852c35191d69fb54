"""The jobs of the feed, each once a tick however many workers there are.

Laws: every one may be ended anywhere and begun again; none of its runs overlaps another
(`gateway/jobs/queue.py`). Without a venue there is none.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.feeds.intake import backfill, ingestion, prices, resolutions, retention, snapshots
from gateway.feeds.intake.backfill import Backfill
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.intake.prices import Prices
from gateway.feeds.intake.resolutions import Resolutions
from gateway.feeds.intake.retention import FeedHousekeeping
from gateway.feeds.intake.snapshots import SnapshotPoller
from gateway.feeds.settings import FeedSettings
from gateway.jobs.job import Arguments, Job, every
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.jobs import JobRows

_YOUNG_S: Final = 240
"""A list that was read so lately isn't read again at a start."""
_SLACK_US: Final = 30 * MICROSECONDS
"""Between a tick and the pass that it begins, for what waits before it."""


class FeedJobs:
    """What is done beside requests to know other venues' markets."""

    def __init__(
        self,
        settings: FeedSettings,
        lists: Ingestion,
        prices: Prices,
        resolutions: Resolutions,
        poller: SnapshotPoller,
        backfill: Backfill,
        housekeeping: FeedHousekeeping,
        rows: JobRows,
    ) -> None:
        self._settings = settings
        self._lists = Job(
            name=ingestion.JOB,
            schedule=settings.ingest_schedule,
            run=_without_arguments(lists.run),
            time_limit_s=900,
            first_wait_s=10,
        )
        self._prices = prices
        self._resolutions = resolutions
        self._poller = poller
        self._backfill = backfill
        self._housekeeping = housekeeping
        self._rows = rows

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this room."""
        settings = self._settings
        return (
            self._lists,
            Job(
                name=prices.JOB,
                schedule=every(settings.price_seconds),
                run=_without_arguments(self._prices.run),
                time_limit_s=120,
                tries=1,
            ),
            Job(
                name=resolutions.JOB,
                schedule=every(settings.resolution_seconds),
                run=_without_arguments(self._resolutions.run),
                time_limit_s=120,
                tries=1,
            ),
            Job(
                name=snapshots.JOB,
                schedule=every(settings.snapshot_seconds),
                run=_without_arguments(self._poller.run),
                time_limit_s=60,
                tries=1,
            ),
            Job(
                name=backfill.JOB,
                schedule="* * * * *",
                run=_without_arguments(self._backfill.run),
                time_limit_s=300,
                tries=1,
            ),
            Job(
                name=snapshots.ROLL_UP_JOB,
                schedule="17 * * * *",
                run=_without_arguments(self._poller.roll_up),
                time_limit_s=900,
                first_wait_s=30,
            ),
            Job(
                name=retention.JOB,
                schedule="41 * * * *",
                run=_without_arguments(self._housekeeping.run),
                time_limit_s=600,
                first_wait_s=30,
            ),
        )

    async def begin(self) -> None:
        """Queue a pass over the lists, unless one was done or is under way."""
        standing = (await self._rows.standings([ingestion.JOB]))[ingestion.JOB]
        is_young = now_us() - (standing.last_success_at or 0) < _YOUNG_S * MICROSECONDS
        if not (is_young or standing.queued or standing.running):
            await self.put_ingestion()

    def lists_due_us(self, read_at: int, took_ms: int | None) -> int:
        """Return by when lists that were read at a time have been read again, if jobs run.

        The next tick may find that pass still under way and leave itself out; the one behind it
        takes about as long as the last one did.
        """
        tick: float = read_at / MICROSECONDS
        for _ in range(2):
            tick = self._lists.next_tick(tick) or tick
        return int(tick * MICROSECONDS) + (took_ms or 0) * 1_000 + _SLACK_US

    async def put_ingestion(self) -> int:
        """Queue a pass over the lists and return its number."""
        return await self._rows.put(ingestion.JOB, lock=ingestion.JOB)


def _without_arguments(
    run: Callable[[], Awaitable[None]],
) -> Callable[[Arguments], Awaitable[None]]:
    async def begun(_arguments: Arguments) -> None:
        await run()

    return begun
