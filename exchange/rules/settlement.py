"""Resolving a market: what a share pays, and paying all holders in one command (RULEBOOK 9).

    YES    a YES share pays 1            SPLIT  a YES share pays yes_payout, a NO share the rest
    NO     a NO share pays 1             VOID   each pays 0.5: a refund at cost isn't always covered

quantity x payout is exact, and as YES and NO shares are equal in number, the collateral is paid
out whole.
"""

from typing import Final

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, SOURCE_LENGTH
from exchange.messages.commands import ResolveMarket
from exchange.messages.events import CommandRejected, Event, MarketResolved, PositionSettled
from exchange.messages.reasons import Reason
from exchange.messages.terms import Resolution
from exchange.model.market import ENDED, UNFINISHED
from exchange.model.state import State
from exchange.rules.market_admin import close
from exchange.transitions import transitions

_FIXED_PAYOUT: Final = {
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
    """Run a ResolveMarket and return its events, already applied.  O(orders + holders of the
    market).
    """
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if market.status in ENDED:
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
        payout = _FIXED_PAYOUT[command.outcome]
    resolved = MarketResolved(market.id, command.outcome, payout, command.source)
    events.append(resolved)
    transitions.market_resolved(state, resolved)
    for account_id in sorted(market.positions):
        position = market.positions[account_id]
        yes, no = position.yes.quantity, position.no.quantity
        if yes or no:
            paid = yes * payout + no * (PRICE_SCALE - payout)
            settled = PositionSettled(market.id, account_id, yes, no, paid)
            events.append(settled)
            transitions.position_settled(state, settled)
    return events
