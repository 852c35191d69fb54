"""What an order's terms may be, and which field is named when they contradict each other."""

import msgspec
import pytest

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_MAX, TICK_SIZES
from exchange.messages.commands import PlaceOrder
from exchange.messages.events import CommandRejected, OrderPlaced
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    SelfTradePrevention,
    Side,
)
from exchange.rules.order_terms import nearest_on_tick, terms_problem
from tests.exchange.worlds import ANN, BOB, World, field_of, reason_of

A_LIMIT = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC)
A_MARKET = PlaceOrder(ANN, 1, BUY, YES, MARKET, None, 100, IOC)
BY_COST = PlaceOrder(ANN, 1, BUY, YES, MARKET, None, None, IOC, max_cost=1)


@pytest.mark.parametrize(
    ("order", "changes", "field"),
    [
        (A_LIMIT, {"price": None}, "price"),
        (A_LIMIT, {"price": 0}, "price"),
        (A_LIMIT, {"price": -1}, "price"),
        (A_LIMIT, {"price": 10_000}, "price"),
        (A_LIMIT, {"max_cost": 5}, "maxCost"),
        (A_LIMIT, {"quantity": None}, "quantity"),
        (A_LIMIT, {"quantity": 0}, "quantity"),
        (A_LIMIT, {"quantity": -1}, "quantity"),
        (A_LIMIT, {"quantity": QUANTITY_MAX + 1}, "quantity"),
        (A_MARKET, {"price": 5_000}, "price"),
        (A_MARKET, {"time_in_force": GTC}, "timeInForce"),
        (A_MARKET, {"quantity": None}, "quantity"),
        (A_MARKET, {"quantity": 0}, "quantity"),
        (A_MARKET, {"max_cost": 5}, "maxCost"),
        (BY_COST, {"side": SELL}, "maxCost"),
        (BY_COST, {"time_in_force": FOK}, "maxCost"),
        (BY_COST, {"max_cost": 0}, "maxCost"),
        (BY_COST, {"max_cost": None}, "quantity"),
    ],
)
def test_contradictions_name_their_field(
    order: PlaceOrder, changes: dict[str, object], field: str
) -> None:
    world = World()
    assert terms_problem(order) is None
    wrong = msgspec.structs.replace(order, **changes)
    problem = terms_problem(wrong)
    assert problem is not None
    assert problem[0] == field
    refused = world.send(wrong)
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_ORDER, field)
    assert world.state.orders == {}


@pytest.mark.parametrize("tick", TICK_SIZES)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_nearest_price_on_the_tick(tick: int, side: Side) -> None:
    valid = range(tick, PRICE_SCALE, tick)
    for price in range(1, PRICE_SCALE):
        nearest = nearest_on_tick(price, tick, side)
        neighbours = (price - price % tick, price - price % tick + tick)
        assert nearest in valid
        assert abs(nearest - price) == min(abs(n - price) for n in neighbours if n in valid)
        if 2 * (price % tick) == tick and all(n in valid for n in neighbours):
            # Halfway, the one that costs the sender less.
            assert (nearest < price) is (side is BUY)


@pytest.mark.parametrize(
    ("side", "price", "nearest"),
    [(BUY, 5_555, "0.5600"), (BUY, 5_550, "0.5500"), (SELL, 5_550, "0.5600"), (BUY, 1, "0.0100"),
     (SELL, 9_999, "0.9900"), (BUY, 9_950, "0.9900")],
)  # fmt: skip
def test_off_tick_says_the_nearest_valid_price(side: Side, price: int, nearest: str) -> None:
    world = World()
    refused = world.limit(ANN, side, NO, price, 100)
    assert (reason_of(refused), field_of(refused)) == (Reason.OFF_TICK, "price")
    assert isinstance(refused[0], CommandRejected)
    assert refused[0].message.endswith(f"the nearest valid price is {nearest}")


def test_the_minimum_quantity_is_named_in_the_refusal() -> None:
    world = World(min_quantity=250)
    refused = world.limit(ANN, BUY, YES, 5_000, 249)
    assert refused == [
        CommandRejected(Reason.BELOW_MIN_QUANTITY, "quantity", "must be at least 2.50")
    ]


def test_a_sale_without_a_position_says_what_is_free() -> None:
    world = World()
    message = "needs 1.00 free shares, has 0.00"
    assert world.limit(ANN, SELL, YES, 5_000, 100) == [
        CommandRejected(Reason.INSUFFICIENT_SHARES, "quantity", message)
    ]


def test_a_market_buy_behind_own_orders_only_cancels_them() -> None:
    world = World()
    world.limit(ANN, BUY, NO, 5_000, 100)
    events = world.send(
        msgspec.structs.replace(A_MARKET, self_trade_prevention=SelfTradePrevention.CANCEL_MAKER)
    )
    assert [type(event).__name__ for event in events] == [
        "OrderPlaced",
        "OrderCancelled",
        "OrderCancelled",
    ]
    assert world.state.orders == {}


def test_order_ids_are_dense_and_a_refusal_takes_none() -> None:
    world = World()
    placed = [world.limit(BOB, BUY, YES, 5_000, quantity)[0] for quantity in (1, 0, 1)]
    assert isinstance(placed[0], OrderPlaced)
    assert isinstance(placed[2], OrderPlaced)
    assert (placed[0].order_id, placed[2].order_id) == (1, 2)
