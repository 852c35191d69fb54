"""What a pair has locked of which one cancels the other (OCO), for as long as both are open.

Only one of the two can ever trade, so the pair locks what the more expensive one needs, no more:
all of it stands on the order that was entered first, the *carrier*, the other one shows 0. When one
ends, whatever ended it, the lock passes to the other, cut to what that one needs.
"""

from exchange.messages.events import Event
from exchange.messages.waiting_events import LockPassed
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.rules.escrow import needed
from exchange.transitions import waiting_transitions


def open_partner(state: State, order: Order) -> Order | None:
    """Return the other order of the pair, if this one is of a pair and the other is open."""
    partner = order.partner
    return None if partner is None else state.orders.get(partner)


def lock_change(state: State, market: Market, order: Order, need: int) -> tuple[Order, int]:
    """Return which order's lock changes if this one needs `need` from now on, and by how much."""
    partner = open_partner(state, order)
    if partner is None:
        return order, need - order.locked
    carrier = order if order.id < partner.id else partner
    return carrier, max(need, needed(market, partner)) - carrier.locked


def pass_lock(state: State, order: Order, more: int, events: list[Event]) -> None:
    """Let an order lock so much more, or (below 0) less; applies and appends LockPassed."""
    if more:
        passed = LockPassed(order.id, order.account_id, order.market_id, order.side, more)
        events.append(passed)
        waiting_transitions.lock_passed(state, passed)


def cut_lock(state: State, market: Market, order: Order, events: list[Event]) -> None:
    """Set what the order, or the pair that it is of, has locked to what is needed now."""
    carrier, more = lock_change(state, market, order, needed(market, order))
    pass_lock(state, carrier, more, events)
