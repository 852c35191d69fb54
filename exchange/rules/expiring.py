"""Ending a GTD order when its time has come: in every mode of the exchange and every status of its
market, since its owner was promised that it trades no longer.

The engine runs what is due at t before it stamps anything else with t, so an order that expires at
t has expired at t.
"""

from exchange.messages.commands import ExpireOrder
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, CancelReason
from exchange.model.state import State
from exchange.rules.ending import end_order
from exchange.rules.netting import net


def expire(state: State, command: ExpireOrder) -> list[Event]:
    """Run the expiry of an order and return its events, already applied."""
    order = state.orders.get(command.order_id)
    if order is None:
        return [CommandRejected(Reason.ORDER_NOT_OPEN, "orderId", "the order is no longer open")]
    expires_at = order.expires_at
    if expires_at is None or expires_at > state.now:
        return [CommandRejected(Reason.INVALID_ORDER, "orderId", "the order isn't due to expire")]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    events: list[Event] = []
    end_order(state, account, market, order, CancelReason.EXPIRED, events)
    if order.side is not BUY:
        net(state, market, (order.account_id,), events)
    return events
