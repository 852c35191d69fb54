"""Quotes both sides of the middle, and leans against what it holds.

The centre of its quotes lies below the middle while it is long, above while it is short: what it
holds wants to leave. After Avellaneda and Stoikov, "High-frequency trading in a limit order book",
Quantitative Finance 8 (2008), with the reservation price linear in the inventory, and the spread a
parameter instead of an estimate.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import BUY, SELL, Side
from gateway.research.strategy import Book, OpenOrder, Strategy


class MarketMaker(Strategy):
    """Earns the spread, if those who know more don't take it."""

    title: ClassVar[str] = "Two-sided quotes with an inventory skew"

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Prices in 1/10 000, quantities in 1/100 share."""

        half_spread: Annotated[int, Meta(ge=1, le=4_999)] = 200
        """From the centre to each quote."""
        size: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000
        most: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000
        """The largest position either way."""
        skew: Annotated[int, Meta(ge=0, le=4_999)] = 300
        """How far the centre moves at the largest position."""

    def on_book(self, book: Book) -> None:
        """Move the quotes if they ought to stand elsewhere."""
        middle = book.middle
        if middle is None:
            return
        set_, net = self.parameters, self.desk.position(book.market).net
        tick = self.desk.markets[book.market].tick
        centre = middle - set_.skew * net // set_.most
        bid = (centre - set_.half_spread) // tick * tick
        ask = -((-centre - set_.half_spread) // tick) * tick
        # A quote that would trade at once earns no spread.
        bid = min(bid, book.asks[0].price - tick)
        ask = max(ask, book.bids[0].price + tick)
        # As they are before either quote sends one.
        orders = list(self.desk.open_orders(book.market).values())
        self._quote(book.market, BUY, bid, set_.most - net, orders)
        self._quote(book.market, SELL, ask, set_.most + net, orders)

    def _quote(
        self, market: str, side: Side, price: int, room: int, orders: Iterable[OpenOrder]
    ) -> None:
        """Quote a price, if there is one, with no more than `room` open even while others end."""
        is_price = room > 0 and 0 < price < PRICE_SCALE
        for order in orders:
            if order.side is not side:
                continue
            if is_price and order.price == price and not order.is_cancelling:
                return
            self.desk.cancel(order.number)
            # It may trade as long as its end is on the way.
            room -= order.remaining
        quantity = min(self.parameters.size, room)
        if is_price and quantity > 0:
            send = self.desk.bid if side is BUY else self.desk.ask
            send(market, price, quantity, post_only=True)
