"""Jobs over a real PostgreSQL: once a tick, tried again, bounded, and never lost with a process."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from procrastinate.manager import JobManager

from gateway.jobs.job import Arguments, Job
from gateway.jobs.queue import LEFT, JobQueue, QueueTimes
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from persistence.errors import DatabaseUnavailable
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.jobs import JobRows, Standing
from tests.gateway.waiting import eventually
from tests.loopback import guard

ROOT = Path(__file__).parents[3]
HANGING = Path(__file__).with_name("hanging_worker.py")
QUICK = QueueTimes(poll=0.05, heartbeat=0.2, silent=1.0, look=0.1)


class Deeds:
    """A job that notes each run, and does then what a test says."""

    def __init__(self) -> None:
        self.runs: list[Arguments] = []
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.fails = 0

    async def run(self, arguments: Arguments) -> None:
        self.runs.append(arguments)
        if self.fails:
            self.fails -= 1
            raise LookupError("no such\nroom")
        await self.let_go.wait()

    def job(self, **changes: Any) -> Job:
        terms = {"time_limit_s": 10.0, "first_wait_s": 0.05, **changes}
        return Job(name="deed", run=self.run, **terms)


class Office:
    """What workers of one test share: the database, one log, one registry a worker."""

    def __init__(self, url: str, pool: DeadlinePool) -> None:
        self.url = url
        self.pool = pool
        self.rows = JobRows(pool)
        self.log = io.StringIO()
        self.metrics = Metrics()

    def queue(
        self,
        *jobs: Job,
        drain_s: float = 5,
        metrics: Metrics | None = None,
        in_haste: Callable[[], bool] = lambda: False,
        times: QueueTimes | None = None,
    ) -> JobQueue:
        return JobQueue(
            self.url,
            jobs,
            self.rows,
            (metrics or self.metrics).jobs,
            configure_logs("debug", self.log),
            at_once=2,
            drain_s=drain_s,
            in_haste=in_haste,
            times=times or QUICK,
        )

    def lines(self, level: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["level"] == level]

    def figure(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"job": "deed"})

    async def standing(self) -> Standing:
        return (await self.rows.standings(["deed"]))["deed"]

    async def left(self) -> list[str]:
        """The statuses of all runs that are kept."""
        found = await self.pool.fetch(
            "SELECT status::text FROM jobs.procrastinate_jobs ORDER BY id"
        )
        return [row[0] for row in found]

    async def until_left(self, *statuses: str) -> None:
        """Wait until the runs that are kept have these statuses."""
        async with asyncio.timeout(30):
            while await self.left() != list(statuses):  # noqa: ASYNC110 - the database's to say
                await asyncio.sleep(0.02)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    pool = await create_pool(database_url, size=4)
    yield Office(database_url, pool)
    await pool.close()


@asynccontextmanager
async def working(*queues: JobQueue) -> AsyncIterator[None]:
    """Let workers work, and end them as a process does."""
    async with AsyncExitStack() as stack:
        for queue in queues:
            task = asyncio.create_task(queue.work(lambda: None))

            async def end(task: "asyncio.Task[None]" = task) -> None:
                task.cancel()
                await asyncio.wait([task])

            stack.push_async_callback(end)
        yield


async def test_a_job_that_is_put_runs_with_its_arguments(office: Office) -> None:
    deeds = Deeds()
    await office.rows.put("deed", {"user": 7})
    queue = office.queue(deeds.job())
    assert not queue.is_working
    async with working(queue):
        await office.until_left()
        await eventually(lambda: queue.is_working)
        await office.rows.put("deed", {"user": 8})
        await office.until_left()
    assert deeds.runs == [{"user": 7}, {"user": 8}]
    standing = await office.standing()
    assert standing.last_success_at is not None
    shown = office.figure("job_last_success_timestamp_seconds")
    assert shown == standing.last_success_at / 1_000_000
    assert office.figure("job_failures_total") == 0
    assert not queue.is_working


async def test_a_tick_runs_once_however_many_workers_there_are(office: Office) -> None:
    deeds = Deeds()
    job = deeds.job(schedule="* * * * * *")
    async with working(*(office.queue(job, metrics=Metrics()) for _ in range(2))):
        await eventually(lambda: len(deeds.runs) > 3)
    ticks = [run["timestamp"] for run in deeds.runs]
    assert ticks == sorted(set(ticks))


async def test_of_several_that_wait_only_the_last_one_runs(office: Office) -> None:
    deeds = Deeds()
    for tick in range(4):
        await office.rows.put("deed", {"timestamp": tick}, lock="deed")
    async with working(office.queue(deeds.job(schedule="0 0 1 1 *"))):
        await office.until_left()
    assert deeds.runs == [{"timestamp": 3}]


async def test_a_failure_to_look_whether_a_later_run_waits_is_a_failure(office: Office) -> None:
    class Broken(JobRows):
        async def is_superseded(self, name: str, number: int) -> bool:
            raise ConnectionResetError(name, number)

    office.rows = Broken(office.pool)
    await office.rows.put("deed", lock="deed")
    async with working(office.queue(Deeds().job(schedule="0 0 1 1 *", tries=1))):
        await office.until_left("failed")
    assert office.figure("job_failures_total") == 1
    assert [line["event"] for line in office.lines("error")] == ["job failed"]
    assert "ConnectionResetError" in ((await office.standing()).last_error or "")


async def test_a_run_that_fails_is_begun_again_and_then_has_failed(office: Office) -> None:
    deeds = Deeds()
    deeds.fails = 10
    await office.rows.put("deed")
    async with working(office.queue(deeds.job(tries=3))):
        await office.until_left("failed")
    assert len(deeds.runs) == 3
    standing = await office.standing()
    assert standing.last_error == "LookupError: no such room"
    assert standing.last_failure_at is not None
    assert (standing.queued, standing.running, standing.failed) == (0, 0, 1)
    assert office.figure("job_failures_total") == 3
    said = [(line["event"], line["tried"], line["again"]) for line in office.lines("error")]
    assert said == [("job failed", 1, True), ("job failed", 2, True), ("job failed", 3, False)]
    assert "room" not in office.log.getvalue(), "the library's own line is left out"


async def test_a_run_that_fails_once_succeeds_later(office: Office) -> None:
    deeds = Deeds()
    deeds.fails = 1
    await office.rows.put("deed")
    async with working(office.queue(deeds.job(tries=2))):
        await office.until_left()
    assert len(deeds.runs) == 2


async def test_a_run_over_its_time_limit_is_cancelled(office: Office) -> None:
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed")
    async with working(office.queue(deeds.job(tries=1, time_limit_s=0.1))):
        await office.until_left("failed")
    assert (await office.standing()).last_error == "JobTookTooLong: more than 0.1 s"


async def test_a_timeout_of_the_jobs_own_is_not_its_limit(office: Office) -> None:
    async def run(_arguments: Arguments) -> None:
        raise TimeoutError("a venue doesn't answer")

    await office.rows.put("deed")
    async with working(office.queue(Job(name="deed", run=run, time_limit_s=9, tries=1))):
        await office.until_left("failed")
    assert (await office.standing()).last_error == "TimeoutError: a venue doesn't answer"


async def test_an_end_lets_a_run_finish(office: Office) -> None:
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed")
    async with working(office.queue(deeds.job())):
        await eventually(lambda: deeds.runs)
        asyncio.get_running_loop().call_later(0.2, deeds.let_go.set)
    assert (await office.standing()).last_success_at is not None
    assert await office.left() == []


async def test_a_drain_begins_before_the_end_and_goes_on_through_it(office: Office) -> None:
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed", {"user": 7})
    queue = office.queue(deeds.job())
    task = asyncio.create_task(queue.work(lambda: None))
    await eventually(lambda: deeds.runs)
    await queue.drain()
    await eventually(lambda: not queue.is_working)
    await office.rows.put("deed", {"user": 8})
    await asyncio.sleep(4 * QUICK.poll)
    assert await office.left() == ["doing", "todo"], "nothing new is begun"
    task.cancel()
    asyncio.get_running_loop().call_later(0.2, deeds.let_go.set)
    await asyncio.wait([task])
    assert deeds.runs == [{"user": 7}]
    assert (await office.standing()).last_success_at is not None
    assert await office.left() == ["todo"]


async def test_what_has_drained_waits_for_its_end(office: Office) -> None:
    queue = office.queue(Deeds().job())
    await queue.drain()
    task = asyncio.create_task(queue.work(lambda: None))
    await office.rows.put("deed")
    done, _ = await asyncio.wait([task], timeout=1)
    assert not done, "a supervisor would begin it again"
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_run_that_does_not_finish_in_time_is_left_to_the_next_worker(
    office: Office,
) -> None:
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed")
    for end in range(1, 3):
        async with working(office.queue(deeds.job(tries=2), drain_s=0.1, metrics=Metrics())):
            await eventually(lambda: len(deeds.runs) == end)  # noqa: B023 - waited for here
        assert await office.left() == ["todo"]
    deeds.fails = 1
    deeds.let_go.set()
    async with working(office.queue(deeds.job(tries=2))):
        await office.until_left()
    assert len(deeds.runs) == 4
    (line,) = office.lines("error")
    assert (line["tried"], line["again"]) == (1, True), "an end of the process costs no try"
    assert office.figure("job_failures_total") == 1


async def test_an_end_that_cannot_be_noted_is_an_end_all_the_same(office: Office) -> None:
    class Broken(JobRows):
        async def interrupted(self, number: int) -> None:
            raise LookupError(number)

    office.rows = Broken(office.pool)
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed")
    async with working(office.queue(deeds.job(tries=2), drain_s=0.1)):
        await eventually(lambda: deeds.runs)
    assert await office.left() == ["todo"]
    assert not office.lines("error")


async def test_in_haste_a_run_is_left_where_it_is(office: Office) -> None:
    deeds = Deeds()
    deeds.let_go.clear()
    await office.rows.put("deed")
    patient = QueueTimes(poll=0.05, look=0.1)
    queue = office.queue(deeds.job(), drain_s=60, in_haste=lambda: True, times=patient)
    async with asyncio.timeout(30), working(queue):
        await eventually(lambda: deeds.runs)
    assert await office.left() == ["doing"]


async def test_what_a_killed_worker_had_is_finished_by_another(office: Office) -> None:
    number = await office.rows.put("deed")
    with subprocess.Popen(
        [sys.executable, str(HANGING), office.url],
        stdout=subprocess.PIPE,
        env=guard.environment(ROOT),
    ) as process:
        assert process.stdout is not None
        try:
            assert await asyncio.to_thread(process.stdout.readline) == b"at it\n"
        finally:
            process.kill()
    assert await office.left() == ["doing"]
    deeds = Deeds()
    async with working(office.queue(deeds.job(tries=2))):
        await office.until_left()
    assert len(deeds.runs) == 1
    (warning,) = office.lines("warning")
    assert (warning["event"], warning["run"], warning["again"]) == (
        "job was left by its worker",
        number,
        True,
    )
    standing = await office.standing()
    assert standing.last_failure_at is not None
    assert standing.last_error == LEFT


async def test_a_run_whose_end_could_not_be_noted_is_begun_again_soon(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library drops the error and its worker lives on: nobody else would know."""
    finish, failures = JobManager.finish_job, [LookupError("the line broke")]

    async def finish_job(*known: Any, **named: Any) -> None:
        if failures:
            raise failures.pop()
        await finish(*known, **named)

    monkeypatch.setattr(JobManager, "finish_job", finish_job)
    deeds, times = Deeds(), QueueTimes(poll=0.05, look=0.1, noted=0.5)
    await office.rows.put("deed")
    async with working(office.queue(deeds.job(), times=times)):
        await eventually(lambda: len(deeds.runs) == 2)
        await office.until_left()
    assert [line["event"] for line in office.lines("warning")] == ["job was left by its worker"]


