"""Values of a venue's JSON: read whatever their form, exactly, or said to be unreadable."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.bounds import QUANTITY_MAX
from gateway.feeds import reading
from gateway.feeds.reading import Misread


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (reading.text, '"a b"', "a b"),
        (reading.text, '" a\\u0000b "', "ab"),
        (reading.text, "17", "17"),
        (reading.text, "null", None),
        (reading.text, '""', None),
        (reading.text, "", None),
        (reading.flag, "true", True),
        (reading.flag, '"False"', False),
        (reading.flag, "null", None),
        (reading.decimal, "0.21999995306666104", Decimal("0.21999995306666104")),
        (reading.decimal, '".48"', Decimal("0.48")),
        (reading.decimal, '"1e-7"', Decimal("0.0000001")),
        (reading.decimal, '""', None),
        (reading.texts, '["Yes", "No"]', ["Yes", "No"]),
        (reading.texts, '"[\\"Yes\\", \\"No\\"]"', ["Yes", "No"]),
        (reading.texts, "[0.5, null]", ["0.5", ""]),
        (reading.texts, "null", None),
        (reading.moment, '"2026-06-10T13:24:44.427242Z"', 1_781_097_884_427_242),
        (reading.moment, '"2026-06-10 13:13:13+00"', 1_781_097_193_000_000),
        (reading.moment, '"2026-06-10T13:13:13"', 1_781_097_193_000_000),
        (reading.moment, '"2026-06-10"', 1_781_049_600_000_000),
        (reading.moment, '"1770921571394"', 1_770_921_571_394_000),
        (reading.moment, "1770479519", 1_770_479_519_000_000),
        (reading.moment, '"2026-01-08T12:31:08-05:00"', 1_767_893_468_000_000),
        (reading.moment, "null", None),
    ],
)
def test_a_value_is_read_in_each_of_its_forms(read, written, value) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert read(raw(written)) == value


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (reading.text, "{}"),
        (reading.text, "[1]"),
        (reading.text, "true"),
        (reading.flag, "1"),
        (reading.flag, '"yes"'),
        (reading.decimal, "true"),
        (reading.decimal, '"NaN"'),
        (reading.decimal, '"1_000"'),
        (reading.decimal, '"１２"'),
        (reading.decimal, '"1e999"'),
        (reading.decimal, '"0x10"'),
        (reading.decimal, '"' + "9" * 5_000 + '"'),
        (reading.texts, '"[1"'),
        (reading.texts, "5"),
        (reading.texts, '"' + "[" * 9_000 + '"'),
        (reading.moment, '"soon"'),
        (reading.moment, '"\\ud800"'),
        (reading.text, '"\\ud800"'),
        (reading.decimal, '"\\ud800"'),
        (reading.moment, '"1969-12-31T00:00:00Z"'),
        (reading.moment, '"9999999999999999999999"'),
        (reading.moment, "0"),
        (reading.moment, '"2026-02-30"'),
    ],
)
def test_another_form_is_said_to_be_one(read, written) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with pytest.raises(Misread):
        read(raw(written))


decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-2, max_value=2, places=12)


@given(decimals)
def test_a_price_goes_where_it_costs_a_reader_nothing(number: Decimal) -> None:
    bid, ask = reading.bid_price(number), reading.ask_price(number)
    near = reading.near_price(number)
    if not 0 < number < 1:
        assert (bid, ask, near) == (None, None, None)
        return
    assert near is not None
    assert 1 <= near <= 9_999
    if bid is not None:
        assert bid <= number * 10_000 < bid + 1
    else:
        assert number < Decimal("0.0001")
    if ask is not None:
        assert ask - 1 < number * 10_000 <= ask
    else:
        assert number > Decimal("0.9999")


def test_many_digits_round_no_further_than_they_should() -> None:
    almost = Decimal("0." + "9" * 60)
    assert reading.bid_price(almost) == 9_999
    assert reading.ask_price(almost) is None
    assert reading.near_price(almost) == 9_999
    assert reading.quantity(almost) == 99
    assert reading.resting_quantity(almost) == 99


def test_a_quantity_is_cut_and_bounded() -> None:
    assert reading.quantity(Decimal("1.999")) == 199
    assert reading.quantity(Decimal("0.009")) is None
    assert reading.quantity(Decimal(-1)) is None
    assert reading.quantity(Decimal(10) ** 30) is None
    assert reading.resting_quantity(Decimal(10) ** 30) == QUANTITY_MAX
    assert reading.resting_quantity(Decimal(-1)) == 0


def test_money_is_cut_to_six_decimals_and_bounded() -> None:
    assert reading.money(Decimal("46224362.39541418")) == Decimal("46224362.395414")
    assert reading.money(None) is None
    for wrong in (Decimal(-1), Decimal(10) ** 18):
        with pytest.raises(Misread):
            reading.money(wrong)


@given(st.text())
def test_a_text_can_be_stored(text: str) -> None:
    kept = reading.clean(text, 50)
    assert "\x00" not in kept
    assert len(kept) <= 50
    kept.encode("utf-8")


@given(st.binary(max_size=60))
def test_no_token_makes_a_reader_fail_otherwise(token: bytes) -> None:
    for read in (reading.text, reading.flag, reading.decimal, reading.texts, reading.moment):
        try:
            read(msgspec.Raw(token))
        except Misread:
            continue
