"""Kalshi's two number forms: equal where both are there, exact, and never taken for an offer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.feeds.kalshi import numbers
from gateway.feeds.kalshi.numbers import ONE, NumberForms
from gateway.feeds.model import Unrepresentable


@given(st.integers(0, 100), st.integers(0, 10**9))
def test_both_forms_of_a_whole_number_are_equal(cents: int, contracts: int) -> None:
    forms = NumberForms()
    text = f"{cents // 100}.{cents % 100:02d}00"
    old, new = numbers.dollars(cents, None, forms), numbers.dollars(None, text, forms)
    assert old == new == numbers.dollars(cents, text, forms) == cents * ONE // 100
    count = numbers.contracts(contracts, f"{contracts}.00", forms)
    assert count == numbers.contracts(contracts, None, forms) == contracts * ONE
    assert forms == NumberForms(equal=2)


@pytest.mark.parametrize(
    ("cents", "text", "expected"),
    [
        (14, "0.1400", NumberForms(equal=1)),
        (14, "0.1450", NumberForms(rounded=1)),
        (15, "0.1450", NumberForms(rounded=1)),
        (14, "0.1500", NumberForms(different=1)),
        (0, "1.0000", NumberForms(different=1)),
    ],
)
def test_the_string_wins_and_the_pair_is_counted(
    cents: int, text: str, expected: NumberForms
) -> None:
    forms = NumberForms()
    assert numbers.dollars(cents, text, forms) == numbers.exact(text)
    assert forms == expected


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_said_is_none(value: str | None) -> None:
    assert numbers.dollars(value, value, NumberForms()) is None


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "1 ", "1\n", "+1", "1.", ".5", "1e3", "NaN", "Infinity", "１", "1_0", "0x1", "--1",
        "1.000000001", "9" * 16, "0." + "1" * 21, "1" * 10_000, 1e300, 1e-9, float("nan"), True,
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(value: float | str) -> None:
    with pytest.raises(Unrepresentable) as refused:
        numbers.exact(value)
    assert refused.value.reason == "number"


@pytest.mark.parametrize(
    ("value", "units"), [("-6674.00", -6_674 * ONE), ("12.61", 12_61 * ONE // 100), (0.5, ONE // 2)]
)
def test_numbers_are_exact_in_whatever_kind_they_come(value: float | str, units: int) -> None:
    assert numbers.exact(value) == units


@given(st.integers(1, ONE - 1))
def test_off_the_grid_a_bid_goes_down_an_ask_up_and_a_price_to_the_nearest(price: int) -> None:
    bid, ask, paid = numbers.bid(price), numbers.ask(price), numbers.paid(price)
    assert bid is None or bid * 10_000 <= price < (bid + 1) * 10_000
    assert ask is None or (ask - 1) * 10_000 < price <= ask * 10_000
    assert paid is not None
    assert abs(paid * 10_000 - price) <= 5_000 or paid in {1, 9_999}


@pytest.mark.parametrize("price", [None, 0, ONE, -1, 2 * ONE])
def test_a_placeholder_is_no_price(price: int | None) -> None:
    assert numbers.bid(price) is numbers.ask(price) is numbers.paid(price) is None


def test_a_quantity_is_cut_and_bounded() -> None:
    assert numbers.quantity(numbers.exact("12.619")) == 1_261
    assert numbers.quantity(numbers.exact("0.009")) is None
    assert numbers.total(numbers.exact("0.00")) == 0
    assert numbers.total(numbers.exact("-1")) is None
    with pytest.raises(Unrepresentable):
        numbers.quantity(numbers.exact("100000001"))
    with pytest.raises(Unrepresentable):
        numbers.total(numbers.exact("99999999999999"))
