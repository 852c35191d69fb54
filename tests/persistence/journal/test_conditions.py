"""An order's conditions are stored whole, whatever terms there are: a new one is a field alone."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from exchange.messages.conditions import OrderConditions
from exchange.proof.state_hash import state_hash
from persistence.errors import HistoryMismatch
from persistence.journal.order_rows import conditions_text
from persistence.loop.recovery import recover
from persistence.postgres.database import connect
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import ANN, cancel, limit, open_for_trade, running

ROOT = Path(__file__).parents[3]
TOUR = """
import asyncio, sys
from tests.persistence import fuller_conditions
from tests.persistence.conditions_tour import tour
asyncio.run(tour(sys.argv[1]))
"""
PLACED = msgspec.structs.replace(limit(ANN, 40, 10), conditions=OrderConditions())


def test_a_field_more_travels_without_any_other_change(database_url: str) -> None:
    tour = subprocess.run(
        [sys.executable, "-c", TOUR, database_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tour.returncode == 0, tour.stderr


async def test_conditions_without_a_term_are_not_the_same_as_none(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(PLACED, limit(ANN, 40, 10))
        texts = await engine.pool.fetch("SELECT conditions FROM orders ORDER BY id")
        assert [row[0] for row in texts] == ["{}", None]
        before = state_hash(engine.live)
    async with running(database_url) as engine:
        assert [order.conditions for order in engine.live.orders.values()] == [
            OrderConditions(),
            None,
        ]
        assert state_hash(engine.live) == before


@pytest.mark.parametrize("text", ['{"made_up_at": 1}', "[]"])
async def test_a_term_that_this_version_does_not_know_stops_the_start(
    database_url: str, text: str
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(PLACED)
    connection = await connect(database_url)
    await connection.execute("UPDATE orders SET conditions = $1::jsonb", text)
    await connection.close()
    with pytest.raises(HistoryMismatch, match="conditions that this Probity doesn't know"):
        await recover(database_url)


async def test_verify_compares_the_conditions_of_ended_orders(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(PLACED)
        await engine.send(cancel(ANN, 1))
    assert [check.name for check in await results(database_url)] == CHECKS
    connection = await connect(database_url)
    await connection.execute("UPDATE orders SET conditions = NULL WHERE id = 1")
    await connection.close()
    last = (await results(database_url))[-1]
    assert (last.name, last.passed) == ("orders", False)
    assert last.detail.startswith("order 1 has conditions None, the events say OrderConditions(")


def test_the_text_names_what_is_given() -> None:
    assert conditions_text(OrderConditions()) == "{}"
