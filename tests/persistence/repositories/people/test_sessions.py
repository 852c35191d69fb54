"""Sessions: what is over goes in bounded steps; theft is noticed; none slips by a new password."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from persistence.errors import PasswordOvertaken, PersonLeft
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.people.personal_data import PersonalData
from persistence.repositories.people.sessions import RotationOutcome, Sessions
from persistence.repositories.people.users import Users
from tests.persistence.repositories.people.waiting import wait_of

DAY = 86_400_000_000
LIFE = 7 * DAY
GRACE = 10_000_000
NOW = 1_700_000_000_000_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=3)
    await Users(pool).insert("ann@example.org", None, "USER", "!", NOW)
    yield pool
    await pool.close()


@pytest.fixture
def sessions(pool: DeadlinePool) -> Sessions:
    return Sessions(pool)


def token(name: str) -> bytes:
    return name.encode().ljust(32, b".")


async def opened(sessions: Sessions, pool: DeadlinePool, name: str, at: int) -> int:
    """Open a session as if nobody had signed in since: a sign-in drops the user's ended ones."""
    session_id = await sessions.open(1, token(name), 0, at + LIFE)
    await pool.execute("UPDATE sessions SET created_at = $2 WHERE id = $1", session_id, at)
    return session_id


async def left(pool: DeadlinePool) -> tuple[list[int], list[str]]:
    ids = await pool.fetch("SELECT id FROM sessions ORDER BY id")
    tokens = await pool.fetch("SELECT token_hash FROM refresh_tokens ORDER BY 1")
    return [row[0] for row in ids], [row[0].rstrip(b".").decode() for row in tokens]


async def test_ended_sessions_go_and_standing_ones_stay(
    pool: DeadlinePool, sessions: Sessions
) -> None:
    before = NOW - DAY
    expired = await opened(sessions, pool, "expired", before - LIFE)
    just = await opened(sessions, pool, "just expired", before - LIFE + 1)
    revoked = await opened(sessions, pool, "revoked", NOW - 2 * DAY)
    await sessions.revoke(revoked, before)
    just_revoked = await opened(sessions, pool, "revoked just now", NOW - 2 * DAY)
    await sessions.revoke(just_revoked, before + 1)
    stands = await opened(sessions, pool, "stands", NOW - 2 * DAY)
    assert await sessions.prune_sessions(before, 100) == 2
    kept = ["just expired", "revoked just now", "stands"]
    assert await left(pool) == ([just, just_revoked, stands], kept)
    assert expired < just


async def test_pruning_goes_in_bounded_steps(pool: DeadlinePool, sessions: Sessions) -> None:
    for number in range(5):
        await opened(sessions, pool, str(number), NOW - LIFE - DAY)
    assert [await sessions.prune_sessions(NOW, 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_used_token_is_still_known_for_theft_until_it_would_have_expired(
    pool: DeadlinePool, sessions: Sessions
) -> None:
    await opened(sessions, pool, "first", NOW)
    at = NOW + 5 * DAY
    await sessions.rotate(token("first"), token("second"), at, at + LIFE, GRACE)
    # Nothing of it is over, whenever somebody looks before the first token would have expired.
    at = NOW + LIFE - 1
    assert await sessions.prune_tokens(at, 100) == 0
    assert await sessions.prune_sessions(at, 100) == 0
    stolen = await sessions.rotate(token("first"), token("third"), at, at + LIFE, GRACE)
    assert stolen.outcome is RotationOutcome.REUSED
    found = await sessions.rotate(token("second"), token("third"), at, at + LIFE, GRACE)
    assert found.outcome is RotationOutcome.REFUSED, "the whole session has ended"


async def test_a_session_that_is_refreshed_for_ever_loses_its_expired_tokens_alone(
    pool: DeadlinePool, sessions: Sessions
) -> None:
    session_id = await opened(sessions, pool, "token 0", NOW)
    at = NOW
    for number in range(1, 5):
        at += 3 * DAY
        old, new = token(f"token {number - 1}"), token(f"token {number}")
        rotation = await sessions.rotate(old, new, at, at + LIFE, GRACE)
        assert rotation.outcome is RotationOutcome.ROTATED
    assert await sessions.prune_tokens(at, 100) == 2, "those of day 0 and day 3, at day 12"
    assert await sessions.prune_sessions(at, 100) == 0
    assert await left(pool) == ([session_id], ["token 2", "token 3", "token 4"])
    newest = await sessions.rotate(token("token 4"), token("token 5"), at, at + LIFE, GRACE)
    assert newest.outcome is RotationOutcome.ROTATED
    # An expired token was refused with its row, and is without it.
    gone = await sessions.rotate(token("token 0"), token("token 6"), at, at + LIFE, GRACE)
    assert gone.outcome is RotationOutcome.REFUSED


@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_session_waits_for_a_password_that_is_being_replaced(
    pool: DeadlinePool, sessions: Sessions, is_replaced: bool
) -> None:
    """Else it would be opened behind the look for sessions to end, and before the end is known."""
    opening = None
    with contextlib.suppress(_TakenBack):
        async with pool.transaction() as connection:
            await connection.execute("UPDATE users SET password_hash = 'new'")
            opening = asyncio.create_task(
                sessions.open(1, token("late"), NOW, NOW + LIFE, password_hash="!")
            )
            await wait_of(connection, 1)
            if not is_replaced:
                raise _TakenBack
    assert opening is not None
    if is_replaced:
        with pytest.raises(PasswordOvertaken):
            await opening
    else:
        await opening
    assert len((await left(pool))[0]) == (0 if is_replaced else 1)


async def test_a_sign_in_waits_for_who_is_leaving_and_not_the_other_way_round(
    pool: DeadlinePool, sessions: Sessions
) -> None:
    """Else each would wait for what the other one holds, and the database would end one of them."""
    over = await sessions.open(1, token("over"), 0, NOW)
    async with pool.transaction() as connection:
        await connection.execute("SELECT FROM sessions FOR UPDATE")
        leaving = asyncio.create_task(PersonalData(pool).erase(1, NOW))
        await wait_of(connection, 1)
        opening = asyncio.create_task(
            sessions.open(1, token("late"), NOW, NOW + LIFE, password_hash="!")
        )
        await wait_of(connection, 2)
    assert await leaving == [over]
    with pytest.raises(PersonLeft):
        await opening
    assert await left(pool) == ([], [])


class _TakenBack(Exception):
    """Ends a transaction without effect."""
