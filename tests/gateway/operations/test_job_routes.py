"""GET /admin/jobs: how each job stands, whichever process runs it."""

from typing import Any

from gateway.jobs.job import Arguments, Job
from gateway.operations.job_routes import JobRoutes
from persistence.repositories.jobs import JobRows
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue

SECOND = 1_000_000
NOW = 1_700_006_400 * SECOND  # 2023-11-15 00:00 UTC


async def run(_arguments: Arguments) -> None:
    pass


async def jobs_of(web: Web) -> list[dict[str, Any]]:
    admin = await web.register(admin=True)
    answer = await web.client.get("/api/v1/admin/jobs", headers=admin.bearer)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["pagination"]["total"] == len(body["data"])
    found: list[dict[str, Any]] = body["data"]
    return found


async def housekeeping(web: Web) -> dict[str, Any]:
    (job,) = [job for job in await jobs_of(web) if job["name"] == "housekeeping"]
    return job


async def test_the_jobs_there_are_are_listed(web: Web) -> None:
    job = await housekeeping(web)
    assert job.pop("nextRunAt") > "2026"
    assert job == {
        "name": "housekeeping",
        "schedule": "7 * * * *",
        "timeLimitSeconds": 600.0,
        "tries": 3,
        "lastSuccessAt": None,
        "lastFailureAt": None,
        "lastError": None,
        "queued": 0,
        "running": 0,
        "failed": 0,
    }


async def test_no_two_jobs_of_the_hour_begin_in_the_same_minute(make_web: MakeWeb) -> None:
    web = await make_web(venues={"fake": FakeVenue()})
    hourly = [one for one in await jobs_of(web) if (one["schedule"] or "").endswith(" * * * *")]
    minutes = [job["schedule"].split()[0] for job in hourly]
    once = [minute for minute in minutes if minute.isdigit()]
    assert len(once) >= 4
    assert len(set(once)) == len(once)
    # Nor with the lists of all venues, which are read every five minutes.
    assert not [minute for minute in once if int(minute) % 5 == 0]


async def test_outcomes_and_counts_are_those_of_all_processes(web: Web) -> None:
    rows = JobRows(web.accounts.users._pool)
    await rows.succeeded("housekeeping", NOW)
    await rows.failed("housekeeping", NOW + SECOND, "LookupError: no such room")
    await rows.put("housekeeping")
    job = await housekeeping(web)
    assert job["lastSuccessAt"] == "2023-11-15T00:00:00.000Z"
    assert job["lastFailureAt"] == "2023-11-15T00:00:01.000Z"
    assert job["lastError"] == "LookupError: no such room"
    assert (job["queued"], job["running"], job["failed"]) == (1, 0, 0)


async def test_the_next_run_is_a_tick_or_a_try_that_waits(web: Web) -> None:
    rows = JobRows(web.accounts.users._pool)
    jobs = [
        Job(name=name, run=run, time_limit_s=1, schedule=schedule)
        for name, schedule in (("tick", "*/5 * * * *"), ("again", "*/5 * * * *"), ("asked", None))
    ]
    number = await rows.put("again")
    async with web.accounts.users._pool.transaction() as connection:
        await connection.execute("SET LOCAL search_path TO jobs")
        await connection.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = to_timestamp($2) WHERE id = $1",
            number,
            NOW // SECOND + 90,
        )
    routes = JobRoutes(jobs, rows, clock=lambda: NOW)
    page = await routes.list_jobs(None)  # type: ignore[arg-type]
    assert {view.name: view.next_run_at for view in page.items} == {
        "again": "2023-11-15T00:01:30.000Z",
        "asked": None,
        "tick": "2023-11-15T00:05:00.000Z",
    }
