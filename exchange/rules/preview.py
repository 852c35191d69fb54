"""What a batch of orders would do, without doing it: run by the same rules on a scratch.

The scratch is a state of its own with what the batch can reach in a view: its account, the orders
that its operations name, and of each side that it may take from the orders it would meet first, as
much of them as all its operations together could buy, at the worst price that any of them pays.
Whatever the rules ask of an order, its owner or its market is copied with it; nothing of the view
is changed, and no id is used: what the core remembers of ids isn't there.

What waits for a price is triggered after the batch, by commands of its own: it isn't shown.

Laws: O(operations + orders copied), and of these no more than PREVIEW_ORDERS; how many they are is
known, and may be refused, before any is. What a rule looks at that isn't there yet is copied here,
or the preview of it is wrong.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    NamedOrder,
    Operation,
    PlaceOrder,
)
from exchange.messages.errors import CoreError
from exchange.messages.events import Event
from exchange.messages.terms import BUY, YES, OrderStatus, Outcome
from exchange.model.accounts import Account
from exchange.model.idempotency import ORDER_ID
from exchange.model.market import Market
from exchange.model.order_book import Order, own_price
from exchange.model.order_groups import OrderGroup
from exchange.model.state import State
from exchange.rules.batching import run_batch
from exchange.rules.entries import entry_again
from exchange.rules.limits.band import band_needs_book
from exchange.rules.waiting.pairs import open_partner
from exchange.transitions import transitions
from exchange.transitions.group_transitions import join_group
from exchange.transitions.order_transitions import set_expiry
from exchange.transitions.switch_transitions import tie
from exchange.transitions.undoing import order_values, restore_order
from exchange.transitions.waiting_index import join_waiting

PREVIEW_ORDERS: Final = 5_000
"""Most resting orders that a preview looks at."""
_NOT_COPIED: Final = ("key", "book", "waiting", "positions", "touched", "published", "listed")
_MARKET_FIELDS: Final = tuple(f.name for f in fields(Market) if f.name not in _NOT_COPIED)

_ANY_PRICE: Final = PRICE_SCALE
_NO_PRICE: Final = -PRICE_SCALE

Demand = dict[tuple[int, bool], tuple[int, int, int]]
"""By (market id, whether it takes asks): the quantity and the money that operations may take, and
the worst price in YES terms, below zero of bids: what is larger, they don't take.
"""


class TooMuchToPreview(CoreError):
    """The batch would reach more than PREVIEW_ORDERS resting orders."""


def any_number(_orders: int) -> None:
    """Take whatever a preview looks at."""


class Prepared:
    """A batch and its scratch, ready to run.

    It has nothing of the view but the orders of the account that the batch doesn't reach, which are
    looked at only: it may run later and elsewhere, once.
    """

    __slots__ = ("_at", "_command", "_state", "orders")

    def __init__(self, state: State, at: int, command: BatchOrders, orders: int) -> None:
        self._state = state
        self._at = at
        self._command = command
        self.orders = orders
        """Resting orders that were copied for it."""

    def run(self) -> tuple[State, list[Event]]:
        """Return the scratch after the batch, and the batch's events."""
        state = self._state
        transitions.begin(state, state.seq + 1, max(state.now, self._at))
        return state, run_batch(state, self._command)


def prepare(
    view: State, at: int, command: BatchOrders, admit: Callable[[int], None] = any_number
) -> Prepared:
    """Copy what a batch that runs at `at` can reach.

    `admit` is told how many resting orders were looked at before any is copied, also if they are
    too many, and may raise.

    Raises:
        TooMuchToPreview: it would reach too many orders.
    """
    scratch = _Scratch(view)
    operations = tuple(_without_used_id(view, one) for one in command.operations)
    command = msgspec.structs.replace(command, operations=operations)
    account = view.accounts.get(command.account_id)
    if account is not None:
        try:
            _gather(view, scratch, account, operations)
        except TooMuchToPreview:
            admit(len(scratch))
            raise
    admit(len(scratch))
    return Prepared(scratch.with_books(), at, command, len(scratch))


def preview(
    view: State, at: int, command: BatchOrders, admit: Callable[[int], None] = any_number
) -> tuple[State, list[Event]]:
    """Prepare a batch and run it; see both."""
    return prepare(view, at, command, admit).run()


def _gather(
    view: State, scratch: "_Scratch", account: Account, operations: tuple[Operation, ...]
) -> None:
    """Take in what the operations can reach; raises TooMuchToPreview."""
    scratch.account(account.id).orders.update(account.orders)
    for operation in operations:
        scratch.add_named(operation)
    demand = _demand(view, operations)
    most = sum(quantity + money for quantity, money, _ in demand.values())
    for (market_id, asks), wanted in demand.items():
        scratch.add_offers(market_id, account.id, *wanted, most, asks=asks)


