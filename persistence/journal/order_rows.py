"""An order as it is read from its row, for recovery and for the history alike.

Laws: what the row leaves out follows from what it holds (the price in YES terms, the side of the
book, what remains); such rules stand here once. Writing is `batch_rows`; the text of an order's
conditions, which is not packed, is made here beside its reading.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.model.order_book import Order
from persistence.journal.codes import (
    CANCEL_REASON,
    ORDER_STATUS,
    ORDER_TYPE,
    OUTCOME,
    SELF_TRADE_PREVENTION,
    SIDE,
    TIME_IN_FORCE,
    words,
)

if TYPE_CHECKING:
    import asyncpg

COLUMNS: Final = (
    "id, account_id, market_id, side, outcome, type, price, quantity, time_in_force,"
    " self_trade_prevention, max_cost, client_order_id, locked, placed_seq, seq, created_at,"
    " updated_at, status, cancel_reason, filled, filled_cash, fees_paid, fee_carry, conditions,"
    " place, version"
)
_SIDES: Final = words(SIDE)
_OUTCOMES: Final = words(OUTCOME)
_TYPES: Final = words(ORDER_TYPE)
_TIMES_IN_FORCE: Final = words(TIME_IN_FORCE)
_PREVENTIONS: Final = words(SELF_TRADE_PREVENTION)
_STATUSES: Final = words(ORDER_STATUS)
_CANCEL_REASONS: Final = words(CANCEL_REASON)
_decode_conditions: Final = msgspec.json.Decoder(OrderConditions).decode


def order_of(row: "asyncpg.Record") -> Order:
    """Build an order from `COLUMNS`; it is in no book yet.

    Raises:
        LookupError: a code, or a condition, that this Probity doesn't know.
    """
    (
        id_,
        account_id,
        market_id,
        side_code,
        outcome_code,
        type_code,
        price,
        quantity,
        time_in_force,
        prevention,
        max_cost,
        client_order_id,
        locked,
        placed_seq,
        seq,
        created_at,
        updated_at,
        status,
        cancel_reason,
        filled,
        filled_cash,
        fees_paid,
        fee_carry,
        conditions,
        place,
        version,
    ) = row.values()
    placed = OrderPlaced(
        id_,
        account_id,
        market_id,
        _SIDES[side_code],
        _OUTCOMES[outcome_code],
        _TYPES[type_code],
        price or None,
        quantity or None,
        _TIMES_IN_FORCE[time_in_force],
        _PREVENTIONS[prevention],
        max_cost or None,
        client_order_id,
        locked,
        resting=False,
        conditions=None if conditions is None else _conditions_of(conditions),
    )
    order = Order(placed, placed_seq, created_at)
    order.seq, order.updated_at = seq, updated_at
    # Before there were amends an order's place was its id.
    order.place, order.version = place or id_, version
    order.status = _STATUSES[status]
    order.cancel_reason = _CANCEL_REASONS[cancel_reason] if cancel_reason else None
    order.filled, order.filled_cash = filled, filled_cash
    order.fees_paid, order.fee_carry = fees_paid, fee_carry
    if quantity:
        order.remaining = quantity - filled
    return order


def conditions_text(conditions: OrderConditions) -> str:
    """Return what the column holds of an order's conditions: each one that is given, by name."""
    return msgspec.json.encode(conditions).decode()


def _conditions_of(text: str) -> OrderConditions:
    try:
        return _decode_conditions(text)
    except msgspec.DecodeError as error:
        raise LookupError(f"conditions that this Probity doesn't know: {error}") from error
