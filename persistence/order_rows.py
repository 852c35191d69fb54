"""An order as it is read from its row, for recovery and for the history alike.

Laws: what the row leaves out follows from what it holds (the price in YES terms, the side of the
book, what remains); such rules stand here once. Writing is `batch_rows`.
"""

from typing import TYPE_CHECKING, Final

from exchange.bounds import PRICE_SCALE
from exchange.order_book import Order
from exchange.terms import BUY, YES
from persistence.codes import (
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
    " updated_at, status, cancel_reason, filled, filled_cash, fees_paid, fee_carry, open"
)
_SIDES: Final = words(SIDE)
_OUTCOMES: Final = words(OUTCOME)
_TYPES: Final = words(ORDER_TYPE)
_TIMES_IN_FORCE: Final = words(TIME_IN_FORCE)
_PREVENTIONS: Final = words(SELF_TRADE_PREVENTION)
_STATUSES: Final = words(ORDER_STATUS)
_CANCEL_REASONS: Final = words(CANCEL_REASON)


def order_of(row: "asyncpg.Record") -> Order:
    """Build an order from `COLUMNS`; it is in no book yet."""
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
        _open,
    ) = row.values()
    side, outcome = _SIDES[side_code], _OUTCOMES[outcome_code]
    yes_price = price if outcome is YES or price == 0 else PRICE_SCALE - price
    return Order(
        id_,
        account_id,
        market_id,
        side,
        outcome,
        _TYPES[type_code],
        price or None,
        yes_price,
        (side is BUY) is (outcome is YES),
        quantity or None,
        quantity - filled if quantity else 0,
        _TIMES_IN_FORCE[time_in_force],
        _PREVENTIONS[prevention],
        max_cost or None,
        client_order_id,
        locked,
        placed_seq,
        seq,
        created_at,
        updated_at,
        _STATUSES[status],
        _CANCEL_REASONS[cancel_reason] if cancel_reason else None,
        filled,
        filled_cash,
        fees_paid,
        fee_carry,
    )
