"""dyn4mik3's `OrderBook` on the flow of `loads/consensus_flow.py`.

The package at the index (0.1.2) is of 2013 and runs on Python 2 only, so a checkout of the
repository is needed and named by ORDERBOOK_CHECKOUT. Of its calls those are used that the public
benchmark's own adapter uses: an IOC order is put in and what rests of it taken out again, a modify
is a cancel and a new order, an order rests if its tree knows it. Its quotes, which it keeps and
changes, are made while it is timed.
"""

from importlib import import_module
from typing import Any, Final, Protocol

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

_SIDES: Final = ("bid", "ask")


class Book(Protocol):
    """A book that answers messages."""

    def take(self, seq: int, message: Message, reports: list[Report]) -> None:
        """Carry a message out and append what is to be said of it."""


class TheirOrderBook:
    """dyn4mik3's book behind the messages."""

    def __init__(self) -> None:
        # Few have it.
        self._book: Any = import_module("orderbook").OrderBook()

    def take(self, seq: int, message: Message, reports: list[Report]) -> None:
        """Carry a message out and append what is to be said of it."""
        kind, buy, ioc, quantity, order_id, price = message
        if kind == NEW:
            side = 0 if buy else 1
            reports.append((ACK, seq, side, order_id, price, quantity))
            if self._place(seq, side, order_id, price, quantity, reports) and ioc:
                self._book.cancel_order(_SIDES[side], order_id)
                reports.append((CANCELLED, seq, side, order_id, price))
            return
        if self._book.bids.order_exists(order_id):
            side = 0
        elif self._book.asks.order_exists(order_id):
            side = 1
        else:
            reports.append((NO_CANCEL if kind == CANCEL else NO_MODIFY, seq, order_id))
            return
        if kind == CANCEL:
            price = int((self._book.asks if side else self._book.bids).get_order(order_id).price)
        self._book.cancel_order(_SIDES[side], order_id)
        if kind == MODIFY:
            self._place(seq, side, order_id, price, quantity, reports)
            reports.append((MODIFIED, seq, side, order_id, price, quantity))
        else:
            reports.append((CANCELLED, seq, side, order_id, price))

    def _place(
        self, seq: int, side: int, order_id: int, price: int, quantity: int, reports: list[Report]
    ) -> bool:
        """Return whether anything of it rests."""
        quote = {
            "type": "limit",
            "side": _SIDES[side],
            "quantity": quantity,
            "price": price,
            "trade_id": order_id,
            "order_id": order_id,
            "timestamp": seq,
        }
        trades, resting = self._book.process_order(quote, True, False)
        for trade in trades:
            maker = trade["party1"][2]
            reports.append(
                (TRADE, seq, int(trade["price"]), int(trade["quantity"]), maker, order_id)
            )
        return resting is not None
