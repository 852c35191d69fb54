"""The desk: sending orders, amends and cancels to the engine, once for all transports.

    Desk.place(...) -> Sent       REST awaits it, a socket acknowledges it when it is done

Laws: a command is on the engine's queue when a method of the desk returns, before anybody waits, so
that one client's orders keep the order it sent them in, however many are in flight. Whoever stops
waiting takes nothing back. What is told is made from the answer's events (`results.py`) and is the
same over every transport.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, NoReturn, TypeVar

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    NamedOrder,
)
from exchange.messages.conditions import SessionKey
from exchange.messages.reasons import Reason
from exchange.messages.terms import Outcome, Side
from exchange.model.idempotency import ORDER_ID
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.engine_side.ports import OrderHistory
from gateway.engine_side.refusals import EngineRefused, accepted
from gateway.markets.lookup import named_market
from gateway.trading.batches import (
    BatchBody,
    BatchView,
    batch_command,
    batch_view,
    shown_orders,
    tied_batch,
)
from gateway.trading.order_bodies import (
    AmendBody,
    OrderBody,
    amend_command,
    place_command,
    tied,
)
from gateway.trading.pairs import (
    OcoBody,
    OcoView,
    pair_command,
    pair_market,
    pair_view,
    tied_pair,
)
from gateway.trading.previews import LargePreviews, Preview, PreviewBody, prepare_preview
from gateway.trading.results import (
    AllCancelledView,
    AmendedView,
    CancelledView,
    JustPlaced,
    PlacedView,
    all_cancelled_view,
    amended_view,
    cancelled_view,
    placed_view,
)
from gateway.wire.errors import RateLimited, UnknownOutcome
from persistence.clock import now_us
from persistence.loop.authority import Authority, current_authority
from persistence.loop.ports import Answer, CommandPort
from persistence.postgres.database import OUTAGES

SWEEPS_MAX: Final = 64
"""Different cancels of all that an account may have under way, the one of everything apart."""
_NO_ORDER: Final = 0
"""No order has it."""
_Sweep = tuple[CancelAll, Authority | None]

ViewT_co = TypeVar("ViewT_co", covariant=True)


class Sent(Generic[ViewT_co]):
    """A command on its way: the engine's answer to come, and how it is told.

    `show` makes what is told; it raises EngineRefused. Where the store has to be asked first,
    `look_up` does it instead.
    """

    __slots__ = ("answered", "look_up", "show")

    def __init__(
        self,
        answered: asyncio.Future[Answer],
        show: Callable[[Answer], ViewT_co],
        look_up: Callable[[Answer], Awaitable[ViewT_co]] | None = None,
    ) -> None:
        self.answered = answered
        self.show = show
        self.look_up = look_up

    async def result(self) -> ViewT_co:
        """Wait for the answer and return what is told of it.

        Raises EngineRefused, and what `CommandPort.submit` says of its future.
        """
        answer = await self.answered
        return self.show(answer) if self.look_up is None else await self.look_up(answer)


def free_of_charge(_user_id: int, _operations: int, _counted: int) -> None:
    """Count nothing, where no limit is."""


class Desk:
    """Where orders are handed in."""

    __slots__ = (
        "_charge",
        "_commands",
        "_history",
        "_placed",
        "_sweeping",
        "_sweeps",
        "_view",
        "large_previews",
    )

    def __init__(
        self,
        commands: CommandPort,
        view: State,
        history: OrderHistory,
        charge: Callable[[int, int, int], None] = free_of_charge,
        placed: JustPlaced | None = None,
    ) -> None:
        """Take what sends commands and what tells of orders.

        `charge` counts the operations of a user's batch beside so many that are counted, at first
        the one that its request was counted as, or raises RateLimited. `placed` has what messages
        told of orders just placed.
        """
        self._charge = charge
        self._placed = placed
        self._sweeps: dict[int, dict[_Sweep, asyncio.Future[Answer]]] = {}
        """Cancels of all orders under way, after which their account has sent no order; what was
        sent by a right that may end is nobody else's.
        """
        self._sweeping: dict[int, int] = {}
        """How many of them each account has under way, those before an order included."""
        self._commands = commands
        self._view = view
        self._history = history
        self.large_previews = LargePreviews()

    def place(
        self,
        account_id: int,
        market_name: str,
        body: OrderBody,
        session: SessionKey | None = None,
    ) -> Sent[PlacedView]:
        """Send an order to the market of that slug or id; it ends with its `session`, if given.

        Raises EngineRefused for no such market, ValidationFailed, CommandNotTaken.
        """
        market = named_market(self._view, market_name)
        command = tied(place_command(body, account_id, market.id), session)
        answered = self._commands.submit(command)
        if self._sweeps:
            self._sweeps.pop(account_id, None)
        return Sent(answered, lambda answer: placed_view(answer, market, self._placed))

    def place_pair(
        self, account_id: int, body: OcoBody, session: SessionKey | None = None
    ) -> Sent[OcoView]:
        """Send two orders of which one cancels the other; they end with their `session`, if given.

        They count as two against the account's limit. Raises EngineRefused for no such market,
        ValidationFailed, RateLimited, CommandNotTaken.
        """
        market = pair_market(body, lambda name: named_market(self._view, name))
        command = tied_pair(pair_command(body, account_id, market.id), session)
        self._charge(account_id, len(body.orders), 1)
        answered = self._commands.submit(command)
        if self._sweeps:
            self._sweeps.pop(account_id, None)
        return Sent(answered, lambda answer: pair_view(answer, command, market))

    def amend(self, account_id: int, order_id: int, body: AmendBody) -> Sent[AmendedView]:
        """Send other terms for an open order; raises ValidationFailed, CommandNotTaken."""
        order = self._view.orders.get(order_id)
        answered = self._commands.submit(amend_command(body, account_id, order_id))
        if order is not None:
            market = self._view.markets[order.market_id]
            return Sent(answered, lambda answer: amended_view(answer, order, market))

        # As with a cancel: its placing was still on its way to the view.
        async def look_up(answer: Answer) -> AmendedView:
            accepted(answer)
            now = self._view.orders.get(order_id) or await self._stored_order(order_id)
            return amended_view(answer, now, self._view.markets[now.market_id])

        return Sent(answered, _never_shown, look_up)

    def batch(
        self, account_id: int, body: BatchBody, session: SessionKey | None = None
    ) -> Sent[BatchView]:
        """Send several operations as one command, its orders tied to a session if one is given.

        Each counts against the account's limit. Raises ApiError for what is wrong with one of them,
        RateLimited, CommandNotTaken: nothing of it happened.
        """
        view = self._view
        command = batch_command(body, account_id, lambda name: named_market(view, name).id)
        if session is not None:
            command = tied_batch(command, session)
        self._charge(account_id, len(command.operations), 1)
        known = {one.id: one for one in self._named_orders(command)}
        answered = self._commands.submit(command)
        if self._sweeps:
            self._sweeps.pop(account_id, None)

        async def look_up(answer: Answer) -> BatchView:
            for order_id in shown_orders(answer):
                if order_id not in known:
                    known[order_id] = view.orders.get(order_id) or await self._stored_order(
                        order_id
                    )
            return batch_view(answer, command, view.markets, known)

        return Sent(answered, _never_shown, look_up)

    def preview(self, account_id: int, body: PreviewBody) -> Preview:
        """Prepare to tell what an order or a batch would do now; each operation counts as one of a
        batch, and so does each part of the book that has to be looked at.

        Raises ApiError.
        """
        view, operations = self._view, len(body.operations or "1")
        self._charge(account_id, operations, 1)
        return prepare_preview(
            body,
            account_id,
            view,
            now_us(),
            lambda name: named_market(view, name).id,
            lambda calls: self._charge(account_id, operations + calls, operations),
        )

    def _named_orders(self, command: BatchOrders) -> Iterator[Order]:
        """Yield the open orders that a batch is about; their records go on with the commit."""
        for operation in command.operations:
            order_id: int | None = None
            if isinstance(operation, AmendOrder | CancelOrder):
                order_id = operation.order_id
            elif isinstance(operation, NamedOrder):
                order_id = self._open_order(command.account_id, operation.client_order_id)
            order = None if order_id is None else self._view.orders.get(order_id)
            if order is not None:
                yield order

    def cancel(self, account_id: int, order_id: int) -> Sent[CancelledView]:
        """Send the cancel of an open order; raises CommandNotTaken."""
        order = self._view.orders.get(order_id)
        answered = self._commands.submit(CancelOrder(account_id, order_id))
        if order is not None:
            # The view's record goes on with the commit.
            return Sent(answered, lambda answer: self._cancelled(answer, order))

        # Hardly ever: the order's placing was still on its way to the view.
        async def look_up(answer: Answer) -> CancelledView:
            accepted(answer)
            return self._cancelled(answer, await self._stored_order(order_id))

        return Sent(answered, _never_shown, look_up)

    def cancel_by_client_id(self, account_id: int, client_order_id: str) -> Sent[CancelledView]:
        """Send the cancel of the open order placed under an id of its sender's own.

        Its placing may still be on its way, and nobody may have heard of it: then a command that
        does nothing goes behind it first, and only what was placed before that is looked for.
        Raises CommandNotTaken.
        """
        order_id = self._open_order(account_id, client_order_id)
        if order_id is not None:
            return self.cancel(account_id, order_id)
        answered = self._commands.submit(CancelOrder(account_id, _NO_ORDER))

        async def look_up(_behind: Answer) -> CancelledView:
            order_id = self._open_order(account_id, client_order_id)
            if order_id is not None:
                return await self.cancel(account_id, order_id).result()
            if await self._history.order_by_client_id(account_id, client_order_id) is None:
                raise no_such_order("clientOrderId")
            message = "the order is no longer open"
            raise EngineRefused(Reason.ORDER_NOT_OPEN, message, "clientOrderId")

        return Sent(answered, _never_shown, look_up)

    def _open_order(self, account_id: int, client_order_id: str) -> int | None:
        return self._view.open_client_ids.get((account_id, ORDER_ID, client_order_id))

    def cancel_all(
        self,
        account_id: int,
        market_name: str | None,
        side: Side | None = None,
        outcome: Outcome | None = None,
        group: str | None = None,
    ) -> Sent[AllCancelledView]:
        """Send the cancel of every open order, in one market or (None) in all, of a side and of an
        outcome or (None) of both, of one order group or (None) of all and none.

        No limit refuses these, so however many come the engine has one of an account and kind at
        a time: while the account sends no order in between, one that comes during another would
        find nothing more, and gets the other's answer. Of different kinds it has SWEEPS_MAX, so
        that one account's leave others' cancels their room; that of everything is always taken.
        Raises EngineRefused for no such market, RateLimited, CommandNotTaken.
        """
        market_id = None if market_name is None else named_market(self._view, market_name).id
        command = CancelAll(account_id, market_id, side, outcome, group)
        sweep = command, current_authority()
        answered = self._sweeps.get(account_id, {}).get(sweep)
        if answered is None:
            under_way = self._sweeping.get(account_id, 0)
            if under_way >= SWEEPS_MAX and command != CancelAll(account_id, None):
                message = (
                    f"An account may have at most {SWEEPS_MAX} different cancels of all at a time"
                )
                raise RateLimited(1, message, limit="in-flight")
            answered = self._commands.submit(command)
            self._sweeping[account_id] = under_way + 1
            sweeps = self._sweeps.setdefault(account_id, {})
            sweeps[sweep] = answered
            answered.add_done_callback(lambda _: self._swept(sweeps, sweep))
        # Whoever stops waiting ends nobody else's wait.
        return Sent(asyncio.shield(answered), all_cancelled_view)

    def _swept(self, sweeps: dict[_Sweep, asyncio.Future[Answer]], sweep: _Sweep) -> None:
        account_id = sweep[0].account_id
        self._sweeping[account_id] -= 1
        if not self._sweeping[account_id]:
            del self._sweeping[account_id]
        del sweeps[sweep]
        if not sweeps and self._sweeps.get(account_id) is sweeps:
            del self._sweeps[account_id]

    def _cancelled(self, answer: Answer, order: Order) -> CancelledView:
        accepted(answer)
        return cancelled_view(answer, order, self._view.markets[order.market_id])

    async def _stored_order(self, order_id: int) -> Order:
        """Return an order whose cancel is committed, so that the store has it by now.

        Raises UnknownOutcome if the store is away, which must not be told as "nothing happened",
        and EngineRefused if there is no such order.
        """
        try:
            order = await self._history.order(order_id)
        except OUTAGES as outage:
            raise UnknownOutcome from outage
        if order is None:
            raise no_such_order()
        return order


def open_order_count(view: State, account_id: int) -> int:
    """Return how many orders an account has open, as of the last commit."""
    account = view.accounts.get(account_id)
    return 0 if account is None else len(account.orders)


def _never_shown(_answer: Answer) -> NoReturn:
    raise TypeError("the order has to be looked up first")


def no_such_order(field: str = "orderId") -> EngineRefused:
    """Return the refusal that names the field which names no order."""
    return EngineRefused(Reason.ORDER_NOT_FOUND, "there is no such order", field)
