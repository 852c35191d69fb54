"""`probity verify` compares mirrors with the markets that they say they are."""

from collections.abc import AsyncIterator

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import Resolution
from persistence.clock import now_us
from persistence.postgres.database import connect
from persistence.proof.verification import CheckResult, verify
from persistence.repositories.economy.mirrors import Mirrors, NewMirror
from tests.persistence.running import Running, listing, running


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as made:
        yield made


async def mirrored(engine: Running) -> int:
    """Store a mirror, list its market and resolve that; return its number."""
    new = NewMirror(
        platform="fake", external_id="M1", command=listing(), labels=("Yes", "No"),
        spread=100, size=100, exposure=100,
    )  # fmt: skip
    rows = Mirrors(engine.pool)
    mirror, is_new = await rows.add(new, 5, now_us())
    assert is_new
    await engine.send(mirror.command)
    (market_id,) = engine.view.markets
    await rows.made(mirror.id, market_id, now_us())
    answer = await engine.send(ResolveMarket(market_id, Resolution.YES, None, "fake:M1"))
    await rows.resolved(mirror.id, "YES", answer.at, now_us())
    return mirror.id


async def result_of(url: str) -> CheckResult:
    connection = await connect(url)
    try:
        results = {one.name: one async for one in verify(connection)}
        return results["mirrors"]
    finally:
        await connection.close()


async def test_what_is_as_it_says_passes(engine: Running, database_url: str) -> None:
    await mirrored(engine)
    result = await result_of(database_url)
    assert (result.passed, result.detail) == (True, "1 of them as their markets are")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("resolution = 'NO'", "says it ended NO, its market says YES"),
        ("resolved_at = 1", "says it ended YES"),
        ("market_id = 7", "which isn't called so"),
    ],
)
async def test_what_is_not_as_it_says_is_named(
    engine: Running, database_url: str, change: str, why: str
) -> None:
    number = await mirrored(engine)
    await engine.pool.execute(f"UPDATE mirrors SET {change} WHERE id = $1", number)
    result = await result_of(database_url)
    assert not result.passed
    assert result.detail.startswith(f"mirror-{number} ")
    assert why in result.detail
