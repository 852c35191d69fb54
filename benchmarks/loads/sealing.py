"""What the journal writes for a flow: its sealed batches, and the rows that are in them.

An engine and a journal of their own run the commands and seal them, and write nothing.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.loads.exchange_flow import opening
from exchange.engine import Engine
from exchange.messages.commands import Command
from exchange.model.state import State
from exchange.proof.running_balances import RunningBalances
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.journal import Journal, SealedBatch
from persistence.journal.open_orders import OpenOrders

EPOCH: Final = 1
SLICE: Final = 32

# Which argument of commit_batch holds a table's rows, how they are laid out, and how many leading
# columns are the key of an update.
INSERTED: Final = {
    "orders": (13, ">qqqqqqqqqqqqqqHBBBBBBBq"),
    "trades": (17, ">qqqqqqqqqqqqHHBBB"),
    "ledger": (18, ">qqqqqqqqqqiBB"),
    "accounts": (22, ">qqqqq"),
}
ORDER_COLUMNS: Final = (
    *("id", "account_id", "market_id", "quantity", "max_cost", "filled", "filled_cash"),
    *("fees_paid", "fee_carry", "locked", "placed_seq", "seq", "created_at", "updated_at"),
    *("price", "side", "outcome", "type", "time_in_force", "self_trade_prevention", "status"),
    *("cancel_reason", "place"),
)
"""What a new order's row holds; a table's other rows hold all of its columns."""
UPDATED: Final = {
    "orders": (
        16,
        ">qqqqqqqqBB",
        (
            "id, filled, filled_cash, fees_paid, fee_carry, locked, seq, updated_at, status,"
            " cancel_reason"
        ),
        1,
    ),
    "accounts": (23, ">qqqqq", "id, opened_seq, available, locked, seq", 1),
    "positions": (
        24,
        ">qqqqqqqqq",
        (
            "account_id, market_id, yes_free, yes_locked, yes_cost, no_free, no_locked, no_cost,"
            " realised"
        ),
        2,
    ),
    "markets": (
        25,
        ">qqqqqqHHBB",
        (
            "id, collateral, seq, trade_no, volume, resolved_at, last_price, yes_payout, status,"
            " resolution"
        ),
        1,
    ),
}
# A row of open orders is a block's number and its bits.
OPEN_ORDERS: Final = (26, ">q64s")
_PAYLOAD: Final = 7


class Sealing:
    """An exchange of a thousand accounts and twenty markets that seals what it is given."""

    def __init__(self) -> None:
        self._engine = Engine(State())
        self._balances = RunningBalances(self._engine.state)
        # It only seals here; nothing is asked of a connection.
        self._journal = Journal(None, EPOCH, 0, bytes(32), OpenOrders([]))  # type: ignore[arg-type]
        self.opening = self.seal(opening())

    def seal(self, commands: Sequence[Command]) -> SealedBatch:
        """Run commands and seal them as one batch."""
        rows = BatchRows()
        for first in range(0, len(commands), SLICE):
            executions = self._engine.run(2_000_000, commands[first : first + SLICE])
            for execution in executions:
                add_execution(rows, self._balances, execution)
            add_ids(rows, self._engine.state, executions)
        return self._journal.seal(self._engine.state, rows, self._balances)


def packed_rows(batch: SealedBatch) -> Iterator[bytes]:
    """Yield the rows of a batch without client ids as the journal sends them, its own row first."""
    yield batch.arguments[_PAYLOAD]
    places = [*INSERTED.values(), *[place[:2] for place in UPDATED.values()], OPEN_ORDERS]
    for argument, layout in places:
        data: bytes = batch.arguments[argument].bytes
        width = struct.calcsize(layout)
        yield from (data[first : first + width] for first in range(0, len(data), width))
