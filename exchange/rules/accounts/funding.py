"""Money that moves outside the book: opening accounts, credits, debits, transfers (RULEBOOK 17).

Laws: only available cash moves, never what is locked; a transfer is done whole or not at all.
"""

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.bounds import CREDIT_MAX, ISSUANCE_MAX, REASON_LENGTH, TRANSFER_LEGS
from exchange.messages.commands import CreditAccount, DebitAccount, OpenAccount, TransferCash
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    FundsCredited,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import Standing
from exchange.messages.units import format_money
from exchange.model.state import State
from exchange.rules.accounts.standing import CLOSED, standing_refusal
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
    refusal = _expired(state.now, command.valid_until)
    if refusal is not None:
        return [refusal]
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    if account.standing is CLOSED:
        return [standing_refusal(account, "id")]
    refusal = credit_refusal(state, command, state.now)
    if refusal is not None:
        return [refusal]
    event = FundsCredited(
        command.account_id, command.amount, command.reason, command.request_id, command.kind
    )
    transitions.funds_credited(state, event)
    return [event]


def credit_refusal(state: State, command: CreditAccount, now: int) -> CommandRejected | None:
    """Ask whether a CreditAccount would be refused at `now` (microseconds), whoever's account it
    is; None if it wouldn't be.
    """
    refusal = _expired(now, command.valid_until)
    if refusal is None:
        refusal = _amount_refusal(command.amount, command.reason)
    if refusal is None and state.issued + command.amount > ISSUANCE_MAX:
        message = "the exchange holds all the money it may hold"
        refusal = CommandRejected(Reason.ISSUANCE_EXHAUSTED, "", message)
    return refusal


def debit(state: State, command: DebitAccount) -> list[Event]:
    """Run a DebitAccount and return its event, already applied."""
    refusal = _expired(state.now, command.valid_until)
    if refusal is not None:
        return [refusal]
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "the account is not open")]
    refusal = _amount_refusal(command.amount, command.reason)
    if refusal is None:
        refusal = _means_refusal(command.amount, account.available, "amount")
    if refusal is not None:
        return [refusal]
    event = FundsDebited(
        command.account_id, command.amount, command.reason, command.request_id, command.kind
    )
    transitions.funds_debited(state, event)
    return [event]


def transfer(state: State, command: TransferCash) -> list[Event]:
    """Run a TransferCash and return its event, already applied.  O(legs)."""
    refusal = transfer_refusal(state, command, state.now)
    if refusal is not None:
        return [refusal]
    event = CashTransferred(command.legs, command.reason, command.request_id, command.kind)
    transitions.cash_transferred(state, event)
    return [event]


def transfer_refusal(
    state: State, command: TransferCash, now: int, opened: int | None = None
) -> CommandRejected | None:
    """Ask whether a TransferCash would be refused at `now` (microseconds); None if it wouldn't be.

    The account `opened` counts as open, and empty, where it isn't yet.
    """
    refusal = _expired(now, command.valid_until)
    if refusal is None:
        refusal = _parties_refusal(state, command, opened)
    if refusal is None:
        refusal = _legs_refusal(command)
    if refusal is None:
        refusal = _transfer_means_refusal(state, command)
    return refusal


def _parties_refusal(
    state: State, command: TransferCash, opened: int | None
) -> CommandRejected | None:
    """Ask whether everybody named is there and may pay or be paid."""
    parties: dict[int, bool] = {command.account_id: True}
    for leg in command.legs:
        parties[leg.payer_id] = True
        parties.setdefault(leg.payee_id, False)
    for account_id in parties:
        if account_id not in state.accounts and account_id != opened:
            message = f"account {account_id} is not open"
            return CommandRejected(Reason.ACCOUNT_NOT_FOUND, "legs", message)
    for account_id, pays in parties.items():
        account = state.accounts.get(account_id)
        if account is None:
            continue
        if account.standing is CLOSED or (pays and account.standing is not Standing.ACTIVE):
            return standing_refusal(account, "legs")
    return None


def _legs_refusal(command: TransferCash) -> CommandRejected | None:
    legs = command.legs
    if not 1 <= len(legs) <= TRANSFER_LEGS:
        message = f"must be 1 to {TRANSFER_LEGS} legs"
        return CommandRejected(Reason.INVALID_AMOUNT, "legs", message)
    if legs[0].payer_id != command.account_id:
        message = "must begin with a leg that the sender pays"
        return CommandRejected(Reason.INVALID_AMOUNT, "legs", message)
    for leg in legs:
        if leg.payer_id == leg.payee_id:
            return CommandRejected(Reason.INVALID_AMOUNT, "legs", "payer and payee are the same")
        refusal = _amount_refusal(leg.amount, command.reason)
        if refusal is not None:
            return refusal
    return None


def _transfer_means_refusal(state: State, command: TransferCash) -> CommandRejected | None:
    """Ask of each leg whether its payer has it, after the legs before."""
    left: dict[int, int] = {}
    for leg in command.legs:
        for account_id in (leg.payer_id, leg.payee_id):
            account = state.accounts.get(account_id)
            left.setdefault(account_id, 0 if account is None else account.available)
        refusal = _means_refusal(leg.amount, left[leg.payer_id], "legs")
        if refusal is not None:
            return refusal
        left[leg.payer_id] -= leg.amount
        left[leg.payee_id] += leg.amount
    return None


def _expired(now: int, valid_until: int | None) -> CommandRejected | None:
    if valid_until is None or now <= valid_until:
        return None
    return CommandRejected(Reason.EXPIRED, "validUntil", "had passed when this was carried out")


def _amount_refusal(amount: int, reason: str) -> CommandRejected | None:
    if not 1 <= amount <= CREDIT_MAX:
        return CommandRejected(Reason.INVALID_AMOUNT, "amount", "is out of range")
    if len(reason) > REASON_LENGTH:
        return CommandRejected(Reason.INVALID_AMOUNT, "reason", "is too long")
    return None


def _means_refusal(amount: int, available: int, field: str) -> CommandRejected | None:
    if amount <= available:
        return None
    message = f"needs {format_money(amount)} available, has {format_money(available)}"
    return CommandRejected(Reason.INSUFFICIENT_BALANCE, field, message)
