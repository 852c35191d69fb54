"""Two workers and two gateways on one database: every job of the feed runs once a tick, also when
one worker is killed in the middle of a run.

A trigger writes down what becomes of each run, in the order in which the database did it: put,
begun, and ended (a run that ended well is deleted, one that failed for good isn't).
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from persistence.postgres.database import Connection, connect
from tests.faults.venues.conftest import EVENTS, QUICK, TICKERS, kalshi_world, polymarket
from tests.lengths import length
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess
from tests.venues import kalshi
from tests.venues.kalshi import KalshiStandIn
from tests.venues.polymarket import PolymarketStandIn
from tests.venues.stand_in import Fault

TICK_S: Final = 2
TICKS: Final = length(5, long=20)
JOBS: Final = ("market-ingest", "market-prices", "market-resolutions", "market-snapshots")
PUT, BEGUN, ENDED, FAILED, AGAIN = "put", "begun", "ended", "failed", "again"

WATCH: Final = """
CREATE TABLE public.runs_seen (
    seq bigserial PRIMARY KEY, id bigint, job text, tick bigint, what text, worker bigint
);
GRANT ALL ON public.runs_seen TO PUBLIC; GRANT ALL ON SEQUENCE public.runs_seen_seq_seq TO PUBLIC;
CREATE FUNCTION public.see_run() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE r record := coalesce(NEW, OLD); what text;
BEGIN
    what := CASE WHEN TG_OP = 'INSERT' THEN 'put' WHEN TG_OP = 'DELETE' THEN 'ended'
                 WHEN OLD.status = NEW.status THEN NULL WHEN NEW.status::text = 'doing' THEN 'begun'
                 WHEN NEW.status::text = 'todo' THEN 'again' ELSE 'failed' END;
    IF what IS NOT NULL THEN
        INSERT INTO runs_seen (id, job, tick, what, worker)
        VALUES (r.id, r.queue_name, (r.args->>'timestamp')::bigint, what, r.worker_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER see_run AFTER INSERT OR UPDATE OR DELETE ON jobs.procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION public.see_run();
"""


@dataclass
class Run:
    """One run of a job, and what became of it."""

    job: str
    tick: int
    story: list[str] = field(default_factory=list)
    is_outdated: bool = False
    """A newer run of the job was put before this one was over."""


@dataclass
class Exchange:
    """The processes, and the database that they share."""

    database: Connection
    polymarket: PolymarketStandIn
    kalshi: KalshiStandIn
    workers: list[ServerProcess]
    gateways: list[ServerProcess]

    async def runs(self) -> dict[int, Run]:
        """Return the runs by schedule of the feed's jobs, in the order in which they were put.

        No two runs of a job may have been under way at a time.
        """
        rows = await self.database.fetch(
            "SELECT id, job, tick, what FROM runs_seen WHERE job = ANY($1) ORDER BY seq", [*JOBS]
        )
        found: dict[int, Run] = {}
        under_way: dict[str, int] = {}
        for number, job, tick, what in rows:
            if what == BEGUN:
                assert job not in under_way, f"two runs of {job} at a time"
                under_way[job] = number
            elif what != PUT and under_way.get(job) == number:
                del under_way[job]
            if tick is not None:
                run = found.setdefault(number, Run(job, tick))
                run.story.append(what)
                if what == ENDED:
                    run.is_outdated = any(
                        other.job == job and newer > number for newer, other in found.items()
                    )
        return found

    async def at_work(self, worker: int) -> str | None:
        """Return a job that a worker runs now."""
        job: str | None = await self.database.fetchval(
            "SELECT queue_name FROM jobs.procrastinate_jobs"
            " WHERE status = 'doing' AND worker_id = $1 AND queue_name = ANY($2) LIMIT 1",
            worker,
            [*JOBS],
        )
        return job

    def done(self) -> dict[str, list[int]]:
        """Return the numbers of the runs that workers say they did, by what they say of it."""
        said: dict[str, list[int]] = {"job done": [], "job passed over": []}
        for worker in self.workers:
            for line in worker.log.read_text("utf-8").splitlines():
                told = json.loads(line) if line.startswith("{") else {}
                if told.get("event") in said:
                    said[told["event"]].append(told["run"])
        return said


@asynccontextmanager
async def exchange(folder: Path, database_url: str) -> AsyncIterator[Exchange]:
    """Start an engine that runs no jobs, two gateways and two workers."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(polymarket().running())
        second = await stack.enter_async_context(kalshi_world().running())
        redis = RedisProcess(folder)
        stack.callback(redis.clean_up)
        redis.start()
        settings = {
            **QUICK,
            **first.environment,
            "KALSHI_API_URL": second.rest.url + kalshi.API,
            "KALSHI_WS_URL": second.socket.url + kalshi.SOCKET,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis.url,
            "LOG_LEVEL": "debug",
            "WORKER": "off",
        }

        def made(name: str, command: str) -> ServerProcess:
            process = ServerProcess(folder / "data", settings, command)
            process.log = folder / f"{name}.log"
            stack.callback(process.clean_up)
            return process

        engine = made("engine", "serve")
        await asyncio.to_thread(engine.start)
        database = await connect(database_url)
        stack.push_async_callback(database.close)
        await database.execute(WATCH)
        workers = [made(f"worker-{number}", "worker") for number in range(2)]
        gateways = [made(f"gateway-{number}", "gateway") for number in range(2)]
        for process in (workers[0], *gateways):
            process.launch()
        await asyncio.to_thread(workers[0].await_ready)
        await _are_workers(database, 1)
        workers[1].launch()
        for process in (workers[1], *gateways):
            await asyncio.to_thread(process.await_ready)
        await _are_workers(database, 2)
        yield Exchange(database, first, second, workers, gateways)


async def _are_workers(database: Connection, count: int) -> None:
    """Wait until there are so many; the one that was started first has the lowest id."""
    statement = "SELECT count(*) FROM jobs.procrastinate_workers"
    while await database.fetchval(statement) != count:  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.05)


