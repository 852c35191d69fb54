"""The jobs of the feed: once a tick over all workers, at a start, and with what is set."""

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from gateway.bootstrap.feeds import Feeds, make_feeds
from gateway.bootstrap.settings import load_settings
from gateway.feeds.api.reading import POLICIES
from gateway.feeds.cache import Cache
from gateway.feeds.intake import backfill, ingestion, prices, resolutions, snapshots
from gateway.jobs.job import Arguments, Job
from gateway.jobs.queue import JobQueue, QueueTimes
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import SettingsError
from persistence.clock import now_us
from persistence.postgres.database import create_pool
from persistence.repositories.jobs import JobRows
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.waiting import eventually
from tests.lengths import length

Ticks = Counter[tuple[str, int]]
"""How often each tick of each job was run."""
QUICK = QueueTimes(poll=0.05, heartbeat=0.2, silent=1.0, look=0.1)
EVERY_2_S = {
    "MARKET_INGEST_CRON": "* * * * * */2",
    "MARKET_PRICE_INTERVAL_SECONDS": "2",
    "MARKET_RESOLUTION_INTERVAL_SECONDS": "2",
    "KALSHI_POLL_INTERVAL_SECONDS": "2",
}


def feeds_of(store: Store, venue: FakeVenue, **changes: str) -> Feeds:
    settings = load_settings({"DATA_DIR": "data", **changes})
    cache = Cache(POLICIES, None, store.metrics.cache, store.logger)
    return make_feeds(settings, store.pool, {venue.platform: venue}, cache, Metrics(), store.logger)


class Worker:
    """One of several workers, which notes the ticks of its runs."""

    def __init__(self, store: Store, url: str, venue: FakeVenue, ticks: Ticks) -> None:
        self.metrics = Metrics()
        jobs = [
            replace(job, run=self._noting(job, ticks))
            for job in feeds_of(store, venue, **EVERY_2_S).jobs.jobs()
            if job.name != snapshots.ROLL_UP_JOB
        ]
        self.queue = JobQueue(
            url,
            jobs,
            JobRows(store.pool),
            self.metrics.jobs,
            configure_logs("info", io.StringIO()),
            at_once=4,
            drain_s=2,
            times=QUICK,
        )

    @staticmethod
    def _noting(job: Job, ticks: Ticks) -> Callable[[Arguments], Awaitable[None]]:
        async def run(arguments: Arguments) -> None:
            ticks[job.name, arguments["timestamp"]] += 1
            await job.run(arguments)

        return run


async def test_two_workers_run_each_tick_once(store: Store, database_url: str) -> None:
    """A short day's form of 20 ticks."""
    venue = FakeVenue(market(n) for n in range(20))
    ticks: Ticks = Counter()
    workers = [Worker(store, database_url, venue, ticks) for _ in range(2)]
    wanted = length(3, long=20)
    async with AsyncExitStack() as stack:
        for worker in workers:
            supervisor = Supervisor(worker.metrics.jobs, store.logger)
            await stack.enter_async_context(supervisor.running("job-queue", worker.queue.work))
        names = (ingestion.JOB, prices.JOB, resolutions.JOB, snapshots.JOB)
        await eventually(
            lambda: all(sum(key[0] == name for key in ticks) >= wanted for name in names),
            3 * wanted + 15,
        )
    assert set(ticks.values()) == {1}
    states = {one.job: one for one in await store.state.all()}
    assert {*states} - {backfill.JOB} == {*names}
    assert all(one.last_error is None for one in states.values())
    assert states[snapshots.JOB].counts["seen"] == 20


async def test_a_start_reads_the_lists_unless_that_was_done(store: Store) -> None:
    jobs = feeds_of(store, FakeVenue()).jobs
    waiting = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE queue_name = 'market-ingest'"
    for _ in range(3):
        await jobs.begin()
        assert await store.pool.fetchval(waiting) == 1
    async with store.pool.transaction() as connection:
        await connection.execute("SET LOCAL search_path TO jobs")
        await connection.execute("UPDATE procrastinate_jobs SET status = 'succeeded'")
    done_at = now_us()
    await JobRows(store.pool).succeeded(ingestion.JOB, done_at)
    await jobs.begin()
    assert await store.pool.fetchval(waiting) == 1
    await store.pool.execute("UPDATE job_outcomes SET last_success_at = $1", done_at - 300_000_000)
    await jobs.begin()
    assert await store.pool.fetchval(waiting) == 2


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("MARKET_INGEST_CRON", "every day", "schedule"),
        ("KALSHI_POLL_INTERVAL_SECONDS", "7", "divide 60"),
        ("KALSHI_POLL_INTERVAL_SECONDS", "0", "whole number"),
        ("FEED_PLATFORMS", "none,sample", "stands alone"),
        ("FEED_PLATFORMS", "sample,sample", "twice"),
        ("FEED_SNAPSHOT_MARKETS", "0", "whole number"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: .*{wrong}"):
        load_settings({"DATA_DIR": "data", name: value})


async def test_schedules_are_as_set(store: Store) -> None:
    default = {job.name: job.schedule for job in feeds_of(store, FakeVenue()).jobs.jobs()}
    assert default == {
        "market-ingest": "*/5 * * * *",
        "market-prices": "* * * * * */30",
        "market-resolutions": "* * * * *",
        "market-snapshots": "* * * * * */5",
        "snapshot-backfill": "* * * * *",
        "snapshot-rollup": "17 * * * *",
        "feed-housekeeping": "41 * * * *",
    }


async def test_reads_stay_quick_while_lists_are_read(store: Store, database_url: str) -> None:
    """A list of 4 000 goes in while somebody reads: nobody waits for it."""
    venue = FakeVenue(market(n) for n in range(4_000))
    pool = await create_pool(database_url, size=2)
    ingesting = asyncio.create_task(store.ingest(venue))
    waits = []
    loop = asyncio.get_running_loop()
    while not ingesting.done():
        started = loop.time()
        await pool.fetchval("SELECT count(*) FROM venue_markets WHERE status = 'OPEN'")
        waits.append(loop.time() - started)
        await asyncio.sleep(0.01)
    await ingesting
    await pool.close()
    assert sorted(waits)[len(waits) // 2] < 0.25