class _Scratch:
    """A state that has copies of some records of a view."""

    def __init__(self, view: State) -> None:
        self._view = view
        self._orders: dict[int, Order] = {}
        """The view's, as yet without copies."""
        self._state = State(
            seq=view.seq,
            now=view.now,
            mode=view.mode,
            next_order_id=view.next_order_id,
            moved=view.moved,
            next_market_id=view.next_market_id,
            issued=view.issued,
            fees=view.fees,
        )

    def __len__(self) -> int:
        return len(self._orders)

    def account(self, account_id: int) -> Account:
        """Return the copy of an account, as yet without its orders."""
        found = self._state.accounts.get(account_id)
        if found is None:
            of = self._view.accounts[account_id]
            found = Account(of.id, of.opened_seq, of.available, of.locked, of.seq)
            found.standing, found.limits = of.standing, of.limits
            self._state.accounts[account_id] = found
        return found

    def add_named(self, operation: Operation) -> None:
        """Take in what an operation is about: the market of a placing, the order of all others."""
        if isinstance(operation, PlaceOrder):
            if operation.market_id in self._view.markets:
                self._add_position(operation.account_id, operation.market_id)
            if operation.conditions is not None:
                self._add_members(operation.account_id, operation.conditions.group)
            return
        order = _named_order(self._view, operation)
        if order is not None:
            self._add_order(order)
            if order.conditions is not None:
                self._add_members(order.account_id, order.conditions.group)

    def add_offers(
        self,
        market_id: int,
        account_id: int,
        quantity: int,
        money: int,
        worst: int,
        most: int,
        *,
        asks: bool,
    ) -> None:
        """Take in the first orders of a side: as far as `quantity` and after it `money` reach at
        `worst` or better, an own order reaching nowhere, nor one whose group may end it before; and
        one beyond.

        No group fills more than `most` by all operations.
        """
        book = self._view.markets[market_id].book
        for order in (book.asks if asks else book.bids).orders():
            self._add_order(order)
            if order.account_id == account_id or self._may_end(order, most):
                continue
            if (order.yes_price if asks else -order.yes_price) > worst:
                return
            if quantity > 0:
                quantity -= order.remaining
            elif money > 0:
                # At the lower of the two legs' prices, for either may be bought.
                money -= min(order.yes_price, PRICE_SCALE - order.yes_price) * order.remaining
            else:
                return

    def _may_end(self, order: Order, most: int) -> bool:
        """Return whether the order's group, if it has one, may come to a limit by so much more."""
        group = self._view.group_of(order)
        if group is None:
            return False
        filled = group.filled + most
        return group.would_reach(filled, filled)

    def with_books(self) -> State:
        """Return the state, copies of the orders in its books in their order, or waiting."""
        for of in sorted(self._orders.values(), key=lambda order: order.place):
            order = self._copied(of)
            market = self._state.markets[order.market_id]
            if order.status is OrderStatus.PENDING:
                join_waiting(self._state, market, order)
            else:
                market.book.own_side(order).add(order)
        return self._state

    def _market(self, market_id: int) -> Market:
        found = self._state.markets.get(market_id)
        if found is None:
            of = self._view.markets[market_id]
            found = Market(**{name: getattr(of, name) for name in _MARKET_FIELDS})
            self._state.markets[market_id] = found
        return found

    def _add_position(self, account_id: int, market_id: int) -> None:
        """Copy an account's shares of a market, if it ever had any."""
        self.account(account_id)
        market = self._market(market_id)
        of = self._view.markets[market_id].positions.get(account_id)
        if of is None or account_id in market.positions:
            return
        position = self._state.open_position(account_id, market_id)
        position.realised = of.realised
        for copy, holding in ((position.yes, of.yes), (position.no, of.no)):
            copy.free, copy.locked, copy.cost = holding.free, holding.locked, holding.cost

    def _add_group(self, account_id: int, name: str | None) -> OrderGroup | None:
        """Copy a group of an account as yet without its orders; return the view's, if there is such
        a one.
        """
        of = None if name is None else self._view.groups.get(account_id, {}).get(name)
        groups = self._state.groups.setdefault(account_id, {})
        if of is None or of.name in groups:
            return of
        copy = OrderGroup(account_id, of.name, of.max_filled, of.window, of.max_net)
        copy.triggered, copy.slices = of.triggered, dict(of.slices)
        copy.filled, copy.net = of.filled, of.net
        groups[of.name] = copy
        return of

    def _add_members(self, account_id: int, name: str | None) -> None:
        """Copy a group of an account that the operations may end, and its orders with it."""
        group = self._add_group(account_id, name)
        if group is not None:
            for order in group.orders.values():
                self._add_order(order)

    def _add_order(self, of: Order) -> None:
        if of.id in self._orders:
            return
        if len(self._orders) == PREVIEW_ORDERS:
            raise TooMuchToPreview(f"it would reach more than {PREVIEW_ORDERS} resting orders")
        self._orders[of.id] = of
        partner = open_partner(self._view, of)
        if partner is not None:
            self._add_order(partner)

    def _copied(self, of: Order) -> Order:
        """Return the copy of an order, in the state but for its book."""
        order = Order(
            entry_again(of, of.price, of.quantity, of.locked, of.conditions),
            of.placed_seq,
            of.created_at,
        )
        restore_order(order, order_values(of))
        self._add_position(of.account_id, of.market_id)
        state = self._state
        state.orders[order.id] = order
        self.account(of.account_id).orders[order.id] = order
        if order.conditions is not None:
            set_expiry(state, order)
            tie(state, order)
            self._add_group(order.account_id, order.conditions.group)
            join_group(state, order)
        if order.client_order_id is not None:
            key = order.account_id, ORDER_ID, order.client_order_id
            state.open_client_ids[key] = order.id
        return order


