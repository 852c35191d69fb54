"""A worker's line to PostgreSQL is cut, late, or nothing comes through it, one way or both.

Nobody else notices. What waits is done when the line is whole again, by the same process, however
it was broken: no run is lost, and none is taken up twice.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.jobs import JobRows
from tests.faults.proxy.befalling import FAULTS
from tests.faults.proxy.fault_line import Connection, DatabaseLine
from tests.lengths import length, some
from tests.server_process import ServerProcess, until

JOB: Final = "housekeeping"
JOBS: Final = b"probity jobs"
"""The connections by which runs are taken and ended name themselves so."""
DARK_S: Final = length(3, long=40)
"""A long one is longer than any wait of the worker's for its database."""
DONE_S: Final = 120.0
"""After so long a run is done whatever befell the line: the pause of work that has failed again and
again, and the wait for a worker that may be dead, included.
"""
POINTS: Final = length(2, long=20)
"""Of what goes to the database while a job is put and done; and as many of what comes from it."""
_TIME_PASSES: Final = """
UPDATE jobs.procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'
 WHERE id < (SELECT max(id) FROM jobs.procrastinate_workers)
"""
"""For those that are followed: as if the time was over after which they are taken for dead."""
_FAULTS: Final = (
    *("cut", "held both ways", "lost both ways", "lost down"),
    *("shut", "held up", "held down", "half a second late"),
)


@pytest.fixture
def worker(tmp_path: Path, database_line: DatabaseLine) -> Iterator[ServerProcess]:
    settings = {"DATABASE_URL": database_line.url, "LOG_LEVEL": "info"}
    process = ServerProcess(tmp_path / "data", settings, "worker")
    process.start()
    yield process
    process.clean_up()


class Runs:
    """What is known of one job's runs, past the line."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool
        self._rows = JobRows(pool)

    async def put(self) -> int:
        """Put a run; return its number."""
        return await self._rows.put(JOB)

    async def done(self, number: int, since: float) -> float:
        """Wait until a run has ended well; return how long after `since` that was."""
        found = True
        while found:
            assert time.monotonic() - since < DONE_S, await self._rows.standings([JOB])
            await self._pool.execute(_TIME_PASSES)
            await asyncio.sleep(0.05)
            question = "SELECT status::text FROM jobs.procrastinate_jobs WHERE id = $1"
            status = await self._pool.fetchval(question, number)
            assert status in {None, "todo", "doing"}, status
            found = status is not None
        return time.monotonic() - since


@asynccontextmanager
async def known_runs(database_url: str) -> AsyncIterator[Runs]:
    pool = await create_pool(database_url, size=2)
    try:
        yield Runs(pool)
    finally:
        await pool.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_jobs_go_on_when_the_line_is_whole_again(
    worker: ServerProcess, database_line: DatabaseLine, database_url: str
) -> None:
    pid = worker.pid
    async with known_runs(database_url) as runs, httpx.AsyncClient(timeout=5) as client:
        await runs.done(await runs.put(), time.monotonic())
        for fault in some(_FAULTS, everyday=(0, 1, 3)):
            FAULTS[fault](database_line)
            broken_at = time.monotonic()
            waiting = [await runs.put()]
            await until(lambda: time.monotonic() > broken_at + DARK_S)  # noqa: B023
            waiting.append(await runs.put())
            assert (await client.get(f"{worker.url}/health")).is_success, "it answers meanwhile"
            database_line.heal()
            healed_at = time.monotonic()
            took = [await runs.done(number, healed_at) for number in waiting]
            await until(worker.is_ready, DONE_S)
            print(f"{fault} for {DARK_S} s: what waited was done {max(took):.2f} s after it")
    assert worker.pid == pid
    assert await asyncio.to_thread(worker.end) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_cut_behind_any_byte_a_job_is_done_all_the_same(
    worker: ServerProcess, database_line: DatabaseLine, database_url: str
) -> None:
    async with known_runs(database_url) as runs:
        await runs.done(await runs.put(), time.monotonic())
        before = database_line.passed(JOBS)
        await runs.done(await runs.put(), time.monotonic())
        most = [now - begun for begun, now in zip(before, database_line.passed(JOBS), strict=True)]
        assert min(most) > 0
        for of_answers in (False, True):
            longest = 0.0
            for number in range(POINTS):
                count = round(most[of_answers] * number / (POINTS - 1))
                connections: list[Connection] = []
                while not any(connection.is_cut for connection in connections):
                    there = database_line.connections(JOBS)
                    # A worker that has just been cut may have none yet, or only those that end.
                    if not set(connections) & set(there):
                        connections = there
                        database_line.cut_after(count, JOBS, of_answers=of_answers)
                    begun_at = time.monotonic()
                    longest = max(longest, await runs.done(await runs.put(), begun_at))
                database_line.heal()
                cut = sum(connection.is_cut for connection in connections)
                print(f"{count} bytes of {'answers' if of_answers else 'requests'}: {cut} cut")
            print(f"done within {longest:.2f} s")
    assert await asyncio.to_thread(worker.end) == 0
