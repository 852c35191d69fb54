"""What an order may say, and when orders are taken at all: the checks of bands 3 and 4.

    mode, life -> terms by themselves -> tick, minimum -> limits before the trade -> expiry

`terms_problem` needs no state, so the edge asks it before it sends a command; the engine asks
again. Where several terms are wrong, the first in the order of the checks is named.
"""

from typing import Final

from msgspec.structs import replace

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, QUANTITY_MAX, TIME_MAX
from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    GTD,
    LIMIT,
    MARKET,
    STOP_LIMIT,
    TAKE_PROFIT,
    ExchangeMode,
    OrderType,
    Outcome,
    Side,
    TimeInForce,
    TriggerBy,
)
from exchange.messages.units import format_price, format_quantity
from exchange.model.accounts import Account
from exchange.model.market import OPEN, POST_ONLY, Market
from exchange.model.state import State
from exchange.rules.limits.judging import limits_refusal

# Compiled code finds a `Final` of its own module at once, another module's name in a dict.
_BUY: Final = BUY
_FOK: Final = FOK
_GTC: Final = GTC
_GTD: Final = GTD
_LIMIT: Final = LIMIT
_MARKET: Final = MARKET
_OPEN: Final = OPEN
_LAST: Final = TriggerBy.LAST
_MODE_OPEN: Final = ExchangeMode.OPEN
_MODE_POST_ONLY: Final = ExchangeMode.POST_ONLY
_MODE_REFUSALS: Final = {
    ExchangeMode.POST_ONLY: Reason.EXCHANGE_POST_ONLY,
    ExchangeMode.CANCEL_ONLY: Reason.EXCHANGE_CANCEL_ONLY,
    ExchangeMode.HALTED: Reason.EXCHANGE_HALTED,
}


def closed_refusal(
    state: State, market: Market, conditions: OrderConditions | None, *, waits: bool
) -> CommandRejected | None:
    """Return why the mode or the market's life admits no order of this kind; None if they do.

    For whoever has seen that the mode or the market isn't simply open. `waits`: for a price, so
    that it wouldn't rest.
    """
    passive = conditions is not None and conditions.post_only and not waits
    if state.mode is not _MODE_OPEN and not (passive and state.mode is _MODE_POST_ONLY):
        message = f"the exchange is {state.mode.value}"
        return CommandRejected(_MODE_REFUSALS[state.mode], "", message)
    if market.status is _OPEN or (passive and market.status is POST_ONLY):
        return None
    message = f"the market is {market.status.value}"
    post_only = market.status is POST_ONLY
    reason = Reason.MARKET_POST_ONLY if post_only else Reason.MARKET_NOT_OPEN
    return CommandRejected(reason, "market", message)


def terms_problem(command: PlaceOrder) -> tuple[str, str] | None:
    """Return (field, what is wrong) if the order's terms contradict each other whatever the market
    is.

    The edge asks before it sends a command, the engine asks again.
    """
    command = without_system_id(command)
    problem = _terms_problem(
        command.side,
        command.type,
        command.price,
        command.quantity,
        command.time_in_force,
        command.max_cost,
    )
    if problem is None:
        problem = _conditions_problem(
            command.type, command.price, command.time_in_force, command.conditions
        )
    if problem is None and command.type is not _LIMIT and command.type is not _MARKET:
        problem = waiting_problem(
            command.side,
            command.type,
            command.price,
            command.quantity,
            command.conditions,
        )
    return problem


def without_system_id(command: PlaceOrder) -> PlaceOrder:
    """Return the order that a command places, less its system id if it has one.

    A mark without an id stays, and is refused with the terms.
    """
    conditions = command.conditions
    if conditions is None or not conditions.system or command.client_order_id is None:
        return command
    return replace(command, client_order_id=None, conditions=conditions.of_order())


def amend_problem(
    price: int | None, quantity: int | None, expires_at: int | None, trigger: int | None
) -> tuple[str, str] | None:
    """Return (field, what is wrong) if an amend can't be, whatever the order and the market are."""
    if price is None and quantity is None and expires_at is None and trigger is None:
        return "", "give at least one of price, quantity, expiresAt and triggerPrice"
    if price is not None and not PRICE_MIN <= price <= PRICE_MAX:
        return "price", "must lie between 0.0001 and 0.9999"
    if quantity is not None and not 1 <= quantity <= QUANTITY_MAX:
        return "quantity", "must be positive and at most 100000000.00"
    if expires_at is not None and not 0 < expires_at <= TIME_MAX:
        return "expiresAt", "is out of range"
    if trigger is not None and not PRICE_MIN <= trigger <= PRICE_MAX:
        return "triggerPrice", "must lie between 0.0001 and 0.9999"
    return None


