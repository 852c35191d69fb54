"""The job looks by a process of its own, shows what it found, and says when it couldn't look."""

import io
import json

import pytest
from prometheus_client import CollectorRegistry

from gateway.jobs.job import Job
from gateway.observability.logs import configure_logs
from gateway.operations.checker.jobs import CHECKS, Checker, CheckFailed
from gateway.operations.checker.settings import CheckSettings
from persistence.clock import now_us
from persistence.postgres.database import create_pool
from persistence.repositories.checks.findings import Findings
from tests.persistence.proof.online.days import a_day, executed

SETTINGS = CheckSettings(
    interval=60, round=86_400, halts=True, proof_interval=3_600, proof_kept=604_800
)
DAY_US = 86_400_000_000


async def test_it_shows_what_was_found_until_somebody_acknowledges_it(database_url: str) -> None:
    await a_day(database_url)
    pool = await create_pool(database_url, size=2)
    registry, said, skipped_us = CollectorRegistry(), io.StringIO(), 0
    findings = Findings(pool)
    job = Checker(
        *(lambda: database_url, findings, registry, configure_logs("INFO", said), SETTINGS),
        folder=None,
        clock=lambda: now_us() + skipped_us,
    )
    assert list(registry.collect()) == [], "nothing is known yet"

    def found(check: str) -> float | None:
        return registry.get_sample_value("invariant_findings", {"check": check})

    await job.run({})
    assert [found(check) for check in CHECKS] == [0] * len(CHECKS)
    assert registry.get_sample_value("invariant_check_seq") == await pool.fetchval(
        "SELECT last_seq FROM engine_state"
    )
    looked_at = registry.get_sample_value("invariant_check_timestamp_seconds") or 0
    assert abs(looked_at - now_us() / 1e6) < 60
    assert said.getvalue() == ""
    await executed(database_url, "UPDATE markets SET collateral = collateral + 1 WHERE id = 1")
    await job.run({})
    assert {check for check in CHECKS if found(check)} == {"money", "balance", "supply"}
    assert json.loads(said.getvalue())["found"] == 3
    for one in await findings.open():
        await findings.acknowledge(one.id, "known", 1)
    await executed(database_url, "UPDATE markets SET collateral = collateral - 1 WHERE id = 1")
    await job.run({})
    assert [found(check) for check in CHECKS] == [0] * len(CHECKS)
    # Of a course that nobody took to its end, it is said that it is late.
    assert registry.get_sample_value("invariant_check_late_courses") == 0
    skipped_us = 3 * DAY_US
    await job._show()
    assert registry.get_sample_value("invariant_check_late_courses") == 7
    await pool.close()


async def test_a_look_that_could_not_be_made_fails_the_job(database_url: str) -> None:
    pool = await create_pool(database_url, size=1)
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    told = CollectorRegistry(), configure_logs("INFO", io.StringIO()), SETTINGS
    job = Checker(lambda: nowhere, Findings(pool), *told, folder=None)
    with pytest.raises(CheckFailed, match=r"."):
        await job.run({})
    # A checker that never looked is seen as well: never is 1970.
    assert told[0].get_sample_value("invariant_check_timestamp_seconds") == 0
    assert told[0].get_sample_value("invariant_findings", {"check": "money"}) == 0
    await executed(
        database_url, "INSERT INTO check_courses VALUES ('look', 7, NULL, 1000000, 2000000)"
    )
    with pytest.raises(CheckFailed, match=r"."):
        await job.run({})
    assert told[0].get_sample_value("invariant_check_timestamp_seconds") == 2
    await pool.close()


@pytest.mark.parametrize(
    ("interval", "schedule"),
    [(10, "* * * * * */10"), (60, "* * * * *"), (600, "*/10 * * * *"), (21_600, "0 */6 * * *")],
)
def test_it_comes_as_often_as_is_set(interval: int, schedule: str) -> None:
    settings = CheckSettings(
        interval=interval, round=86_400, halts=True, proof_interval=3_600, proof_kept=1
    )
    told = CollectorRegistry(), configure_logs("INFO", io.StringIO()), settings
    (job,) = Checker(lambda: "", None, *told, folder=None).jobs()  # type: ignore[arg-type]
    assert isinstance(job, Job)
    assert job.schedule == schedule
