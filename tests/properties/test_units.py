"""Numbers as text: what is formatted is parsed back, money is price times quantity, and what is no
plain decimal is refused.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from hypothesis import event, example, given
from hypothesis import strategies as st

from exchange.messages.bounds import ISSUANCE_MAX, PRICE_MAX, QUANTITY_MAX
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import (
    format_money,
    format_price,
    format_quantity,
    parse_money,
    parse_price,
    parse_quantity,
)

PARSERS: tuple[tuple[Callable[[str], int], int, int], ...] = (
    (parse_price, 4, PRICE_MAX),
    (parse_quantity, 2, QUANTITY_MAX),
    (parse_money, 6, ISSUANCE_MAX),
)
# What senders get wrong: digits of other alphabets, exponents, signs, separators, blanks.
NEARLY_NUMBERS = st.text(st.sampled_from("0123456789.+-eE_ ,\n\x00xNa１٣²∞"), max_size=24)


@given(st.integers(1, PRICE_MAX))
def test_prices_round_trip(price: int) -> None:
    assert parse_price(format_price(price)) == price


@given(st.integers(1, QUANTITY_MAX))
def test_quantities_round_trip(quantity: int) -> None:
    assert parse_quantity(format_quantity(quantity)) == quantity


@given(st.integers(1, ISSUANCE_MAX))
def test_money_round_trips(money: int) -> None:
    assert parse_money(format_money(money)) == money
    assert format_money(-money) == f"-{format_money(money)}"


@given(st.integers(1, PRICE_MAX), st.integers(1, QUANTITY_MAX))
def test_price_times_quantity_is_money_exactly(price: int, quantity: int) -> None:
    exactly = Decimal(format_price(price)) * Decimal(format_quantity(quantity))
    assert Decimal(format_money(price * quantity)) == exactly


@given(NEARLY_NUMBERS | st.text(max_size=30) | st.floats().map(str) | st.integers().map(str))
@example("0.5\n")
@example("1E+1000000")
@example("0." + "9" * 400)
def test_only_plain_decimals_are_numbers(text: str) -> None:
    """Judge by another rule: the digits, shifted, as an integer, if there are no more than fit."""
    for parse, places, maximum in PARSERS:
        plain = re.match(r"\A(0|[1-9][0-9]*)(?:\.([0-9]+))?\Z", text, re.ASCII)
        expected = None
        if plain is not None and len(plain.group(2) or "") <= places:
            shifted = int(plain.group(1) + (plain.group(2) or "").ljust(places, "0"))
            expected = shifted if 1 <= shifted <= maximum else None
        try:
            parsed: int | None = parse(text)
        except MalformedNumber:
            parsed = None
        assert parsed == expected
        event("a number" if parsed is not None else "refused")


@given(st.integers(1, PRICE_MAX), st.integers(0, 4))
def test_trailing_zeros_mean_nothing(price: int, zeros: int) -> None:
    short = format_price(price).rstrip("0")
    padded = (short + "0" * zeros)[:6]
    assert parse_price(padded) == price
