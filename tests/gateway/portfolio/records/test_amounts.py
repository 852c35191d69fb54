"""Amounts that people note down: rounding is PostgreSQL's, and happens in one place."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.portfolio.records.amounts import average, money, money_text


@given(st.integers(-(10**30), 10**30))
@settings(max_examples=300, deadline=None)
def test_money_is_rounded_as_postgresql_does(exact: int) -> None:
    wanted = Decimal(exact).scaleb(-14).quantize(Decimal("1E-8"), ROUND_HALF_UP)
    assert Decimal(money_text(money(exact))) == wanted


def test_an_average_is_the_nearest_price() -> None:
    assert average(2 * 10**14, 3 * 10**8) == 666_667
    assert average(10**14, 3 * 10**8) == 333_333
