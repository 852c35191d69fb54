"""Ending an open order before it is filled, for whatever reason: the one place that makes
OrderCancelled.

Of a pair of which one cancels the other the one that is left takes over the lock, here and nowhere
else, so that it doesn't matter what ended the first.
"""

from collections.abc import Iterable
from typing import Final

from exchange.messages.events import Event, OrderCancelled
from exchange.messages.terms import CancelReason
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.rules.netting import net
from exchange.rules.waiting.pairs import cut_lock, open_partner
from exchange.transitions import order_transitions

_OrderCancelled: Final = OrderCancelled
_OCO: Final = CancelReason.OCO


def end_order(
    state: State,
    account: Account,
    market: Market,
    order: Order,
    reason: CancelReason,
    events: list[Event],
) -> None:
    """Cancel an open order and free all it has locked; applies and appends OrderCancelled.

    If its partner is open, that one's lock follows.
    """
    unlocked = order.locked
    events.append(_OrderCancelled(order.key, account.key, market.key, order.side, reason, unlocked))
    order_transitions.cancel_order(state, account, market, order, reason, unlocked)
    if order.conditions is not None:
        partner = open_partner(state, order)
        if partner is not None:
            cut_lock(state, market, partner, events)


def end_orders(
    state: State,
    account: Account,
    orders: Iterable[Order],
    reason: CancelReason,
    events: list[Event],
) -> int:
    """End open orders of one account in the order of their ids, and net what that frees; return how
    many they were.
    """
    markets: dict[int, Market] = {}
    ending = sorted(orders, key=lambda order: order.id)
    for order in ending:
        market = state.markets[order.market_id]
        end_order(state, account, market, order, reason, events)
        markets[market.id] = market
    for market in markets.values():
        net(state, market, (account.id,), events)
    return len(ending)


def end_partner(state: State, market: Market, order: Order, events: list[Event]) -> None:
    """End the other order of a pair before this one trades or is triggered."""
    partner = open_partner(state, order)
    if partner is not None:
        account = state.accounts[order.account_id]
        end_order(state, account, market, partner, _OCO, events)
