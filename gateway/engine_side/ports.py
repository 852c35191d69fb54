"""What the gateway asks of the engine's side beside `persistence.loop.ports.CommandPort`.

A command goes in by `CommandPort.submit`, which puts it on the engine's queue *before* it returns,
so that one client's commands keep their order; the future is done after the commit, and a caller
that stops waiting for it takes nothing back. Reads come from the committed view, which is moved
forward after the commit and before the answer; what has left memory is asked of the store, by
`persistence.repositories.history` in production, by a twin over the engine's events in fast tests.
Every list takes a bound and a place to go on from, so that no page costs more the further back it
lies. Times are microseconds since the epoch, amounts the core's units.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from exchange.messages.terms import OrderStatus, Standing
from exchange.model.order_book import Order
from exchange.model.state import State
from persistence.loop.ports import CommandPort, EngineObserver
from persistence.repositories.history import (
    EntryPlace,
    PastEntry,
    PastFill,
    PastSettlement,
    PastTrade,
)
from persistence.repositories.order_life import Moment


class EngineTrace(Protocol):
    """What sees commands on their way through the engine, where an operator wants traces."""

    def observer(self, inner: EngineObserver) -> EngineObserver:
        """Return an observer that hears what `inner` does."""

    def commands(self, inner: CommandPort) -> CommandPort:
        """Return a way in that traces what goes through it."""


class AccountsView(Protocol):
    """The part of the committed view that sign-in reads."""

    @property
    def accounts(self) -> Mapping[int, object]:
        """Return the accounts by id."""


def suspended_in(view: State) -> Callable[[int], bool]:
    """Return what says whether a user's account is suspended, as far as `view` knows."""

    def is_suspended(user_id: int) -> bool:
        account = view.accounts.get(user_id)
        return account is not None and account.standing is Standing.SUSPENDED

    return is_suspended


class OrderHistory(Protocol):
    """Orders, ended or not."""

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

    async def order_life(
        self, order: Order, after: int, limit: int
    ) -> tuple[list[Moment], int | None]:
        """Return what became of an order by commands later than `after`, oldest first, and the
        command after which to go on.
        """


class TapeHistory(Protocol):
    """What was traded in a market."""

    async def trades(self, market_id: int, before: int | None, limit: int) -> list[PastTrade]:
        """Return a market's trades below the number `before`, newest first."""

    async def trades_after(
        self, market_id: int, seq: int, after: int | None, limit: int
    ) -> list[PastTrade]:
        """Return a market's trades of later market seqs above the number `after`, oldest first."""

    async def price_history(
        self, market_id: int, start: int, end: int, step: int
    ) -> list[tuple[int, int]]:
        """Return (start of the interval, YES price of its last trade), oldest first."""


class LedgerHistory(Protocol):
    """What moved an account's money and shares."""

    async def ledger(
        self, account_id: int, before: EntryPlace | None, limit: int
    ) -> list[PastEntry]:
        """Return an account's ledger entries below the place `before`, newest first."""

    async def fills(
        self,
        account_id: int,
        market_id: int | None,
        order: Order | None,
        before: EntryPlace | None,
        limit: int,
    ) -> tuple[list[PastFill], EntryPlace | None]:
        """Return an account's fills below the place `before`, and where to go on."""

    async def settlements(
        self, account_id: int, market_id: int | None, before: int | None, limit: int
    ) -> list[PastSettlement]:
        """Return what became of an account's positions below the command `before`."""


class History(OrderHistory, TapeHistory, LedgerHistory, Protocol):
    """The store's read side as a whole, which the composition root hands out in parts."""
