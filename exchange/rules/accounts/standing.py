"""What an account may do at all: suspending it, letting it trade again, closing it for good.

    ACTIVE <--> SUSPENDED    its orders are taken out (SUSPENDED); it places nothing, pays nobody;
                             cancels, netting, payouts and what others pay it go on
    either  --> CLOSED       only with no cash, no shares, no orders; nothing comes in any more

Both work in every status of a market and every mode of the exchange.
"""

from typing import Final

from exchange.messages.account_events import StandingChanged
from exchange.messages.commands import CloseAccount, SuspendAccount
from exchange.messages.events import (
    CommandRejected,
    Event,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, Standing
from exchange.model.accounts import Account
from exchange.model.state import State
from exchange.rules.ending import end_orders
from exchange.transitions import switch_transitions

CLOSED: Final = Standing.CLOSED


def standing_refusal(account: Account, field: str = "") -> CommandRejected:
    """Return the refusal of what an account that isn't active may not do."""
    if account.standing is CLOSED:
        return CommandRejected(Reason.ACCOUNT_CLOSED, field, "the account is closed")
    return CommandRejected(Reason.ACCOUNT_SUSPENDED, field, "the account is suspended")


def suspend(state: State, command: SuspendAccount) -> list[Event]:
    """Run a SuspendAccount and return its events, already applied.  O(open orders)."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    if account.standing is CLOSED:
        return [standing_refusal(account, "id")]
    events: list[Event] = []
    if command.suspended:
        end_orders(state, account, account.orders.values(), CancelReason.SUSPENDED, events)
    standing = Standing.SUSPENDED if command.suspended else Standing.ACTIVE
    changed = StandingChanged(account.id, standing)
    events.append(changed)
    switch_transitions.standing_changed(state, changed)
    return events


def close(state: State, command: CloseAccount) -> list[Event]:
    """Run a CloseAccount and return its event, already applied.  O(its positions)."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    if account.standing is CLOSED:
        return [standing_refusal(account, "id")]
    shares = any(
        position.yes.quantity or position.no.quantity for position in account.positions.values()
    )
    for left, name in (
        (account.orders, "open orders"),
        (account.available + account.locked, "cash"),
        (shares, "shares"),
    ):
        if left:
            return [CommandRejected(Reason.ACCOUNT_NOT_EMPTY, "id", f"the account has {name}")]
    changed = StandingChanged(account.id, CLOSED)
    switch_transitions.standing_changed(state, changed)
    return [changed]
