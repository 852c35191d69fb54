"""Summaries of days are what the journal says, worked out anew with the real state, and the same to
the byte whenever they are made.
"""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pytest

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import Command, OpenAccount, ResolveMarket, SetMarketStatus
from exchange.messages.events import TradeExecuted
from exchange.messages.terms import MarketStatus, Resolution
from exchange.model.state import State
from exchange.transitions import transitions
from persistence.clock import now_us
from persistence.exports.day_summary import DaySummary, NotOver, days_over, make_summary
from persistence.exports.kept_summaries import KeptSummaries
from persistence.journal.reader import stream
from persistence.postgres.database import Connection, connect, create_pool
from persistence.repositories.candles import DAY_US
from tests.gateway.markets.past.recorded import project_all
from tests.lengths import length
from tests.persistence.projection.test_candles import far_opening, run_some
from tests.persistence.running import Running, listing, running

COMMANDS = length(500, long=20_000)
START = now_us() // DAY_US * DAY_US + 5


async def days_of_trading(engine: Running, seed: int) -> None:
    """Days with and without anything, a draft, and two markets that end."""
    engine.clock.fixed = START
    await engine.send_all(
        *far_opening(), listing("draft", draft=True, close_time=START + 900 * DAY_US)
    )
    for part in range(4):
        await run_some(engine, seed + part, COMMANDS // 4)
        await engine.send_all(*at_the_end_of(part))
        engine.clock.fixed += part * DAY_US
    await engine.send(OpenAccount(99, 0))


def at_the_end_of(part: int) -> Iterable[Command]:
    if part == 1:
        yield SetMarketStatus(4, MarketStatus.CLOSED)
        yield ResolveMarket(4, Resolution.VOID, None, "nobody knows")
    if part == 2:
        yield SetMarketStatus(5, MarketStatus.OPEN)


async def worked_out(connection: Connection) -> dict[int, list[dict[str, Any]]]:
    """Run the journal again and sum up each day that is over, the slow way."""
    state, found = State(), dict[int, list[dict[str, Any]]]()
    day: int | None = None
    trades: list[TradeExecuted] = []
    ended: set[int] = set()
    over = (MarketStatus.RESOLVED, MarketStatus.VOID)
    async with connection.transaction():
        async for row in stream(connection):
            for execution in row.executions():
                today = execution.at // DAY_US
                while day is not None and day < today:
                    found[day] = [
                        shown(state, number, [t for t in trades if t.market_id == number])
                        for number, market in sorted(state.markets.items())
                        if market.status is not MarketStatus.DRAFT and number not in ended
                    ]
                    ended |= {m.id for m in state.markets.values() if m.status in over}
                    trades.clear()
                    day += 1
                transitions.begin(state, execution.seq, execution.at)
                for event in execution.events:
                    transitions.apply(state, event)
                    if isinstance(event, TradeExecuted):
                        trades.append(event)
                if day is None and state.markets:
                    day = today
    return found


def shown(state: State, number: int, trades: list[TradeExecuted]) -> dict[str, Any]:
    market, prices = state.markets[number], [trade.yes_price for trade in trades]
    return {
        "market_id": number,
        "slug": market.slug,
        "status": market.status.value,
        "open": prices[0] if prices else 0,
        "high": max(prices, default=0),
        "low": min(prices, default=0),
        "close": prices[-1] if prices else 0,
        "volume": sum(trade.quantity for trade in trades),
        "turnover": sum(trade.quantity * trade.yes_price for trade in trades),
        "trades": len(trades),
        "open_interest": market.collateral // PRICE_SCALE,
        "fees": sum(trade.taker_fee + trade.maker_fee for trade in trades),
    }


def read(summary: DaySummary) -> list[dict[str, Any]]:
    return [
        {name: text if name in ("slug", "status") else int(text) for name, text in row.items()}
        for row in csv.DictReader(io.StringIO(summary.body.decode("ascii")))
    ]


async def made(url: str) -> dict[int, DaySummary]:
    connection = await connect(url)
    found = {day: await make_summary(connection, day) for day in await days_over(connection)}
    await connection.close()
    return found


async def test_summaries_are_what_the_journal_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.exports.day_summary.MARKETS_AT_ONCE", 2)
    async with running(database_url) as engine:
        await days_of_trading(engine, 11)
    await project_all(database_url)
    connection = await connect(database_url)
    expected = await worked_out(connection)
    await connection.close()
    found = await made(database_url)
    assert {day: read(one) for day, one in found.items()} == expected
    for one in found.values():
        rows, totals = read(one), one.manifest.totals
        assert one.manifest.rows == len(rows)
        assert totals.turnover == sum(row["turnover"] for row in rows)
        assert totals.open_interest == sum(row["open_interest"] for row in rows)
        assert totals.fees == sum(row["fees"] for row in rows)
    # The flow has all that is told apart.
    every = [row for rows in expected.values() for row in rows]
    assert {"OPEN", "VOID"} <= {row["status"] for row in every}
    assert any(row["fees"] for row in every)
    assert any(row["open_interest"] and not row["trades"] for row in every)
    listed = [[row["market_id"] for row in rows] for rows in expected.values()]
    assert (listed[0], listed[-1]) == ([1, 2, 3, 4], [1, 2, 3, 5])
    # Everything that follows from the journal is made anew, and so are they.
    monkeypatch.setattr("persistence.projection.projector.VERSION", 99)
    await project_all(database_url)
    assert await made(database_url) == found


async def test_a_day_is_summed_up_once_it_is_read_whole(database_url: str) -> None:
    today = START // DAY_US
    async with running(database_url) as engine:
        engine.clock.fixed = START
        await engine.send_all(*far_opening())
        await run_some(engine, 3, 20)
        pool = await create_pool(database_url, size=1)
        kept = KeptSummaries(pool)
        assert await kept.missing(9) == []
        engine.clock.fixed = START + 3 * DAY_US
        await engine.send(OpenAccount(99, 0))
        # It is over, but the projector hasn't come so far.
        assert await kept.missing(9) == []
        with pytest.raises(NotOver, match="isn't read whole"):
            await kept.make(today)
    await project_all(database_url)
    assert await kept.missing(9) == [today, today + 1, today + 2]
    assert await kept.missing(2) == [today, today + 1]
    first = await kept.make(today)
    await pool.execute("UPDATE candles SET volume = volume + 1")
    other = await kept.make(today)
    assert await kept.missing(9) == [today + 1, today + 2]
    found = await kept.find(today)
    assert found is not None
    assert found[1] == first.body != other.body
    with pytest.raises(NotOver):
        await kept.make(today + 3)
    assert [day for day, _ in await kept.part(None, 9)] == [today]
    await pool.close()


async def test_an_exchange_without_a_market_has_no_days(database_url: str) -> None:
    pool = await create_pool(database_url, size=1)
    assert await KeptSummaries(pool).missing(9) == []
    await pool.close()