def has_limit(kind: OrderType, price: int | None) -> bool:
    """Return whether an order of this kind, at once or when it is triggered, is a LIMIT order."""
    return kind is _LIMIT or kind is STOP_LIMIT or (kind is TAKE_PROFIT and price is not None)


def _terms_problem(
    side: Side,
    kind: OrderType,
    price: int | None,
    quantity: int | None,
    time_in_force: TimeInForce,
    max_cost: int | None,
) -> tuple[str, str] | None:
    if kind is _LIMIT or has_limit(kind, price):
        if price is None:
            return "price", f"is required for a {kind.value} order"
        if not PRICE_MIN <= price <= PRICE_MAX:
            return "price", "must lie between 0.0001 and 0.9999"
        if max_cost is not None:
            return "maxCost", "goes with a MARKET BUY only"
    else:
        if price is not None:
            return "price", "goes with a LIMIT order only"
        if time_in_force is _GTC or time_in_force is _GTD:
            return "timeInForce", "must be IOC or FOK for a MARKET order"
        if kind is not _MARKET and time_in_force is _FOK:
            return "timeInForce", "must be IOC for a MARKET order that waits for a price"
        if max_cost is not None:
            return _max_cost_problem(side, quantity, time_in_force, max_cost)
    if quantity is None:
        return "quantity", "is required"
    if not 1 <= quantity <= QUANTITY_MAX:
        return "quantity", "must be positive and at most 100000000.00"
    return None


def _max_cost_problem(
    side: Side, quantity: int | None, time_in_force: TimeInForce, max_cost: int
) -> tuple[str, str] | None:
    if side is not _BUY:
        return "maxCost", "goes with a MARKET BUY only"
    if quantity is not None:
        return "maxCost", "excludes quantity"
    if time_in_force is _FOK:
        return "maxCost", "excludes timeInForce FOK"
    if max_cost < 1:
        return "maxCost", "must be positive"
    return None


def entry_refusal(
    state: State,
    account: Account,
    market: Market,
    side: Side,
    outcome: Outcome,
    kind: OrderType,
    price: int | None,
    quantity: int | None,
    time_in_force: TimeInForce,
    max_cost: int | None,
    conditions: OrderConditions | None,
) -> CommandRejected | None:
    """Return why an order of these terms isn't taken here and now; None if it may be."""
    if state.mode is not _MODE_OPEN or market.status is not _OPEN:
        waits = conditions is not None and conditions.trigger_price is not None
        closed = closed_refusal(state, market, conditions, waits=waits)
        if closed is not None:
            return closed
    problem = _terms_problem(side, kind, price, quantity, time_in_force, max_cost)
    waits = kind is not _LIMIT and kind is not _MARKET
    if problem is None and (conditions is not None or time_in_force is _GTD):
        problem = _conditions_problem(kind, price, time_in_force, conditions)
    if problem is None and waits:
        problem = waiting_problem(side, kind, price, quantity, conditions)
    if problem is not None:
        return CommandRejected(Reason.INVALID_ORDER, *problem)
    if conditions is not None:
        refusal = _rare_prices_refusal(market, side, conditions)
        if refusal is not None:
            return refusal
    # Asked here as well, since nearly no order is off it: a call less for all others.
    if (price is not None and price % market.tick_size) or (
        quantity is not None and quantity < market.min_quantity
    ):
        return grid_refusal(market, side, price, quantity)
    if market.limits is not None or account.limits is not None:
        refusal = limits_refusal(
            account, market, side, outcome, price, quantity, max_cost, conditions
        )
        if refusal is not None:
            return refusal
    if conditions is not None and conditions.expires_at is not None:
        return expiry_refusal(state, conditions.expires_at)
    return None


def _rare_prices_refusal(
    market: Market, side: Side, conditions: OrderConditions
) -> CommandRejected | None:
    worst = conditions.worst_price
    if worst is not None and worst % market.tick_size:
        return off_tick_refusal(market, side, worst, "worstPrice")
    return trigger_refusal(market, side, conditions.trigger_price)


