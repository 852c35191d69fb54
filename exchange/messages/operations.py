"""The events of a batch of orders, operation by operation.

An operation's own events come before the next OperationRun; those of the whole, at the end, go with
the last operation's: PairsNetted, and OrdersReached of orders that wait for a price.
"""

from collections.abc import Sequence

from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.events import Event, OperationRun


def sections(events: Sequence[Event]) -> list[list[Event]]:
    """Return each operation's events, in order; none for a batch that was refused or a repeat."""
    found: list[list[Event]] = []
    for event in events:
        if type(event) is OperationRun:
            found.append([])
        elif found:
            found[-1].append(event)
    return found


def placing_of(
    command: BatchOrders, events: Sequence[Event], client_order_id: str
) -> Sequence[Event]:
    """Return the events of the batch's first placing under this id; all, if there is none."""
    for operation, section in zip(command.operations, sections(events), strict=False):
        if isinstance(operation, PlaceOrder) and operation.client_order_id == client_order_id:
            return section
    return events
