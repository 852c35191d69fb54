"""Strict JSON, both ways: what comes in is refused at the edge or is exactly what its struct says.

Laws: UTF-8; no duplicate keys, no NaN or Infinity, no unknown fields, no deep nesting, at most
`VALUES_MAX` values, no NUL and no lone surrogate in any string (Postgres would refuse them later).
Each is a 400 that names the field by its path in camelCase. Numbers in units of the exchange are
kept as text (`msgspec.Raw`) and go through `exchange.messages.units`; no float is ever made of
them. Size is the caller's bound (`http/reading/bodies.py`).

msgspec makes the typed struct. What it doesn't see (duplicate keys, the path of a bad string) is
found by a pass of the standard parser before, about 2 us, unless the body is so plain that neither
can be in it.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar
from unicodedata import combining, normalize

import msgspec

from exchange.messages.bounds import (
    CREDIT_MAX,
    ISSUANCE_MAX,
    MONEY_SCALE,
    NOTIONAL_MAX,
    QUANTITY_MAX,
    QUANTITY_SCALE,
)
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_money, parse_price, parse_quantity
from gateway.wire.errors import ValidationFailed
from gateway.wire.nesting import deeper_than
from gateway.wire.plain_words import known_fields, plain

T = TypeVar("T")

BODY_FIELD: Final = "body"
"""What is named when no single field is to blame."""
VALUES_MAX: Final = 4_000
"""Colons and commas of a body: what reading it costs grows with them more than with its length."""
DEPTH_MAX: Final = 64
"""Brackets open at once; nothing we take needs ten."""
NUMBER_TEXT_LENGTH: Final = 64
"""No number in our units needs more; a longer text is refused unread."""
MARKS_MAX: Final = 30
"""Combining characters in a row; no word of any language has as many."""
_REMEMBERED: Final = 8_192
"""So many numbers that were parsed are kept."""


def _decimal(places: int, digits: int) -> str:
    """Return the pattern of a decimal above 0 with `places`, at most 10 to the power `digits`.

    Without digits before the point it stays below 1.
    """
    fraction, not_zero = rf"(\.[0-9]{{1,{places}}})?", r"^(?!0(\.0*)?$)"
    if not digits:
        return rf"{not_zero}0{fraction}$"
    top = rf"1{'0' * digits}(\.0{{1,{places}}})?"
    return rf"{not_zero}((0|[1-9][0-9]{{0,{digits - 1}}}){fraction}|{top})$"


def number_meta(
    description: str,
    example: str,
    pattern: str,
    numbers: dict[str, Any],
    *,
    optional: bool = True,
) -> msgspec.Meta:
    """Return what OpenAPI says of a number that is text or a JSON number.

    `pattern` bounds the text, `numbers` (a schema's keywords) the number; an optional field takes
    null for not given.
    """
    kinds = [{"type": "string", "pattern": pattern}, {"type": "number", **numbers}]
    if optional:
        kinds.append({"type": "null"})
    return msgspec.Meta(
        description=description, extra_json_schema={"anyOf": kinds, "examples": [example]}
    )


_CREDITS: Final = len(str(ISSUANCE_MAX // MONEY_SCALE)) - 1
_CREDIT: Final = len(str(CREDIT_MAX // MONEY_SCALE)) - 1
_NOTIONAL: Final = len(str(NOTIONAL_MAX // MONEY_SCALE)) - 1
_SHARES: Final = len(str(QUANTITY_MAX // QUANTITY_SCALE)) - 1

PriceText = Annotated[
    msgspec.Raw,
    number_meta(
        "credits for one share, 0.0001 to 0.9999, at most 4 decimals",
        "0.5500",
        _decimal(4, 0),
        {"minimum": 0.0001, "maximum": 0.9999},
    ),
]
QuantityText = Annotated[
    msgspec.Raw,
    number_meta(
        f"shares, 0.01 to {10**_SHARES}, at most 2 decimals",
        "10.00",
        _decimal(2, _SHARES),
        {"minimum": 0.01, "maximum": 10**_SHARES},
    ),
]
SharesText = Annotated[
    msgspec.Raw,
    number_meta(
        f"shares, 0.01 to {10**_SHARES}, at most 2 decimals",
        "10.00",
        _decimal(2, _SHARES),
        {"minimum": 0.01, "maximum": 10**_SHARES},
        optional=False,
    ),
]
MoneyText = Annotated[
    msgspec.Raw,
    number_meta(
        f"credits, 0.000001 to {10**_CREDITS}, at most 6 decimals",
        "5.500000",
        _decimal(6, _CREDITS),
        {"minimum": 0.000001, "maximum": 10**_CREDITS},
    ),
]
_CREDIT_META: Final = (
    f"credits, 0.000001 to {10**_CREDIT}, at most 6 decimals",
    "5.500000",
    _decimal(6, _CREDIT),
    {"minimum": 0.000001, "maximum": 10**_CREDIT},
)
CreditOrNoneText = Annotated[msgspec.Raw, number_meta(*_CREDIT_META)]
CreditText = Annotated[msgspec.Raw, number_meta(*_CREDIT_META, optional=False)]
NotionalText = Annotated[
    msgspec.Raw,
    number_meta(
        f"credits, 0.000001 to {10**_NOTIONAL}, at most 6 decimals",
        "2500.000000",
        _decimal(6, _NOTIONAL),
        {"minimum": 0.000001, "maximum": 10**_NOTIONAL},
    ),
]
RateText = Annotated[
    msgspec.Raw,
    number_meta(
        "a rate, 0 to 0.1, at most 4 decimals",
        "0.02",
        r"^0(\.0[0-9]{0,3}|\.10{0,3})?$",
        {"minimum": 0, "maximum": 0.1},
    ),
]
TickText = Annotated[
    msgspec.Raw,
    number_meta(
        "the step of prices: 0.0001, 0.001 or 0.01",
        "0.01",
        r"^0\.(010{0,2}|0010?|0001)$",
        {"enum": [0.0001, 0.001, 0.01]},
    ),
]


class BodyStruct(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of every request body."""


class QueryStruct(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of every set of query parameters."""


class AnswerStruct(msgspec.Struct, frozen=True, rename="camel"):
    """Base of every answer."""


class _Duplicate(ValueError):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return fields


_NOT_FINITE: Final = object()
"""Stands for NaN and the infinities until the walk that knows their path refuses them."""


def _not_finite(_constant: str) -> object:
    return _NOT_FINITE


# Numbers stay text: nothing here needs their value, and int() of thousands of digits is slow.
_SCANNER: Final = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_constant=_not_finite, parse_int=str, parse_float=str
)


def decode(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the struct that `raw` holds.

    Raises ValidationFailed naming the field, in time linear in the length, whatever the bytes are.
    """
    if len(raw) > VALUES_MAX and raw.count(b",") + raw.count(b":") > VALUES_MAX:
        raise ValidationFailed.of(BODY_FIELD, f"has more than {VALUES_MAX} commas and colons")
    if deeper_than(raw, DEPTH_MAX):
        raise ValidationFailed.of(BODY_FIELD, "is nested too deeply")
    try:
        if not _is_plain(raw):
            fields = _SCANNER.decode(raw.decode("utf-8"))
            if b"\\u" in raw or b"NaN" in raw or b"Infinity" in raw:
                _refuse_poison(fields, "")
        return decoder.decode(raw)
    except UnicodeDecodeError:
        raise ValidationFailed.of(BODY_FIELD, "is not UTF-8") from None
    except _Duplicate as duplicate:
        raise ValidationFailed.of(shown_name(str(duplicate)), "is given twice") from None
    except RecursionError:
        raise ValidationFailed.of(BODY_FIELD, "is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise from_msgspec(error, decoder.type) from None
    except (msgspec.DecodeError, json.JSONDecodeError):
        raise ValidationFailed.of(BODY_FIELD, "is not valid JSON") from None


_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _is_plain(raw: bytes) -> bool:
    """Say whether `raw` surely is one object without escapes, without inner keys, without a key
    given twice.

    Each key has a colon of its own behind its closing quote. So if all colons stand behind quotes,
    and are as many as there are different outer keys, there are no other keys.
    """
    colons = raw.count(b":")
    if colons != raw.count(b'":') or b"\\" in raw or not raw.isascii():
        return False
    try:
        return len(_FIELDS.decode(raw)) == colons
    except (msgspec.DecodeError, RecursionError):
        return False


def _refuse_poison(value: object, path: str) -> None:
    if isinstance(value, str):
        refuse_poison(value, path or BODY_FIELD)
    elif value is _NOT_FINITE:
        raise ValidationFailed.of(path or BODY_FIELD, "must be a finite number")
    elif isinstance(value, dict):
        for key, inner in value.items():
            refuse_poison(key, path or BODY_FIELD)
            _refuse_poison(inner, f"{path}.{shown_name(key)}" if path else shown_name(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_poison(inner, f"{path}[{index}]")


def refuse_poison(text: str, field: str) -> None:
    """Raise ValidationFailed if `text` holds NUL or a lone surrogate."""
    if "\x00" in text:
        raise ValidationFailed.of(field, "must not contain NUL")
    # isascii() answers most texts at once; only a lone surrogate can't be encoded.
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValidationFailed.of(field, "must not contain half a character") from None


def shown_name(key: str) -> str:
    """Return a client's own key fit to be shown: short and printable."""
    return "".join(c if c.isprintable() else "?" for c in key[:64])


_PATH: Final = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`\Z")
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


def from_msgspec(
    error: msgspec.ValidationError, owner: object, root: str = BODY_FIELD
) -> ValidationFailed:
    """Return the 400 for a failed decode into `owner`, with the field's path from the message."""
    message = str(error)
    path = ""
    if at := _PATH.search(message):
        path, message = at.group(1), message[: at.start()]
    if missing := _MISSING.fullmatch(message):
        return ValidationFailed.of(_join(path, missing.group(1)), "is required")
    if unknown := _UNKNOWN.fullmatch(message):
        field = _join(path, shown_name(unknown.group(1)))
        return ValidationFailed.of(field, known_fields(owner, path))
    return ValidationFailed.of(path or root, plain(message, owner, path))


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def number_text(raw: msgspec.Raw, field: str) -> str:
    """Return the text of a JSON string or number that was kept raw.

    Raises ValidationFailed for true, null, arrays, objects and text longer than any number of ours.
    """
    return _number_text(bytes(raw), field)


def _number_text(token: bytes, field: str) -> str:
    if len(token) > NUMBER_TEXT_LENGTH:
        raise ValidationFailed.of(field, "has too many digits")
    if token[:1] == b'"':
        return msgspec.json.decode(token, type=str)
    if token[:1] in b"-0123456789":
        return token.decode("ascii")
    raise ValidationFailed.of(field, "must be a decimal number, as text or number")


def not_given() -> msgspec.Raw:
    """Stand for an optional number that the body doesn't give; the default of such a field."""
    default: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    return default


_ABSENT: Final = (msgspec.Raw(), msgspec.Raw(b"null"))


def is_given(raw: msgspec.Raw) -> bool:
    """Say whether an optional number field was in the body and not null."""
    # Asked seven times an order, so nothing is copied for it.
    return raw not in _ABSENT


@lru_cache(_REMEMBERED)
def _in_units(token: bytes, field: str, parse: Callable[[str], int]) -> int:
    # The same few prices and quantities come again and again; refusals are not remembered.
    try:
        return parse(_number_text(token, field))
    except MalformedNumber as error:
        raise ValidationFailed.of(field, str(error)) from None


def price(raw: msgspec.Raw, field: str = "price") -> int:
    """Return units of 1/10 000 credit, or raise ValidationFailed naming `field`."""
    return _in_units(bytes(raw), field, parse_price)


def quantity(raw: msgspec.Raw, field: str = "quantity") -> int:
    """Return units of 1/100 share, or raise ValidationFailed naming `field`."""
    return _in_units(bytes(raw), field, parse_quantity)


def money(raw: msgspec.Raw, field: str = "amount") -> int:
    """Return units of 1/1 000 000 credit, or raise ValidationFailed naming `field`."""
    return _in_units(bytes(raw), field, parse_money)


def _marks_in_a_row(text: str) -> int:
    longest = found = 0
    for character in text:
        found = found + 1 if combining(character) else 0
        longest = max(longest, found)
    return longest


def stored_text(text: str, field: str, most: int) -> str:
    """Return text as it is stored and compared: in Unicode's composed form (NFC).

    Raises ValidationFailed naming `field` if that has more than `most` characters, or if so many
    marks stand on one character that composing takes time by the square (UAX #15, 13).
    """
    if not text.isascii() and _marks_in_a_row(text) > MARKS_MAX:
        raise ValidationFailed.of(field, f"must have at most {MARKS_MAX} marks on one character")
    composed = normalize("NFC", text)
    if len(composed) > most:
        raise ValidationFailed.of(field, f"must have at most {most} characters")
    return composed


class _Nothing(BodyStruct, frozen=True):
    """A body without fields."""


EMPTY_BODY: Final = msgspec.json.Decoder(_Nothing)
"""Takes `{}` and refuses any field, for routes that ask for no body."""