def grid_refusal(
    market: Market, side: Side, price: int | None, quantity: int | None
) -> CommandRejected | None:
    """Refuse a price that is off the market's tick, and a quantity below its minimum."""
    if price is not None and price % market.tick_size:
        return off_tick_refusal(market, side, price, "price")
    if quantity is not None and quantity < market.min_quantity:
        message = f"must be at least {format_quantity(market.min_quantity)}"
        return CommandRejected(Reason.BELOW_MIN_QUANTITY, "quantity", message)
    return None


def off_tick_refusal(market: Market, side: Side, price: int, field: str) -> CommandRejected:
    """Return the refusal of a price off the market's tick, with the nearest that is on it."""
    nearest = format_price(nearest_on_tick(price, market.tick_size, side))
    tick = format_price(market.tick_size)
    message = f"is off the tick of {tick}; the nearest valid price is {nearest}"
    return CommandRejected(Reason.OFF_TICK, field, message)


def expiry_refusal(state: State, expires_at: int) -> CommandRejected | None:
    """Refuse an expiry that doesn't lie after the command's time."""
    if expires_at > state.now:
        return None
    return CommandRejected(Reason.EXPIRY_PASSED, "expiresAt", "must lie in the future")


def trigger_refusal(
    market: Market, side: Side, trigger_price: int | None
) -> CommandRejected | None:
    """Refuse a trigger that is off the market's tick: no trade could be there."""
    if trigger_price is None or trigger_price % market.tick_size == 0:
        return None
    return off_tick_refusal(market, side, trigger_price, "triggerPrice")


def waiting_problem(
    side: Side,
    kind: OrderType,
    price: int | None,
    quantity: int | None,
    conditions: OrderConditions | None,
) -> tuple[str, str] | None:
    """Return (field, what is wrong) if an order of a kind that waits says too little to do so."""
    trigger = None if conditions is None else conditions.trigger_price
    worst = None if conditions is None else conditions.worst_price
    if side is _BUY and quantity is not None and worst is None and not has_limit(kind, price):
        return "worstPrice", "is required, or maxCost instead of quantity, to say what to set aside"
    if trigger is None:
        return "triggerPrice", f"is required for a {kind.value} order"
    if not PRICE_MIN <= trigger <= PRICE_MAX:
        return "triggerPrice", "must lie between 0.0001 and 0.9999"
    return None


def _conditions_problem(
    kind: OrderType,
    price: int | None,
    time_in_force: TimeInForce,
    conditions: OrderConditions | None,
) -> tuple[str, str] | None:
    expires_at = None if conditions is None else conditions.expires_at
    if time_in_force is _GTD and expires_at is None:
        return "expiresAt", "is required with timeInForce GTD"
    if conditions is None:
        return None
    if expires_at is not None:
        if time_in_force is not _GTD:
            return "expiresAt", "goes with timeInForce GTD only"
        if not 0 < expires_at <= TIME_MAX:
            return "expiresAt", "is out of range"
    if conditions.due or conditions.partner is not None or conditions.system:
        return "", "what the exchange notes of an order can't be sent"
    if conditions.post_only and (not has_limit(kind, price) or time_in_force not in (_GTC, _GTD)):
        return "postOnly", "goes with a LIMIT order that may rest (GTC or GTD) only"
    problem = _prices_problem(kind, price, conditions)
    if problem is None and conditions.reduce_only and time_in_force in (_GTC, _GTD):
        return "reduceOnly", "goes with an order that doesn't rest (IOC or FOK) only"
    return problem


def _prices_problem(
    kind: OrderType, price: int | None, conditions: OrderConditions
) -> tuple[str, str] | None:
    worst = conditions.worst_price
    if worst is not None:
        if has_limit(kind, price):
            return "worstPrice", "goes with a MARKET order only; a LIMIT order has its price"
        if not PRICE_MIN <= worst <= PRICE_MAX:
            return "worstPrice", "must lie between 0.0001 and 0.9999"
    if kind is _LIMIT or kind is _MARKET:
        if conditions.trigger_price is not None:
            return "triggerPrice", "goes with STOP, STOP_LIMIT and TAKE_PROFIT only"
        if conditions.trigger_by is not _LAST:
            return "triggerBy", "goes with STOP, STOP_LIMIT and TAKE_PROFIT only"
    return None


def nearest_on_tick(price: int, tick_size: int, side: Side) -> int:
    """Return the valid price next to `price`; halfway between two, the one that costs the sender
    less.
    """
    below = price - price % tick_size
    above = below + tick_size
    if above >= PRICE_SCALE:
        return below
    if below == 0:
        return above
    distance = (price - below) - (above - price)
    if distance == 0:
        return below if side is _BUY else above
    return below if distance < 0 else above
