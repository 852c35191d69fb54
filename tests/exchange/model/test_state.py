"""The container of everything remembered: what giving it up must free."""

import gc
import sys

from exchange.messages.terms import BUY, YES
from tests.exchange.worlds import ANN, World


def test_a_dismantled_state_frees_its_orders_without_the_collector() -> None:
    world = World()
    first, second, third = (world.rest(ANN, BUY, YES, 5_000, 100) for _ in range(3))
    assert (first.next, third.previous) == (second, second)
    gc.disable()
    try:
        linked = sys.getrefcount(second)
        world.state.dismantle()
        assert (second.previous, second.next) == (None, None)
        assert sys.getrefcount(second) == linked - 2
    finally:
        gc.enable()
