"""Ending an open order before it is filled, for whatever reason: the one place that makes
OrderCancelled.
"""

from exchange.messages.events import Event, OrderCancelled
from exchange.messages.terms import CancelReason
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.transitions import order_transitions


def end_order(state: State, order: Order, reason: CancelReason, events: list[Event]) -> None:
    """Cancel an open order and free all it has locked; applies and appends OrderCancelled."""
    event = OrderCancelled(
        order.id, order.account_id, order.market_id, order.side, reason, order.locked
    )
    events.append(event)
    order_transitions.order_cancelled(state, event)
