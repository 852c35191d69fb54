"""Which terms of an order contradict each other, as the twin reads RULEBOOK 6 and 14."""

from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.reasons import Reason
from exchange.messages.terms import Side, TimeInForce, TriggerBy
from tests.properties.twin_records import TwinMarket, TwinOrder


def wrong_terms(order: TwinOrder) -> str | None:  # noqa: C901 - a list of what can be wrong
    """Return the field that makes an order's terms contradict each other."""
    limit = order.has_limit
    in_range = order.price is None or 1 <= order.price <= 9_999
    if limit is (order.price is None) or not in_range:
        return "price"
    if not limit and order.may_rest:
        return "timeInForce"
    if not limit and order.waits_by_kind and order.time_in_force is TimeInForce.FOK:
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
    nameless = is_system(order) and order.client_order_id is None
    noted = order.conditions and (order.conditions.due or order.conditions.partner is not None)
    if nameless or noted:
        return ""
    if order.post_only and not (limit and order.may_rest):
        return "postOnly"
    worst = order.worst_price
    if worst is not None and (limit or not 1 <= worst <= 9_999):
        return "worstPrice"
    resting_reducer = "reduceOnly" if order.reduce_only and order.may_rest else None
    if order.waits_by_kind:
        return resting_reducer or wrong_trigger(order)
    return wrong_trigger(order) or resting_reducer


def wrong_trigger(order: TwinOrder) -> str | None:
    """Return the field that makes what an order waits for contradict its other terms."""
    terms = order.conditions or OrderConditions()
    if not order.waits_by_kind:
        if terms.trigger_price is not None:
            return "triggerPrice"
        return "triggerBy" if terms.trigger_by is not TriggerBy.LAST else None
    unbounded = terms.worst_price is None and order.max_cost is None and not order.has_limit
    if order.buys and unbounded:
        return "worstPrice"
    if terms.trigger_price is None or not 1 <= terms.trigger_price <= 9_999:
        return "triggerPrice"
    return None


def wrong_here(order: TwinOrder, market: TwinMarket) -> tuple[Reason, str] | None:
    """Return what makes an order's terms wrong by themselves, or in this market."""
    wrong = wrong_terms(order)
    if wrong is not None:
        return Reason.INVALID_ORDER, wrong
    if order.price is not None and order.price % market.tick_size != 0:
        return Reason.OFF_TICK, "price"
    if order.worst_price is not None and order.worst_price % market.tick_size != 0:
        return Reason.OFF_TICK, "worstPrice"
    if order.trigger_price is not None and order.trigger_price % market.tick_size != 0:
        return Reason.OFF_TICK, "triggerPrice"
    if order.quantity is not None and order.quantity < market.min_quantity:
        return Reason.BELOW_MIN_QUANTITY, "quantity"
    return None


def is_system(order: TwinOrder | PlaceOrder) -> bool:
    """Return whether an order's id is one of the exchange's own code."""
    return order.conditions is not None and order.conditions.system
