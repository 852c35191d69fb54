"""An order's conditions: carried by every message and record, and not there when not given."""

import msgspec
import pytest

from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from exchange.proof.state_hash import state_hash
from tests.exchange.worlds import ANN, World

PLACE = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC)
BOUND = msgspec.structs.replace(PLACE, conditions=OrderConditions())


def test_they_go_from_the_command_to_the_event_and_the_order() -> None:
    for command in (PLACE, BOUND):
        world = World()
        (placed,) = world.send(command)
        assert isinstance(placed, OrderPlaced)
        assert placed.conditions == command.conditions
        assert world.state.orders[placed.order_id].conditions == command.conditions


def test_they_are_part_of_the_state() -> None:
    hashes = []
    for command in (PLACE, BOUND):
        world = World()
        world.send(command)
        hashes.append(state_hash(world.state))
    assert hashes[0] != hashes[1]


def test_a_message_of_before_reads_as_one_without() -> None:
    today = msgspec.msgpack.decode(msgspec.msgpack.encode(PLACE))
    assert today.pop() is None
    before = msgspec.msgpack.encode(today)
    assert msgspec.msgpack.decode(before, type=PlaceOrder) == PLACE


def test_a_term_is_written_by_its_name_and_only_if_given() -> None:
    class Later(OrderConditions, frozen=True, kw_only=True):
        made_up_at: int | None = None
        made_up: bool = False

    assert msgspec.json.encode(OrderConditions()) == msgspec.json.encode(Later()) == b"{}"
    given = msgspec.msgpack.encode(Later(made_up=True))
    assert msgspec.msgpack.decode(given) == {"made_up": True}
    with pytest.raises(msgspec.ValidationError, match="made_up"):
        msgspec.msgpack.decode(given, type=OrderConditions)
