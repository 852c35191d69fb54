"""The twin's batches of orders (RULEBOOK 13): one operation after the other, and undone by a copy
of everything that was made before.
"""

from collections import defaultdict
from typing import Any

from msgspec.structs import replace

from exchange.messages.commands import (
    BatchOrders,
    Command,
    NamedOrder,
    Operation,
    PlaceOrder,
)
from exchange.messages.events import CommandRejected, Event, OperationRun, TradeExecuted
from exchange.messages.reasons import Reason
from tests.properties.twin_amends import TwinAmends
from tests.properties.twin_records import TwinHolding, copy_of
from tests.properties.twin_terms import is_system

COUNTERS = ("undone", "undone_after_trades")
RECORDS = ("accounts", "markets", "orders", "ended", "holdings", "groups")


class TwinBatches(TwinAmends):
    """Several operations as one command."""

    undone = 0
    """Batches of which nothing remains."""
    undone_after_trades = 0
    """Those of them that had traded."""

    def batch(self, command: BatchOrders) -> list[Event]:
        """Run a BatchOrders."""
        if not 1 <= len(command.operations) <= 50:
            return [CommandRejected(Reason.INVALID_ORDER, "operations", "")]
        for number, operation in enumerate(command.operations):
            named = isinstance(operation, PlaceOrder) and is_system(operation)
            if named or strangers(operation, command.account_id):
                return [CommandRejected(Reason.INVALID_ORDER, f"operations[{number}]", "")]
        saved = self._copy_of_everything() if command.all_or_none else {}
        self.in_batch = True
        events: list[Event] = []
        for number, operation in enumerate(command.operations):
            outcome = self._operate(operation)
            if command.all_or_none and isinstance(outcome[0], CommandRejected):
                self.__dict__.update(saved)
                self.in_batch = False
                self.undone += 1
                self.undone_after_trades += any(isinstance(e, TradeExecuted) for e in events)
                field = f"operations[{number}]" + (outcome[0].field and "." + outcome[0].field)
                return [CommandRejected(outcome[0].reason, field, "")]
            events += [OperationRun(number), *outcome]
        self.in_batch = False
        by_market = sorted(self.to_net, key=lambda pair: (pair[1], pair[0]))
        self.to_net = dict.fromkeys(by_market)
        return events + self.netting()

    def _operate(self, operation: Operation) -> list[Event]:
        if not isinstance(operation, NamedOrder):
            return self.once(operation)
        for order in self.orders.values():
            if (order.account_id, order.client_order_id) == (
                operation.account_id,
                operation.client_order_id,
            ):
                return self.once(replace(operation.operation, order_id=order.id))
        return [CommandRejected(Reason.ORDER_NOT_OPEN, "clientOrderId", "")]

    def once(self, command: Command) -> list[Event]:
        """Run a command unless its id was used."""
        raise AssertionError(command)

    def _copy_of_everything(self) -> dict[str, Any]:
        saved = {name: value for name, value in self.__dict__.items() if name not in COUNTERS}
        for name, value in saved.items():
            if isinstance(value, defaultdict):
                saved[name] = defaultdict(value.default_factory, value)
            elif isinstance(value, dict):
                saved[name] = dict(value)
        # Nobody has anything in most markets of a long day: these come up again empty.
        saved["holdings"] = defaultdict(
            TwinHolding,
            {key: held for key, held in self.holdings.items() if held.free or held.locked},
        )
        for name in RECORDS:
            for key, record in saved[name].items():
                saved[name][key] = copy_of(record)
        return saved


def strangers(operation: Operation, account_id: int) -> bool:
    """Return whether an operation is of somebody else than its batch."""
    inner = operation.operation if isinstance(operation, NamedOrder) else operation
    return {operation.account_id, inner.account_id} != {account_id}
