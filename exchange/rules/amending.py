"""Amending an open order: other terms for the same order, without a moment in which it isn't there.

    less quantity, or nothing new       keeps its place, takes nothing
    more quantity, a price, an expiry   goes to the back of its level, and may trade as a taker

It keeps its id, its fills and its flags (self-trade prevention, post-only). Everything that can
refuse is asked before the event, so a refusal changes nothing, the place included. Only what the
reservation grows by must be available.
"""

from typing import Final

import msgspec
from msgspec.structs import astuple

from exchange.messages.commands import AmendOrder, AmendOrderFields
from exchange.messages.events import CommandRejected, Event, OrderAmended
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, GTD, ExchangeMode, OrderStatus
from exchange.messages.units import format_quantity
from exchange.model.accounts import Account
from exchange.model.market import ADMITS_CANCEL, OPEN, Market
from exchange.model.order_book import Order, own_price
from exchange.model.state import State
from exchange.rules.cancelling import not_open_refusal, uncancellable_refusal
from exchange.rules.escrow import reservation, taking_rate
from exchange.rules.limits.judging import limits_refusal
from exchange.rules.liquidity import would_cross_refusal
from exchange.rules.means import means_refusal
from exchange.rules.netting import net
from exchange.rules.order_terms import (
    amend_problem,
    closed_refusal,
    expiry_refusal,
    grid_refusal,
    trigger_refusal,
)
from exchange.rules.placing import take
from exchange.rules.waiting.entering import amend_pending
from exchange.rules.waiting.pairs import lock_change, pass_lock
from exchange.transitions import order_transitions

# Compiled code finds a `Final` of its own module at once, another module's name in a dict.
_astuple: Final = astuple
_OrderAmended: Final = OrderAmended
_BUY: Final = BUY
_OPEN: Final = OPEN
_ADMITS_CANCEL: Final = ADMITS_CANCEL
_HALTED: Final = ExchangeMode.HALTED
_MODE_OPEN: Final = ExchangeMode.OPEN
_PENDING: Final = OrderStatus.PENDING


