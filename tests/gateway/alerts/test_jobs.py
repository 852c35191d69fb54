"""What a worker does about alerts by itself: what is told is tidied, of everybody."""

import io
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from gateway.alerts import jobs
from gateway.alerts.jobs import AlertJobs
from gateway.alerts.tallies import AlertMetrics
from gateway.observability.logs import configure_logs
from persistence.clock import MICROSECONDS
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.alerts.firings import Firings

KEPT_S = 100


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    made = await create_pool(database_url, size=2)
    yield made
    await made.close()


async def test_what_is_old_and_what_is_too_much_of_anybody_goes_in_steps(
    pool: DeadlinePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("KEPT_OF_ONE", 2), ("OWNERS", 1), ("PRUNED", 1)):
        monkeypatch.setattr(jobs, name, value)
    for user, times in ((1, (1, 2)), (2, (1, 150, 151, 152, 153)), (3, (150, 151, 152))):
        await pool.execute(
            "INSERT INTO users (id, role, created_at) OVERRIDING SYSTEM VALUE"
            " VALUES ($1, 'USER', 1)",
            user,
        )
        for at in times:
            await pool.execute(
                "INSERT INTO alert_firings (user_id, kind, note, at, saw)"
                " VALUES ($1, 'TEST', '', $2, '{}')",
                user,
                at * MICROSECONDS,
            )
    watch = sending = None
    tidy = AlertJobs(
        watch,  # type: ignore[arg-type]  # nothing looks or sends here
        sending,  # type: ignore[arg-type]
        Firings(pool),
        AlertMetrics(CollectorRegistry()),
        configure_logs("info", log := io.StringIO()),
        kept_s=KEPT_S,
        clock=lambda: (KEPT_S + 50) * MICROSECONDS,
    )
    (job,) = [one for one in tidy.jobs() if one.name == "alerts-housekeeping"]
    await job.run({})
    rows = await pool.fetch("SELECT user_id, at / 1000000 AS at FROM alert_firings ORDER BY id")
    assert [tuple(row) for row in rows] == [(2, 152), (2, 153), (3, 151), (3, 152)]
    assert '"gone":6' in log.getvalue().replace(" ", "")
