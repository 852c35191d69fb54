"""A market's prices over time, found by halving: the same as by looking at every trade."""

from random import Random

from persistence.postgres.database import create_pool
from persistence.repositories.history import History

_TRADE = """
INSERT INTO trades (market_id, trade_no, command_seq, market_seq, quantity, taker_order_id,
       taker_account_id, taker_fee, maker_order_id, maker_account_id, maker_fee, at, price,
       yes_price, kind, side, outcome)
VALUES ($1, $2, 1, 1, 1, 1, 1, 0, 1, 1, 0, $3, $4, $4, 0, 0, 0)
"""


async def test_prices_are_those_of_the_last_trade_of_each_interval(database_url: str) -> None:
    pool = await create_pool(database_url, size=1)
    history, random = History(pool), Random(7)
    assert await history.price_history(1, 0, 10**9, 10**8) == []
    at, trades = 1_000, []
    for number in range(1, 400):
        at += random.choice([0, 0, 1, 7, 50, 900])
        trades.append((1, number, at, random.randrange(1, 10_000)))
    others = [(2, 1, 5, 5), (2, 2, at, 9)]
    await pool.executemany(_TRADE, trades + others)
    for step in (1, 60, 333, 10_000, 10**9):
        for _ in range(10):
            start = random.randrange(at)
            end = min(start + step * 1_000, start + random.randrange(2 * at))
            last = {
                moment // step * step: price
                for _, _, moment, price in trades
                if start // step * step <= moment <= end
            }
            assert await history.price_history(1, start, end, step) == list(last.items())
    await pool.close()