def _without_used_id(view: State, operation: Operation) -> Operation:
    """Leave out the id of a placing that an open order has: it would be a repeat."""
    if isinstance(operation, PlaceOrder) and operation.client_order_id is not None:
        key = operation.account_id, ORDER_ID, operation.client_order_id
        if key in view.open_client_ids:
            return msgspec.structs.replace(operation, client_order_id=None)
    return operation


def _named_order(view: State, operation: Operation) -> Order | None:
    """Return the open order that an amend or a cancel is about."""
    if isinstance(operation, NamedOrder):
        key = operation.account_id, ORDER_ID, operation.client_order_id
        return view.orders.get(view.open_client_ids.get(key, 0))
    return None if isinstance(operation, PlaceOrder) else view.orders.get(operation.order_id)


def _demand(view: State, operations: Iterable[Operation]) -> Demand:
    """Return how much all operations together may take of each side; nothing of one that is only
    looked at.
    """
    demand: Demand = {}
    anywhere: list[AmendOrder] = []
    """Amends of what the batch itself may place: on any side on which it places."""
    for operation in operations:
        inner = operation.operation if isinstance(operation, NamedOrder) else operation
        if isinstance(inner, PlaceOrder):
            if inner.market_id in view.markets:
                is_bid = (inner.side is BUY) is (inner.outcome is YES)
                terms = inner.conditions
                takes = terms is None or terms.trigger_price is None
                # One that waits takes nothing, but looks at the best of that side.
                wanted = 0, 0, _NO_PRICE
                if takes:
                    price = inner.price
                    if price is None and terms is not None:
                        price = terms.worst_price
                    worst = _worst(inner.outcome, price, is_bid=is_bid)
                    wanted = inner.quantity or 0, inner.max_cost or 0, worst
                _add(demand, (inner.market_id, is_bid), *wanted)
        elif isinstance(inner, AmendOrder):
            order = _named_order(view, operation)
            if order is None:
                anywhere.append(inner)
                continue
            price = order.price if inner.price is None else inner.price
            worst = _worst(order.outcome, price, is_bid=order.is_bid)
            key = order.market_id, order.is_bid
            _add(demand, key, inner.quantity or order.quantity or 0, 0, worst)
    for key in demand:
        for amend in anywhere:
            worst = _NO_PRICE if amend.price is None else _ANY_PRICE
            _add(demand, key, amend.quantity or 0, 0, worst)
    for market_id, asks in tuple(demand):
        if band_needs_book(view.markets[market_id]):
            _add(demand, (market_id, not asks), 0, 0, _NO_PRICE)
    return demand


def _worst(outcome: Outcome, price: int | None, *, is_bid: bool) -> int:
    """Return the worst price at which an order takes, as in Demand."""
    if price is None:
        return _ANY_PRICE
    return own_price(outcome, price) if is_bid else -own_price(outcome, price)


def _add(demand: Demand, key: tuple[int, bool], quantity: int, money: int, worst: int) -> None:
    so_far = demand.get(key, (0, 0, _NO_PRICE))
    demand[key] = so_far[0] + quantity, so_far[1] + money, max(so_far[2], worst)
