"""Batches of orders: 1 to 50 operations as one command (RULEBOOK 13).

    operations, each judged on what the earlier ones left -> netting, once

Each operation runs by the rule of the command it is. Its outcome follows an OperationRun that names
it, in order, so events alone rebuild the state and tell each operation's answer. All of them share
the command's sequence: marks, messages and after-images come once by themselves
(`transitions/marks.py`). With `all_or_none` the first refusal takes everything back
(`transitions/undoing.py`) and is the batch's own, its field named within the batch; an order that
ends early is no refusal, a repeat neither.
"""

from typing import Final

import msgspec

from exchange.messages.bounds import BATCH_OPERATIONS
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    NamedOrder,
    Operation,
    PlaceOrder,
)
from exchange.messages.events import CommandRejected, Event, OperationRun
from exchange.messages.reasons import Reason
from exchange.model.idempotency import ORDER_ID, key_of
from exchange.model.state import State
from exchange.rules.amending import amend
from exchange.rules.cancelling import cancel
from exchange.rules.netting import net
from exchange.rules.once import run_once
from exchange.rules.placing import place
from exchange.transitions import undoing

_CommandRejected: Final = CommandRejected


def run_batch(state: State, command: BatchOrders) -> list[Event]:
    """Run a BatchOrders and return its events, already applied.

    O(operations + fills), undoing included.
    """
    problem = batch_problem(command)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_ORDER, *problem)]
    mark = undoing.begin(state) if command.all_or_none else None
    state.unnetted = {}
    events: list[Event] = []
    for number, operation in enumerate(command.operations):
        outcome = _operate(state, operation)
        first = outcome[0]
        if mark is not None and type(first) is _CommandRejected:
            undoing.roll_back(state, mark)
            state.unnetted = None
            return [_named(first, number)]
        events.append(OperationRun(number))
        events += outcome
    undoing.keep(state)
    touched, state.unnetted = state.unnetted, None
    for market_id, account_id in sorted(touched):
        net(state, state.markets[market_id], (account_id,), events)
    return events


def batch_problem(command: BatchOrders) -> tuple[str, str] | None:
    """Return (field, what is wrong) if a batch can't be, whatever the state is."""
    operations = command.operations
    if not 1 <= len(operations) <= BATCH_OPERATIONS:
        return "operations", f"must be 1 to {BATCH_OPERATIONS} operations"
    for number, operation in enumerate(operations):
        owner = operation.account_id
        if type(operation) is NamedOrder and operation.operation.account_id != command.account_id:
            owner = operation.operation.account_id
        if owner != command.account_id:
            return operation_field(number), "is of another account than the batch"
        if type(operation) is PlaceOrder and _is_system(operation):
            return operation_field(number), "a system id is one of a command, not of its parts"
    return None


def _is_system(operation: PlaceOrder) -> bool:
    return operation.conditions is not None and operation.conditions.system


def operation_field(number: int, field: str = "") -> str:
    """Return how a field of an operation is named, e.g. "operations[3].price"."""
    return f"operations[{number}].{field}" if field else f"operations[{number}]"


def _operate(state: State, operation: Operation) -> list[Event]:
    if isinstance(operation, PlaceOrder):
        key = key_of(operation)
        return place(state, operation) if key is None else run_once(state, key, operation, place)
    if isinstance(operation, NamedOrder):
        key = operation.account_id, ORDER_ID, operation.client_order_id
        order_id = state.open_client_ids.get(key)
        if order_id is None:
            message = "no open order was placed under this id"
            return [CommandRejected(Reason.ORDER_NOT_OPEN, "clientOrderId", message)]
        return _operate(state, msgspec.structs.replace(operation.operation, order_id=order_id))
    if isinstance(operation, AmendOrder):
        return amend(state, operation)
    return cancel(state, operation)


def _named(refusal: CommandRejected, number: int) -> CommandRejected:
    field = operation_field(number, refusal.field)
    return CommandRejected(refusal.reason, field, refusal.message)
