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
from gateway.feeds.intake import jobs as jobs_room
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.venue import VenueUnavailable
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


async def test_a_venue_whose_first_pass_fails_is_asked_again_before_the_next_tick(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_room, "AGAIN_MOST_S", 40.0)
    venue, other = FakeVenue([market()]), FakeVenue(platform="other")
    rounds = store.rounds([venue, other])
    jobs = feeds_of(store, venue).jobs
    jobs._ingestion = Ingestion(rounds, store.catalogue, store.markets, 100)
    run = {job.name: job.run for job in jobs.jobs()}
    await run[ingestion.JOB]({"timestamp": 0})
    assert await waits(store) == []
    await store.pool.execute("DELETE FROM feed_state")
    venue.failure = VenueUnavailable("fake", "is down")
    for _ in range(2):
        # The next tick puts no second one.
        await run[ingestion.JOB]({"timestamp": 0})
        assert await waits(store) == [(1, 10)]
    found = []
    for tried in (1, 2, 3, 4):
        await forget_runs(store)
        await run[ingestion.UNREAD_JOB]({"tried": tried})
        found += await waits(store)
    assert found == [(2, 20), (3, 40), (4, 40), (5, 40)]
    # A run that is begun again, since it couldn't say that it ended, puts no second one either.
    await run[ingestion.UNREAD_JOB]({"tried": 4})
    assert [what for what, _ in await waits(store)] == [5]
    # The other one was read: it is asked by the ticks alone.
    assert [what for what, _ in other.asked] == ["markets"] * 3
    venue.failure = None
    await forget_runs(store)
    await run[ingestion.UNREAD_JOB]({"tried": 5})
    assert await waits(store) == []
    assert await store.pool.fetchval("SELECT count(*) FROM venue_markets") == 1


async def waits(store: Store) -> list[tuple[int, int]]:
    """What waits of those runs: (which try, in how many seconds)."""
    rows = await store.pool.fetch(
        "SELECT (args ->> 'tried')::integer, round(extract(epoch FROM scheduled_at - now()))"
        "  FROM jobs.procrastinate_jobs WHERE queue_name = $1 ORDER BY id",
        ingestion.UNREAD_JOB,
    )
    return [(row[0], int(row[1])) for row in rows]


async def forget_runs(store: Store) -> None:
    async with store.pool.transaction() as connection:
        await connection.execute("SET LOCAL search_path TO jobs")
        await connection.execute("DELETE FROM procrastinate_jobs")


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
        "market-ingest-unread": None,
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
