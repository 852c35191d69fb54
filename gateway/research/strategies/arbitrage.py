"""Buys a question where it is cheap and its opposite where that is cheap: a pair pays one credit.

Markets with the same `event` on the tape are one question on several venues. When YES on one and NO
on another cost less than a credit together, less `edge` for fees and risk, it takes both, for as
much as both books show. It is no longer riskless once only one leg has traded: `most` bounds that.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from exchange.messages.bounds import PRICE_SCALE
from gateway.research.strategy import Book, Desk, Resolved, Strategy, Terms


class Arbitrage(Strategy):
    """Gains the difference, if both legs trade and both venues pay alike."""

    title: ClassVar[str] = "Both legs of one question on two venues"

    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """Prices in 1/10 000, quantities in 1/100 share."""

        edge: Annotated[int, Meta(ge=0, le=9_999)] = 100
        """What a pair must cost less than a credit."""
        size: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000
        most: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000
        """The largest position in one market."""

    def __init__(self, desk: Desk, parameters: Parameters) -> None:
        super().__init__(desk, parameters)
        self._together: dict[str, list[str]] = {}
        self._books: dict[str, Book] = {}

    def on_listed(self, terms: Terms) -> None:
        """Put the market beside the others of its question."""
        if terms.event:
            self._together.setdefault(terms.event, []).append(terms.market)

    def on_resolution(self, resolved: Resolved) -> None:
        """Leave out a market that ended."""
        self._books.pop(resolved.market, None)

    def on_book(self, book: Book) -> None:
        """Compare a book with the others of its question."""
        self._books[book.market] = book
        # What didn't trade at once was too late.
        for order in list(self.desk.open_orders(book.market).values()):
            self.desk.cancel(order.number)
        event = self.desk.markets[book.market].event
        for other in self._together.get(event, ()):
            there = self._books.get(other)
            if other != book.market and there is not None:
                self._take(book, there)
                self._take(there, book)

    def _take(self, cheap: Book, dear: Book) -> None:
        """Buy YES of the one and NO of the other, if the pair is cheap enough."""
        if not cheap.asks or not dear.bids:
            return
        ask, bid, desk = cheap.asks[0], dear.bids[0], self.desk
        if bid.price - ask.price <= self.parameters.edge:
            return
        if desk.open_orders(cheap.market) or desk.open_orders(dear.market):
            return
        most = self.parameters.most
        quantity = min(
            self.parameters.size,
            ask.quantity,
            bid.quantity,
            most - desk.position(cheap.market).net,
            most + desk.position(dear.market).net,
            desk.cash // (ask.price + PRICE_SCALE - bid.price),
        )
        if quantity > 0:
            desk.bid(cheap.market, ask.price, quantity)
            desk.ask(dear.market, bid.price, quantity)
