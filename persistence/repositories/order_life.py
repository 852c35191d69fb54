"""One order's whole life, as the journal has it: placed, amended, traded, ended.

Nothing lists an order's commands, so they are found by what is kept beside: its placing and its
last change by the order's own row, its trades by its owner's ledger, its amends (which move no
money where shares are locked) by the journal's bytes, and those only if it was ever amended; so too
that it was triggered, if it waited for a price.

Laws: oldest first; a page looks through so many entries and rows at most, so it may be short, or
empty, before the end; what it finds is read from the journal, once for each batch.
"""

from typing import Final

import msgspec

from exchange.messages.events import Event, OrderAmended, OrderRested, TradeExecuted
from exchange.messages.terms import OrderStatus
from exchange.messages.waiting_events import LockPassed, OrderTriggered, PendingAmended
from exchange.model.order_book import Order
from exchange.proof.ledger import EntryKind, Owner
from persistence.journal.marked import mark_of, marked_payloads
from persistence.journal.reader import executions_at
from persistence.journal.rows import executions_with
from persistence.journal.source import JournalSource
from persistence.postgres.database import Fetching

ENTRIES_LOOKED_THROUGH: Final = 5_000

# The last entry that was looked at counts too: more of its command may lie behind it.
_TRADED: Final = """
WITH looked AS (
    SELECT command_seq, entry_no, order_id, kind FROM ledger
     WHERE owner_id = $1 AND owner = $2 AND command_seq > $3 AND command_seq <= $4
     ORDER BY command_seq, entry_no LIMIT $5)
SELECT DISTINCT command_seq, false AS is_last FROM looked WHERE order_id = $6 AND kind = $7
UNION ALL
SELECT max(command_seq), true FROM looked HAVING count(*) = $5
ORDER BY command_seq
"""
_UNTOLD: Final = (OrderRested, LockPassed)

Marked = OrderAmended | PendingAmended | OrderTriggered
"""Events that are looked for in the journal by their names."""


class Moment(msgspec.Struct, frozen=True):
    """One thing that a command did to an order; `at` in microseconds since the epoch."""

    seq: int
    at: int
    event: Event


def concerns(event: Event, order_id: int) -> bool:
    """Say whether an event is part of an order's life; that the rest went into the book isn't, nor
    what passes between the two orders of a pair.
    """
    if isinstance(event, TradeExecuted):
        return order_id in (event.taker_order_id, event.maker_order_id)
    return getattr(event, "order_id", None) == order_id and not isinstance(event, _UNTOLD)


async def order_life(
    journal: JournalSource, order: Order, after: int, limit: int
) -> tuple[list[Moment], int | None]:
    """Return what became of an order by commands later than `after`, oldest first, and the command
    after which to go on; None at the end.

    At most `limit` commands are shown; each whole, with all that it did to the order.
    """
    # The view's record goes on meanwhile.
    last, after = order.seq, max(after, order.placed_seq - 1)
    if after >= last:
        return [], None
    seqs, until = await _traded(journal.tables, order, after, last)
    for kind in _looked_for(order):
        marked, marked_until = await _marked(journal, order.id, kind, after, last)
        seqs, until = seqs | marked, min(until, marked_until)
    seqs |= {order.placed_seq, last}
    wanted = sorted(seq for seq in seqs if after < seq <= until)
    if len(wanted) > limit:
        wanted = wanted[:limit]
        until = wanted[-1]
    found = await executions_at(journal, wanted)
    moments = [
        Moment(seq, execution.at, event)
        for seq, execution in found.items()
        for event in execution.events
        if concerns(event, order.id)
    ]
    return moments, None if until >= last else until


async def _traded(source: Fetching, order: Order, after: int, last: int) -> tuple[set[int], int]:
    """Return commands later than `after` that may hold trades of the order, and until where they
    are all there.
    """
    rows = await source.fetch(
        _TRADED,
        order.account_id,
        int(Owner.ACCOUNT),
        after,
        last,
        ENTRIES_LOOKED_THROUGH,
        order.id,
        int(EntryKind.TRADE),
    )
    until = last
    for row in rows:
        if row["is_last"]:
            until = row["command_seq"]
    return {row["command_seq"] for row in rows}, until


def _looked_for(order: Order) -> list[type[Marked]]:
    """Return what may have befallen the order that only the journal's bytes tell."""
    kinds: list[type[Marked]] = [OrderAmended] if order.version else []
    if order.conditions is not None and order.conditions.trigger_price is not None:
        if order.version:
            kinds.append(PendingAmended)
        if order.status is not OrderStatus.PENDING:
            kinds.append(OrderTriggered)
    return kinds


async def _marked(
    journal: JournalSource, order_id: int, kind: type[Marked], after: int, last: int
) -> tuple[set[int], int]:
    """Return the commands later than `after` with such an event of the order, and until where."""
    name = mark_of(kind)
    payloads, until = await marked_payloads(journal, after + 1, last, [name])
    found = {
        execution.seq
        for payload in payloads
        for execution in executions_with(payload, [name])
        if any(isinstance(event, kind) and event.order_id == order_id for event in execution.events)
    }
    return found, until
