"""Strict JSON: each malformed body is refused, fast, with the field's name."""

import json
import random
import sys
from typing import Annotated

import msgspec
import pytest

from gateway.wire import strict_json
from gateway.wire.errors import ApiError, ValidationFailed
from gateway.wire.scalars import iso_millis, parse_time
from gateway.wire.strict_json import BodyStruct, PriceText, QuantityText, is_given, not_given
from tests.measured import computing


class Leg(BodyStruct, frozen=True):
    """A part of a body."""

    limit_price: PriceText


class Body(BodyStruct, frozen=True):
    """What the tests decode."""

    price: PriceText
    quantity: QuantityText = not_given()
    note: Annotated[str, msgspec.Meta(max_length=5)] = ""
    legs: tuple[Leg, ...] = ()


DECODER = msgspec.json.Decoder(Body)


def refusal(raw: bytes) -> tuple[str, str]:
    """The field and the message that a body is refused with."""
    with computing() as took, pytest.raises(ApiError) as caught:
        strict_json.price(strict_json.decode(raw, DECODER).price)
    assert took.seconds < 0.25
    assert isinstance(caught.value, ValidationFailed)
    (detail,) = caught.value.details
    return detail.field, detail.message


@pytest.mark.parametrize(
    "text",
    [
        "0", "1", "-1", "true", "null", "[]", "{}", "1e-1", "0.55555", "9" * 400, "0." + "5" * 400,
        '"NaN"', "NaN", "Infinity", "-Infinity", '"1E+1000000"', "1E+1000000", '"1_0"', '"0.5\\n"',
        '" 0.5"', '"+0.5"', '"\uff10.\uff15"', '""', '".5"', '"5."', '"0x1"', '"0.5\\u0000"',
        '"\\ud800"', '"' + "1" * 400 + '"',
    ],
)  # fmt: skip
def test_price_that_is_none_names_the_price(text: str) -> None:
    field, _ = refusal(f'{{"price":{text}}}'.encode())
    assert field == "price"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b'"price"', "body"),
        (b"{}", "price"),
        (b'{"price":"0.5"', "body"),
        (b'{"price":"0.5"} {}', "body"),
        (b'{"price":"0.5",}', "body"),
        (b"{'price':'0.5'}", "body"),
        (b'\xef\xbb\xbf{"price":"0.5"}', "body"),
        (b'{"price":"0.5","note":"\xff"}', "body"),
        (b'{"price":"\xed\xa0\x80"}', "body"),
        (b'{"price":"0.5","Price":"0.5"}', "Price"),
        (b'{"price":"0.5","limit_price":1}', "limit_price"),
        (b'{"price":"0.5","price":"0.5"}', "price"),
        (b'{"price":"0.5","pri\\u0063e":"0.6"}', "price"),
        (b'{"price":"0.5","legs":[{"limitPrice":1,"limitPrice":2}]}', "limitPrice"),
        (b'{"price":"0.5","note":7}', "note"),
        (b'{"price":"0.5","note":"too long"}', "note"),
        (b'{"price":"0.5","note":"a\\u0000"}', "note"),
        (b'{"price":"0.5","note":"\\udfff"}', "note"),
        (b'{"price":"0.5","note":"\\ud83dx"}', "note"),
        (b'{"price":"0.5","legs":[{}]}', "legs[0].limitPrice"),
        (b'{"price":"0.5","legs":[{"limitPrice":1,"x":2}]}', "legs[0].x"),
        (b'{"price":"0.5","legs":[{"limitPrice":"\\u0000"}]}', "legs[0].limitPrice"),
        (b'{"price":"0.5","legs":[{"limitPrice":NaN}]}', "legs[0].limitPrice"),
        (b'{"price":"0.5","legs":[7]}', "legs[0]"),
        (b"[" * 100_000, "body"),
        (b'{"price":' + b"[" * 60_000, "body"),
        (b'{"price":' * 7_000, "body"),
        (b'{"price":"0.5","x":' + b'{"a":' * 60 + b"1" + b"}" * 61, "x"),
        (b'{"price":"0.5","x":' + b'{"a":' * 900 + b"1" + b"}" * 901, "body"),
    ],
)
def test_malformed_body_names_what_is_wrong(raw: bytes, field: str) -> None:
    assert refusal(raw)[0] == field


def test_values_of_a_body_are_bounded_and_so_is_what_reading_them_costs() -> None:
    def body(legs: int) -> bytes:
        return b'{"price":"0.5","legs":[' + b",".join([b'{"limitPrice":1}'] * legs) + b"]}"

    # Two of a leg, and two more: the price's colon and the legs'; the comma between them.
    most = (strict_json.VALUES_MAX - 2) // 2
    assert len(strict_json.decode(body(most), DECODER).legs) == most
    assert refusal(body(most + 1)) == ("body", "has more than 4000 commas and colons")
    assert refusal(b"[" + b"{}," * 20_000 + b"{}]")[1] == "has more than 4000 commas and colons"


