"""Triggering a pending order that was reached: it becomes what it was placed to become, keeping its
id, and takes part like a new order at that moment (RULEBOOK 14).

It brings its means: what it has locked is all that it may spend, and available cash isn't touched.
Only a BUY that is to reduce only has locked nothing: how much it may buy is found out now, and it
pays of what is available, like a new one.
What refuses a new order refuses it too; then it ends with the refusal's name, and all it had locked
is free in the same command.
"""

from typing import Final

from exchange.messages.commands import TriggerOrder
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, FOK, GTC, GTD, CancelReason, OrderStatus
from exchange.messages.waiting_events import OrderTriggered
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order, own_price
from exchange.model.state import State
from exchange.model.waiting import trigger_of
from exchange.rules.ending import end_order, end_partner
from exchange.rules.escrow import needed, reservation
from exchange.rules.limits.band import narrowed
from exchange.rules.limits.judging import limits_refusal, position_cap
from exchange.rules.liquidity import liquidity_refusal
from exchange.rules.netting import net
from exchange.rules.placing import buy_lock, take
from exchange.rules.reducing import reducible
from exchange.rules.waiting.pairs import open_partner
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
    if order.price is None and market.limits is not None:
        limit = narrowed(market, limit, is_bid=order.is_bid)
    best = facing.best
    taking = best is not None and (limit is None or best.key <= limit)
    held = available = _held(state, order)
    refusal, cap = _limits(account, market, order)
    lock, reduces = 0, trigger_of(order).reduce_only
    if refusal is None and reduces:
        available += account.available
        cap = _cap(market, order, held)
        lock, refusal = _to_lock(market, order, available, cap, taking=taking)
    if refusal is None and (taking or order.time_in_force is FOK or cap is not None):
        refusal = liquidity_refusal(state, market, order, facing, limit, cap, available)
    if refusal is not None:
        end_order(state, account, market, order, CancelReason[refusal.reason.name], events)
        net(state, market, (account.id,), events)
        return events
    end_partner(state, market, order, events)
    resting = not taking and (order.time_in_force is GTC or order.time_in_force is GTD)
    unlocked = _freed(market, order, resting=resting) - lock
    pays_of_lock = order.price is None and order.side is BUY and not reduces
    triggered = OrderTriggered(order.id, account.id, market.id, order.side, unlocked, resting)
    events.append(triggered)
    waiting_transitions.order_triggered(state, triggered)
    if resting:
        net(state, market, (account.id,), events)
    else:
        budget = unlocked if pays_of_lock else None
        take(state, account, market, order, limit, events, cap, budget)
    return events


def _held(state: State, order: Order) -> int:
    """Return what the order has locked, and its partner, which ends before it trades."""
    partner = open_partner(state, order)
    return order.locked if partner is None else order.locked + partner.locked


def _cap(market: Market, order: Order, held: int) -> int:
    """Return how much an order trades at most that is to reduce only."""
    shares = 0 if order.side is BUY else held
    return reducible(market, order.account_id, order.side, order.outcome, shares)


def _to_lock(
    market: Market, order: Order, available: int, cap: int, *, taking: bool
) -> tuple[int, CommandRejected | None]:
    """Return what an order must lock now that is to reduce only, and the refusal if that isn't
    available: a BUY has locked nothing before.
    """
    if order.side is not BUY:
        return 0, None
    wanted = None if order.quantity is None else min(order.quantity, cap)
    return buy_lock(market, available, order.price, wanted, order.max_cost, taking=taking)


def _limits(
    account: Account, market: Market, order: Order
) -> tuple[CommandRejected | None, int | None]:
    """Return which limit refuses the order now, and how much of one by cost may trade."""
    if market.limits is None and account.limits is None:
        return None, None
    side, outcome, quantity, cost = order.side, order.outcome, order.quantity, order.max_cost
    refusal = limits_refusal(
        account,
        market,
        side,
        outcome,
        order.price,
        quantity,
        cost,
        order.conditions,
        order,
        triggered=True,
    )
    by_cost = order.side is BUY and cost is not None
    return refusal, position_cap(account, market, outcome, order) if by_cost else None


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
