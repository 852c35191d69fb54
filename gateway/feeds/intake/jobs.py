"""The jobs of the feed, each once a tick however many workers there are.

Laws: every one may be ended anywhere and begun again; none of its runs overlaps another
(`gateway/jobs/queue.py`). A venue whose list was never read is asked again by a job of its own,
after waits that grow to a bound. Without a venue there is none.
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
AGAIN_S: Final = 10.0
"""So long after a venue's first pass failed it is asked again; twice as long after each further
try, up to `AGAIN_MOST_S`."""
AGAIN_MOST_S: Final = 300.0
_DOUBLED_MOST: Final = 32
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
        self._ingestion = lists
        self._lists = Job(
            name=ingestion.JOB,
            schedule=settings.ingest_schedule,
            run=self._read_lists,
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
                name=ingestion.UNREAD_JOB,
                run=self._read_unread,
                time_limit_s=900,
                first_wait_s=10,
            ),
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

    async def _read_lists(self, _arguments: Arguments) -> None:
        """Read all lists; one that was never read yet isn't left to the next tick."""
        if await self._ingestion.run():
            await self._rows.put_unless_there(ingestion.UNREAD_JOB, {"tried": 1}, after_s=AGAIN_S)

    async def _read_unread(self, arguments: Arguments) -> None:
        """Read the lists that were never read, and put the next try for those that failed again,
        unless it is there: a run whose end couldn't be stored is begun again.
        """
        tried, job = int(arguments.get("tried", 1)), ingestion.UNREAD_JOB
        if await self._ingestion.run_unread():
            wait_s = min(AGAIN_S * 2 ** min(tried, _DOUBLED_MOST), AGAIN_MOST_S)
            if not (await self._rows.standings([job]))[job].queued:
                await self._rows.put(job, {"tried": tried + 1}, lock=job, after_s=wait_s)

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
