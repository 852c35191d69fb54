"""An account as bytes: all that the commands to come build on, and nothing else.

Laws: an image is one msgpack array whose fields are only added at the end with a default, so that
one that was stored is read for ever; a program that follows something new of an account (a new
message) raises the projector's version, which has all of them made again.
"""

import msgspec

from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.messages.terms import (
    NO,
    YES,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from exchange.model.accounts import Account, Holding, Position
from exchange.model.order_book import Order


class OrderImage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An open order; its fields are those of `Order`."""

    id: int
    market_id: int
    side: Side
    outcome: Outcome
    type: OrderType
    price: int | None
    quantity: int | None
    remaining: int
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    max_cost: int | None
    client_order_id: str | None
    conditions: OrderConditions | None
    locked: int
    placed_seq: int
    seq: int
    created_at: int
    updated_at: int
    status: OrderStatus
    filled: int
    filled_cash: int
    fees_paid: int
    fee_carry: int
    version: int


HoldingImage = tuple[int, int, int]
"""Free and locked shares, and what they cost."""

PositionImage = tuple[int, int, HoldingImage, HoldingImage]
"""Market, realised profit, YES, NO."""


class AccountImage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An account; `seq` is the number of its last private message."""

    id: int
    opened_seq: int
    seq: int
    available: int
    locked: int
    orders: list[OrderImage]
    positions: list[PositionImage]


def image_of(account: Account) -> AccountImage:
    """Return what an account is."""
    return AccountImage(
        account.id,
        account.opened_seq,
        account.seq,
        account.available,
        account.locked,
        [_order_image(order) for order in account.orders.values()],
        [
            (market_id, position.realised, _shares(position.yes), _shares(position.no))
            for market_id, position in account.positions.items()
        ],
    )


def load_account(image: AccountImage) -> Account:
    """Return the account of an image, its records new."""
    account = Account(image.id, image.opened_seq, image.available, image.locked, image.seq)
    for stored in image.orders:
        account.orders[stored.id] = _order(stored, image.id)
    for market_id, realised, yes, no in image.positions:
        account.positions[market_id] = Position(
            Holding(image.id, market_id, YES, *yes),
            Holding(image.id, market_id, NO, *no),
            realised,
        )
    return account


def _shares(holding: Holding) -> HoldingImage:
    return holding.free, holding.locked, holding.cost


def _order_image(order: Order) -> OrderImage:
    return OrderImage(
        order.id,
        order.market_id,
        order.side,
        order.outcome,
        order.type,
        order.price,
        order.quantity,
        order.remaining,
        order.time_in_force,
        order.self_trade_prevention,
        order.max_cost,
        order.client_order_id,
        order.conditions,
        order.locked,
        order.placed_seq,
        order.seq,
        order.created_at,
        order.updated_at,
        order.status,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.version,
    )


def _order(stored: OrderImage, account_id: int) -> Order:
    placed = OrderPlaced(
        stored.id,
        account_id,
        stored.market_id,
        stored.side,
        stored.outcome,
        stored.type,
        stored.price,
        stored.quantity,
        stored.time_in_force,
        stored.self_trade_prevention,
        stored.max_cost,
        stored.client_order_id,
        stored.locked,
        False,
        stored.conditions,
    )
    order = Order(placed, stored.placed_seq, stored.created_at)
    order.remaining = stored.remaining
    order.seq = stored.seq
    order.updated_at = stored.updated_at
    order.status = stored.status
    order.filled = stored.filled
    order.filled_cash = stored.filled_cash
    order.fees_paid = stored.fees_paid
    order.fee_carry = stored.fee_carry
    order.version = stored.version
    return order
