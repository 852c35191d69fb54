"""Every owner's cash as the sum of the ledger's entries, and of nothing else.

Laws: the balances of accounts are moved by other code (`transitions/transitions.py`); comparing
them with these sums shows a drift between the two before it is stored. What a row looks like is the
caller's to say: it is given each entry with the balance after it.
"""

from collections.abc import Callable, Iterable
from typing import Final

from exchange.messages.errors import InvariantViolated
from exchange.messages.events import Event
from exchange.model.accounts import Account
from exchange.model.state import State
from exchange.proof.ledger import Owner, entries

_ACCOUNT: Final = Owner.ACCOUNT

MakeRow = Callable[[int, int, int, int, int, int, int, int, int, int, int, int, int], bytes]
"""Of (owner id, command's sequence, available, locked, available after, locked after, market id,
order id, trade number, time, number within the command, owner, kind)."""


class Balance:
    """What an owner's entries sum to so far, in money."""

    __slots__ = ("available", "locked")

    def __init__(self, available: int, locked: int) -> None:
        self.available = available
        self.locked = locked


class RunningBalances:
    """The sums, one command ahead of nothing but the journal."""

    __slots__ = ("_accounts", "_others")

    def __init__(self, state: State) -> None:
        self._accounts: dict[int, Balance] = {
            account.id: Balance(account.available, account.locked)
            for account in state.accounts.values()
        }
        self._others: dict[tuple[Owner, int], Balance] = {
            (Owner.COLLATERAL, market.id): Balance(market.collateral, 0)
            for market in state.markets.values()
        }
        self._others[(Owner.FEES, 0)] = Balance(state.fees, 0)
        self._others[(Owner.ISSUANCE, 0)] = Balance(-state.issued, 0)

    def post(
        self, events: list[Event], seq: int, at: int, make_row: MakeRow, rows: list[bytes]
    ) -> None:
        """Append a row for each ledger entry of the command `seq`, which ran at `at`."""
        for number, entry in enumerate(entries(events)):
            owner, owner_id = entry.owner, entry.owner_id
            available, locked = entry.available, entry.locked
            balance = self._balance(owner, owner_id)
            balance.available += available
            balance.locked += locked
            rows.append(
                make_row(
                    owner_id,
                    seq,
                    available,
                    locked,
                    balance.available,
                    balance.locked,
                    entry.market_id,
                    entry.order_id,
                    entry.trade_no,
                    at,
                    number,
                    owner,
                    entry.kind,
                )
            )

    def compare(self, accounts: Iterable[Account]) -> None:
        """Raise InvariantViolated where the ledger and an account disagree (RULEBOOK 10, 1)."""
        for account in accounts:
            balance = self._balance(_ACCOUNT, account.id)
            if balance.available != account.available or balance.locked != account.locked:
                raise InvariantViolated(
                    f"1: account {account.id} has {account.available}, {account.locked}; its"
                    f" ledger entries sum to {balance.available}, {balance.locked}"
                )

    def _balance(self, owner: Owner, owner_id: int) -> Balance:
        if owner is _ACCOUNT:
            balance = self._accounts.get(owner_id)
            if balance is None:
                balance = self._accounts[owner_id] = Balance(0, 0)
            return balance
        other = self._others.get((owner, owner_id))
        if other is None:
            other = self._others[(owner, owner_id)] = Balance(0, 0)
        return other
