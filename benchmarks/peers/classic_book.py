"""A yardstick of our own: the classic book in plain Python, for where nobody else's is at hand.

The design that most books in Python have, dyn4mik3's and so the fastest ones of the public
benchmark among them: each side a `SortedDict` of levels by price, each level a linked list of
orders, one dictionary of all that rests; a quote is a dictionary, every trade is a record on a
tape. No accounts, no escrow, no events, no ledger; integers, where theirs are decimals.
"""

from collections import deque
from typing import Any

from sortedcontainers import SortedDict

from benchmarks.loads.consensus_flow import CANCEL, MODIFY, NEW, Message
from benchmarks.loads.consensus_reports import (
    ACK,
    CANCELLED,
    MODIFIED,
    NO_CANCEL,
    NO_MODIFY,
    TRADE,
    Report,
)

Record = dict[str, Any]


class _Order:
    """One that rests."""

    def __init__(self, quote: Record, level: "_Level") -> None:
        self.order_id: int = quote["order_id"]
        self.buy: bool = quote["buy"]
        self.price: int = quote["price"]
        self.quantity: int = quote["quantity"]
        self.timestamp: int = quote["timestamp"]
        self.level = level
        self.previous: _Order | None = None
        self.next: _Order | None = None


class _Level:
    """The orders at one price, oldest first."""

    def __init__(self, price: int) -> None:
        self.price = price
        self.head: _Order | None = None
        self.tail: _Order | None = None
        self.count = 0
        self.volume = 0

    def append(self, order: _Order) -> None:
        if self.tail is None:
            self.head = order
        else:
            self.tail.next = order
            order.previous = self.tail
        self.tail = order
        self.count += 1
        self.volume += order.quantity

    def remove(self, order: _Order) -> None:
        if order.previous is None:
            self.head = order.next
        else:
            order.previous.next = order.next
        if order.next is None:
            self.tail = order.previous
        else:
            order.next.previous = order.previous
        self.count -= 1
        self.volume -= order.quantity


class _Tree:
    """One side."""

    def __init__(self, *, buy: bool) -> None:
        self.buy = buy
        self.levels: SortedDict[int, _Level] = SortedDict()
        self.volume = 0

    def best(self) -> _Level | None:
        if not self.levels:
            return None
        return self.levels.peekitem(-1 if self.buy else 0)[1]

    def insert(self, quote: Record) -> _Order:
        price = quote["price"]
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = _Level(price)
        order = _Order(quote, level)
        level.append(order)
        self.volume += order.quantity
        return order

    def remove(self, order: _Order) -> None:
        level = order.level
        level.remove(order)
        self.volume -= order.quantity
        if level.count == 0:
            del self.levels[order.price]


class ClassicBook:
    """Both sides, and every order that rests by its id."""

    def __init__(self) -> None:
        self.bids = _Tree(buy=True)
        self.asks = _Tree(buy=False)
        self.orders: dict[int, _Order] = {}
        self.tape: deque[Record] = deque()

    def place(self, quote: Record) -> tuple[list[Record], bool]:
        """Match an order; return its trades, and whether something of it rests."""
        buy, price = quote["buy"], quote["price"]
        facing = self.asks if buy else self.bids
        trades: list[Record] = []
        while quote["quantity"] > 0:
            level = facing.best()
            if level is None or (level.price > price if buy else level.price < price):
                own = self.bids if buy else self.asks
                self.orders[quote["order_id"]] = own.insert(quote)
                return trades, True
            self._fill(quote, facing, level, trades)
        return trades, False

    def cancel(self, order_id: int) -> _Order | None:
        """Take out an order; return it, None if it doesn't rest."""
        order = self.orders.pop(order_id, None)
        if order is not None:
            (self.bids if order.buy else self.asks).remove(order)
        return order

    def _fill(self, quote: Record, facing: _Tree, level: _Level, trades: list[Record]) -> None:
        maker = level.head
        if maker is None:
            raise RuntimeError("a level without orders")
        quantity = min(maker.quantity, quote["quantity"])
        quote["quantity"] -= quantity
        if quantity == maker.quantity:
            facing.remove(maker)
            del self.orders[maker.order_id]
        else:
            maker.quantity -= quantity
            level.volume -= quantity
            facing.volume -= quantity
        record = {
            "timestamp": quote["timestamp"],
            "price": level.price,
            "quantity": quantity,
            "maker": maker.order_id,
            "taker": quote["order_id"],
        }
        self.tape.append(record)
        trades.append(record)


class OwnClassicBook:
    """The classic book behind the messages."""

    def __init__(self) -> None:
        self._book = ClassicBook()

    def take(self, seq: int, message: Message, reports: list[Report]) -> None:
        """Carry a message out and append what is to be said of it."""
        kind, buy, ioc, quantity, order_id, price = message
        if kind == NEW:
            reports.append((ACK, seq, 0 if buy else 1, order_id, price, quantity))
            if self._place(seq, message, reports) and ioc:
                self._book.cancel(order_id)
                reports.append((CANCELLED, seq, 0 if buy else 1, order_id, price))
            return
        order = self._book.cancel(order_id)
        if order is None:
            reports.append((NO_CANCEL if kind == CANCEL else NO_MODIFY, seq, order_id))
        elif kind == MODIFY:
            self._place(seq, message, reports)
            reports.append((MODIFIED, seq, 0 if order.buy else 1, order_id, price, quantity))
        else:
            reports.append((CANCELLED, seq, 0 if order.buy else 1, order_id, order.price))

    def _place(self, seq: int, message: Message, reports: list[Report]) -> bool:
        _, buy, _, quantity, order_id, price = message
        quote = {
            "order_id": order_id,
            "buy": buy,
            "price": price,
            "quantity": quantity,
            "timestamp": seq,
        }
        trades, rests = self._book.place(quote)
        reports.extend(
            (TRADE, seq, trade["price"], trade["quantity"], trade["maker"], order_id)
            for trade in trades
        )
        return rests