def test_field_shown_back_is_short_and_printable() -> None:
    field, _ = refusal(b'{"price":"0.5","' + b"\\u202e" + b"x" * 500 + b'":1}')
    assert len(field) <= 64
    assert field.isprintable()


@pytest.mark.parametrize("text", ['"0.55"', "0.55", "0.5500", '"0.5500"'])
def test_price_may_be_text_or_number(text: str) -> None:
    body = strict_json.decode(f'{{"price":{text},"note":"\\u00e9"}}'.encode(), DECODER)
    assert (strict_json.price(body.price), body.note) == (5_500, "é")


def test_quantity_left_out_or_null_is_not_given() -> None:
    for raw in (b'{"price":1}', b'{"price":1,"quantity":null}'):
        assert not is_given(strict_json.decode(raw, DECODER).quantity)
    assert is_given(strict_json.decode(b'{"price":1,"quantity":0}', DECODER).quantity)


def test_time_goes_both_ways() -> None:
    at = parse_time("2026-01-31T12:00:00.25Z", "closeTime")
    assert iso_millis(at) == "2026-01-31T12:00:00.250Z"
    assert parse_time("2026-01-31T13:00:00.250+01:00", "closeTime") == at


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "2026-01-31", "2026-01-31T12:00:00", "2026-13-31T12:00:00Z",
        "2026-02-30T12:00:00Z", "2026-01-31T12:00:00Z\n", "\uff12026-01-31T12:00:00Z", "1769860800",
        "2026-01-31T24:30:00Z", "0001-01-01T00:00:00+23:59", "9" * 500,
    ],
)  # fmt: skip
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse_time(text, "closeTime")
    assert caught.value.details[0].field == "closeTime"


def test_bodies_taken_for_plain_hold_no_key_twice_and_no_inner_key() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    strings = ['"a"', '"b"', '"c"', '":"', '"a:"', '"\\u0061"', '"é"', '""', '"\\""']
    values = [*strings, "1", "null", "true", '{"a":1}', '[{"a":1}]', '[":"]', "{}", "[1]"]
    colons = [":", ":", ":", ":", " :", "\t:", ": "]
    plain = 0
    for _ in range(50_000):
        pairs = [
            chance.choice(strings) + chance.choice(colons) + chance.choice(values)
            for _ in range(chance.randrange(4))
        ]
        text = "{" + ",".join(pairs) + "}"
        if strict_json._is_plain(text.encode()):
            plain += 1
            found: list[list[tuple[str, object]]] = []
            json.loads(text, object_pairs_hook=found.append)
            *inner, outer = found
            assert not any(inner), text
            assert len(dict(outer)) == len(outer), text
            assert text.isascii(), text
            assert "\\" not in text
    assert plain > 1_000


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        b'{"a" :1,"a":2}',
        b'{"a":{"b":1}}',
        b'{"a":":"}',
        b'{"a":"\xff"}',
        b'{"a":NaN}',
        b'{"a":' + b"[" * 5_000,
        b"[1]",
        b"",
        b'{"a":1',
        b'{"a":1}{"b":1}',
    ],
)
def test_what_may_hide_something_is_not_taken_for_plain(raw: bytes) -> None:
    assert not strict_json._is_plain(raw)


def test_order_as_clients_write_it_is_taken_for_plain() -> None:
    assert strict_json._is_plain(b'{"side":"BUY", "price": "0.55", "quantity": 10}')


def test_marks_in_a_row_are_bounded_so_that_composing_is_quick() -> None:
    marks = "\u0316\u0301" * 5_000
    with pytest.raises(ValidationFailed) as caught:
        strict_json.stored_text("a" + marks, "description", 10_001)
    assert caught.value.details[0].field == "description"
    fits = "a" + "\u0301" * strict_json.MARKS_MAX
    assert strict_json.stored_text(fits, "description", 100).startswith("á")
    assert strict_json.stored_text(("e" + marks[:20]) * 200, "description", 10_000)


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_a_body_is_not_parsed_to_see_that_it_is_too_deep(bracket: bytes) -> None:
    """Libraries raise the interpreter's limit, past which the parser ends the process."""
    limit = sys.getrecursionlimit()
    deep = bracket * (strict_json.VALUES_MAX - 2) + b"1"
    sys.setrecursionlimit(100_000)
    try:
        assert refusal(b'{"price":' + deep) == ("body", "is nested too deeply")
    finally:
        sys.setrecursionlimit(limit)
    legs = b"[" * (strict_json.DEPTH_MAX - 1) + b"]" * (strict_json.DEPTH_MAX - 1)
    assert refusal(b'{"price":0.5,"legs":' + legs + b"}")[0] == "legs[0]"
