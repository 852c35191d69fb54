"""Strict JSON, both ways: what comes in is refused at the edge or is exactly what its struct says.

Laws: UTF-8; no duplicate keys, no NaN or Infinity, no unknown fields, no deep nesting, no NUL and
no lone surrogate in any string (Postgres would refuse them later). Each is a 400 that names the
field by its path in camelCase. Numbers in units of the exchange are kept as text (`msgspec.Raw`)
and go through `exchange.messages.units`; no float is ever made of them. Size is the caller's bound
(`http/reading/bodies.py`).

msgspec makes the typed struct. What it doesn't see (duplicate keys, the path of a bad string) is
found by a pass of the standard parser before, about 2 us, unless the body is so plain that neither
can be in it.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import msgspec

from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_money, parse_price, parse_quantity
from gateway.wire.errors import ValidationFailed

T = TypeVar("T")

BODY_FIELD: Final = "body"
"""What is named when no single field is to blame."""
NUMBER_TEXT_LENGTH: Final = 64
"""No number in our units needs more; a longer text is refused unread."""
_REMEMBERED: Final = 8_192
"""So many numbers that were parsed are kept."""


def _number(description: str, example: str) -> msgspec.Meta:
    one_of = [{"type": "string"}, {"type": "number"}]
    return msgspec.Meta(
        description=description, extra_json_schema={"anyOf": one_of, "examples": [example]}
    )


PriceText = Annotated[
    msgspec.Raw, _number("credits for one share, 0.0001 to 0.9999, at most 4 decimals", "0.5500")
]
QuantityText = Annotated[msgspec.Raw, _number("shares, at most 2 decimals", "10.00")]
MoneyText = Annotated[msgspec.Raw, _number("credits, at most 6 decimals", "5.500000")]
NumberText = Annotated[msgspec.Raw, _number("a decimal number, as text or number", "0.01")]


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
        raise from_msgspec(error) from None
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


def from_msgspec(error: msgspec.ValidationError, root: str = BODY_FIELD) -> ValidationFailed:
    """Return the 400 for a failed typed decode, with the field's path taken from the message."""
    message = str(error)
    path = ""
    if at := _PATH.search(message):
        path, message = at.group(1), message[: at.start()]
    if missing := _MISSING.fullmatch(message):
        return ValidationFailed.of(_join(path, missing.group(1)), "is required")
    if unknown := _UNKNOWN.fullmatch(message):
        return ValidationFailed.of(
            _join(path, shown_name(unknown.group(1))), "is not a known field"
        )
    text = message.replace("`", "")
    return ValidationFailed.of(path or root, text[:1].lower() + text[1:200])


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


def is_given(raw: msgspec.Raw) -> bool:
    """Say whether an optional number field was in the body and not null."""
    return bytes(raw) not in (b"", b"null")


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


class _Nothing(BodyStruct, frozen=True):
    """A body without fields."""


EMPTY_BODY: Final = msgspec.json.Decoder(_Nothing)
"""Takes `{}` and refuses any field, for routes that ask for no body."""
