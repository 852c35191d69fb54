"""The volatility halt (RULEBOOK 16): a market whose price moved too far stops by itself, and comes
back in two steps.

    OPEN --> HALTED --> POST_ONLY --> OPEN      the last two by timers, each counted from when the
                                                step before it ran; without a post-only time the
                                                second is left out

The halt is a command of its own, right after the one whose trades did it and before any order that
they reached is triggered. An admin who sets any status takes the timers away: OPEN lifts the halt,
HALTED keeps it. Trades of before a change of status count no more.
"""

from exchange.messages.events import CommandRejected, Event, MarketStatusChanged
from exchange.messages.limit_commands import THE_EXCHANGE, EndHalt, EndPostOnly, HaltMarket
from exchange.messages.limit_events import ReopeningSet
from exchange.messages.limits import VolatilityHalt
from exchange.messages.reasons import Reason
from exchange.messages.terms import MarketStatus
from exchange.model.market import HALTED, OPEN, POST_ONLY, Market
from exchange.model.slices import MICROSECONDS
from exchange.model.state import State
from exchange.rules.limits import restarting
from exchange.rules.waiting.reaching import stand_down
from exchange.transitions import limit_transitions, transitions


def halt(state: State, command: HaltMarket) -> list[Event]:
    """Run the halt of a market whose price moved too far; return its events, already applied."""
    market = state.markets.get(command.market_id)
    terms = None if market is None else halt_terms(market)
    if market is None or terms is None or market.id not in state.volatile:
        message = "its price didn't move so far"
        return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "market", message)]
    return _go_on(state, market, HALTED, terms.halted)


def end_halt(state: State, command: EndHalt) -> list[Event]:
    """Run the timer at which a halt ends; return its events, already applied."""
    market = state.markets.get(command.market_id)
    if market is None or not _is_over(state, market, HALTED):
        return [_not_due()]
    terms = halt_terms(market)
    if terms is None or not terms.post_only:
        return _go_on(state, market, OPEN, 0)
    return _go_on(state, market, POST_ONLY, terms.post_only)


def end_post_only(state: State, command: EndPostOnly) -> list[Event]:
    """Run the timer at which a market, or the exchange, trades again; return its events, already
    applied.
    """
    if command.market_id == THE_EXCHANGE:
        return restarting.end_post_only(state)
    market = state.markets.get(command.market_id)
    if market is None or not _is_over(state, market, POST_ONLY):
        return [_not_due()]
    return _go_on(state, market, OPEN, 0)


def halt_terms(market: Market) -> VolatilityHalt | None:
    """Return when a market halts by itself; None: it doesn't."""
    return None if market.limits is None else market.limits.volatility_halt


def _is_over(state: State, market: Market, status: MarketStatus) -> bool:
    due = market.resumes_at
    return market.status is status and due is not None and due <= state.now


def _not_due() -> CommandRejected:
    return CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "market", "no halt of it is over")


def _go_on(state: State, market: Market, status: MarketStatus, seconds: int) -> list[Event]:
    """Give a market its next status, for so many seconds; 0: for good."""
    changed = MarketStatusChanged(market.id, status)
    events: list[Event] = [changed]
    transitions.market_status_changed(state, changed)
    if seconds:
        timed = ReopeningSet(market.id, state.now + seconds * MICROSECONDS)
        events.append(timed)
        limit_transitions.reopening_set(state, timed)
    if status is not OPEN:
        stand_down(state, market, events)
    return events
