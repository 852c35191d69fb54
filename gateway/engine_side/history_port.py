"""What the handlers ask of the store: what has left memory, newest first, by keyset.

`persistence.repositories.history` answers in production, a hand-written twin over the engine's
events in the fast tests. Every list takes a bound, and a place to go on from, so that no page costs
more the further back it lies. Times are microseconds since the epoch, amounts the core's units.
"""

from collections.abc import Sequence
from typing import Protocol

from exchange.messages.terms import OrderStatus
from exchange.model.order_book import Order
from persistence.repositories.history import EntryPlace, PastEntry, PastTrade

__all__ = ["EntryPlace", "History", "PastEntry", "PastTrade"]


class History(Protocol):
    """The store's read side."""

    async def order(self, order_id: int) -> Order | None:
        """Return an order, ended or not."""

    async def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        """Return the order that an account placed under its own id."""

    async def orders(
        self,
        account_id: int,
        statuses: Sequence[OrderStatus],
        market_id: int | None,
        before: int | None,
        limit: int,
    ) -> list[Order]:
        """Return an account's orders below the id `before`; no statuses stand for all."""

    async def trades(self, market_id: int, before: int | None, limit: int) -> list[PastTrade]:
        """Return a market's trades below the number `before`, newest first."""

    async def trades_after(
        self, market_id: int, seq: int, after: int | None, limit: int
    ) -> list[PastTrade]:
        """Return a market's trades of later market seqs above the number `after`, oldest first."""

    async def ledger(
        self, account_id: int, before: EntryPlace | None, limit: int
    ) -> list[PastEntry]:
        """Return an account's ledger entries below the place `before`, newest first."""
