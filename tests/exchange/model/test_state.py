"""The container of everything remembered: what giving it up must free, and what changed of it."""

import gc
import sys
from dataclasses import fields

from exchange.messages.terms import BUY, YES
from exchange.model.state import Dirty
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


def test_whatever_hardly_any_command_changes_is_noticed_and_then_forgotten() -> None:
    dirty = Dirty()
    names = [one.name for one in fields(Dirty) if isinstance(getattr(dirty, one.name), dict)]
    assert {"payouts", "leases", "edited"} < set(names)
    for name in names:
        getattr(dirty, name)[1] = 2
        assert dirty.has_rare, name
        dirty.clear()
        assert (dirty.has_rare, getattr(dirty, name)) == (False, {})
    dirty.mode = True
    assert dirty.has_rare
    dirty.clear()
    assert not dirty.has_rare
