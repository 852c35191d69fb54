"""Each law about orders that wait is noticed when it is broken, and the index refuses strangers."""

from collections.abc import Callable

import msgspec
import pytest

from exchange.messages.commands import PlaceOco, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    NO,
    SELL,
    STOP,
    YES,
    ExchangeMode,
    MarketStatus,
    OrderStatus,
)
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.waiting import Waiting, trigger_of
from exchange.proof.invariants import problems
from exchange.transitions.waiting_index import waiting_in
from tests.exchange.worlds import ANN, BOB, CEM, World


def stop(trigger: int = 4_500) -> PlaceOrder:
    terms = OrderConditions(trigger_price=trigger)
    return PlaceOrder(ANN, 1, SELL, YES, STOP, None, 100, IOC, conditions=terms)


def waiting_world() -> World:
    """Ann's order 3 waits, 4 is due, and 5 and 6 are a pair."""
    world = World()
    world.mint(ANN, BOB, 1_000)
    world.send(stop(4_000))
    world.send(stop(4_500))
    limit = PlaceOrder(ANN, 1, SELL, YES, LIMIT, 7_000, 100, GTC)
    world.send(PlaceOco(ANN, limit, stop(3_000)))
    world.limit(CEM, BUY, YES, 4_500, 1)
    world.limit(BOB, BUY, NO, 5_500, 1)
    return world


def waiting_of(state: State) -> Waiting:
    waiting = state.markets[1].waiting
    assert waiting is not None
    return waiting


def forget_due(state: State) -> None:
    state.due.clear()


def watch_another_price(state: State) -> None:
    order = state.orders[3]
    waiting_of(state).unwatch(order)
    order.conditions = msgspec.structs.replace(trigger_of(order), trigger_price=3_900)
    waiting_of(state).watch(order)
    order.conditions = msgspec.structs.replace(trigger_of(order), trigger_price=4_000)


def lose_from_the_index(state: State) -> None:
    order = state.orders[3]
    waiting_of(state).unwatch(order)
    del waiting_of(state).orders[3]


def open_outside_the_book(state: State) -> None:
    state.orders[3].status = OrderStatus.OPEN


def another_record(state: State) -> None:
    waiting_of(state).orders[3] = waiting_of(state).orders[4]


def nothing_trades(state: State) -> None:
    state.mode = ExchangeMode.HALTED


def closed(state: State) -> None:
    state.markets[1].status = MarketStatus.CLOSED


def both_legs_locked(state: State) -> None:
    state.orders[6].locked += 1


BREAKS: dict[Callable[[State], None], str] = {
    forget_due: "9: what is due doesn't match",
    watch_another_price: "9: market 1 watches other prices",
    lose_from_the_index: "5: 4 open orders",
    open_outside_the_book: "5: order 3 doesn't wait",
    another_record: "5: order 3 doesn't wait",
    nothing_trades: "9: order 4 is due where nothing trades",
    closed: "9: market 1 holds orders for a price that never comes",
    both_legs_locked: "3: order 6 has 1 locked",
}


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda one: one.__name__)
def test_a_broken_law_is_named(break_it: Callable[[State], None]) -> None:
    state = waiting_world().state
    assert list(problems(state)) == []
    assert len(state.due) == 1
    break_it(state)
    assert any(problem.startswith(BREAKS[break_it]) for problem in problems(state))


def test_a_record_that_is_not_open_is_named() -> None:
    state = waiting_world().state
    del state.orders[3]
    assert "5: order 3 waits, but isn't open" in list(problems(state))


def test_an_order_without_a_trigger_waits_for_nothing() -> None:
    world = World()
    order: Order = world.rest(ANN, BUY, YES, 4_000, 10)
    with pytest.raises(InvariantViolated, match="waits for no price"):
        trigger_of(order)
    with pytest.raises(KeyError, match="no order waits in market 1"):
        waiting_in(world.market)
