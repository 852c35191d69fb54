"""The twin's accounts, and the money that moves outside the book (RULEBOOK 17)."""

from exchange.messages.account_events import (
    CashTransferred,
    FundsDebited,
    StandingChanged,
)
from exchange.messages.commands import (
    CloseAccount,
    CreditAccount,
    DebitAccount,
    OpenAccount,
    SuspendAccount,
    TransferCash,
)
from exchange.messages.events import (
    AccountOpened,
    CommandReplayed,
    Event,
    FundsCredited,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, Outcome, Standing
from tests.properties.life.markets import refused
from tests.properties.life.switches import TwinSwitches
from tests.properties.twin_records import TwinAccount

CREDIT_MAX = 10**15
MONEY = CreditAccount | DebitAccount | TransferCash


class TwinMoney(TwinSwitches):
    """Everybody's cash, but for what orders do with it."""

    def open_account(self, command: OpenAccount) -> list[Event]:
        """Run an OpenAccount."""
        known = self.accounts.get(command.account_id)
        if known is not None:
            return [CommandReplayed(known.opened_seq)]
        amount = command.starting_credits
        if command.account_id < 1 or amount < 0 or amount > CREDIT_MAX:
            return refused(Reason.INVALID_AMOUNT, "startingCredits")
        if self.issued + amount > self.issuance_max:
            return refused(Reason.ISSUANCE_EXHAUSTED, "")
        self.accounts[command.account_id] = TwinAccount(command.account_id, self.seq)
        self.cash_changed(command.account_id)
        events: list[Event] = [AccountOpened(command.account_id)]
        if amount > 0:
            self._issue(command.account_id, amount)
            events.append(FundsCredited(command.account_id, amount, "starting credits", None))
        return events

    def move_money(self, command: MONEY) -> list[Event]:
        """Run a CreditAccount, a DebitAccount or a TransferCash."""
        if command.valid_until is not None and command.valid_until < self.now:
            return refused(Reason.EXPIRED, "validUntil")
        if isinstance(command, TransferCash):
            return self._transfer(command)
        account = self.accounts.get(command.account_id)
        if account is None:
            return refused(Reason.ACCOUNT_NOT_FOUND, "id")
        gives = isinstance(command, CreditAccount)
        if gives and account.standing is Standing.CLOSED:
            return refused(Reason.ACCOUNT_CLOSED, "id")
        if wrong := _wrong(command.amount, command.reason):
            return refused(Reason.INVALID_AMOUNT, wrong)
        if gives and self.issued + command.amount > self.issuance_max:
            return refused(Reason.ISSUANCE_EXHAUSTED, "")
        if not gives and command.amount > account.available:
            return refused(Reason.INSUFFICIENT_BALANCE, "amount")
        self._issue(account.id, command.amount if gives else -command.amount)
        event = FundsCredited if gives else FundsDebited
        return [event(account.id, command.amount, command.reason, command.request_id, command.kind)]

    def _transfer(self, command: TransferCash) -> list[Event]:
        payers = [command.account_id, *(leg.payer_id for leg in command.legs)]
        everybody = [*payers, *(leg.payee_id for leg in command.legs)]
        if any(account_id not in self.accounts for account_id in everybody):
            return refused(Reason.ACCOUNT_NOT_FOUND, "legs")
        refusal = self._cannot_take_part(command, payers)
        if refusal is not None:
            return refused(refusal, "legs")
        if not 1 <= len(command.legs) <= 200 or command.legs[0].payer_id != command.account_id:
            return refused(Reason.INVALID_AMOUNT, "legs")
        for leg in command.legs:
            if leg.payer_id == leg.payee_id:
                return refused(Reason.INVALID_AMOUNT, "legs")
            if wrong := _wrong(leg.amount, command.reason):
                return refused(Reason.INVALID_AMOUNT, wrong)
        before = {account_id: self.accounts[account_id].available for account_id in everybody}
        for leg in command.legs:
            if self.accounts[leg.payer_id].available < leg.amount:
                for account_id, available in before.items():
                    self.accounts[account_id].available = available
                return refused(Reason.INSUFFICIENT_BALANCE, "legs")
            self.accounts[leg.payer_id].available -= leg.amount
            self.accounts[leg.payee_id].available += leg.amount
        for account_id in everybody:
            self.cash_changed(account_id)
        moved = command.legs, command.reason, command.request_id, command.kind
        return [CashTransferred(*moved)]

    def _cannot_take_part(self, command: TransferCash, payers: list[int]) -> Reason | None:
        """Return why somebody can't, the first in the order in which they are named."""
        named = [command.account_id]
        for leg in command.legs:
            named += [leg.payer_id, leg.payee_id]
        for account_id in named:
            standing = self.accounts[account_id].standing
            if standing is Standing.CLOSED:
                return Reason.ACCOUNT_CLOSED
            if standing is Standing.SUSPENDED and account_id in payers:
                return Reason.ACCOUNT_SUSPENDED
        return None

    def suspend(self, command: SuspendAccount) -> list[Event]:
        """Run a SuspendAccount."""
        account = self.accounts.get(command.account_id)
        if account is None:
            return refused(Reason.ACCOUNT_NOT_FOUND, "id")
        if account.standing is Standing.CLOSED:
            return refused(Reason.ACCOUNT_CLOSED, "id")
        events: list[Event] = []
        if command.suspended:
            mine = [order for order in self.orders.values() if order.account_id == account.id]
            events = [self.end(order, CancelReason.SUSPENDED) for order in mine]
        account.standing = Standing.SUSPENDED if command.suspended else Standing.ACTIVE
        return [*events, *self.netting(), StandingChanged(account.id, account.standing)]

    def close_account(self, command: CloseAccount) -> list[Event]:
        """Run a CloseAccount."""
        account = self.accounts.get(command.account_id)
        if account is None:
            return refused(Reason.ACCOUNT_NOT_FOUND, "id")
        if account.standing is Standing.CLOSED:
            return refused(Reason.ACCOUNT_CLOSED, "id")
        held = [
            self.holding(account.id, market_id, outcome)
            for market_id in self.markets
            for outcome in Outcome
        ]
        orders = [order for order in self.orders.values() if order.account_id == account.id]
        if account.available or account.locked or orders or any(h.free + h.locked for h in held):
            return refused(Reason.ACCOUNT_NOT_EMPTY, "id")
        account.standing = Standing.CLOSED
        return [StandingChanged(account.id, Standing.CLOSED)]

    def _issue(self, account_id: int, amount: int) -> None:
        self.accounts[account_id].available += amount
        self.issued += amount
        self.cash_changed(account_id)


def _wrong(amount: int, reason: str) -> str:
    if not 1 <= amount <= CREDIT_MAX:
        return "amount"
    return "reason" if len(reason) > 200 else ""
