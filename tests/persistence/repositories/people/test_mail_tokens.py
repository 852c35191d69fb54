"""What was mailed: two who come at once, and what nobody sent back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from persistence.errors import AlreadyThere
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.people.mail_tokens import Confirmed, MailTokens, Purpose
from persistence.repositories.people.users import Users
from tests.persistence.repositories.people.waiting import wait_of

NOW = 1_700_000_000_000_000
LATER = NOW + 1
ANN, BEN = "ann@example.org", "ben@example.org"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=4)
    for email in (ANN, BEN):
        await Users(pool).insert(email, None, "USER", "!", NOW)
    yield pool
    await pool.close()


def digest(name: str) -> bytes:
    return name.encode().ljust(32, b".")


async def test_a_token_does_what_it_is_for_once_however_many_come(pool: DeadlinePool) -> None:
    tokens = MailTokens(pool)
    assert await tokens.issue(digest("a"), 1, Purpose.RESET, ANN, LATER)
    done = await asyncio.gather(*(tokens.reset(digest("a"), f"hash {n}", NOW) for n in range(6)))
    assert len([one for one in done if one is not None]) == 1
    assert await tokens.reset(digest("a"), "late", NOW) is None


async def test_two_who_want_one_address_don_t_both_get_it(pool: DeadlinePool) -> None:
    tokens = MailTokens(pool)
    for user_id in (1, 2):
        await tokens.begin_change(user_id, "new@example.org", LATER)
        await tokens.issue(
            digest(str(user_id)), user_id, Purpose.CHANGE_NEW, "new@example.org", LATER
        )
    done = await asyncio.gather(
        *(tokens.confirm(digest(str(user_id)), NOW) for user_id in (1, 2)), return_exceptions=True
    )
    [refused] = [one for one in done if isinstance(one, BaseException)]
    assert isinstance(refused, AlreadyThere)
    [given] = [one for one in done if one is not None and not isinstance(one, BaseException)]
    assert given.outcome is Confirmed.CHANGED
    emails = {row[0] for row in await pool.fetch("SELECT email FROM users")}
    assert emails == {"new@example.org", BEN if given.user_id == 1 else ANN}


async def begin_anew(tokens: MailTokens) -> None:
    await tokens.begin_change(1, "other@example.org", LATER)


@pytest.mark.parametrize(
    ("other", "pending"),
    [
        (lambda tokens: tokens.confirm(digest("v"), NOW), None),
        (lambda tokens: tokens.confirm(digest("c"), NOW), None),
        (begin_anew, "other@example.org"),
    ],
    ids=["verify", "change", "begin"],
)
async def test_whatever_comes_with_a_reset_waits_for_it_and_not_the_other_way_round(
    pool: DeadlinePool, other: Callable[[MailTokens], Awaitable[object]], pending: str | None
) -> None:
    """Else each would wait for what the other one holds, and the database would end one of them."""
    tokens = MailTokens(pool)
    await tokens.begin_change(1, "new@example.org", LATER)
    await tokens.issue(digest("r"), 1, Purpose.RESET, ANN, LATER)
    await tokens.issue(digest("v"), 1, Purpose.VERIFY, ANN, LATER)
    await tokens.issue(digest("c"), 1, Purpose.CHANGE_NEW, "new@example.org", LATER)
    async with pool.transaction() as connection:
        await connection.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")
        reset = asyncio.create_task(tokens.reset(digest("r"), "hash", NOW))
        await wait_of(connection, 1)
        behind = asyncio.ensure_future(other(tokens))
        await wait_of(connection, 2)
    assert await reset == (1, [])
    assert await behind is None
    assert await pool.fetchval("SELECT count(*) FROM mail_tokens") == 0
    assert await pool.fetchval("SELECT max(email) FROM email_changes") == pending


async def test_a_change_that_begins_behind_a_reset_asks_the_address_of_before(
    pool: DeadlinePool,
) -> None:
    """Whoever is just being locked out could take the account along to an address of theirs."""
    tokens = MailTokens(pool)
    assert not await tokens.begin_change(1, "new@example.org", LATER), "it was never confirmed"
    await tokens.issue(digest("r"), 1, Purpose.RESET, ANN, LATER)
    assert await tokens.reset(digest("r"), "hash", NOW) is not None
    assert await tokens.begin_change(1, "new@example.org", LATER)
    await tokens.issue(digest("c"), 1, Purpose.CHANGE_NEW, "new@example.org", LATER)
    confirmed = await tokens.confirm(digest("c"), NOW)
    assert confirmed is not None
    assert confirmed.outcome is Confirmed.WAITING
    assert not await tokens.begin_change(99, "new@example.org", LATER), "nobody"


async def test_a_token_of_an_address_of_before_is_worth_nothing(pool: DeadlinePool) -> None:
    tokens = MailTokens(pool)
    await tokens.issue(digest("r"), 1, Purpose.RESET, ANN, LATER)
    await tokens.issue(digest("v"), 1, Purpose.VERIFY, ANN, LATER)
    await pool.execute("UPDATE users SET email = 'x@example.org' WHERE id = 1")
    assert await tokens.holder(digest("r"), Purpose.RESET, NOW) is None
    assert await tokens.reset(digest("r"), "hash", NOW) is None
    assert await tokens.confirm(digest("v"), NOW) is None
    assert await pool.fetchval("SELECT password_hash FROM users WHERE id = 1") == "!"


async def test_what_nobody_sent_back_is_thrown_away_step_by_step(pool: DeadlinePool) -> None:
    tokens = MailTokens(pool)
    for number in range(5):
        await tokens.issue(digest(str(number)), 1, Purpose.RESET, ANN, NOW + number)
    await tokens.begin_change(2, "new@example.org", NOW)
    assert await tokens.pending(2) is None
    assert [await tokens.prune(NOW + 2, 2) for _ in range(3)] == [2, 1, 0]
    assert await pool.fetchval("SELECT count(*) FROM mail_tokens") == 2
    assert await pool.fetchval("SELECT count(*) FROM email_changes") == 0
    assert not await tokens.issue(digest("nobody"), 99, Purpose.RESET, ANN, LATER)
