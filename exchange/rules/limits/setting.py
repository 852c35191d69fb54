"""Setting limits: all of a market's, or all of an account's, at once. They bind what comes after;
what is open stays, however large it is. Admins only, in every status and every mode.
"""

from exchange.messages.events import CommandRejected, Event
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limit_events import AccountLimitsSet, MarketLimitsSet
from exchange.messages.limits import limits_problem, some
from exchange.messages.reasons import Reason
from exchange.messages.terms import Standing
from exchange.model.market import DECIDED
from exchange.model.state import State
from exchange.rules.accounts.standing import standing_refusal
from exchange.transitions import limit_transitions


def set_market_limits(state: State, command: SetMarketLimits) -> list[Event]:
    """Run a SetMarketLimits and return its event, already applied."""
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if market.status in DECIDED:
        message = f"is {market.status.value}: nothing is traded any more"
        return [CommandRejected(Reason.MARKET_ALREADY_RESOLVED, "market", message)]
    limits = some(command.limits)
    problem = None if limits is None else limits_problem(limits)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_AMOUNT, *problem)]
    event = MarketLimitsSet(market.id, limits)
    limit_transitions.market_limits_set(state, event)
    return [event]


def set_account_limits(state: State, command: SetAccountLimits) -> list[Event]:
    """Run a SetAccountLimits and return its event, already applied."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    if account.standing is Standing.CLOSED:
        return [standing_refusal(account, "id")]
    limits = some(command.limits)
    problem = None if limits is None else limits_problem(limits)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_AMOUNT, *problem)]
    event = AccountLimitsSet(account.id, limits)
    limit_transitions.account_limits_set(state, event)
    return [event]
