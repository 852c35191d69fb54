"""What has left memory, read from the tables, newest first, by keyset: orders, trades, fills, the
ledger, settlements.

Laws: every list has a bound and a place to go on from, so no page costs more the further back it
lies; integers in the exchange's units, times in microseconds since the Unix epoch; what is read is
committed, and at most as old as the last commit. Balances, positions and open books come from the
committed view, not from here.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.messages.terms import OrderStatus, Outcome, Side, TradeKind
from exchange.model.idempotency import ORDER_ID
from exchange.model.order_book import Order
from exchange.proof.ledger import EntryKind, Owner
from persistence.journal.codes import ORDER_STATUS, OUTCOME, SIDE, TRADE_KIND, words
from persistence.journal.order_rows import COLUMNS as ORDER_COLUMNS
from persistence.journal.order_rows import order_of
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.loop.first_answers import Asked, first_answers
from persistence.loop.ports import Answer
from persistence.postgres.database import Fetching
from persistence.repositories.order_life import Moment, order_life

_KINDS: Final = words(TRADE_KIND)
_SIDES: Final = words(SIDE)
_OUTCOMES: Final = words(OUTCOME)
_ALL_STATUSES: Final = tuple(ORDER_STATUS.values())

_TRADE_COLUMNS: Final = (
    "market_id, trade_no, market_seq, kind, side, outcome, price, yes_price, quantity, at"
)
FILLS_LOOKED_THROUGH: Final = 10_000
"""Ledger entries that one page of fills looks through: most of a maker's entries are no fills."""
# A filter that is off is given all codes, or market 0: one plan for all.
_ORDERS: Final = (
    f"SELECT {ORDER_COLUMNS} FROM orders WHERE account_id = $1 AND status = ANY($2::smallint[])"  # noqa: S608 - a constant
    " AND ($3::bigint = 0 OR market_id = $3) AND id < $4 ORDER BY id DESC LIMIT $5"
)
_ORDER: Final = f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = $1"  # noqa: S608 - a constant
_ORDER_BY_CLIENT_ID: Final = (
    f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = (SELECT order_id FROM idempotency"  # noqa: S608 - a constant
    " WHERE account_id = $1 AND client_id = $2 AND kind = $3)"
)
_TRADES: Final = (
    f"SELECT {_TRADE_COLUMNS} FROM trades WHERE market_id = $1 AND trade_no < $2"  # noqa: S608 - a constant
    " ORDER BY trade_no DESC LIMIT $3"
)
# The newest trade at or before the sequence is found from the end, where gaps are repaired.
_TRADES_AFTER: Final = (
    f"SELECT {_TRADE_COLUMNS} FROM trades WHERE market_id = $1 AND trade_no > greatest($3,"  # noqa: S608 - a constant
    " coalesce((SELECT trade_no FROM trades WHERE market_id = $1 AND market_seq <= $2"
    " ORDER BY trade_no DESC LIMIT 1), 0)) ORDER BY trade_no LIMIT $4"
)
_PRICES: Final = """
SELECT t.at / $4 * $4, t.yes_price
  FROM (SELECT DISTINCT last_trade_until($1, least(begin + $4 - 1, $3)) AS trade_no
          FROM generate_series($2::bigint, $3::bigint, $4::bigint) AS begin) AS last
  JOIN trades t ON t.market_id = $1 AND t.trade_no = last.trade_no
 WHERE t.at >= $2 ORDER BY t.trade_no
"""
_ENTRIES: Final = """
SELECT l.command_seq, l.entry_no, l.at, l.kind, l.available, l.locked, l.available_after,
       l.locked_after, l.market_id, l.order_id, l.trade_no, c.reason
  FROM ledger l LEFT JOIN credits c ON c.account_id = $1 AND c.command_seq = l.command_seq
 WHERE l.owner_id = $1 AND l.owner = $2 AND (l.command_seq, l.entry_no) < ($3, $4)
 ORDER BY l.command_seq DESC, l.entry_no DESC LIMIT $5
"""
# Each side of a trade has one entry of this kind, so fills need no index of their own.
_FILLS: Final = """
SELECT t.market_id, t.trade_no, t.market_seq, t.kind, t.side, t.outcome, t.price, t.yes_price,
       t.quantity, t.at, l.order_id, t.taker_order_id = l.order_id,
       CASE WHEN t.taker_order_id = l.order_id THEN t.taker_fee ELSE t.maker_fee END,
       o.client_order_id, l.command_seq, l.entry_no
  FROM (SELECT command_seq, entry_no, kind, market_id, order_id, trade_no FROM ledger
         WHERE owner_id = $1 AND owner = $2 AND (command_seq, entry_no) < ($3, $4)
           AND command_seq >= $5
         ORDER BY command_seq DESC, entry_no DESC LIMIT $6) AS l
  JOIN trades t ON t.market_id = l.market_id AND t.trade_no = l.trade_no
  JOIN orders o ON o.id = l.order_id
 WHERE l.kind = $7 AND ($8::bigint = 0 OR l.market_id = $8) AND ($9::bigint = 0 OR l.order_id = $9)
 ORDER BY l.command_seq DESC, l.entry_no DESC LIMIT $10
"""
_LAST_LOOKED_AT: Final = """
SELECT command_seq, entry_no FROM ledger
 WHERE owner_id = $1 AND owner = $2 AND (command_seq, entry_no) < ($3, $4) AND command_seq >= $5
 ORDER BY command_seq DESC, entry_no DESC OFFSET $6 - 1 LIMIT 1
"""
_SETTLEMENTS: Final = """
SELECT command_seq, market_id, yes_quantity, no_quantity, payout, at FROM settlements
 WHERE account_id = $1 AND command_seq < $2 AND ($3::bigint = 0 OR market_id = $3)
 ORDER BY command_seq DESC LIMIT $4
"""
_COUNTS: Final = """
SELECT (SELECT last_seq FROM engine_state) AS commands,
       (SELECT count(*) FROM accounts) AS accounts,
       (SELECT count(*) FROM markets) AS markets,
       (SELECT next_order_id - 1 FROM engine_state) AS orders,
       (SELECT coalesce(sum(bit_count(bits)), 0)::bigint FROM open_orders) AS open_orders,
       (SELECT coalesce(sum(trade_no), 0)::bigint FROM markets) AS trades
"""


EntryPlace = tuple[int, int]
"""(seq, entry_no): where an entry lies in the ledger."""


class PastTrade(msgspec.Struct, frozen=True):
    """A trade as the public tape has it, and when it was executed."""

    market_id: int
    trade_no: int
    market_seq: int
    kind: TradeKind
    side: Side
    outcome: Outcome
    price: int
    yes_price: int
    quantity: int
    at: int


class PastFill(PastTrade, frozen=True):
    """One trade of an account's order, the public part as the tape has it; `place` in the ledger.

    `fee` is what the account paid, as the taker or as the maker.
    """

    order_id: int
    is_taker: bool
    fee: int
    client_order_id: str | None
    place: EntryPlace


class PastSettlement(msgspec.Struct, frozen=True):
    """What an account's shares of a market were paid when it was resolved by the command `seq`."""

    seq: int
    market_id: int
    yes_quantity: int
    no_quantity: int
    payout: int
    at: int


class PastEntry(msgspec.Struct, frozen=True):
    """One ledger entry of an account; market, order and trade are 0 where none is concerned.

    `reason` is a credit's, as whoever issued it gave it.
    """

    seq: int
    entry_no: int
    at: int
    kind: EntryKind
    available: int
    locked: int
    available_after: int
    locked_after: int
    market_id: int
    order_id: int
    trade_no: int
    reason: str | None = None


class Counts(msgspec.Struct, frozen=True):
    """How much the exchange holds."""

    commands: int
    accounts: int
    markets: int
    orders: int
    open_orders: int
    trades: int


class History:
    """The read side over a pool whose waits have an end."""

    def __init__(self, source: Fetching, segments: Segments | None = None) -> None:
        """Ask there; `segments` as `JournalSource`."""
        self._source = source
        self._journal = JournalSource(source, segments)

    async def order(self, order_id: int) -> Order | None:
        """Return an order, ended or not."""
        return _order(await self._source.fetchrow(_ORDER, order_id))

    async def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        """Return the order that an account placed under its own id; None if it placed none."""
        row = await self._source.fetchrow(
            _ORDER_BY_CLIENT_ID, account_id, client_order_id, ORDER_ID
        )
        return _order(row)

    async def orders(
        self,
        account_id: int,
        statuses: Sequence[OrderStatus],
        market_id: int | None,
        before: int | None,
        limit: int,
    ) -> list[Order]:
        """Return an account's orders below the id `before`; no statuses stand for all."""
        rows = await self._source.fetch(
            _ORDERS,
            account_id,
            _codes(statuses),
            market_id or 0,
            STORED_MAX if before is None else before,
            limit,
        )
        return [order_of(row) for row in rows]

    async def order_life(
        self, order: Order, after: int, limit: int
    ) -> tuple[list[Moment], int | None]:
        """Return what became of an order by commands later than `after`, oldest first."""
        return await order_life(self._journal, order, after, limit)

    async def trades(self, market_id: int, before: int | None, limit: int) -> list[PastTrade]:
        """Return a market's trades below the number `before`, newest first."""
        last = STORED_MAX if before is None else before
        rows = await self._source.fetch(_TRADES, market_id, last, limit)
        return [_trade(row) for row in rows]

    async def trades_after(
        self, market_id: int, seq: int, after: int | None, limit: int
    ) -> list[PastTrade]:
        """Return a market's trades of later market seqs above the number `after`, oldest first.

        O(trades since `seq` + limit): made for repairing a gap.
        """
        rows = await self._source.fetch(_TRADES_AFTER, market_id, seq, after or 0, limit)
        return [_trade(row) for row in rows]

    async def price_history(
        self, market_id: int, start: int, end: int, step: int
    ) -> list[tuple[int, int]]:
        """Return (start of the interval, YES price of its last trade) of each interval of `step`
        microseconds with a trade in it, oldest first.

        O(intervals * log trades), however many trades lie between.
        """
        rows = await self._source.fetch(_PRICES, market_id, start // step * step, end, step)
        return [(row[0], row[1]) for row in rows]

    async def ledger(
        self, account_id: int, before: EntryPlace | None, limit: int
    ) -> list[PastEntry]:
        """Return an account's ledger entries below the place `before`, newest first."""
        seq, entry_no = (STORED_MAX, 0) if before is None else before
        rows = await self._source.fetch(
            _ENTRIES, account_id, int(Owner.ACCOUNT), seq, entry_no, limit
        )
        return [_entry(row) for row in rows]

    async def fills(
        self,
        account_id: int,
        market_id: int | None,
        order: Order | None,
        before: EntryPlace | None,
        limit: int,
    ) -> tuple[list[PastFill], EntryPlace | None]:
        """Return an account's fills below the place `before`, and where to go on; None at the end.

        A page looks through so many ledger entries at most, so it may be short, or empty, before
        the end. An order's fills are looked for while it was open only.
        """
        place = (STORED_MAX, 0) if before is None else before
        first_seq = 0
        if order is not None:
            first_seq, place = order.placed_seq, min(place, (order.seq + 1, 0))
        looked_at = account_id, int(Owner.ACCOUNT), *place, first_seq, FILLS_LOOKED_THROUGH
        wanted = market_id or 0, 0 if order is None else order.id
        rows = await self._source.fetch(
            _FILLS, *looked_at, int(EntryKind.TRADE), *wanted, limit + 1
        )
        found = [_fill(row) for row in rows]
        if len(found) > limit:
            return found[:limit], found[limit - 1].place
        last = await self._source.fetchrow(_LAST_LOOKED_AT, *looked_at)
        return found, None if last is None else (last["command_seq"], last["entry_no"])

    async def settlements(
        self, account_id: int, market_id: int | None, before: int | None, limit: int
    ) -> list[PastSettlement]:
        """Return what became of an account's positions below the command `before`."""
        last = STORED_MAX if before is None else before
        rows = await self._source.fetch(_SETTLEMENTS, account_id, last, market_id or 0, limit)
        return [PastSettlement(*row.values()) for row in rows]

    async def answer(self, seq: int, account_id: int) -> Answer:
        """Return the answer that the command `seq` got; raises HistoryMismatch if none did."""
        asked = Asked(seq, account_id)
        return (await first_answers(self._journal, [asked]))[asked]

    async def counts(self) -> Counts:
        """Count what the exchange holds; O(accounts + markets + open orders)."""
        return Counts(*(await self._source.fetchrow(_COUNTS)).values())


def _codes(statuses: Sequence[OrderStatus]) -> Sequence[int]:
    return [ORDER_STATUS[status] for status in statuses] or _ALL_STATUSES


def _order(row: Any) -> Order | None:  # noqa: ANN401 - asyncpg's own Record
    return None if row is None else order_of(row)


def _trade(row: Any) -> PastTrade:  # noqa: ANN401 - asyncpg's own Record
    market_id, trade_no, market_seq, kind, side, outcome, *rest = row.values()
    return PastTrade(
        market_id, trade_no, market_seq, _KINDS[kind], _SIDES[side], _OUTCOMES[outcome], *rest
    )


def _fill(row: Any) -> PastFill:  # noqa: ANN401 - asyncpg's own Record
    *trade, order_id, is_taker, fee, client_order_id, seq, entry_no = row.values()
    market_id, trade_no, market_seq, kind, side, outcome, price, yes_price, quantity, at = trade
    return PastFill(
        market_id,
        trade_no,
        market_seq,
        _KINDS[kind],
        _SIDES[side],
        _OUTCOMES[outcome],
        price,
        yes_price,
        quantity,
        at,
        order_id,
        is_taker,
        fee,
        client_order_id,
        (seq, entry_no),
    )


def _entry(row: Any) -> PastEntry:  # noqa: ANN401 - asyncpg's own Record
    seq, entry_no, at, kind, *rest = row.values()
    return PastEntry(seq, entry_no, at, EntryKind(kind), *rest)
