"""The order of a cancel that the view had not seen when it was sent, for REST and Socket.IO."""

from exchange.messages.reasons import Reason
from exchange.model.order_book import Order
from gateway.engine_side.ports import History
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.errors import UnknownOutcome
from persistence.postgres.database import OUTAGES


async def cancelled_order(history: History, order_id: int) -> Order:
    """Return the order from the store; its cancel is committed, so the store has it by now.

    Raises:
        UnknownOutcome: the store is away, which must not be told as "nothing happened".
        EngineRefused: there is no such order.
    """
    try:
        order = await history.order(order_id)
    except OUTAGES as outage:
        raise UnknownOutcome from outage
    if order is None:
        raise no_such_order()
    return order


def no_such_order(field: str = "orderId") -> EngineRefused:
    """Return the refusal that names the field which names no order."""
    return EngineRefused(Reason.ORDER_NOT_FOUND, "there is no such order", field)
