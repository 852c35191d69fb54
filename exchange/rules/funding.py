"""Opening accounts and issuing money to them."""

from exchange.messages.bounds import CREDIT_MAX, ISSUANCE_MAX, REASON_LENGTH
from exchange.messages.commands import CreditAccount, OpenAccount
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    FundsCredited,
)
from exchange.messages.reasons import Reason
from exchange.model.state import State
from exchange.transitions import transitions

STARTING_CREDITS_REASON = "starting credits"


def open_account(state: State, command: OpenAccount) -> list[Event]:
    """Run an OpenAccount and return its events, already applied; the account's id makes it
    idempotent.
    """
    account = state.accounts.get(command.account_id)
    if account is not None:
        return [CommandReplayed(account.opened_seq)]
    amount = command.starting_credits
    if not 0 <= amount <= CREDIT_MAX or command.account_id < 1:
        return [CommandRejected(Reason.INVALID_AMOUNT, "startingCredits", "is out of range")]
    if state.issued + amount > ISSUANCE_MAX:
        return [
            CommandRejected(
                Reason.ISSUANCE_EXHAUSTED, "", "the exchange holds all the money it may hold"
            )
        ]
    opened = AccountOpened(command.account_id)
    events: list[Event] = [opened]
    transitions.account_opened(state, opened)
    if amount:
        credited = FundsCredited(command.account_id, amount, STARTING_CREDITS_REASON, None)
        events.append(credited)
        transitions.funds_credited(state, credited)
    return events


def credit(state: State, command: CreditAccount) -> list[Event]:
    """Run a CreditAccount and return its event, already applied."""
    if command.account_id not in state.accounts:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    if not 1 <= command.amount <= CREDIT_MAX:
        return [CommandRejected(Reason.INVALID_AMOUNT, "amount", "is out of range")]
    if len(command.reason) > REASON_LENGTH:
        return [CommandRejected(Reason.INVALID_AMOUNT, "reason", "is too long")]
    if state.issued + command.amount > ISSUANCE_MAX:
        return [
            CommandRejected(
                Reason.ISSUANCE_EXHAUSTED, "", "the exchange holds all the money it may hold"
            )
        ]
    event = FundsCredited(command.account_id, command.amount, command.reason, command.request_id)
    transitions.funds_credited(state, event)
    return [event]
