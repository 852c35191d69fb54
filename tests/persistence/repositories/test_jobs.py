"""The queue's tables: what is put, how jobs stand, what dead workers leave, what is thrown away."""

from collections.abc import AsyncIterator

import pytest

from persistence.clock import AHEAD_US, now_us
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.jobs import ERROR_LENGTH, Bounds, JobRows, Rescued, Standing

HOUR = 3_600_000_000
SILENT_S = 30.0
BOUNDS = [Bounds("mail", tries=2, overdue_s=600)]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=3)
    yield pool
    await pool.close()


@pytest.fixture
def rows(pool: DeadlinePool) -> JobRows:
    return JobRows(pool)


async def in_jobs(pool: DeadlinePool, *statements: str) -> None:
    async with pool.transaction() as connection:
        await connection.execute("SET LOCAL search_path TO jobs")
        for statement in statements:
            await connection.execute(statement)


async def taken(pool: DeadlinePool, number: int, silent_s: float | None) -> None:
    """Let a worker take a job that was last heard so long ago; None: one that is gone."""
    worker = "NULL"
    if silent_s is not None:
        worker = str(
            await pool.fetchval(
                "INSERT INTO jobs.procrastinate_workers (last_heartbeat)"
                " VALUES (now() - $1 * interval '1 s') RETURNING id",
                silent_s,
            )
        )
    await in_jobs(
        pool,
        f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = {worker} WHERE id = {number}",
    )


async def statuses(pool: DeadlinePool) -> dict[int, str]:
    found = await pool.fetch("SELECT id, status::text FROM jobs.procrastinate_jobs ORDER BY id")
    return dict(map(tuple, found))


async def test_a_job_that_was_put_waits_in_the_queue_of_its_name(
    pool: DeadlinePool, rows: JobRows
) -> None:
    number = await rows.put("mail", {"user": 7, "text": "näh"}, lock="user:7")
    row = await pool.fetchrow(
        "SELECT queue_name, task_name, lock, queueing_lock, args->>'text', status::text"
        "  FROM jobs.procrastinate_jobs WHERE id = $1",
        number,
    )
    assert row is not None
    assert tuple(row) == ("mail", "mail", "user:7", None, "näh", "todo")


async def test_standings_are_those_of_all_processes(pool: DeadlinePool, rows: JobRows) -> None:
    unknown = Standing("mail", None, None, None, 0, 0, 0, None)
    assert await rows.standings(["mail"]) == {"mail": unknown}
    numbers = [await rows.put("mail") for _ in range(5)]
    await taken(pool, numbers[0], 0)
    await in_jobs(
        pool,
        f"UPDATE procrastinate_jobs SET status = 'failed' WHERE id = {numbers[1]}",
        "UPDATE procrastinate_jobs SET scheduled_at = to_timestamp(17) + id * interval '1 s'"
        f" WHERE id IN ({numbers[3]}, {numbers[4]})",
    )
    await rows.put("other")
    await rows.succeeded("mail", 5)
    await rows.failed("mail", 6, "down\n\nand \x00 out")
    due = 1_000_000 * (17 + numbers[3])
    assert await rows.standings(["mail", "none"]) == {
        "mail": Standing("mail", 5, 6, "down and out", 3, 1, 1, due),
        "none": Standing("none", None, None, None, 0, 0, 0, None),
    }


async def test_the_latest_outcome_stays_in_whatever_order_they_come(rows: JobRows) -> None:
    await rows.succeeded("mail", 9)
    await rows.succeeded("mail", 8)
    await rows.failed("mail", 9, "later")
    await rows.failed("mail", 8, "sooner")
    found = (await rows.standings(["mail"]))["mail"]
    assert (found.last_success_at, found.last_failure_at, found.last_error) == (9, 9, "later")


async def test_an_outcome_of_a_clock_that_was_ahead_gives_way(rows: JobRows) -> None:
    ahead = 2 * AHEAD_US
    await rows.succeeded("deed", ahead)
    await rows.failed("deed", ahead, "tomorrow's")
    await rows.succeeded("deed", 7)
    await rows.failed("deed", 8, "today's")
    standing = (await rows.standings(["deed"]))["deed"]
    assert (standing.last_success_at, standing.last_failure_at) == (7, 8)
    assert standing.last_error == "today's"


async def test_an_error_is_kept_in_one_bounded_line(rows: JobRows) -> None:
    await rows.failed("mail", 1, "\ud800" + "x" * 10_000)
    found = (await rows.standings(["mail"]))["mail"].last_error
    assert found is not None
    assert found == "?" + "x" * (ERROR_LENGTH - 1)
    assert await rows.last_successes() == {}


