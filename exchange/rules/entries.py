"""The event by which an order comes: that of a command, and that of an order which is there."""

from typing import Final

from exchange.messages.commands import PlaceOrderFields
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.model.order_book import Order

_OrderPlaced: Final = OrderPlaced


def entry_of(
    fields: PlaceOrderFields,
    order_id: int,
    locked: int,
    conditions: OrderConditions | None,
    *,
    resting: bool,
) -> OrderPlaced:
    """Return the event of a PlaceOrder, given as its fields: compiled code reads these faster."""
    (
        account_id,
        market_id,
        side,
        outcome,
        kind,
        price,
        quantity,
        time_in_force,
        prevention,
        max_cost,
        client_order_id,
        _prior,
        _conditions,
    ) = fields
    return _OrderPlaced(
        order_id,
        account_id,
        market_id,
        side,
        outcome,
        kind,
        price,
        quantity,
        time_in_force,
        prevention,
        max_cost,
        client_order_id,
        locked,
        resting,
        conditions,
    )


def entry_again(
    order: Order,
    price: int | None,
    quantity: int | None,
    locked: int,
    conditions: OrderConditions | None,
) -> OrderPlaced:
    """Return the event of an order like this one, of other terms, that doesn't rest."""
    return _OrderPlaced(
        order.id,
        order.account_id,
        order.market_id,
        order.side,
        order.outcome,
        order.type,
        price,
        quantity,
        order.time_in_force,
        order.self_trade_prevention,
        order.max_cost,
        order.client_order_id,
        locked,
        resting=False,
        conditions=conditions,
    )
