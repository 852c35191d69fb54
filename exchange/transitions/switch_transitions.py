"""What the events of switches change: dead-man deadlines, leases, and what is tied to a session;
and what an account may do at all.

None of it is a message to the account (`marks.py`): its orders tell it what became of them.
"""

from sortedcontainers import SortedDict

from exchange.messages.account_events import (
    DeadManFired,
    DeadManSet,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
    StandingChanged,
)
from exchange.messages.bounds import LEASE_US
from exchange.model.accounts import Account
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.timers import DEAD_MAN, LEASE


def dead_man_set(state: State, event: DeadManSet) -> None:
    """Set or lift an account's deadline."""
    _set_deadline(state, state.accounts[event.account_id], event.due)


def dead_man_fired(state: State, event: DeadManFired) -> None:
    """Lift the deadline that came; the orders ended by events of their own."""
    _set_deadline(state, state.accounts[event.account_id], None)


def lease_renewed(state: State, event: LeaseRenewed) -> None:
    """Set when a gateway's sessions end."""
    _set_lease(state, event.gateway, event.due)


def lease_ended(state: State, event: LeaseEnded) -> None:
    """Forget a gateway."""
    _set_lease(state, event.gateway, None)


def session_ended(state: State, event: SessionEnded) -> None:
    """Sum up the end of a session, whose orders ended by events of their own."""


def standing_changed(state: State, event: StandingChanged) -> None:
    """Say what an account may do."""
    account = state.accounts[event.account_id]
    account.standing = event.standing
    state.dirty.switches[account.id] = account


def tie(state: State, order: Order) -> None:
    """Note the session that an order ends with, if it does; recovery does so too.

    Whoever is tied is never without a lease, so it is granted here if there is none.
    """
    session = None if order.conditions is None else order.conditions.session
    if session is None:
        return
    gateway, number = session
    key = number, order.account_id
    sessions = state.tied.get(gateway)
    if sessions is None:
        sessions = state.tied[gateway] = SortedDict()
    orders = sessions.get(key)
    if orders is None:
        orders = sessions[key] = {}
    orders[order.id] = order
    if state.undo is not None:
        state.undo.append((untie, (state, order)))
    if gateway not in state.leases:
        if state.undo is not None:
            noted = state.dirty.leases.get(gateway)
            state.undo.append((_take_back_lease, (state, gateway, noted)))
        _set_lease(state, gateway, state.now + LEASE_US)


def untie(state: State, order: Order) -> None:
    """Forget the session of an order that has ended."""
    session = None if order.conditions is None else order.conditions.session
    if session is None:
        return
    if state.undo is not None:
        state.undo.append((tie, (state, order)))
    gateway, number = session
    sessions = state.tied[gateway]
    orders = sessions[number, order.account_id]
    del orders[order.id]
    if not orders:
        del sessions[number, order.account_id]
        if not sessions:
            del state.tied[gateway]


def _take_back_lease(state: State, gateway: int, noted: int | None) -> None:
    """Make it as if the lease had not been granted; `noted` is what was to be stored of it."""
    _set_lease(state, gateway, None)
    if noted is None:
        del state.dirty.leases[gateway]
    else:
        state.dirty.leases[gateway] = noted


def _set_deadline(state: State, account: Account, due: int | None) -> None:
    state.timers.move(DEAD_MAN, account.dead_man, due, account.id)
    account.dead_man = due
    state.dirty.switches[account.id] = account


def _set_lease(state: State, gateway: int, due: int | None) -> None:
    state.timers.move(LEASE, state.leases.pop(gateway, None), due, gateway)
    if due is not None:
        state.leases[gateway] = due
    state.dirty.leases[gateway] = due or 0
