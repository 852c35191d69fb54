"""Messages taken apart: what `astuple` is said to give is what the message's fields are."""

from typing import Any, get_args

import pytest
from msgspec.structs import fields

from exchange.messages.commands import PlaceOrder, PlaceOrderFields
from exchange.messages.events import (
    OrderCancelled,
    OrderCancelledFields,
    OrderPlaced,
    OrderPlacedFields,
    TradeExecuted,
    TradeExecutedFields,
)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (PlaceOrder, PlaceOrderFields),
        (OrderPlaced, OrderPlacedFields),
        (OrderCancelled, OrderCancelledFields),
        (TradeExecuted, TradeExecutedFields),
    ],
)
def test_the_types_of_a_message_taken_apart_are_its_fields(message: Any, said: Any) -> None:
    assert get_args(said) == tuple(field.type for field in fields(message))
