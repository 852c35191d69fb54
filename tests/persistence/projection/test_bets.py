"""Bets are what the journal says, wherever the projector was killed, and `probity verify` finds
whatever else is stored.
"""

import os
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CancelAll, ResolveMarket
from exchange.messages.terms import BUY, NO, SELL, YES, Resolution
from exchange.projections.bets.fold import BetFold
from persistence.journal.reader import stream
from persistence.postgres.database import connect
from persistence.projection.process import projections
from persistence.proof.verification import CheckResult
from persistence.repositories.economy.bet_states import STATE_COLUMNS, exit_row, state_row
from tests.lengths import length
from tests.persistence.bet_stories import bet, project, results, sell
from tests.persistence.projection.dying import follow
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    limit,
    listing,
    open_for_trade,
    running,
)

SEED = int(os.environ.get("PROBITY_SEED", "20261127"))
STEPS = length(250, long=3_000)
CREDIT = MONEY_SCALE


async def one_step(engine: Running, random: Random, bets: list[tuple[int, int, Any]]) -> None:
    """Bet, sell, or trade by orders."""
    account, outcome = random.choice((ANN, CEM)), random.choice((YES, NO))
    kind = random.randrange(6)
    if kind < 2:
        amount = random.randrange(1, 400) * CREDIT // 10
        bets.append((account, await bet(engine, account, outcome, amount), outcome))
    elif kind == 2 and bets:
        await sell(engine, *random.choice(bets), random.randrange(1, 3_000))
    elif kind == 3:
        side = random.choice((BUY, SELL))
        await engine.send(limit(account, random.randrange(5, 95), 10, outcome, side=side))
    elif kind == 4 and random.random() < 0.2:
        await engine.send(CancelAll(account, None))
    else:
        await engine.send(limit(BOB, random.randrange(5, 95), 20, outcome))


async def folded(url: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of bets and of their exits, made of the whole journal at once."""
    fold = BetFold()
    states: dict[int, tuple[Any, ...]] = {}
    exits: list[tuple[Any, ...]] = []
    connection = await connect(url)
    async with connection.transaction():
        async for row in stream(connection):
            for execution in row.executions():
                fold.take(execution)
                states |= {bet.number: state_row(bet) for bet in fold.changed.values()}
                exits += [exit_row(one) for one in fold.exits.values()]
                fold.settled()
    await connection.close()
    return sorted(states.values()), sorted(exits)


async def stored(engine: Running) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    states = await engine.pool.fetch(f"SELECT {STATE_COLUMNS} FROM bet_states ORDER BY bet_id")
    exits = await engine.pool.fetch(
        "SELECT bet_id, seq, at, kind, by_bet, quantity, brought, fee FROM bet_exits"
    )
    return [tuple(row.values()) for row in states], sorted(tuple(row.values()) for row in exits)


async def test_bets_are_what_the_journal_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    print("seed", SEED)
    monkeypatch.setattr("persistence.projection.projector.COMMANDS_AT_ONCE", 20)
    monkeypatch.setattr("persistence.projection.bets.PLACES_HELD", 2)
    random, deadly, deaths = Random(SEED), Random(5), 0
    bets: list[tuple[int, int, Any]] = []
    async with running(database_url) as engine:
        await open_for_trade(engine, taker_fee=35)
        for _ in range(4):
            for _ in range(STEPS // 4):
                await one_step(engine, random, bets)
            deaths += await follow(database_url, deadly)
        await engine.send(ResolveMarket(1, Resolution.SPLIT, 3_000, ""))
        await follow(database_url, random)
        assert deaths > 2
        states, exits = await folded(database_url)
        assert len(states) > 20
        assert {one[3] for one in exits} == {"SALE", "NETTING", "PAYOUT"}
        assert await stored(engine) == (states, exits)
        assert "bets" in [one.name for one in await passed(database_url)]
        # Another version: all of it is made again.
        monkeypatch.setattr("persistence.projection.projector.VERSION", 99)
        await project(database_url, projections())
        assert await stored(engine) == (states, exits)


async def passed(url: str) -> Sequence[CheckResult]:
    found = await results(url)
    assert all(one.passed for one in found), found[-1]
    return found


async def betting_day(engine: Running, url: str) -> None:
    """Two bets of ANN's of which a part was sold and netted, one of CEM's that is open; two markets
    of which one is decided.
    """
    await open_for_trade(engine)
    await engine.send(listing("snow"))
    for market in (1, 2):
        await engine.send(limit(BOB, 60, 100, NO, market=market))
        await engine.send(limit(BOB, 30, 100, YES, market=market))
    first = await bet(engine, ANN, YES, 20 * CREDIT)
    await sell(engine, ANN, first, YES, 1_000)
    await bet(engine, ANN, NO, 7 * CREDIT)
    await bet(engine, CEM, YES, 4 * CREDIT)
    await bet(engine, CEM, YES, 4 * CREDIT, market_id=2)
    await engine.send(ResolveMarket(2, Resolution.YES, None, ""))
    await project(url, projections())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE bet_states SET brought = brought + 1 WHERE bet_id = 1", "bet 1 is stored as"),
        ("UPDATE bet_states SET exit_fees = 1 WHERE bet_id = 4", "bet 4 is stored as"),
        ("DELETE FROM bet_states WHERE bet_id = 3", "bet 3 follows from the journal"),
        (
            (
                "INSERT INTO bet_states SELECT 9, 3, 1, 'YES', placed_seq, placed_at, bought,"
                " cost, fee, shares, cost_left, brought, exit_fees, status, ended_at, changed_seq"
                " FROM bet_states WHERE bet_id = 3"
            ),
            "5 states are stored, 4 follow",
        ),
        ("UPDATE bet_exits SET fee = fee + 1 WHERE bet_id = 2", "its exits say"),
        ("DELETE FROM bet_exits WHERE bet_id = 1 AND kind = 'SALE'", "its exits say"),
        ("UPDATE bets SET cost = cost + 1 WHERE id = 3", "bet 3 was told"),
        ("UPDATE bets SET side = 'THAT' WHERE id = 3", "bet 3 is of"),
        ("DELETE FROM bets WHERE id = 3", "bet 3 was placed, and no row says so"),
        ("UPDATE bet_sales SET brought = brought + 1", "was told"),
        ("DELETE FROM bet_sales", "sale 1 of bet 1 was carried out, and no row says so"),
    ],
)
async def test_whatever_was_changed_is_found(database_url: str, change: str, problem: str) -> None:
    async with running(database_url) as engine:
        await betting_day(engine, database_url)
        await passed(database_url)
        await engine.pool.execute(change)
        last = (await results(database_url))[-1]
        assert (last.name, last.passed) == ("bets", False)
        assert problem in last.detail


async def test_a_bet_of_another_account_than_its_intent_is_found(database_url: str) -> None:
    async with running(database_url) as engine:
        await betting_day(engine, database_url)
        await engine.pool.execute("UPDATE bets SET account_id = 1 WHERE id = 3")
        last = (await results(database_url))[-1]
        assert (last.name, last.passed) == ("intents", False)
        assert "BET of None for account 1" in last.detail


async def test_what_the_projector_has_not_come_to_is_no_fault(database_url: str) -> None:
    async with running(database_url) as engine:
        await betting_day(engine, database_url)
        await sell(engine, CEM, 3, YES, 100)
        await bet(engine, CEM, YES, 4 * CREDIT)
        (found,) = [one for one in await passed(database_url) if one.name == "bets"]
        assert found.detail == "5 as their orders traded"
