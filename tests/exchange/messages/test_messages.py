"""Messages taken apart: what `astuple` is said to give is what the message's fields are."""

from typing import Any, get_args

import pytest
from msgspec.structs import fields

from exchange.messages.commands import AmendOrder, AmendOrderFields, PlaceOrder, PlaceOrderFields
from exchange.messages.events import (
    OrderAmended,
    OrderAmendedFields,
    OrderCancelled,
    OrderCancelledFields,
    OrderPlaced,
    OrderPlacedFields,
    TradeExecuted,
    TradeExecutedFields,
)
from exchange.messages.units import Boxed


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (PlaceOrder, PlaceOrderFields),
        (AmendOrder, AmendOrderFields),
        (OrderAmended, OrderAmendedFields),
        (OrderPlaced, OrderPlacedFields),
        (OrderCancelled, OrderCancelledFields),
        (TradeExecuted, TradeExecutedFields),
    ],
)
def test_the_types_of_a_message_taken_apart_are_its_fields(message: Any, said: Any) -> None:
    types = [field.type for field in fields(message)]
    for field_said, type_ in zip(get_args(said), types, strict=True):
        assert field_said == type_ or (field_said is Boxed and type_ is int)