async def test_a_later_run_supersedes_an_earlier_one(rows: JobRows) -> None:
    first, second = await rows.put("mail"), await rows.put("mail")
    await rows.put("other")
    assert await rows.is_superseded("mail", first)
    assert not await rows.is_superseded("mail", second)


async def test_what_a_dead_worker_had_is_queued_again_once_and_not_for_ever(
    pool: DeadlinePool, rows: JobRows
) -> None:
    silent, gone, alive, foreign = [
        await rows.put(name) for name in ("mail", "mail", "mail", "other")
    ]
    await taken(pool, silent, SILENT_S + 1)
    await taken(pool, gone, None)
    await taken(pool, alive, SILENT_S - 1)
    await taken(pool, foreign, SILENT_S + 1)
    assert sorted(await rows.rescue(BOUNDS, SILENT_S), key=lambda one: one.id) == [
        Rescued("mail", silent, True),
        Rescued("mail", gone, True),
    ]
    assert await rows.rescue(BOUNDS, SILENT_S) == []
    assert await statuses(pool) == {silent: "todo", gone: "todo", alive: "doing", foreign: "doing"}
    await taken(pool, gone, None)
    assert await rows.rescue(BOUNDS, SILENT_S) == [Rescued("mail", gone, False)]
    assert (await statuses(pool))[gone] == "failed", "it took its worker with it twice"


async def test_what_was_interrupted_has_its_try_back(pool: DeadlinePool, rows: JobRows) -> None:
    number = await rows.put("mail")
    for _ in range(2):
        await taken(pool, number, None)
        await rows.interrupted(number)
        assert await rows.rescue(BOUNDS, SILENT_S) == [Rescued("mail", number, True)]
    await taken(pool, number, None)
    assert await rows.rescue(BOUNDS, SILENT_S) == [Rescued("mail", number, True)]
    await taken(pool, number, None)
    assert await rows.rescue(BOUNDS, SILENT_S) == [Rescued("mail", number, False)]


async def test_what_its_worker_could_not_end_is_queued_again_when_it_is_overdue(
    pool: DeadlinePool, rows: JobRows
) -> None:
    lost, going = await rows.put("mail"), await rows.put("mail")
    await taken(pool, lost, 0)
    await taken(pool, going, 0)
    assert await rows.rescue(BOUNDS, SILENT_S) == []
    await pool.execute(
        "UPDATE jobs.procrastinate_events SET at = at - interval '601 s' WHERE job_id = $1", lost
    )
    assert await rows.rescue(BOUNDS, SILENT_S) == [Rescued("mail", lost, True)]
    assert await statuses(pool) == {lost: "todo", going: "doing"}


async def test_what_is_known_to_have_ended_is_queued_again_unless_that_was_noted(
    pool: DeadlinePool, rows: JobRows
) -> None:
    lost, again, going = [await rows.put("mail") for _ in range(3)]
    for number in (lost, again, going):
        await taken(pool, number, 0)
    await in_jobs(pool, f"UPDATE procrastinate_jobs SET attempts = 1 WHERE id = {again}")
    # Of `again` the first try is over, which was noted: it is at its second one.
    known = [(lost, 0), (again, 0)]
    assert await rows.rescue(BOUNDS, SILENT_S, known) == [Rescued("mail", lost, True)]
    assert await rows.rescue(BOUNDS, SILENT_S, known) == []
    assert await statuses(pool) == {lost: "todo", again: "doing", going: "doing"}


async def test_what_is_over_goes_in_bounded_steps_and_the_rest_stays(
    pool: DeadlinePool, rows: JobRows
) -> None:
    at = now_us()
    old = [await rows.put("mail") for _ in range(5)]
    waiting, fresh = await rows.put("mail"), await rows.put("mail")
    ended = ", ".join(map(str, [*old, fresh]))
    await in_jobs(
        pool,
        f"UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN ({ended})",
        f"UPDATE procrastinate_jobs SET status = 'failed' WHERE id IN ({ended})",
        f"UPDATE procrastinate_events SET at = at - interval '2 h' WHERE job_id <> {fresh}",
    )
    assert await rows.prune(at - HOUR, 3) == 3
    assert await rows.prune(at - HOUR, 3) == 2
    assert await rows.prune(at - HOUR, 3) == 0
    assert await statuses(pool) == {waiting: "todo", fresh: "failed"}
    left = await pool.fetchval("SELECT count(DISTINCT job_id) FROM jobs.procrastinate_events")
    assert left == 2