async def test_what_another_version_put_is_left_to_it(office: Office) -> None:
    deeds = Deeds()
    await office.rows.put("novelty")
    await office.rows.put("deed")
    async with working(office.queue(deeds.job())):
        await eventually(lambda: deeds.runs)
    assert "todo" in await office.left()
    assert not office.lines("error")


async def test_a_success_elsewhere_is_shown_here(office: Office) -> None:
    await office.rows.succeeded("deed", 17_000_000)
    async with working(office.queue(Deeds().job())):
        await eventually(lambda: office.figure("job_last_success_timestamp_seconds") == 17)


async def test_work_ends_with_the_reason_when_the_database_goes(office: Office) -> None:
    queue = office.queue(Deeds().job())
    task = asyncio.create_task(queue.work(lambda: None))
    await eventually(lambda: queue.is_working)
    await office.pool.execute("DROP TABLE jobs.procrastinate_workers CASCADE")
    await asyncio.wait([task], timeout=30)
    assert task.done()
    assert task.exception() is not None
    assert not queue.is_working


def test_a_url_that_psycopg_cannot_read_is_said_without_it() -> None:
    rows: Any = None
    with pytest.raises(DatabaseUnavailable, match="libpq") as caught:
        JobQueue(
            "postgresql://ann:hunter22@localhost/x?search_path=y",
            [],
            rows,
            Metrics().jobs,
            configure_logs("error", io.StringIO()),
            at_once=1,
            drain_s=1,
        )
    assert "hunter22" not in str(caught.value)
