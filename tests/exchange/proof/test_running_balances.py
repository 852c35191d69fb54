"""The ledger's sums: each row has the balance after it, and a drift from the accounts is found."""

from typing import Any

import pytest

from exchange.messages.errors import InvariantViolated
from exchange.proof.ledger import EntryKind, Owner
from exchange.proof.running_balances import RunningBalances
from tests.exchange.worlds import ANN, BOB, World


def test_a_row_is_an_entry_with_the_balance_after_it() -> None:
    world = World(cash=1)
    balances = RunningBalances(world.state)
    made: list[tuple[Any, ...]] = []

    def make_row(*numbers: Any) -> bytes:
        made.append(numbers)
        return bytes([len(made)])

    rows: list[bytes] = []
    for seq in (7, 8):
        balances.post(world.credit(ANN, 5), seq, 9, make_row, rows)
    assert rows == [b"\x01", b"\x02", b"\x03", b"\x04"]
    account, issuance = int(Owner.ACCOUNT), int(Owner.ISSUANCE)
    assert made == [
        (ANN, 7, 5, 0, 1_000_005, 0, 0, 0, 0, 9, 0, account, EntryKind.CREDIT),
        (0, 7, -5, 0, -3_000_005, 0, 0, 0, 0, 9, 1, issuance, EntryKind.CREDIT),
        (ANN, 8, 5, 0, 1_000_010, 0, 0, 0, 0, 9, 0, account, EntryKind.CREDIT),
        (0, 8, -5, 0, -3_000_010, 0, 0, 0, 0, 9, 1, issuance, EntryKind.CREDIT),
    ]
    balances.compare(world.state.accounts.values())


@pytest.mark.parametrize("part", ["available", "locked"])
def test_an_account_that_drifts_from_its_entries_is_found(part: str) -> None:
    world = World(cash=1)
    balances = RunningBalances(world.state)
    account = world.state.accounts[BOB]
    setattr(account, part, getattr(account, part) + 1)
    with pytest.raises(InvariantViolated, match=f"1: account {BOB} has"):
        balances.compare(world.state.accounts.values())
