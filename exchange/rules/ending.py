"""Ending an open order before it is filled, for whatever reason: the one place that makes
OrderCancelled.
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
from exchange.transitions import order_transitions

_OrderCancelled: Final = OrderCancelled


def end_order(
    state: State,
    account: Account,
    market: Market,
    order: Order,
    reason: CancelReason,
    events: list[Event],
) -> None:
    """Cancel an open order and free all it has locked; applies and appends OrderCancelled."""
    unlocked = order.locked
    events.append(_OrderCancelled(order.key, account.key, market.key, order.side, reason, unlocked))
    order_transitions.cancel_order(state, account, market, order, reason, unlocked)


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
