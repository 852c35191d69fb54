"""Switches that end orders when their owner is gone: dead-man deadlines, and sessions that end.

    dead man    the account says within how long it will be heard again; not heard, all its open
                orders end (DEAD_MAN) and the switch is off
    session     an order may be tied to the session it came by; the gateway says when that ends, and
                a lease says so for it when the gateway itself is gone (DISCONNECTED)

Laws: both work in every status of a market and every mode of the exchange, since they take risk
away from whoever can't look after it; deadlines are the engine's time. A command ends the orders of
one account at most, however many sessions a gateway had: its lease stays due until none is left.
"""

from exchange.messages.account_events import (
    DeadManFired,
    DeadManSet,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
)
from exchange.messages.bounds import DEAD_MAN_MS, LEASE_US
from exchange.messages.commands import EndLease, EndSession, FireDeadMan, RenewLease, SetDeadMan
from exchange.messages.events import (
    CommandRejected,
    Event,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason
from exchange.model.accounts import Account
from exchange.model.state import State
from exchange.rules.ending import end_orders
from exchange.transitions import switch_transitions

_MICROSECONDS = 1_000


def timeout_problem(timeout_ms: int) -> str | None:
    """Return what is wrong with a dead-man timeout."""
    least, most = DEAD_MAN_MS
    if timeout_ms and not least <= timeout_ms <= most:
        return f"must be 0 or {least} to {most}"
    return None


def set_dead_man(state: State, command: SetDeadMan) -> list[Event]:
    """Run a SetDeadMan and return its event, already applied."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    problem = timeout_problem(command.timeout_ms)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_AMOUNT, "timeoutMs", problem)]
    due = state.now + command.timeout_ms * _MICROSECONDS if command.timeout_ms else None
    event = DeadManSet(account.id, due)
    switch_transitions.dead_man_set(state, event)
    return [event]


def fire_dead_man(state: State, command: FireDeadMan) -> list[Event]:
    """Run the timer of a dead-man switch and return its events, already applied."""
    account = state.accounts.get(command.account)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "account", "there is no such account")]
    if account.dead_man is None or account.dead_man > state.now:
        return [CommandRejected(Reason.INVALID_AMOUNT, "account", "its deadline hasn't come")]
    events: list[Event] = []
    count = end_orders(state, account, account.orders.values(), CancelReason.DEAD_MAN, events)
    fired = DeadManFired(account.id, count)
    events.append(fired)
    switch_transitions.dead_man_fired(state, fired)
    return events


def renew_lease(state: State, command: RenewLease) -> list[Event]:
    """Run a RenewLease and return its event, already applied."""
    event = LeaseRenewed(command.gateway, state.now + LEASE_US)
    switch_transitions.lease_renewed(state, event)
    return [event]


def end_session(state: State, command: EndSession) -> list[Event]:
    """Run an EndSession and return its events, already applied."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    return _end_session(state, account, command.gateway, command.session)


def end_lease(state: State, command: EndLease) -> list[Event]:
    """Run the timer of a lease and return its events, already applied: it ends one session."""
    gateway = command.gateway
    due = state.leases.get(gateway)
    if due is None or due > state.now:
        return [CommandRejected(Reason.INVALID_AMOUNT, "gateway", "its lease hasn't ended")]
    events: list[Event] = []
    tied = state.tied.get(gateway)
    if tied is not None:
        session, account_id = next(iter(tied))
        events += _end_session(state, state.accounts[account_id], gateway, session)
    if gateway not in state.tied:
        ended = LeaseEnded(gateway)
        events.append(ended)
        switch_transitions.lease_ended(state, ended)
    return events


def _end_session(state: State, account: Account, gateway: int, session: int) -> list[Event]:
    events: list[Event] = []
    sessions = state.tied.get(gateway)
    tied = None if sessions is None else sessions.get((session, account.id))
    orders = () if tied is None else tied.values()
    count = end_orders(state, account, orders, CancelReason.DISCONNECTED, events)
    events.append(SessionEnded(account.id, gateway, session, count))
    return events
