"""Numbers as text: what is taken, what is refused, and that refusing is quick."""

from collections.abc import Callable

import pytest

from exchange.messages.bounds import ISSUANCE_MAX, QUANTITY_MAX
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import (
    format_money,
    format_price,
    format_quantity,
    parse_money,
    parse_price,
    parse_quantity,
    parse_rate,
)
from tests.measured import computing

NO_NUMBERS = [
    "", " ", "-", "+", ".", "..", "1.2.3", "1,5", "1 0", " 1", "1 ", "1\n", "0.5\n", "\n0.5",
    "0.5\r", "0.5\x00", "-1", "+1", "-0", "-0.5", "00", "01", "00.5", ".5", "5.", "1e3", "1E3",
    "1E+1000000", "0x10", "0b1", "1_0", "1_000", "NaN", "nan", "sNaN", "Infinity", "-Infinity",
    "inf", "true", "None", "null", "１", "１.５", "٣", "𝟓", "0٫5", "²", "½", "0.5f", "0.5L",
    "0.1234567", "9" * 400, "0." + "1" * 400, "1" * 20, "0" * 400,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize("parse", [parse_price, parse_quantity, parse_money])
def test_what_is_no_plain_number_is_refused(parse: Callable[[str], int], text: str) -> None:
    with pytest.raises(MalformedNumber, match=r"^must "):
        parse(text)


@pytest.mark.parametrize(
    ("text", "price"),
    [("0.0001", 1), ("0.5", 5_000), ("0.50", 5_000), ("0.5500", 5_500), ("0.9999", 9_999)],
)
def test_prices(text: str, price: int) -> None:
    assert parse_price(text) == price


@pytest.mark.parametrize("text", ["0", "0.0", "0.0000", "1", "1.0", "1.0000", "2", "10000"])
def test_prices_lie_strictly_between_zero_and_one(text: str) -> None:
    with pytest.raises(MalformedNumber, match=r"must lie between 0.0001 and 0.9999"):
        parse_price(text)


@pytest.mark.parametrize("text", ["0.55555", "0.50000", "0.00001"])
def test_prices_have_four_places_at_most_even_if_they_are_zero(text: str) -> None:
    with pytest.raises(MalformedNumber, match="at most 4 decimal places"):
        parse_price(text)


@pytest.mark.parametrize(
    ("text", "quantity"), [("0.01", 1), ("1", 100), ("10.5", 1_050), ("100000000", 10**10)]
)
def test_quantities(text: str, quantity: int) -> None:
    assert parse_quantity(text) == quantity


@pytest.mark.parametrize("text", ["0", "0.00", "0.001", "100000000.01", "9999999999999999999"])
def test_quantities_out_of_range(text: str) -> None:
    with pytest.raises(MalformedNumber):
        parse_quantity(text)


def test_money_and_its_maximum() -> None:
    assert parse_money("0.000001") == 1
    assert parse_money("5.5") == 5_500_000
    assert parse_money("1000000000000") == ISSUANCE_MAX
    assert parse_money("5", maximum=5_000_000) == 5_000_000
    with pytest.raises(MalformedNumber, match=r"between 0.000001 and 5.000000"):
        parse_money("5.000001", maximum=5_000_000)
    for text in ("0", "0.000000", "1000000000000.000001"):
        with pytest.raises(MalformedNumber):
            parse_money(text)


def test_rates() -> None:
    assert parse_rate("0", 1_000) == 0
    assert parse_rate("0.02", 1_000) == 200
    assert parse_rate("0.1", 1_000) == 1_000
    with pytest.raises(MalformedNumber, match=r"between 0 and 0.1000"):
        parse_rate("0.1001", 1_000)


def test_formats() -> None:
    assert [format_price(p) for p in (1, 5_500, 9_999)] == ["0.0001", "0.5500", "0.9999"]
    assert [format_quantity(q) for q in (1, 1_050, QUANTITY_MAX)] == [
        "0.01",
        "10.50",
        "100000000.00",
    ]
    assert [format_money(m) for m in (0, 1, -1, -500_000, 999_999, 1_000_000, -5_500_000)] == [
        "0.000000",
        "0.000001",
        "-0.000001",
        "-0.500000",
        "0.999999",
        "1.000000",
        "-5.500000",
    ]


def test_a_megabyte_of_digits_is_refused_at_once() -> None:
    texts = ["9" * 10**6, "0." + "9" * 10**6, "1E+1000000", "0" * 10**6]
    with computing() as took:
        for text in texts:
            with pytest.raises(MalformedNumber):
                parse_price(text)
    assert took.seconds < 0.1
