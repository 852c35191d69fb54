"""Amending an open order: other terms for the same order, without a moment in which it isn't there.

    less quantity, or nothing new       keeps its place, takes nothing
    more quantity, a price, an expiry   goes to the back of its level, and may trade as a taker

It keeps its id, its fills and its flags (self-trade prevention, post-only). Everything that can
refuse is asked before the event, so a refusal changes nothing, the place included. Only what the
reservation grows by must be available.
"""

from typing import Final

import msgspec

from exchange.messages.commands import AmendOrder
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

_HALTED: Final = ExchangeMode.HALTED
_MODE_OPEN: Final = ExchangeMode.OPEN
_PENDING: Final = OrderStatus.PENDING


def amend(state: State, command: AmendOrder) -> list[Event]:
    """Run an AmendOrder and return its events, already applied."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    order = state.orders.get(command.order_id)
    if order is None:
        return [not_open_refusal(state, command.order_id)]
    if order.account_id != account.id:
        return [CommandRejected(Reason.NOT_ORDER_OWNER, "orderId", "the order is not yours")]
    market = state.markets[order.market_id]
    refusal = _terms_refusal(state, account, market, order, command)
    if refusal is not None:
        return [refusal]
    if order.status is _PENDING:
        return amend_pending(state, account, market, order, command)
    # Only orders with a limit are ever in a book, and these have both.
    held = order.price or 0, order.quantity or 0
    price, quantity = command.price or held[0], command.quantity or held[1]
    keeps_place = _keeps_place(order, command)
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
    if command.expires_at is not None and conditions is not None:
        conditions = msgspec.structs.replace(conditions, expires_at=command.expires_at)
    amended = OrderAmended(
        order.id,
        account.id,
        market.id,
        order.side,
        order.outcome,
        held[0],
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
    elif order.side is not BUY:
        net(state, market, (account.id,), events)
    return events


def _keeps_place(order: Order, command: AmendOrder) -> bool:
    return (
        command.price in (None, order.price)
        and command.expires_at in (None, order.expires_at)
        and (command.quantity is None or command.quantity <= (order.quantity or 0))
        and command.trigger_price in (None, _trigger_price(order))
    )


def _trigger_price(order: Order) -> int | None:
    return None if order.conditions is None else order.conditions.trigger_price


def _shape_problem(order: Order, command: AmendOrder) -> tuple[str, str] | None:
    """Return (field, what is wrong) if the order has nothing of that kind to be changed."""
    quantity = command.quantity
    if command.price is not None and order.price is None:
        return "price", "goes with an order that has a limit"
    if quantity is not None and order.quantity is None:
        return "quantity", "goes with an order by quantity"
    if quantity is not None and quantity <= order.filled:
        return "quantity", f"must be more than the {format_quantity(order.filled)} filled"
    if command.expires_at is not None and order.time_in_force is not GTD:
        return "expiresAt", "goes with timeInForce GTD only"
    if command.trigger_price is not None and order.status is not _PENDING:
        return "triggerPrice", "goes with an order that waits for a price"
    return None


def _terms_refusal(
    state: State, account: Account, market: Market, order: Order, command: AmendOrder
) -> CommandRejected | None:
    """Ask bands 3 and 4; what is taken where only cancels are is less of the same."""
    less = command.quantity is not None and command.quantity < (order.quantity or 0)
    if less and _keeps_place(order, command):
        if state.mode is _HALTED or market.status not in ADMITS_CANCEL:
            return uncancellable_refusal(state, market)
    elif state.mode is not _MODE_OPEN or market.status is not OPEN:
        waits = order.status is _PENDING
        closed = closed_refusal(state, market, order.conditions, waits=waits)
        if closed is not None:
            return closed
    problem = amend_problem(command) or _shape_problem(order, command)
    quantity = command.quantity
    if problem is not None:
        return CommandRejected(Reason.INVALID_ORDER, *problem)
    entered = None if quantity == order.quantity else quantity
    refusal = grid_refusal(market, order.side, command.price, entered)
    if refusal is None:
        refusal = trigger_refusal(market, order.side, command.trigger_price)
    if refusal is None and not _keeps_place(order, command):
        refusal = _limits_refusal(account, market, order, command)
    if refusal is None and command.expires_at is not None:
        refusal = expiry_refusal(state, command.expires_at)
    if refusal is None and command.expected_version not in (None, order.version):
        message = f"is {order.version}: the order was amended since"
        refusal = CommandRejected(Reason.VERSION_CHANGED, "expectedVersion", message)
    return refusal


def _limits_refusal(
    account: Account, market: Market, order: Order, command: AmendOrder
) -> CommandRejected | None:
    if market.limits is None and account.limits is None:
        return None
    price, quantity = command.price or order.price, command.quantity or order.quantity
    side, outcome, terms = order.side, order.outcome, order.conditions
    return limits_refusal(
        account, market, side, outcome, price, quantity, order.max_cost, terms, order
    )


def _need(market: Market, order: Order, price: int, quantity: int, *, taking: bool) -> int:
    """Return what the order must have locked once it is amended."""
    remaining = quantity - order.filled
    if order.side is not BUY:
        return remaining
    rate = taking_rate(market) if taking else market.maker_fee
    return reservation(market, rate, price, remaining, order.fee_carry)
