"""Placing a pair of orders of which one cancels the other (OCO), in one command: both or none.

Both wait for a price, or one does and the other is a LIMIT that may rest. What waits is entered
before the LIMIT, which may trade at once and then ends its partner. What they lock is `pairs`.
"""

from typing import Final

import msgspec
from msgspec.structs import astuple

from exchange.messages.commands import PlaceOco, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import GTC, GTD, LIMIT, Standing
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order, own_price
from exchange.model.state import State
from exchange.rules.accounts.standing import standing_refusal
from exchange.rules.entries import entry_of
from exchange.rules.escrow import needed
from exchange.rules.groups.limits import lacks_group, no_group_refusal, triggered_refusal
from exchange.rules.limits.judging import open_orders_refusal
from exchange.rules.liquidity import would_cross_refusal
from exchange.rules.means import means_refusal
from exchange.rules.order_terms import entry_refusal, terms_problem
from exchange.rules.placing import take
from exchange.rules.waiting.entering import (
    reached_refusal,
)
from exchange.transitions import order_transitions

_astuple: Final = astuple
_ACTIVE: Final = Standing.ACTIVE
_NO_TERMS: Final = OrderConditions()


def pair_problem(first: PlaceOrder, second: PlaceOrder) -> tuple[str, str] | None:
    """Return (field, what is wrong) if these can't be a pair, whatever the market is.

    The edge asks before it sends a command, the engine asks again.
    """
    for number, leg in enumerate((first, second)):
        problem = terms_problem(leg)
        if problem is not None:
            field, message = problem
            return f"orders[{number}].{field}" if field else f"orders[{number}]", message
        if leg.client_order_id is not None:
            return f"orders[{number}].clientOrderId", "a pair has one requestId instead"
        rests = leg.type is LIMIT and leg.time_in_force in (GTC, GTD)
        if not (_waits(leg) or rests):
            message = "must wait for a price, or be a LIMIT order that may rest (GTC or GTD)"
            return f"orders[{number}].type", message
    for field in ("account_id", "market_id", "side", "outcome"):
        if getattr(first, field) != getattr(second, field):
            name = "market" if field.endswith("_id") else field
            return f"orders[1].{name}", "must be the same in both"
    if not (_waits(first) or _waits(second)):
        return "orders", "at least one must wait for a price"
    return None


def place_pair(state: State, command: PlaceOco) -> list[Event]:
    """Run a PlaceOco and return its events, already applied."""
    first, second = command.first, command.second
    account, market = state.accounts.get(command.account_id), state.markets.get(first.market_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if account.standing is not _ACTIVE:
        return [standing_refusal(account)]
    refusal = _group_refusal(state, command, entering=True)
    if refusal is None:
        refusal = _terms_refusal(state, account, market, command)
    if refusal is not None:
        return [refusal]
    swapped = not _waits(first)
    legs = (second, first) if swapped else (first, second)
    ids = state.next_order_id, state.next_order_id + 1
    terms = tuple(
        msgspec.structs.replace(leg.conditions or _NO_TERMS, partner=ids[1 - number])
        for number, leg in enumerate(legs)
    )
    orders = [
        Order(entry_of(_astuple(leg), id_, 0, term, resting=False), state.seq, state.now)
        for leg, id_, term in zip(legs, ids, terms, strict=True)
    ]
    limit, taking = _limit_of(market, orders[1])
    rests = not _waits(legs[1]) and not taking
    orders[1].resting = rests
    lock = max(needed(market, order) for order in orders)
    refusal = _means_and_book(market, account, orders, lock, taking=taking)
    if refusal is None:
        refusal = _group_refusal(state, command, entering=False)
    if refusal is not None:
        return [refusal]
    events: list[Event] = []
    for number, leg in enumerate(legs):
        locked, resting = (lock, False) if number == 0 else (0, rests)
        placed = entry_of(_astuple(leg), ids[number], locked, terms[number], resting=resting)
        events.append(placed)
        orders[number] = order_transitions.open_order(
            state, placed, account, market, resting=resting
        )
    if taking:
        take(state, account, market, orders[1], limit, events)
    return events


def _group_refusal(state: State, command: PlaceOco, *, entering: bool) -> CommandRejected | None:
    """Return what speaks against the group of either order, its field named within the pair."""
    for number, leg in enumerate((command.first, command.second)):
        terms, field = leg.conditions, f"orders[{number}].groupId"
        if terms is None:
            continue
        if entering:
            if lacks_group(state, command.account_id, terms):
                return no_group_refusal(field)
        elif (refusal := triggered_refusal(state, command.account_id, terms)) is not None:
            return msgspec.structs.replace(refusal, field=field)
    return None


def _waits(leg: PlaceOrder | Order) -> bool:
    return leg.conditions is not None and leg.conditions.trigger_price is not None


def _terms_refusal(
    state: State, account: Account, market: Market, command: PlaceOco
) -> CommandRejected | None:
    """Ask bands 3 and 4: whether orders are taken, the pair's own terms, then each one's grid."""
    legs = command.first, command.second
    refusals = [
        entry_refusal(
            state,
            account,
            market,
            leg.side,
            leg.outcome,
            leg.type,
            leg.price,
            leg.quantity,
            leg.time_in_force,
            leg.max_cost,
            leg.conditions,
        )
        for leg in legs
    ]
    for refusal in refusals:
        if refusal is not None and refusal.reason < Reason.INVALID_ORDER:
            return refusal
    problem = pair_problem(*legs)
    if problem is None and command.account_id != legs[0].account_id:
        problem = "orders", "must be the sender's own"
    if problem is not None:
        return CommandRejected(Reason.INVALID_ORDER, *problem)
    for number, refusal in enumerate(refusals):
        if refusal is not None:
            return msgspec.structs.replace(refusal, field=f"orders[{number}].{refusal.field}")
    return None


def _limit_of(market: Market, order: Order) -> tuple[int | None, bool]:
    """Return the key up to which a LIMIT leg takes, and whether it takes at all."""
    if order.price is None or _waits(order):
        return None, False
    facing = market.book.asks if order.is_bid else market.book.bids
    limit = facing.sign * own_price(order.outcome, order.price)
    best = facing.best
    return limit, best is not None and best.key <= limit


def _means_and_book(
    market: Market, account: Account, orders: list[Order], lock: int, *, taking: bool
) -> CommandRejected | None:
    """Ask bands 5 to 7."""
    refusal = means_refusal(market, account, orders[0], lock)
    conditions = orders[1].conditions
    if refusal is None and taking and conditions is not None and conditions.post_only:
        refusal = would_cross_refusal()
    for order in orders:
        if refusal is None and _waits(order):
            refusal = reached_refusal(market, order)
    if refusal is None:
        refusal = open_orders_refusal(account, market, len(orders))
    return refusal
