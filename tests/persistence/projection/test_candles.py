"""Candles are what the journal says, worked out anew with the real state, wherever the projector
was killed.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import msgspec
import pytest

from exchange.messages.commands import Command, CreateMarket
from exchange.messages.events import TradeExecuted
from exchange.model.state import State
from exchange.projections.candles import SPANS_S, Candle, Range
from exchange.transitions import transitions
from persistence.clock import now_us
from persistence.journal.reader import stream
from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect, create_pool
from persistence.projection.process import projections
from persistence.projection.projector import Projector
from persistence.repositories.candles import DAY_US, NOTHING, Candles, Day, Turnover
from tests.lengths import length
from tests.persistence.projection.dying import follow
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import Running, running

SECOND = 1_000_000
COMMANDS = length(1_500, long=20_000)
SPANS = (60, 300, 900, 3_600, 14_400, 86_400)


class Look(NamedTuple):
    """A market after one command."""

    at: int
    trades: Sequence[tuple[int, int]]
    bid: int
    ask: int
    collateral: int


async def looks_at(connection: Connection) -> dict[int, list[Look]]:
    """Run the journal again and note each market whenever any of it changed."""
    state = State()
    found: dict[int, list[Look]] = defaultdict(list)
    async with connection.transaction():
        async for row in stream(connection):
            for execution in row.executions():
                transitions.begin(state, execution.seq, execution.at)
                for event in execution.events:
                    transitions.apply(state, event)
                trades = [e for e in execution.events if isinstance(e, TradeExecuted)]
                for market in state.markets.values():
                    bid, ask = market.book.bids.best, market.book.asks.best
                    look = Look(
                        execution.at,
                        [(t.yes_price, t.quantity) for t in trades if t.market_id == market.id],
                        0 if bid is None else bid.price,
                        0 if ask is None else ask.price,
                        market.collateral,
                    )
                    before = found[market.id][-1] if found[market.id] else Look(0, (), 0, 0, 0)
                    if look.trades or look[2:] != before[2:]:
                        found[market.id].append(look)
    return found


def expected(looks: Sequence[Look], span: int) -> list[tuple[int, ...]]:
    """Work the candles out, interval by interval, the slow way."""
    rows: list[tuple[int, ...]] = []
    before = Look(0, (), 0, 0, 0)
    for start, group in itertools.groupby(looks, lambda look: look.at // (span * SECOND)):
        within = list(group)
        trades = [trade for look in within for trade in look.trades]
        prices = [price for price, _ in trades]
        bids = [before.bid, *(look.bid for look in within)]
        asks = [before.ask, *(look.ask for look in within)]
        ohlc = (prices[0], max(prices), min(prices), prices[-1]) if prices else (0, 0, 0, 0)
        rows.append(
            (
                start * span * SECOND,
                *ohlc,
                *(bids[0], max(bids), min(filter(None, bids), default=0), bids[-1]),
                *(asks[0], max(asks), min(filter(None, asks), default=0), asks[-1]),
                sum(quantity for _, quantity in trades),
                sum(price * quantity for price, quantity in trades),
                len(prices),
                within[-1].collateral,
            )
        )
        before = within[-1]
    return rows


def flat(candle: Candle) -> tuple[int, ...]:
    def four(one: Range) -> tuple[int, ...]:
        return one.open, one.high, one.low, one.close

    return (
        candle.start,
        *four(candle.price),
        *four(candle.bid),
        *four(candle.ask),
        candle.volume,
        candle.turnover,
        candle.trades,
        candle.collateral,
    )


def far_opening() -> list[Command]:
    """The usual accounts and markets; these close after everything here."""
    return [
        msgspec.structs.replace(one, close_time=now_us() + 1_000 * DAY_US)
        if isinstance(one, CreateMarket)
        else one
        for one in opening()
    ]


async def run_some(engine: Running, seed: int, count: int) -> None:
    """Let a past come about that goes over days."""
    random = Random(seed)
    for command in commands(seed, count):
        await engine.send(command)
        assert engine.clock.fixed is not None
        engine.clock.fixed += random.choice((0, 0, 10_000, SECOND, 40 * SECOND, 900 * SECOND))


async def test_candles_are_what_the_journal_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.projection.projector.COMMANDS_AT_ONCE", 40)
    random, deaths = Random(5), 0
    async with running(database_url) as engine:
        engine.clock.fixed = now_us()
        await engine.send_all(*far_opening())
        for part in range(4):
            await run_some(engine, 77 + part, COMMANDS // 4)
            deaths += await follow(database_url, random)
    assert deaths > 3
    connection = await connect(database_url)
    looks = await looks_at(connection)
    await connection.close()
    pool = await create_pool(database_url, size=1)
    candles = Candles(pool)
    assert await candles.projected() == await pool.fetchval("SELECT last_seq FROM engine_state")
    assert sum(len(look.trades) for of_one in looks.values() for look in of_one) > 50
    for market_id, of_one in looks.items():
        for span in SPANS:
            found = await candles.candles(market_id, span, 0, 2**60)
            assert [flat(one) for one in found] == expected(of_one, span)
    await days_are_sums_of_trades(candles, looks, random)
    await pool.close()


async def days_are_sums_of_trades(
    candles: Candles, looks: dict[int, list[Look]], random: Random
) -> None:
    minute = 60 * SECOND
    times = [look.at for of_one in looks.values() for look in of_one]
    for _ in range(20):
        now = random.randrange(min(times), max(times) + DAY_US)
        days = await candles.days([*looks, 999], now)
        assert days[999] == NOTHING
        for market_id, of_one in looks.items():
            since = (now - DAY_US) // minute * minute
            trades = [(look.at, *trade) for look in of_one for trade in look.trades]
            within = [(price, quantity) for at, price, quantity in trades if at >= since]
            past = [price for at, price, _ in trades if at < since]
            prices = [price for price, _ in within]
            assert days[market_id] == Day(
                sum(quantity for _, quantity in within),
                sum(price * quantity for price, quantity in within),
                len(within),
                max(prices, default=None),
                min(prices, default=None),
                (past[-1] if past else prices[0] if prices else None),
            )
        traded = {
            market_id for market_id, of_one in looks.items() for look in of_one if look.trades
        }
        assert await candles.turnovers(now) == {
            market_id: Turnover(
                days[market_id].turnover,
                sum(
                    price * quantity for look in looks[market_id] for price, quantity in look.trades
                ),
            )
            for market_id in traded
        }


async def test_a_second_projector_waits_for_the_first(database_url: str) -> None:
    first, second = await connect(database_url), await connect(database_url)
    assert await Projector(first, projections()).lead()
    follower = Projector(second, projections())
    assert not await follower.lead()
    await first.close()
    assert await follower.lead()
    await second.close()


async def test_another_version_is_made_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        engine.clock.fixed = now_us()
        await engine.send_all(*far_opening())
        await run_some(engine, 9, 300)
    await follow(database_url, Random(1))
    pool = await create_pool(database_url, size=1)
    everything = f"SELECT * FROM candles WHERE span = ANY('{{{','.join(map(str, SPANS_S))}}}')"
    made = await pool.fetch(f"{everything} ORDER BY market_id, span, start")
    turnovers = await pool.fetch("SELECT * FROM market_turnovers ORDER BY market_id")
    assert turnovers
    monkeypatch.setattr("persistence.projection.projector.VERSION", 99)
    await pool.execute("UPDATE candles SET volume = volume + 1")
    await follow(database_url, Random(2))
    assert await pool.fetch(f"{everything} ORDER BY market_id, span, start") == made
    assert await pool.fetch("SELECT * FROM market_turnovers ORDER BY market_id") == turnovers
    await pool.close()


async def test_what_was_paid_before_the_step_is_added_up(database_url: str) -> None:
    """A schema of before has the candles alone."""
    async with running(database_url) as engine:
        engine.clock.fixed = now_us()
        await engine.send_all(*far_opening())
        await run_some(engine, 9, 300)
        await follow(database_url, Random(1))
        made = await paid(database_url)
    await migrate.downgrade(database_url, "-1")
    await migrate.upgrade(database_url)
    assert await paid(database_url) == made
    async with running(database_url) as engine:
        engine.clock.fixed = now_us()
        await run_some(engine, 10, 300)
        await follow(database_url, Random(2))
    assert sum((await paid(database_url)).values()) > sum(made.values())


async def paid(url: str) -> dict[int, int]:
    connection = await connect(url)
    rows = await connection.fetch("SELECT market_id, turnover FROM market_turnovers")
    sums = await connection.fetch(
        "SELECT market_id, sum(turnover)::bigint FROM candles"
        " WHERE span = 60 GROUP BY market_id HAVING sum(trades) > 0"
    )
    await connection.close()
    assert dict(map(tuple, rows)) == dict(map(tuple, sums))
    return dict(map(tuple, rows))
