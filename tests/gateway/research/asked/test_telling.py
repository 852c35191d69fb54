"""Sockets are told how far their owner's backtests are: each change once, by whoever has them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.research.asked.telling import ENDED_US, EVENT, BacktestTelling
from persistence.clock import now_us
from persistence.repositories.research.backtests import LATEST
from tests.gateway.research.asked.plans import Asked, asking


class TopicFake:
    def __init__(self) -> None:
        self.said: list[tuple[int, str, str, str]] = []

    def publish(self, user_id: int, event: str, data: Any) -> None:
        self.said.append((user_id, event, data.status, data.progress))


@pytest.fixture
async def asked(database_url: str, tmp_path: Path) -> AsyncIterator[Asked]:
    async with asking(database_url, tmp_path) as made:
        for number in (1, 2):
            await made.person(number)
        yield made


async def test_what_ended_long_ago_is_not_read_again(asked: Asked) -> None:
    """A look costs by what goes on, not by what everybody who listens has kept."""
    people = [await asked.person(number) for number in range(3, 203)]
    await asked.pool.execute(
        "INSERT INTO backtest_results"
        " (user_id, strategy, plan, status, created_at, ended_at, error)"
        " SELECT person, 'momentum', repeat('x', 400), 'FAILED', n, n, 'why'"
        " FROM unnest($1::bigint[]) AS person, generate_series(1, 100) AS n",
        people,
    )
    await asked.pool.execute("ANALYZE backtest_results")
    lines = await asked.pool.fetch(f"EXPLAIN {LATEST}", people, 101, 1_000)
    plan = "\n".join(row[0] for row in lines)
    assert "Seq Scan" not in plan, plan
    assert "backtest_results_by_owner" not in plan, plan
    assert await asked.rows.latest(people, 101, 1_000) == []
    assert len(await asked.rows.latest(people[:2], 100, 1_000)) == 2


async def test_each_change_is_told_once_to_its_owner(asked: Asked) -> None:
    topic, here, now = TopicFake(), [1], [now_us()]
    before = await asked.ask(1)
    await asked.rows.cancel(1, before.id, now[0] - 1)
    telling = BacktestTelling(asked.rows, topic, lambda: here, lambda: now[0])  # type: ignore[arg-type]
    assert await telling.look() == 0, "it ended before this process began"
    await asked.ask(1)
    await asked.ask(2)
    assert [await telling.look(), await telling.look()] == [1, 0]
    run = await asked.rows.claim(now[0])
    assert run is not None
    assert await asked.rows.note(run, now[0], 4_200, 9)
    assert await asked.rows.note(run, now[0], 4_200, 9)
    assert [await telling.look(), await telling.look()] == [1, 0]
    await asked.rows.fail(run, "why", now[0])
    assert [await telling.look(), await telling.look()] == [1, 0]
    assert topic.said == [
        (1, EVENT, "QUEUED", "0.0000"),
        (1, EVENT, "RUNNING", "0.4200"),
        (1, EVENT, "FAILED", "0.4200"),
    ]
    now[0] += ENDED_US + 1
    assert await telling.look() == 0
    here.clear()
    await asked.ask(1)
    assert await telling.look() == 0, "nobody hears it"
    here.append(2)
    assert await telling.look() == 1
