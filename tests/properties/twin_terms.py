"""Which terms of an order contradict each other, as the twin has it (RULEBOOK 6)."""

from exchange.messages.terms import OrderType, Side, TimeInForce
from tests.properties.twin_records import TwinOrder


def wrong_terms(order: TwinOrder) -> str | None:
    """Return the field that makes an order's terms contradict each other."""
    limit = order.type is OrderType.LIMIT
    if limit is (order.price is None):
        return "price"
    if order.price is not None and not 1 <= order.price <= 9_999:
        return "price"
    if not limit and order.may_rest:
        return "timeInForce"
    if order.max_cost is not None:
        fits = (
            not limit
            and order.side is Side.BUY
            and order.quantity is None
            and order.time_in_force is not TimeInForce.FOK
            and order.max_cost >= 1
        )
        if not fits:
            return "maxCost"
    elif order.quantity is None or not 1 <= order.quantity <= 10**10:
        return "quantity"
    if (order.time_in_force is TimeInForce.GTD) is (order.expires_at is None):
        return "expiresAt"
    if order.expires_at is not None and not 0 < order.expires_at <= 253_402_300_799_999_999:
        return "expiresAt"
    if order.post_only and not (limit and order.may_rest):
        return "postOnly"
    worst = order.worst_price
    if worst is not None and (limit or not 1 <= worst <= 9_999):
        return "worstPrice"
    return "reduceOnly" if order.reduce_only and order.may_rest else None
