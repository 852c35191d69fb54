"""What a command's prices reached (RULEBOOK 14): looked for after the whole command, its netting
included, and marked in it.

Only a market that trades is looked at. When trading stops before what is due was triggered, it
waits again; when trading goes on, whatever waits is judged by the price of that moment.
"""

from operator import attrgetter
from typing import Final

from exchange.messages.events import Event, TradeExecuted
from exchange.messages.terms import ExchangeMode
from exchange.messages.waiting_events import OrdersReached, OrdersStoodDown
from exchange.model.market import OPEN, Market
from exchange.model.state import State
from exchange.model.waiting import trigger_of
from exchange.transitions import waiting_transitions

_MODE_OPEN: Final = ExchangeMode.OPEN
_id_of: Final = attrgetter("id")


def mark_reached(state: State, events: list[Event]) -> None:
    """Mark what the prices of `state.stirred` reached, each trade of these events included.

    Applies and appends OrdersReached, in the order of the markets' ids. O(log orders + reached) for
    each of these markets.
    """
    stirred = state.stirred
    if state.mode is _MODE_OPEN:
        for market in sorted(stirred, key=_id_of):
            if market.status is OPEN:
                _mark(state, market, events)
    stirred.clear()


def stand_down(state: State, market: Market, events: list[Event]) -> None:
    """Let what is due in a market that stops trading wait again; applies and appends
    OrdersStoodDown.
    """
    if market.waiting is None:
        return
    due = [id_ for id_, order in market.waiting.orders.items() if trigger_of(order).due]
    if due:
        event = OrdersStoodDown(market.id, due)
        events.append(event)
        waiting_transitions.orders_stood_down(state, event)


def _mark(state: State, market: Market, events: list[Event]) -> None:
    waiting = market.waiting
    if waiting is None:
        return
    low = high = market.last_price
    if low is not None and high is not None:
        for event in events:
            if type(event) is TradeExecuted and event.market_id == market.id:
                low, high = min(low, event.yes_price), max(high, event.yes_price)
    bid, ask = market.book.bids.best, market.book.asks.best
    reached = waiting.reached(
        low, high, None if bid is None else bid.price, None if ask is None else ask.price
    )
    if reached:
        marked = OrdersReached(market.id, reached)
        events.append(marked)
        waiting_transitions.orders_reached(state, marked)
