"""What the tables hold of each command, against what its events say: ledger, trades, orders, ids,
settlements, credits.

Laws: the rows expected are made by the code that writes them (`batch_rows`, `order_rows` aside) and
compared value by value; tables that grow by command are read in its order, once, through a cursor;
nothing may be left over. An order is compared when it has ended; those still open are part of the
state's hash. A `Span` of commands is compared by itself, but for orders, and for the balances after
each entry: those follow from what came before it.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final, NamedTuple

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.events import (
    FundsCredited,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.model.order_book import NOT_OF_THE_ORDER, Order
from exchange.proof.ledger import entries
from persistence.journal.codes import OUTCOME, SIDE, TRADE_KIND
from persistence.journal.order_rows import COLUMNS as ORDER_COLUMNS
from persistence.journal.order_rows import order_of
from persistence.journal.reader import first_uses
from persistence.journal.row_layouts import moved_money
from persistence.postgres.database import Connection

Row = tuple[Any, ...]

_PREFETCH: Final = 2_000
_LEDGER: Final = (
    "SELECT command_seq, entry_no, owner, owner_id, kind, available, locked, available_after,"
    " locked_after, market_id, order_id, trade_no, at FROM ledger {of}"
    " ORDER BY command_seq, entry_no"
)
_TRADES: Final = (
    "SELECT command_seq, market_id, trade_no, market_seq, kind, side, outcome, price, yes_price,"
    " quantity, taker_order_id, taker_account_id, taker_fee, maker_order_id, maker_account_id,"
    " maker_fee, at FROM trades {of} ORDER BY command_seq, market_id, trade_no"
)
_IDS: Final = (
    "SELECT command_seq, account_id, kind, client_id, fingerprint, order_id FROM idempotency {of}"
    ' ORDER BY command_seq, kind, client_id COLLATE "C"'
)
_SETTLEMENTS: Final = (
    "SELECT command_seq, account_id, market_id, yes_quantity, no_quantity, payout, at"
    " FROM settlements {of} ORDER BY command_seq, account_id"
)
_CREDITS: Final = (
    "SELECT command_seq, account_id, reason, kind FROM credits {of}"
    " ORDER BY command_seq, account_id"
)
_ORDERS: Final = f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ANY($1::bigint[])"  # noqa: S608 - a constant


_ORDER_FIELDS: Final = tuple(f.name for f in fields(Order) if f.name not in NOT_OF_THE_ORDER)


_QUERIES: Final = {
    "ledger": _LEDGER,
    "trades": _TRADES,
    "ids": _IDS,
    "settlements": _SETTLEMENTS,
    "credits": _CREDITS,
}
_AFTER: Final = slice(7, 9)
"""Where the balances after an entry stand in its row."""


class Span(NamedTuple):
    """The commands later than `after`, up to `to`."""

    after: int
    to: int

    @property
    def words(self) -> str:
        """Return which rows are theirs, as SQL has it."""
        return f"WHERE command_seq > {self.after:d} AND command_seq <= {self.to:d}"


class Comparisons:
    """The comparisons of one verification; the first problem of each table is kept."""

    names: Final = ("ledger", "trades", "orders", "ids", "settlements", "credits")

    def __init__(self, connection: Connection, span: Span | None = None) -> None:
        """Compare all that is stored, or what a span of commands stored."""
        self.problems: dict[str, str] = {}
        self.differences: dict[str, tuple[Row | None, Row | None]] = {}
        """The row found and the row expected, where the rows of a table are what is wrong."""
        self.counts = dict.fromkeys(self.names, 0)
        self._connection = connection
        self._span = span
        of = "" if span is None else span.words
        self._stored = {
            name: _rows(connection, query.format(of=of)) for name, query in _QUERIES.items()
        }
        self._balances: dict[tuple[int, int], tuple[int, int]] = {}

    async def compare(self, executions: list[Execution], ended: Sequence[Order]) -> None:
        """Compare what one batch stored."""
        for execution in executions:
            await self._compare_rows("ledger", self._ledger_rows(execution))
            await self._compare_rows("trades", _trade_rows(execution))
            await self._compare_rows("ids", _id_rows(execution))
            await self._compare_rows("settlements", _settlement_rows(execution))
            await self._compare_rows("credits", _credit_rows(execution))
        await self._compare_orders(ended)

    async def finish(self) -> None:
        """Look for rows that no event accounts for."""
        for name, stored in self._stored.items():
            left = await anext(stored, None)
            if left is not None:
                self.differences.setdefault(name, (left, None))
                self._note(name, f"{left} is there, but no event says so")
        if self._span is not None:
            return
        placed = await self._connection.fetchval("SELECT next_order_id - 1 FROM engine_state")
        orders = await self._connection.fetchval("SELECT count(*) FROM orders")
        if placed != orders:
            self._note("orders", f"{placed} orders were placed, {orders} are there")

    def _note(self, name: str, problem: str) -> None:
        self.problems.setdefault(name, problem)

    async def _compare_rows(self, name: str, expected: Iterator[Row]) -> None:
        stored = self._stored[name]
        for row in expected:
            if name in self.problems:
                continue
            found = await anext(stored, None)
            if found != row and not (self._span and _same_but_after(found, row)):
                self.differences.setdefault(name, (found, row))
                self._note(name, f"{found} is there, the events say {row}")
            self.counts[name] += 1

    def _ledger_rows(self, execution: Execution) -> Iterator[Row]:
        for number, entry in enumerate(entries(execution.events)):
            owner = (int(entry.owner), entry.owner_id)
            available, locked = self._balances.get(owner, (0, 0))
            available += entry.available
            locked += entry.locked
            self._balances[owner] = (available, locked)
            yield (
                execution.seq,
                number,
                *owner,
                int(entry.kind),
                entry.available,
                entry.locked,
                available,
                locked,
                entry.market_id,
                entry.order_id,
                entry.trade_no,
                execution.at,
            )

    async def _compare_orders(self, ended: Sequence[Order]) -> None:
        if not ended or "orders" in self.problems:
            return
        rows = await self._connection.fetch(_ORDERS, [order.id for order in ended])
        try:
            found = {row["id"]: order_of(row) for row in rows}
        except LookupError as error:
            self._note("orders", f"the table holds what no Probity writes: {error}")
            return
        for order in ended:
            problem = _difference(found.get(order.id), order)
            if problem is not None:
                self._note("orders", f"order {order.id} {problem}")
                return
        self.counts["orders"] += len(ended)


def _same_but_after(found: Row | None, row: Row) -> bool:
    """Say whether two entries differ in the balances after them alone."""
    if found is None:
        return False
    one, other = list(found), list(row)
    one[_AFTER] = other[_AFTER] = []
    return one == other


def _difference(stored: Order | None, order: Order) -> str | None:
    """Say in what an ended order's row differs from what the events made; None if in nothing."""
    if stored is None:
        return "is not there"
    for name in _ORDER_FIELDS:
        there, said = getattr(stored, name), getattr(order, name)
        if there != said:
            return f"has {name} {there}, the events say {said}"
    return None