async def ticks_go_by(here: Exchange, count: int) -> None:
    """Wait until so many more ticks were put, and what they put is over."""
    newest = max((run.tick for run in (await here.runs()).values()), default=0)

    def is_over(runs: dict[int, Run]) -> bool:
        ticks = {run.tick for run in runs.values() if run.tick > newest}
        if len(ticks) < count:
            return False
        until = sorted(ticks)[count - 1]
        return all(ENDED in r.story or FAILED in r.story for r in runs.values() if r.tick <= until)

    deadline = asyncio.get_running_loop().time() + 60 + 2 * count * TICK_S
    while not is_over(await here.runs()):
        assert asyncio.get_running_loop().time() < deadline, await here.runs()
        await asyncio.sleep(0.1)


def each_tick_once(runs: dict[int, Run]) -> None:
    """Every tick from the first to the last has one run of each job.

    A worker that is late puts a tick again behind the one that follows it: the library remembers
    the newest alone. Such a run is behind its time, and is left out here.
    """
    for job in JOBS:
        ticks: list[int] = []
        for run in runs.values():
            if run.job == job and run.tick >= max(ticks, default=0):
                ticks.append(run.tick)
        assert ticks == list(range(min(ticks), max(ticks) + 1, TICK_S)), job


@pytest.mark.slow
async def test_every_job_runs_once_a_tick(tmp_path: Path, database_url: str) -> None:
    async with exchange(tmp_path, database_url) as here:
        await ticks_go_by(here, TICKS)
        runs = await here.runs()
        each_tick_once(runs)
        over = {number: run for number, run in runs.items() if ENDED in run.story}
        assert {tuple(run.story) for run in over.values()} == {(PUT, BEGUN, ENDED)}
        await _both_gateways_tell(here)
        left = await _one_is_killed(here)
        said = here.done()
    told = Counter(said["job done"] + said["job passed over"])
    # Who was killed may have done one and not yet said so to the database.
    assert {number for number, times in told.items() if times > 1} <= left, "nothing is done twice"
    assert set(over) <= told.keys()
    # On a slow machine a run is still under way when the next two are there: of these the last one
    # alone is worth doing.
    passed_over = set(said["job passed over"]) & set(over)
    assert all(over[number].is_outdated for number in passed_over)
    done = set(said["job done"]) & set(over)
    assert {over[number].job for number in done} == set(JOBS)
    print(f"{len(over)} runs of {len(JOBS)} jobs, {len(done)} done, none twice")


async def _both_gateways_tell(here: Exchange) -> None:
    """What the workers did is known wherever it is asked for."""
    for gateway in here.gateways:
        status: list[dict[str, Any]] = await asyncio.to_thread(gateway.call, "GET", "/feed/status")
        assert [(one["ok"], one["markets"]) for one in status] == [(True, EVENTS), (True, TICKERS)]
        # Of those by other schedules each is there once it has run.
        assert {job["job"] for job in status[0]["jobs"]} >= set(JOBS)


async def _one_is_killed(here: Exchange) -> set[int]:
    """A worker dies in the middle of a run: another one ends it, and no tick is lost or doubled.

    Return the runs that it left.
    """
    first = await here.database.fetchval("SELECT min(id) FROM jobs.procrastinate_workers")
    here.kalshi.rest.fail(Fault.SILENCE, times=None)
    while (job := await here.at_work(first)) is None:  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.02)
    here.workers[0].kill()
    here.kalshi.rest.mend()
    left = await here.database.fetch(
        "SELECT id, queue_name FROM jobs.procrastinate_jobs"
        " WHERE status = 'doing' AND worker_id = $1",
        first,
    )
    assert job in {row[1] for row in left}
    # As if half a minute had passed, after which a silent worker is taken for dead.
    await here.database.execute(
        "UPDATE jobs.procrastinate_workers SET last_heartbeat = last_heartbeat"
        " - interval '1 minute' WHERE id = $1",
        first,
    )
    await ticks_go_by(here, 3)
    runs = await here.runs()
    each_tick_once(runs)
    numbers = {row[0] for row in left}
    for number in numbers & runs.keys():
        again = (PUT, BEGUN, AGAIN, BEGUN, ENDED)
        assert tuple(runs[number].story) in {again, (PUT, BEGUN, FAILED)}
    others = [run for number, run in runs.items() if number not in numbers]
    assert {tuple(run.story) for run in others if ENDED in run.story} == {(PUT, BEGUN, ENDED)}
    return numbers
