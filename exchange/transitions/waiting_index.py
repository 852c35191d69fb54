"""Keeping the lists of orders that wait for a price: who is in them is what the orders themselves
say (their status, their trigger, whether they are due), so recovery makes them by the same code.
What a batch may take back is noted here (`undoing.py`).
"""

import msgspec

from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.waiting import Waiting, set_due, trigger_of, unset_due


def join_waiting(state: State, market: Market, order: Order) -> None:
    """Add a pending order: from here on a price reaches it, or it is due already."""
    waiting = market.waiting
    if waiting is None:
        waiting = market.waiting = Waiting()
        if market.published == state.seq:
            # What changed the prices in this command didn't know that somebody would ask.
            state.stirred.append(market)
    waiting.orders[order.id] = order
    if trigger_of(order).due:
        set_due(state.due, order)
    else:
        waiting.watch(order)
    if state.undo is not None:
        state.undo.append((leave_waiting, (state, market, order)))


def leave_waiting(state: State, market: Market, order: Order) -> None:
    """Take out an order that is pending no longer."""
    if state.undo is not None:
        state.undo.append((join_waiting, (state, market, order)))
    waiting = waiting_in(market)
    del waiting.orders[order.id]
    if trigger_of(order).due:
        unset_due(state.due, order)
    else:
        waiting.unwatch(order)
    if not waiting.orders:
        market.waiting = None


def forget_due(order: Order) -> None:
    """Let an order that ends while it waits be no longer due: only what was triggered stays marked,
    so that nobody takes the other one for an order that was in the book.
    """
    terms = trigger_of(order)
    if terms.due:
        order.conditions = msgspec.structs.replace(terms, due=False)


def waiting_in(market: Market) -> Waiting:
    """Return the market's orders that wait; raises KeyError if there are none."""
    if market.waiting is None:
        raise KeyError(f"no order waits in market {market.id}")
    return market.waiting
