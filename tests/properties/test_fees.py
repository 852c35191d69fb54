"""Fees over many fills: exact, never dearer than one big fill, never falling as quantity grows."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.terms import FeeModel, MarketStatus
from exchange.model.market import Market
from exchange.rules.escrow import reservation
from exchange.rules.fees import charge, denominator

MODELS = st.sampled_from(FeeModel)
RATES = st.integers(0, 1_000)
PRICES = st.integers(1, 9_999)
QUANTITIES = st.integers(1, 10**7) | st.integers(1, 20)
FILLS = st.lists(st.tuples(PRICES, QUANTITIES), min_size=1, max_size=30)


def exact(model: FeeModel, rate: int, price: int, quantity: int) -> Fraction:
    fee = Fraction(rate, 10_000) * price * quantity
    return fee if model is FeeModel.FLAT else fee * Fraction(10_000 - price, 10_000)


@given(MODELS, RATES, FILLS)
def test_fills_together_pay_the_exact_sum_rounded_up(
    model: FeeModel, rate: int, fills: list[tuple[int, int]]
) -> None:
    paid = carry = 0
    total = Fraction(0)
    for price, quantity in fills:
        fee, carry = charge(model, rate, price, quantity, carry)
        before, total = total, total + exact(model, rate, price, quantity)
        assert fee == math.ceil(total) - math.ceil(before)
        assert 0 <= carry < denominator(model)
        assert 0 <= fee <= price * quantity
        paid += fee
    assert paid == math.ceil(total)


@given(MODELS, RATES, PRICES, st.lists(QUANTITIES, min_size=1, max_size=30))
def test_many_fills_cost_what_one_big_one_costs(
    model: FeeModel, rate: int, price: int, quantities: list[int]
) -> None:
    paid = carry = 0
    for quantity in quantities:
        fee, carry = charge(model, rate, price, quantity, carry)
        paid += fee
    assert paid == charge(model, rate, price, sum(quantities), 0)[0]


@given(MODELS, RATES, RATES, FILLS)
def test_rates_may_differ_from_fill_to_fill(
    model: FeeModel, maker: int, taker: int, fills: list[tuple[int, int]]
) -> None:
    # An order takes first and makes later, under another rate, with one sum.
    paid = carry = 0
    total = Fraction(0)
    for number, (price, quantity) in enumerate(fills):
        rate = taker if number < len(fills) // 2 else maker
        fee, carry = charge(model, rate, price, quantity, carry)
        total += exact(model, rate, price, quantity)
        paid += fee
    assert paid == math.ceil(total)


@given(MODELS, RATES, PRICES, st.integers(0, 10**7), st.integers(0, 10**6), st.data())
def test_price_and_fee_rise_with_quantity_and_with_price(
    model: FeeModel, rate: int, price: int, quantity: int, more: int, data: st.DataObject
) -> None:
    terms = (1, "rain", "?", "", "", 1, 1, 1, 0, 0, model, MarketStatus.OPEN, 0)
    market = Market(*terms)
    carry = data.draw(st.integers(0, denominator(model) - 1))
    dearer = data.draw(st.integers(price, 9_999))
    needed = reservation(market, rate, price, quantity, carry)
    assert needed <= reservation(market, rate, price, quantity + more, carry)
    assert needed <= reservation(market, rate, dearer, quantity, carry)
