"""Judging an order by the limits of its market and its account (RULEBOOK 16), before it trades.

    price       within the band (`band`)
    quantity    of the order, of an amended one in all
    notional    its maxCost, else price x quantity; without a price its worst price, else 1 credit
    position    shares held of its outcome + what open BUYs want of it + what this one wants
    open orders those of the account in the market

Pairs that netting will take aren't held. Of two orders of which one cancels the other only the
larger counts. What only reduces is never refused for the position: a SELL, a reduce-only order.
Of an order by cost nobody knows the quantity: its walk stops where the position is full.
"""

from typing import Final

from exchange.messages.bounds import OPEN_ORDERS_PER_ACCOUNT, PRICE_SCALE
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.limits import limit_of
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, OrderStatus, Outcome, Side
from exchange.messages.units import format_money, format_quantity
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.rules.limits.band import band_refusal

_PENDING: Final = OrderStatus.PENDING


def limits_refusal(
    account: Account,
    market: Market,
    side: Side,
    outcome: Outcome,
    price: int | None,
    quantity: int | None,
    max_cost: int | None,
    conditions: OrderConditions | None,
    order: Order | None = None,
    *,
    triggered: bool = False,
) -> CommandRejected | None:
    """Return which limit refuses an order of these terms; None if none does.

    `order` is the one that is there already and is to become this, by an amend or at its trigger.
    """
    if price is not None and market.limits is not None and market.limits.price_band is not None:
        waits = conditions is not None and conditions.trigger_price is not None
        if not waits or (order is not None and (triggered or order.status is not _PENDING)):
            refusal = band_refusal(market, side, outcome, price)
            if refusal is not None:
                return refusal
    most = limit_of(account.limits, market.limits, "order_quantity")
    if most is not None and quantity is not None and quantity > most:
        is_, may_be = format_quantity(quantity), format_quantity(most)
        message = f"is {is_}, an order may be for {may_be} at most"
        return CommandRejected(Reason.ORDER_TOO_LARGE, "quantity", message)
    most = limit_of(account.limits, market.limits, "order_notional")
    if most is not None:
        refusal = _notional_refusal(most, price, quantity, max_cost, conditions)
        if refusal is not None:
            return refusal
    reduces = side is not BUY or (conditions is not None and conditions.reduce_only)
    most = None if reduces else limit_of(account.limits, market.limits, "position")
    if most is None:
        return None
    filled = 0 if order is None else order.filled
    return _position_refusal(most, exposure(account, market, outcome, order), quantity, filled)


def position_cap(
    account: Account, market: Market, outcome: Outcome, order: Order | None = None
) -> int | None:
    """Return how much a BUY by cost may trade; None if nothing limits the position."""
    most = limit_of(account.limits, market.limits, "position")
    return None if most is None else most - exposure(account, market, outcome, order)


def open_orders_refusal(account: Account, market: Market, more: int) -> CommandRejected | None:
    """Refuse so many orders more than may be open, in all markets or in this one."""
    if len(account.orders) + more > OPEN_ORDERS_PER_ACCOUNT:
        message = f"the account has {OPEN_ORDERS_PER_ACCOUNT} open orders, the most it may have"
        return CommandRejected(Reason.TOO_MANY_OPEN_ORDERS, "", message)
    # Asked first, as nearly nobody is limited: every order comes by here.
    if account.limits is None and market.limits is None:
        return None
    most = limit_of(account.limits, market.limits, "open_orders")
    if most is None:
        return None
    there = len(account.orders_in(market.id))
    if there + more <= most:
        return None
    message = f"the account has {there} open orders in the market and may have {most} at most"
    return CommandRejected(Reason.TOO_MANY_OPEN_ORDERS, "", message)


def exposure(account: Account, market: Market, outcome: Outcome, order: Order | None = None) -> int:
    """Return the shares that the account holds and wants of an outcome, `order` and the one it
    cancels apart.  O(the account's open orders there).
    """
    held = 0
    position = market.positions.get(account.id)
    if position is not None:
        pairs = min(position.yes.free, position.no.free)
        held = position.holding(outcome).quantity - pairs
    orders = account.orders
    apart = () if order is None else (order.id, order.partner)
    for other in account.orders_in(market.id):
        if other.side is BUY and other.outcome is outcome and other.id not in apart:
            wanted, partner = other.remaining, other.partner
            if partner is not None and partner in orders:
                wanted = max(wanted, orders[partner].remaining) if other.id < partner else 0
            held += wanted
    return held


def _notional_refusal(
    most: int,
    price: int | None,
    quantity: int | None,
    max_cost: int | None,
    conditions: OrderConditions | None,
) -> CommandRejected | None:
    field, notional = "maxCost", max_cost
    if notional is None:
        if price is None and conditions is not None:
            price = conditions.worst_price
        field, notional = "quantity", (price or PRICE_SCALE) * (quantity or 0)
    if notional <= most:
        return None
    message = f"comes to {format_money(notional)}, an order may come to {format_money(most)}"
    return CommandRejected(Reason.ORDER_TOO_LARGE, field, f"{message} at most")


def _position_refusal(
    most: int, there: int, quantity: int | None, filled: int
) -> CommandRejected | None:
    """Refuse what `there` is no room for beside: the quantity, of one by cost any."""
    field, more = ("maxCost", 1) if quantity is None else ("quantity", quantity - filled)
    if there + more <= most:
        return None
    have, wants = format_quantity(there), "" if quantity is None else format_quantity(more)
    message = f"{have} held or wanted already, with {wants or 'more'} it would be more than the"
    return CommandRejected(
        Reason.POSITION_LIMIT, field, f"{message} {format_quantity(most)} allowed"
    )
