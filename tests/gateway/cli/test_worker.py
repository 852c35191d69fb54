"""The worker's role: in a process of its own, inside `serve`, and left out of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from persistence.clock import now_us
from persistence.postgres.database import connect, create_pool
from persistence.repositories.jobs import JobRows
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.users import Users
from tests.server_process import ServerProcess, until

DAY = 86_400_000_000


@pytest.fixture
def worker(tmp_path: Path, database_url: str) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", {"DATABASE_URL": database_url}, "worker")
    yield process
    process.clean_up()


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", {"DATABASE_URL": database_url})
    yield process
    process.clean_up()


def metric(process: ServerProcess, name: str, job: str) -> float | None:
    start = f'{name}{{job="{job}"}} '
    for line in httpx.get(f"{process.url}/metrics").text.splitlines():
        if line.startswith(start):
            return float(line.removeprefix(start))
    return None


async def test_a_worker_does_its_jobs_and_finishes_them_before_it_ends(
    worker: ServerProcess, database_url: str
) -> None:
    pool = await create_pool(database_url, size=2)
    await Users(pool).insert("ann@example.org", None, "USER", "!", 0)
    sessions, at = Sessions(pool), now_us()
    await sessions.open(1, b"a" * 32, 0, at - 31 * DAY)
    kept = await sessions.open(1, b"b" * 32, 0, at + DAY)
    rows = JobRows(pool)
    await asyncio.to_thread(worker.start)
    assert worker.answers("/health")
    assert not worker.answers("/api/v1/markets")
    assert (metric(worker, "job_last_success_timestamp_seconds", "job-queue") or 0) > 0
    blocker = await connect(database_url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        number = await rows.put("housekeeping")
        running = "SELECT status = 'doing' FROM jobs.procrastinate_jobs WHERE id = $1"
        async with asyncio.timeout(60):
            while not await pool.fetchval(running, number):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.02)
        ending = asyncio.create_task(asyncio.to_thread(worker.end))
        await until(lambda: not worker.is_ready())
    assert await ending == 0
    await blocker.close()
    standing = (await rows.standings(["housekeeping"]))["housekeeping"]
    assert standing.last_success_at is not None, worker.words()
    assert standing.last_success_at > at
    assert [row["id"] for row in await pool.fetch("SELECT id FROM sessions")] == [kept]
    await pool.close()


def test_serve_does_jobs_unless_told_not_to(server: ServerProcess) -> None:
    server.start()
    assert metric(server, "job_failures_total", "job-queue") == 0
    jobs = server.call("GET", "/admin/jobs", server.admin())
    assert "housekeeping" in [job["name"] for job in jobs]
    assert server.end() == 0
    server.start("--no-worker")
    assert metric(server, "job_failures_total", "event-loop-lag") == 0
    assert metric(server, "job_failures_total", "job-queue") is None
    assert server.end() == 0
