"""Triggering a pending order that was reached: it becomes what it was placed to become, keeping its
id, and takes part like a new order at that moment (RULEBOOK 14).

It brings its means: what it has locked is all that it may spend, and available cash isn't touched.
What refuses a new order refuses it too; then it ends with the refusal's name, and all it had locked
is free in the same command.
"""

from typing import Final

from exchange.messages.commands import TriggerOrder
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, FOK, GTC, GTD, CancelReason, OrderStatus
from exchange.messages.waiting_events import OrderTriggered
from exchange.model.market import Market
from exchange.model.order_book import Order, own_price
from exchange.model.state import State
from exchange.model.waiting import trigger_of
from exchange.rules.ending import end_order, end_partner
from exchange.rules.escrow import needed, reservation
from exchange.rules.netting import net
from exchange.rules.placing import liquidity_refusal, take
from exchange.transitions import waiting_transitions

_PENDING: Final = OrderStatus.PENDING


def trigger(state: State, command: TriggerOrder) -> list[Event]:
    """Run a TriggerOrder and return its events, already applied."""
    order = state.orders.get(command.order_id)
    if order is None:
        return [CommandRejected(Reason.ORDER_NOT_OPEN, "orderId", "the order is no longer open")]
    if order.status is not _PENDING or not trigger_of(order).due:
        return [CommandRejected(Reason.INVALID_ORDER, "orderId", "the order isn't due")]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    events: list[Event] = []
    facing = market.book.asks if order.is_bid else market.book.bids
    worst = order.price if order.price is not None else trigger_of(order).worst_price
    limit = None if worst is None else facing.sign * own_price(order.outcome, worst)
    best = facing.best
    taking = best is not None and (limit is None or best.key <= limit)
    refusal = None
    # A MARKET BUY by quantity has locked enough for its worst price: means are not asked again.
    paid = order.price is None and order.side is BUY and order.max_cost is None
    if (taking or order.time_in_force is FOK) and not paid:
        refusal = liquidity_refusal(state, market, account, order, facing, limit, None)
    if refusal is not None:
        end_order(state, account, market, order, CancelReason[refusal.reason.name], events)
        net(state, market, (account.id,), events)
        return events
    end_partner(state, market, order, events)
    resting = not taking and (order.time_in_force is GTC or order.time_in_force is GTD)
    unlocked = _freed(market, order, resting=resting)
    budget = unlocked if order.price is None and order.side is BUY else None
    triggered = OrderTriggered(order.id, account.id, market.id, order.side, unlocked, resting)
    events.append(triggered)
    waiting_transitions.order_triggered(state, triggered)
    if resting:
        net(state, market, (account.id,), events)
    else:
        take(state, account, market, order, limit, events, budget=budget)
    return events


def _freed(market: Market, order: Order, *, resting: bool) -> int:
    """Return what comes free as the order is triggered: of a BUY without a limit all, since it pays
    as it goes; of one that rests what the higher rate was kept for.
    """
    if order.side is not BUY:
        return 0
    if order.price is None:
        return order.locked
    if not resting:
        return order.locked - needed(market, order)
    return order.locked - reservation(
        market, market.maker_fee, order.price, order.remaining, order.fee_carry
    )
