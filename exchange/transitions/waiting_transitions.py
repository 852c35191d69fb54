"""What the events of orders that wait for a price change; see `transitions.py`.

A waiting order is nobody's business but its owner's: nothing here moves a market's sequence before
the order comes into the book. Being reached is a term of the order (`OrderConditions.due`), stored
with it, so that a crash between a command and the triggers it caused loses none of them. Both come
after everything that a batch may undo, so only the amend and the lock are noted (`undoing.py`).
"""

import msgspec

from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.waiting import set_due, trigger_of, unset_due
from exchange.transitions import undoing
from exchange.transitions.marks import touch_order, touch_public
from exchange.transitions.order_transitions import set_expiry, unlock, unset_expiry
from exchange.transitions.waiting_index import join_waiting, leave_waiting, waiting_in


def order_triggered(state: State, event: OrderTriggered) -> None:
    """Let an order wait no longer: it comes to the back of its level, or is about to take."""
    order = state.orders[event.order_id]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    leave_waiting(state, market, order)
    order.place = state.next_place
    state.moved += 1
    order.trigger(event.unlocked)
    if event.unlocked:
        unlock(state, account, order, event.unlocked)
    touch_order(state, account, order)
    if event.resting:
        market.book.own_side(order).add(order)
        touch_public(state, market)


def pending_amended(state: State, event: PendingAmended) -> None:
    """Give a pending order other terms."""
    order = state.orders[event.order_id]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    leave_waiting(state, market, order)
    unset_expiry(state, order)
    if state.undo is not None:
        undoing.note_order(state, order, account, market)
    order.amend(event.price, event.quantity, event.reserved, event.conditions)
    set_expiry(state, order)
    join_waiting(state, market, order)
    if event.reserved:
        unlock(state, account, order, -event.reserved)
    touch_order(state, account, order)


def lock_passed(state: State, event: LockPassed) -> None:
    """Set anew what one leg of a pair has locked."""
    order = state.orders[event.order_id]
    account = state.accounts[order.account_id]
    if state.undo is not None:
        undoing.note_order(state, order, account, state.markets[order.market_id])
    order.locked += event.reserved
    unlock(state, account, order, -event.reserved)
    touch_order(state, account, order)


def orders_reached(state: State, event: OrdersReached) -> None:
    """Put pending orders on the list of what is triggered next."""
    market = state.markets[event.market_id]
    waiting = waiting_in(market)
    for order_id in event.order_ids:
        order = waiting.orders[order_id]
        waiting.unwatch(order)
        _mark(state, order, due=True)
        set_due(state.due, order)


def orders_stood_down(state: State, event: OrdersStoodDown) -> None:
    """Let orders that were due wait again."""
    market: Market = state.markets[event.market_id]
    waiting = waiting_in(market)
    for order_id in event.order_ids:
        order = waiting.orders[order_id]
        unset_due(state.due, order)
        _mark(state, order, due=False)
        waiting.watch(order)


def _mark(state: State, order: Order, *, due: bool) -> None:
    order.conditions = msgspec.structs.replace(trigger_of(order), due=due)
    touch_order(state, state.accounts[order.account_id], order)