def _trade_rows(execution: Execution) -> Iterator[Row]:
    trades = [event for event in execution.events if isinstance(event, TradeExecuted)]
    # A batch may trade in several markets by turns.
    for trade in sorted(trades, key=lambda trade: (trade.market_id, trade.trade_no)):
        yield (
            execution.seq,
            trade.market_id,
            trade.trade_no,
            trade.market_seq,
            TRADE_KIND[trade.kind],
            SIDE[trade.side],
            OUTCOME[trade.outcome],
            trade.price,
            trade.yes_price,
            trade.quantity,
            trade.taker_order_id,
            trade.taker_account_id,
            trade.taker_fee,
            trade.maker_order_id,
            trade.maker_account_id,
            trade.maker_fee,
            execution.at,
        )


def _id_rows(execution: Execution) -> Iterator[Row]:
    for (account_id, kind, text), prior, order_id in sorted(first_uses(execution)):
        yield (execution.seq, account_id, kind, text, prior.fingerprint, order_id)


def _settlement_rows(execution: Execution) -> Iterator[Row]:
    # A resolution settles its holders in the order of their ids.
    for event in execution.events:
        if isinstance(event, PositionSettled):
            yield (
                execution.seq,
                event.account_id,
                event.market_id,
                event.yes_quantity,
                event.no_quantity,
                event.payout,
                execution.at,
            )


def _credit_rows(execution: Execution) -> Iterator[Row]:
    for event in execution.events:
        if isinstance(event, FundsCredited | FundsDebited | CashTransferred):
            for row in moved_money(event, execution.seq):
                yield row.command_seq, row.account_id, row.reason, row.kind


async def _rows(connection: Connection, query: str) -> AsyncIterator[Row]:
    async for row in connection.cursor(query, prefetch=_PREFETCH):
        yield tuple(row.values())