def amend(state: State, command: AmendOrder) -> list[Event]:
    """Run an AmendOrder and return its events, already applied."""
    fields: AmendOrderFields = _astuple(command)
    account_id, order_id, new_price, new_quantity, expires_at, _version, _trigger_price = fields
    account = state.accounts.get(account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    order = state.orders.get(order_id)
    if order is None:
        return [not_open_refusal(state, order_id)]
    if order.account_id != account.id:
        return [CommandRejected(Reason.NOT_ORDER_OWNER, "orderId", "the order is not yours")]
    market = state.markets[order.market_id]
    keeps_place = _keeps_place(order, fields)
    refusal = _terms_refusal(state, account, market, order, fields, keeps_place=keeps_place)
    if refusal is not None:
        return [refusal]
    if order.status is _PENDING:
        return amend_pending(state, account, market, order, command)
    # Only orders with a limit are ever in a book, and these have both.
    held_price, held_quantity = order.price or 0, order.quantity or 0
    price, quantity = new_price or held_price, new_quantity or held_quantity
    facing = market.book.asks if order.is_bid else market.book.bids
    limit = facing.sign * own_price(order.outcome, price)
    best = facing.best
    taking = not keeps_place and best is not None and best.key <= limit
    need = _need(market, order, price, quantity, taking=taking)
    carrier, more = lock_change(state, market, order, need)
    refusal = means_refusal(market, account, order, more, " more")
    conditions = order.conditions
    if refusal is None and taking and conditions is not None and conditions.post_only:
        refusal = would_cross_refusal()
    if refusal is not None:
        return [refusal]
    if expires_at is not None and conditions is not None:
        conditions = msgspec.structs.replace(conditions, expires_at=expires_at)
    amended = _OrderAmended(
        order.key,
        account.key,
        market.key,
        order.side,
        order.outcome,
        held_price,
        price,
        quantity,
        more if carrier is order else 0,
        keeps_place,
        not taking,
        conditions,
    )
    events: list[Event] = [amended]
    order_transitions.amend_order(state, amended, account, market, order)
    if carrier is not order:
        pass_lock(state, carrier, more, events)
    if taking:
        take(state, account, market, order, limit, events)
    elif order.side is not _BUY:
        net(state, market, (account.id,), events)
    return events


def _keeps_place(order: Order, fields: AmendOrderFields) -> bool:
    _account_id, _order_id, price, quantity, expires_at, _version, trigger_price = fields
    return (
        (price is None or price == order.price)
        and (expires_at is None or expires_at == order.expires_at)
        and (quantity is None or quantity <= (order.quantity or 0))
        and (trigger_price is None or trigger_price == _trigger_price(order))
    )


def _trigger_price(order: Order) -> int | None:
    return None if order.conditions is None else order.conditions.trigger_price


def _shape_problem(order: Order, fields: AmendOrderFields) -> tuple[str, str] | None:
    """Return (field, what is wrong) if the order has nothing of that kind to be changed."""
    _account_id, _order_id, price, quantity, expires_at, _version, trigger_price = fields
    if price is not None and order.price is None:
        return "price", "goes with an order that has a limit"
    if quantity is not None and order.quantity is None:
        return "quantity", "goes with an order by quantity"
    if quantity is not None and quantity <= order.filled:
        return "quantity", f"must be more than the {format_quantity(order.filled)} filled"
    if expires_at is not None and order.time_in_force is not GTD:
        return "expiresAt", "goes with timeInForce GTD only"
    if trigger_price is not None and order.status is not _PENDING:
        return "triggerPrice", "goes with an order that waits for a price"
    return None


def _terms_refusal(
    state: State,
    account: Account,
    market: Market,
    order: Order,
    fields: AmendOrderFields,
    *,
    keeps_place: bool,
) -> CommandRejected | None:
    """Ask bands 3 and 4; what is taken where only cancels are is less of the same."""
    _account_id, _order_id, price, quantity, expires_at, version, trigger_price = fields
    if keeps_place and quantity is not None and quantity < (order.quantity or 0):
        if state.mode is _HALTED or market.status not in _ADMITS_CANCEL:
            return uncancellable_refusal(state, market)
    elif state.mode is not _MODE_OPEN or market.status is not _OPEN:
        waits = order.status is _PENDING
        closed = closed_refusal(state, market, order.conditions, waits=waits)
        if closed is not None:
            return closed
    problem = amend_problem(price, quantity, expires_at, trigger_price)
    if problem is None:
        problem = _shape_problem(order, fields)
    if problem is not None:
        return CommandRejected(Reason.INVALID_ORDER, *problem)
    entered = None if quantity == order.quantity else quantity
    refusal = grid_refusal(market, order.side, price, entered)
    if refusal is None:
        refusal = trigger_refusal(market, order.side, trigger_price)
    if refusal is None and not keeps_place:
        refusal = _limits_refusal(account, market, order, price, quantity)
    if refusal is None and expires_at is not None:
        refusal = expiry_refusal(state, expires_at)
    if refusal is None and version is not None and version != order.version:
        message = f"is {order.version}: the order was amended since"
        refusal = CommandRejected(Reason.VERSION_CHANGED, "expectedVersion", message)
    return refusal


def _limits_refusal(
    account: Account, market: Market, order: Order, price: int | None, quantity: int | None
) -> CommandRejected | None:
    if market.limits is None and account.limits is None:
        return None
    price, quantity = price or order.price, quantity or order.quantity
    side, outcome, terms = order.side, order.outcome, order.conditions
    return limits_refusal(
        account, market, side, outcome, price, quantity, order.max_cost, terms, order
    )


def _need(market: Market, order: Order, price: int, quantity: int, *, taking: bool) -> int:
    """Return what the order must have locked once it is amended."""
    remaining = quantity - order.filled
    if order.side is not _BUY:
        return remaining
    rate = taking_rate(market) if taking else market.maker_fee
    return reservation(market, rate, price, remaining, order.fee_carry)
