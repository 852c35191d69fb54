"""Housekeeping over a real PostgreSQL: what has been over long enough goes, step by step."""

import io
import json
from collections.abc import AsyncIterator

import pytest

from gateway.observability.logs import configure_logs
from gateway.operations import jobs as module
from gateway.operations.jobs import Housekeeping
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.jobs import JobRows
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.mail_tokens import MailTokens
from persistence.repositories.people.sessions import RotationOutcome, Sessions
from persistence.repositories.people.sign_in_counts import SignInCounts
from persistence.repositories.people.users import Users
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.second_factor.challenges import SignInChallenges
from persistence.repositories.second_factor.passkeys import PasskeyRows

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
KEPT_S = 1_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=2)
    await Users(pool).insert("ann@example.org", None, "USER", "!", NOW)
    yield pool
    await pool.close()


def housekeeping(pool: DeadlinePool, log: io.StringIO, now: int = NOW) -> Housekeeping:
    return Housekeeping(
        Sessions(pool),
        SignInCounts(pool),
        MailTokens(pool),
        Wallets(pool),
        SignInChallenges(pool),
        PasskeyRows(pool),
        LinkedAccounts(pool),
        JobRows(pool),
        configure_logs("info", log),
        sessions_kept_s=KEPT_S,
        failed_jobs_kept_s=KEPT_S,
        clock=lambda: now,
    )


def token(number: int) -> bytes:
    return number.to_bytes(32, "big")


async def test_it_throws_away_what_is_over_and_nothing_else(
    pool: DeadlinePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_ROWS", 2)
    sessions = Sessions(pool)
    over, edge = NOW - KEPT_S * SECOND, NOW - KEPT_S * SECOND + 1
    for number in range(5):
        await sessions.open(1, token(number), 0, over)
    kept = await sessions.open(1, token(10), 0, edge)
    standing = await sessions.open(1, token(11), 0, NOW + 1)
    counts = [(token(number), 1, NOW - 2 * 3_600 * SECOND) for number in range(5)]
    counts.append((token(5), 1, NOW + SECOND))
    await pool.executemany("INSERT INTO sign_in_counts VALUES ($1, $2, $3)", counts)
    # One whose window ended, and is the one before for as long.
    lasting = "INSERT INTO sign_in_counts VALUES ($1, 1, $2, $3)"
    await pool.execute(lasting, token(6), NOW - SECOND, 4 * 3_600 * SECOND)
    log = io.StringIO()
    await housekeeping(pool, log).run({})
    found = await pool.fetch("SELECT id FROM sessions ORDER BY id")
    assert [row["id"] for row in found] == [kept, standing]
    line = json.loads(log.getvalue())
    assert (line["sessions"], line["tokens"], line["runs"]) == (5, 0, 0)
    assert line["counts"] == 5
    rows = await pool.fetch("SELECT key FROM sign_in_counts")
    assert {row["key"] for row in rows} == {token(5), token(6)}
    await housekeeping(pool, log).run({})
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 2, "a second run changes nothing"


async def test_theft_is_noticed_after_it_as_before(pool: DeadlinePool) -> None:
    sessions = Sessions(pool)
    life = 7 * 86_400 * SECOND
    await sessions.open(1, token(0), NOW, NOW + life)
    for number in range(1, 20):
        at = NOW + number * 900 * SECOND
        await sessions.rotate(token(number - 1), token(number), at, at + life, 10 * SECOND)
        await housekeeping(pool, io.StringIO(), at).run({})
    stolen = await sessions.rotate(token(0), token(99), NOW + life - 1, NOW + 2 * life, 10 * SECOND)
    assert stolen.outcome is RotationOutcome.REUSED


async def test_it_is_one_hourly_job(pool: DeadlinePool) -> None:
    (job,) = housekeeping(pool, io.StringIO()).jobs()
    first = job.next_tick(NOW / SECOND)
    assert first is not None
    assert job.next_tick(first) == first + 3_600
    assert job.name == "housekeeping"
