"""Resolving a market: what a share pays, and paying all holders (RULEBOOK 9).

    YES    a YES share pays 1            SPLIT  a YES share pays yes_payout, a NO share the rest
    NO     a NO share pays 1             VOID   each pays 0.5: a refund at cost isn't always covered

quantity x payout is exact, and as YES and NO shares are equal in number, the collateral is paid
out whole. Up to PAYOUT_HOLDERS are paid by the resolution itself. More are paid PAYOUT_SLICE at a
time, in the order of their ids, by timers PAYOUT_PAUSE apart, so that nobody waits for a large
market; it is RESOLVING until the last has his money, and nobody can do anything in it meanwhile.
"""

from typing import Final

from exchange.messages.bounds import (
    PAYOUT_HOLDERS,
    PAYOUT_PAUSE,
    PAYOUT_SLICE,
    PRICE_MAX,
    PRICE_MIN,
    PRICE_SCALE,
    SOURCE_LENGTH,
)
from exchange.messages.commands import PayHolders, ResolveMarket
from exchange.messages.events import (
    CommandRejected,
    Event,
    HoldersPaid,
    MarketResolved,
    MarketStatusChanged,
    PositionSettled,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import MarketStatus, Resolution
from exchange.model.market import DECIDED, UNFINISHED, Market
from exchange.model.state import State
from exchange.rules.market_admin import close
from exchange.transitions import transitions

FIXED_PAYOUT: Final = {
    Resolution.YES: PRICE_SCALE,
    Resolution.NO: 0,
    Resolution.VOID: PRICE_SCALE // 2,
}


def resolution_problem(command: ResolveMarket) -> tuple[str, str] | None:
    """Return (field, what is wrong) if outcome and payout contradict each other."""
    if command.outcome is Resolution.SPLIT:
        if command.yes_payout is None:
            return "yesPayout", "is required for SPLIT"
        if not PRICE_MIN <= command.yes_payout <= PRICE_MAX:
            return "yesPayout", "must lie between 0.0001 and 0.9999"
    elif command.yes_payout is not None:
        return "yesPayout", "goes with SPLIT only"
    if len(command.source) > SOURCE_LENGTH:
        return "source", "is too long"
    return None


def resolve(state: State, command: ResolveMarket) -> list[Event]:
    """Run a ResolveMarket and return its events, already applied.  O(orders + positions of the
    market).
    """
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if market.status in DECIDED:
        return [
            CommandRejected(
                Reason.MARKET_ALREADY_RESOLVED, "market", f"is {market.status.value} already"
            )
        ]
    problem = resolution_problem(command)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_PAYOUT, *problem)]
    events: list[Event] = []
    if market.status in UNFINISHED:
        close(state, market, events)
    payout = command.yes_payout
    if payout is None:
        payout = FIXED_PAYOUT[command.outcome]
    later = command.in_slices and len(market.holders()) > PAYOUT_HOLDERS
    paying_from = state.now if later else None
    resolved = MarketResolved(market.id, command.outcome, payout, command.source, paying_from)
    events.append(resolved)
    transitions.market_resolved(state, resolved)
    if not later:
        _pay(state, market, len(market.unpaid), events)
    return events


def pay_holders(state: State, command: PayHolders) -> list[Event]:
    """Run the timer that pays the next holders and return its events, already applied."""
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    due = market.next_payout
    if due is None or due > state.now:
        return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "market", "no payout is due")]
    events: list[Event] = []
    _pay(state, market, min(PAYOUT_SLICE, PAYOUT_HOLDERS), events)
    if market.unpaid:
        paid = HoldersPaid(market.id, state.now + PAYOUT_PAUSE)
        events.append(paid)
        transitions.holders_paid(state, paid)
    else:
        void = market.resolution is Resolution.VOID
        final = MarketStatus.VOID if void else MarketStatus.RESOLVED
        changed = MarketStatusChanged(market.id, final)
        events.append(changed)
        transitions.market_status_changed(state, changed)
    return events


def _pay(state: State, market: Market, most: int, events: list[Event]) -> None:
    """Pay the next holders, at most so many; applies and appends PositionSettled."""
    payout = market.yes_payout or 0
    for account_id in market.unpaid[: -most - 1 : -1]:
        position = market.positions[account_id]
        yes, no = position.yes.quantity, position.no.quantity
        paid = yes * payout + no * (PRICE_SCALE - payout)
        settled = PositionSettled(market.id, account_id, yes, no, paid)
        events.append(settled)
        transitions.position_settled(state, settled)
