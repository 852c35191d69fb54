"""Fees and reservations against fractions and brute force."""

import math
import random
from fractions import Fraction

import pytest

from exchange.messages.terms import BUY, NO, SELL, YES, FeeModel, MarketStatus
from exchange.model.market import Market
from exchange.rules.escrow import affordable, reservation, resting_reservation, taking_rate
from exchange.rules.fees import charge, denominator, exact_fee
from tests.exchange.worlds import ANN, World, busy_world

MODELS = list(FeeModel)


def fee_of(model: FeeModel, rate: int, price: int, quantity: int) -> Fraction:
    """RULEBOOK 4, word for word, in money units."""
    fee = Fraction(rate, 10_000) * price * quantity
    return fee if model is FeeModel.FLAT else fee * Fraction(10_000 - price, 10_000)


def market(maker_fee: int = 0, taker_fee: int = 0, model: FeeModel = FeeModel.FLAT) -> Market:
    return Market(
        *(1, "rain", "?", "", "", 1, 1, 1, maker_fee, taker_fee, model, MarketStatus.OPEN, 0)
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rate", [0, 1, 35, 200, 999, 1_000])
@pytest.mark.parametrize("price", [1, 2, 3_333, 5_000, 9_999])
@pytest.mark.parametrize("quantity", [1, 3, 100, 9_999, 10**10])
def test_a_fee_is_the_exact_fee_rounded_up(
    model: FeeModel, rate: int, price: int, quantity: int
) -> None:
    exact = fee_of(model, rate, price, quantity)
    assert Fraction(exact_fee(model, rate, price, quantity), denominator(model)) == exact
    fee, carry = charge(model, rate, price, quantity, 0)
    assert fee == math.ceil(exact)
    assert Fraction(carry, denominator(model)) == fee - exact
    assert fee <= price * quantity


@pytest.mark.parametrize("model", MODELS)
def test_affordable_is_the_largest_quantity_that_fits(model: FeeModel) -> None:
    seed = 11
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(400):
        rate = dice.choice((0, 1, 35, 999, 1_000))
        terms = market(dice.choice((0, 1_000)), rate, model)
        price = dice.choice((1, 2, 99, 5_000, 9_999, dice.randint(1, 9_999)))
        carry = dice.randrange(denominator(model)) if rate else 0
        budget = dice.choice((0, 1, price, 40 * price, dice.randint(0, 60 * price)))
        most = dice.randint(1, 50)
        fitting = [
            quantity
            for quantity in range(most + 1)
            if price * quantity + charge(model, rate, price, quantity, carry)[0] <= budget
        ]
        assert affordable(terms, price, carry, budget, most) == max(fitting)


def test_the_rate_of_an_incoming_order_is_the_higher_one() -> None:
    assert taking_rate(market(10, 35)) == 35
    assert taking_rate(market(35, 10)) == 35


def test_a_reservation_is_price_and_fee() -> None:
    terms = market(100, 200)
    assert reservation(terms, 0, 5_000, 100, 0) == 500_000
    assert reservation(terms, 200, 5_000, 100, 0) == 510_000
    assert reservation(terms, 200, 5_000, 0, 77) == 0


def test_each_resting_order_has_its_named_reservation() -> None:
    world = busy_world()
    for order in world.state.orders.values():
        if order.side is BUY:
            assert order.price is not None
            fee = math.ceil(fee_of(FeeModel.FLAT, 10, order.price, order.remaining))
            assert order.locked == order.price * order.remaining + fee
        else:
            assert order.locked == order.remaining
        assert resting_reservation(world.market, order) == order.locked


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("maker_fee", "taker_fee"), [(0, 1_000), (1_000, 0), (7, 35), (1_000, 3)])
def test_a_fill_never_costs_more_than_was_reserved_for_it(
    model: FeeModel, maker_fee: int, taker_fee: int
) -> None:
    world = World(tick_size=1, maker_fee=maker_fee, taker_fee=taker_fee, fee_model=model)
    for price in (4_999, 1, 9_998):
        world.limit(2, BUY, NO, 10_000 - price, 7)
        world.limit(3, BUY, NO, 10_000 - price, 3)
    world.limit(ANN, BUY, YES, 9_999, 27)
    account = world.state.accounts[ANN]
    assert account.locked == sum(order.locked for order in account.orders.values())
    world.cancel_all(ANN)
    assert account.locked == 0
    spent = 100_000_000 - account.available
    held = world.market.positions[ANN].yes
    assert held.cost <= spent <= 27 * (10_000 + 1_000)
    world.limit(ANN, SELL, YES, 1, held.free)
    assert account.available >= 0
