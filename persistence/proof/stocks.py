"""Stocks against their trades, the exchange's ledger, and the line on which their prices lie.

    of each stock     its supply is the sum of its trades, and so is each position
                      cash of its reserve + loans >= what buying back the supply takes
                      each loan <= what selling all shares of it now would bring
    of each trade     what it cost or brought is what lies below the line between the supplies
                      before and after it; a day's interest is that of what was owed before it
    of each order     its trades are its steps, and its money is what its intent's command moves
                      DONE where its intent is, REFUSED where that is, with no trades

Laws: the formulas stand here a second time, in SQL, so that what decides and what proves share no
line. An integral is counted in 1/20 000 of a unit of money, in which it is exact; see docs/economy.
"""

from collections import Counter
from typing import Any, Final

import msgspec

from exchange.messages.commands import Command
from exchange.model.system_accounts import HOUSE, reserve_of
from persistence.postgres.database import Connection
from persistence.proof.intents import money_of

_AREA: Final = "(200::numeric * s.base * {0} + s.slope::numeric * {0} * {0})"
_ALL: Final = _AREA.format("s.supply")
_REST: Final = _AREA.format("(s.supply - p.shares)")
# While an order is under way its money may have moved, or not: then the trades say what there was.
_SUMS: Final = f"""
SELECT s.symbol,
       s.supply = coalesce((SELECT sum(t.shares) FROM stock_trades t WHERE t.stock_id = s.id), 0)
           AS is_summed,
       (coalesce(CASE WHEN s.under_way IS NULL
                      THEN (SELECT a.available FROM accounts a WHERE a.id = {HOUSE} + s.id)
                      ELSE (SELECT -sum(t.amount) FROM stock_trades t WHERE t.stock_id = s.id) END,
                 0)
        + coalesce((SELECT sum(p.loan) FROM stock_positions p WHERE p.stock_id = s.id), 0)) * 20000
           >= {_ALL} AS is_covered
  FROM stocks s ORDER BY s.id
"""  # noqa: S608 - constants
_POSITIONS: Final = """
SELECT coalesce(p.stock_id, t.stock_id) AS stock_id,
       coalesce(p.account_id, t.account_id) AS account_id
  FROM (SELECT stock_id, account_id, sum(shares) AS shares, sum(loan) AS loan FROM stock_trades
         GROUP BY stock_id, account_id) AS t
  FULL JOIN stock_positions p ON (p.stock_id, p.account_id) = (t.stock_id, t.account_id)
 WHERE (p.shares, p.loan) IS DISTINCT FROM (t.shares, t.loan) LIMIT 1
"""
_LOANS: Final = f"""
SELECT s.symbol, p.account_id FROM stock_positions p JOIN stocks s ON s.id = p.stock_id
 WHERE p.loan > 0 AND p.loan::numeric * 20000 > {_ALL} - {_REST} LIMIT 1
"""  # noqa: S608 - constants
_ORDERS: Final = """
SELECT o.id, o.stock_id, o.status, o.account_id, o.shares, o.amount, o.loan, i.status AS answer,
       i.command,
       (SELECT count(*) FROM stock_trades t WHERE t.order_id = o.id) AS trades,
       ARRAY(SELECT (t.account_id, t.amount)::text FROM stock_trades t WHERE t.order_id = o.id
              ORDER BY t.id) AS gained
  FROM stock_orders o LEFT JOIN money_intents i ON i.id = o.intent_id ORDER BY o.id
"""
_UNDER_WAY: Final = """
SELECT s.symbol FROM stocks s
 WHERE s.under_way IS DISTINCT FROM (SELECT max(o.id) FROM stock_orders o
                                      WHERE o.stock_id = s.id AND o.status = 'PENDING')
    OR (SELECT count(*) FROM stock_orders o
         WHERE o.stock_id = s.id AND o.status = 'PENDING') > 1 LIMIT 1
"""
# What is left for an account that is closed stays with the reserve.
_PRICES: Final = f"""
SELECT id FROM (
       SELECT t.*, s.interest, t.amount - t.loan AS total,
              coalesce(lag(t.supply_after) OVER one_after_another, 0) AS supply_before,
              coalesce(sum(t.loan) OVER (PARTITION BY t.stock_id, t.account_id ORDER BY t.id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS owed,
              {_AREA.format("t.supply_after")} - {_AREA.format("(t.supply_after - t.shares)")}
                  AS area
         FROM stock_trades t JOIN stocks s ON s.id = t.stock_id
       WINDOW one_after_another AS (PARTITION BY t.stock_id ORDER BY t.id)) AS trades
 WHERE supply_before + shares <> supply_after
    OR CASE kind WHEN 'BUY' THEN total <> -ceil(area / 20000)
                 WHEN 'INTEREST' THEN (shares, amount, loan::numeric)
                                   <> (0, 0, ceil(owed * interest / 10000))
                 ELSE total <> floor(-area / 20000)
                      AND NOT (kind = 'LIQUIDATION' AND amount = 0
                               AND total BETWEEN 0 AND floor(-area / 20000)) END
 ORDER BY id LIMIT 1
"""  # noqa: S608 - constants
_decode: Final = msgspec.msgpack.Decoder(Command).decode


async def stocks_problem(connection: Connection) -> tuple[str | None, int]:
    """Return what is wrong with the stocks, None if nothing is, and how many orders there are.

    Call within a transaction.
    """
    for row in await connection.fetch(_SUMS):
        if not row["is_summed"]:
            return f"{row['symbol']}: the supply is not the sum of the trades", 0
        if not row["is_covered"]:
            return f"{row['symbol']}: the reserve's cash and the loans don't cover the supply", 0
    wrong = await connection.fetchrow(_POSITIONS)
    if wrong is not None:
        place = f"stock {wrong['stock_id']}, account {wrong['account_id']}"
        return f"{place}: the position is not the sum of the trades", 0
    wrong = await connection.fetchrow(_LOANS)
    if wrong is not None:
        told = f"account {wrong['account_id']} owes more than its shares bring"
        return f"{wrong['symbol']}: {told}", 0
    symbol = await connection.fetchval(_UNDER_WAY)
    if symbol is not None:
        return f"{symbol}: what is under way is not the order without an answer", 0
    count = 0
    async for row in connection.cursor(_ORDERS):
        problem = _problem(row)
        if problem is not None:
            return f"stock order {row['id']} {problem}", count
        count += 1
    dear = await connection.fetchval(_PRICES)
    if dear is not None:
        return f"stock trade {dear} is not at the price of its supply", count
    return None, count


def _problem(row: Any) -> str | None:  # noqa: ANN401 - asyncpg's own Record
    """Say what is wrong with an order; None if nothing is."""
    if row["answer"] not in {None, row["status"]}:
        return f"is {row['status']}, its intent {row['answer']}"
    if row["status"] != "DONE":
        return f"is {row['status']}, but has trades" if row["trades"] else None
    if not row["trades"]:
        return "is DONE without a trade"
    gained: Counter[int] = Counter()
    for pair in row["gained"]:
        account, amount = pair.strip("()").split(",")
        gained[int(account)] += int(amount)
    gained[reserve_of(row["stock_id"])] -= sum(gained.values())
    expected = {account: amount for account, amount in gained.items() if amount}
    moved = {} if row["command"] is None else money_of(_decode(row["command"]))
    if moved != expected:
        return f"has trades that move {expected}, its command moves {moved}"
    return None
