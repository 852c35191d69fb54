"""What venues charge, by their own published examples, and what holds for any fill."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.terms import FeeModel
from exchange.rules.fees import charge
from gateway.venues import kalshi, ours, polymarket
from gateway.venues.schedules import SCHEDULES, fee
from gateway.venues.terms import Role

QUADRATIC = kalshi.terms("quadratic", Decimal(1))
WITH_MAKERS = kalshi.terms("quadratic_with_maker_fees", Decimal(1))
CRYPTO = (("exponent", "1"), ("rate", "0.07"), ("taker_only", "1"))
FIFTEEN_MINUTES = (("exponent", "2"), ("rate", "0.25"))


def dollars(value: str) -> Decimal:
    return Decimal(value)


@pytest.mark.parametrize(
    ("price", "contracts", "paid"),
    [
        # The general table of the venue's fee schedule.
        (100, 1, "0.01"),
        (100, 100, "0.07"),
        (500, 1, "0.01"),
        (500, 100, "0.34"),
        (1_000, 100, "0.63"),
        (2_500, 100, "1.32"),
        (5_000, 1, "0.02"),
        (5_000, 10, "0.18"),
        (5_000, 100, "1.75"),
        (7_500, 100, "1.32"),
        (9_500, 100, "0.34"),
        (9_900, 100, "0.07"),
    ],
)
def test_kalshi_takers_pay_as_its_table_says(price: int, contracts: int, paid: str) -> None:
    assert kalshi.fee(Role.TAKER, price, contracts * 100, QUADRATIC) == dollars(paid)


@pytest.mark.parametrize(
    ("price", "paid"), [(500, "0.09"), (1_000, "0.16"), (2_500, "0.33"), (5_000, "0.44")]
)
def test_kalshi_makers_pay_a_quarter_where_the_series_charges_them(price: int, paid: str) -> None:
    assert kalshi.fee(Role.MAKER, price, 10_000, WITH_MAKERS) == dollars(paid)
    assert kalshi.fee(Role.MAKER, price, 10_000, QUADRATIC) == 0


def test_kalshi_multiplier_halves_the_fee_of_index_series() -> None:
    halved = kalshi.terms("quadratic", dollars("0.5"))
    assert halved == (("taker_rate", "0.035"), ("maker_rate", "0"))
    assert kalshi.fee(Role.TAKER, 5_000, 10_000, halved) == dollars("0.88")
    assert kalshi.fee(Role.TAKER, 5_000, 10_000, kalshi.terms("quadratic", Decimal(0))) == 0


@pytest.mark.parametrize("unknown", ["flat", "", "QUADRATIC", "tiered"])
def test_kalshi_series_whose_fee_nobody_states_have_none(unknown: str) -> None:
    assert kalshi.terms(unknown, Decimal(1)) == ()
    assert kalshi.fee(Role.TAKER, 5_000, 100, ()) is None


def test_kalshi_type_of_makers_that_nobody_explains_has_the_takers_rate_alone() -> None:
    found = kalshi.terms("quadratic_with_combo_maker_fees", Decimal(1))
    assert found == (("taker_rate", "0.07"),)
    assert kalshi.fee(Role.MAKER, 5_000, 100, found) is None


@pytest.mark.parametrize(
    ("terms", "price", "shares", "paid"),
    [
        (CRYPTO, 5_000, 100, "1.75"),
        (CRYPTO, 6_500, 10, "0.15925"),
        # The schedule of early 2026: 15-minute markets.
        (FIFTEEN_MINUTES, 5_000, 100, "1.5625"),
        (FIFTEEN_MINUTES, 1_000, 100, "0.2025"),
        ((("taker_base_fee", "200"),), 3_000, 100, "0.6"),
        ((("taker_base_fee", "0"),), 3_000, 100, "0"),
        ((), 3_000, 100, "0"),
    ],
)
def test_polymarket_takers_pay_by_the_curve(
    terms: tuple[tuple[str, str], ...], price: int, shares: int, paid: str
) -> None:
    assert polymarket.fee(Role.TAKER, price, shares * 100, terms) == dollars(paid)


def test_polymarket_makers_pay_nothing_unless_the_schedule_says_so() -> None:
    assert polymarket.fee(Role.MAKER, 5_000, 10_000, CRYPTO) == 0
    both = (*CRYPTO[:2], ("taker_only", "0"))
    assert polymarket.fee(Role.MAKER, 5_000, 10_000, both) == dollars("1.75")


@pytest.mark.parametrize("exponent", ["0.5", "9", "1000000"])
def test_polymarket_curves_that_are_none_have_no_fee(exponent: str) -> None:
    terms = (("rate", "0.07"), ("exponent", exponent))
    assert polymarket.fee(Role.TAKER, 5_000, 100, terms) is None


@pytest.mark.parametrize("model", list(FeeModel))
def test_ours_is_what_the_engine_charges(model: FeeModel) -> None:
    terms = ours.terms(model, 10, 125)
    for role, rate in ((Role.TAKER, 125), (Role.MAKER, 10)):
        paid, _ = charge(model, rate, 3_333, 777, 0)
        assert ours.fee(role, 3_333, 777, terms) == Decimal(paid) / 1_000_000


@pytest.mark.parametrize("text", ["-1", "1e5", "NaN", "", "1_0", "１", "0.1234567890123", " 1"])
def test_terms_that_are_no_plain_numbers_are_none(text: str) -> None:
    assert kalshi.fee(Role.TAKER, 5_000, 100, (("taker_rate", text),)) is None


@pytest.mark.parametrize(("price", "quantity"), [(0, 1), (10_000, 1), (1, -1), (1, 10**10 + 1)])
def test_what_is_no_fill_is_refused(price: int, quantity: int) -> None:
    for platform, terms in [("kalshi", QUADRATIC), ("polymarket", CRYPTO), ("exchange", OURS)]:
        with pytest.raises(ValueError, match="must be"):
            fee(platform, Role.TAKER, price, quantity, terms)


OURS = ours.terms(FeeModel.QUADRATIC, 0, 100)
PRICES = st.integers(1, 9_999)
QUANTITIES = st.integers(0, 10**8)


@given(PRICES, QUANTITIES, QUANTITIES)
def test_more_is_never_cheaper_and_one_order_never_dearer_than_two(
    price: int, first: int, second: int
) -> None:
    for platform, terms in [("kalshi", QUADRATIC), ("exchange", OURS)]:
        whole, *parts = (
            fee(platform, Role.TAKER, price, quantity, terms) or Decimal(0)
            for quantity in (first + second, first, second)
        )
        assert max(parts) <= whole <= sum(parts)


@given(PRICES, QUANTITIES)
def test_both_legs_of_a_quadratic_fee_cost_the_same(price: int, quantity: int) -> None:
    for platform, terms in [("kalshi", QUADRATIC), ("polymarket", CRYPTO), ("exchange", OURS)]:
        paid = fee(platform, Role.TAKER, price, quantity, terms)
        assert paid == fee(platform, Role.TAKER, 10_000 - price, quantity, terms)
        assert paid is not None
        assert paid >= 0


def test_a_venue_that_nobody_knows_has_no_fee() -> None:
    assert set(SCHEDULES) == {"exchange", "kalshi", "polymarket"}
    assert fee("elsewhere", Role.TAKER, 5_000, 100, QUADRATIC) is None
