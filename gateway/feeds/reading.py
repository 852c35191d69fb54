"""How the values of a venue's JSON are read, whatever form they come in.

Laws: a field is kept raw and read by what it should mean, so a venue that retypes one (a number
that becomes a text, an array that becomes a text with an array in it) loses that field at most.
None is "not said" (absent, null, an empty text); what is said in a form that isn't known raises
`Misread`. Numbers are exact decimals of bounded length; no float is ever made. Texts are cut, lose
NUL and half characters, which no database takes, and outer blanks.

Prices go to the exchange's units by what they mean: a bid down, an ask up, a price that was paid to
the nearest; what isn't strictly between 0 and 1 is no price.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_MAX, QUANTITY_SCALE

Raw = msgspec.Raw

TITLE_MAX: Final = 500
TEXT_MAX: Final = 20_000
NAMES_MAX: Final = 64
"""So many names (tags, outcomes) of a market are read."""
_NUMBER: Final = re.compile(rb"-?([0-9]{1,40}(\.[0-9]{1,80})?|\.[0-9]{1,80})([eE][+-]?[0-9]{1,2})?")
"""As JSON has it, and ".48", as some write in a text."""
_NUMBER_MAX: Final = 160
_NOTHING: Final = frozenset({b"", b"null", b'""'})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE: Final = re.compile(r"[+-][0-9]{2}$")
_TIME_MAX: Final = 40
_SECONDS: Final = 10**11
"""Smaller whole numbers are seconds since the epoch, larger ones milliseconds."""
_MILLISECONDS: Final = 10**14
_LATEST: Final = 253_402_300_800
"""The year 10000, in seconds."""
_MONEY_MAX: Final = Decimal(10) ** 18
_MONEY_STEP: Final = Decimal("0.000001")
_EXACT: Final = Context(prec=2 * _NUMBER_MAX)
"""No product of what is read loses a digit."""

_text: Final = msgspec.json.Decoder(str).decode
_flag: Final = msgspec.json.Decoder(bool).decode
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Misread(ValueError):
    """A value has a form that isn't known."""


def absent() -> msgspec.Raw:
    """Stand for a field that the venue doesn't send; the default of such a field."""
    default: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    return default


def is_said(raw: msgspec.Raw) -> bool:
    """Say whether a field is there and holds something."""
    return bytes(raw) not in _NOTHING


def clean(text: str, most: int = TITLE_MAX) -> str:
    """Return a text that any database takes, of at most `most` characters."""
    short = text[:most].replace("\x00", "")
    if not short.isascii():
        short = short.encode("utf-8", "ignore").decode("utf-8")
    return short.strip()


def text(raw: msgspec.Raw, most: int = TITLE_MAX) -> str | None:
    """Return a text; a number is taken as it is written."""
    token = bytes(raw)
    if token in _NOTHING:
        return None
    if token[:1] == b'"':
        try:
            return clean(_text(token), most) or None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Misread("no text") from None
    if len(token) <= _NUMBER_MAX and _NUMBER.fullmatch(token):
        return token.decode("ascii")
    raise Misread("no text")


def flag(raw: msgspec.Raw) -> bool | None:
    """Return true or false, also as a text."""
    token = bytes(raw).strip(b'"')
    if token in _NOTHING:
        return None
    try:
        return _flag(token.lower())
    except msgspec.DecodeError:
        raise Misread("neither true nor false") from None


def decimal(raw: msgspec.Raw) -> Decimal | None:
    """Return a number, or a text that writes one, exactly."""
    token = bytes(raw)
    if token in _NOTHING:
        return None
    return _decimal(token[1:-1] if token[:1] == b'"' else token)


def decimal_of(written: str) -> Decimal:
    """Return the number that a text writes, exactly."""
    return _decimal(written.encode("utf-8", "replace"))


def _decimal(token: bytes) -> Decimal:
    if len(token) > _NUMBER_MAX or _NUMBER.fullmatch(token) is None:
        raise Misread("no number")
    return Decimal(token.decode("ascii"))


def items(raw: msgspec.Raw) -> list[msgspec.Raw] | None:
    """Return the elements of an array, or of a text with an array in it."""
    token = bytes(raw)
    if token in _NOTHING:
        return None
    try:
        if token[:1] == b'"':
            token = _text(token).encode("utf-8")
        return _raws(token)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Misread("no array") from None


def texts(raw: msgspec.Raw, most: int = NAMES_MAX) -> list[str] | None:
    """Return an array of texts; an element that is empty is an empty text."""
    found = items(raw)
    if found is None:
        return None
    return [text(item) or "" for item in found[:most]]


def moment(raw: msgspec.Raw) -> int | None:
    """Return microseconds since the epoch, of an ISO time, of a date and a time with a blank
    between and "+00" behind, of a bare date, or of seconds or milliseconds as number or text.

    A time without a zone is UTC. Before 1970 and from the year 10000 on is no time of a market.
    """
    token = bytes(raw)
    if token in _NOTHING:
        return None
    if token[:1] != b'"':
        return _since_epoch(_decimal(token))
    written = text(raw, _TIME_MAX + 1)
    if not written:
        return None
    if len(written) > _TIME_MAX:
        raise Misread("no time")
    if written.replace(".", "", 1).isdigit():
        return _since_epoch(decimal_of(written))
    if _ZONE.search(written) and ":" in written:
        written += ":00"
    try:
        found = datetime.fromisoformat(written)
        since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise Misread("no time") from None
    if since.days < 0:
        raise Misread("no time of a market")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _since_epoch(number: Decimal) -> int:
    if 0 < number < _SECONDS:
        micros = _EXACT.multiply(number, 1_000_000)
    elif number < _MILLISECONDS:
        micros = _EXACT.multiply(number, 1_000)
    else:
        micros = number
    if not 0 < micros < _LATEST * 1_000_000:
        raise Misread("no time of a market")
    return int(micros)


def _price(number: Decimal | None, rounding: str) -> int | None:
    if number is None or not 0 < number < 1:
        return None
    units = int(_EXACT.multiply(number, PRICE_SCALE).to_integral_value(rounding))
    return units if 0 < units < PRICE_SCALE else None


def bid_price(number: Decimal | None) -> int | None:
    """Return price units, off the grid one down; None if that leaves no price."""
    return _price(number, ROUND_FLOOR)


def ask_price(number: Decimal | None) -> int | None:
    """Return price units, off the grid one up; None if that leaves no price."""
    return _price(number, ROUND_CEILING)


def near_price(number: Decimal | None) -> int | None:
    """Return the nearest price units of what is strictly between 0 and 1."""
    if number is None or not 0 < number < 1:
        return None
    units = int(_EXACT.multiply(number, PRICE_SCALE).to_integral_value(ROUND_HALF_UP))
    return min(max(units, 1), PRICE_SCALE - 1)


def quantity(number: Decimal | None) -> int | None:
    """Return whole 1/100 shares, the rest is cut; None for none, and for more than there can be."""
    if number is None or not 0 < number <= QUANTITY_MAX:
        return None
    units = int(_EXACT.multiply(number, QUANTITY_SCALE))
    return units if 0 < units <= QUANTITY_MAX else None


def resting_quantity(number: Decimal) -> int:
    """Return a level's whole 1/100 shares, 0 for less than one; more than can be is the most."""
    if number <= 0:
        return 0
    if number >= QUANTITY_MAX:
        return QUANTITY_MAX
    return min(int(_EXACT.multiply(number, QUANTITY_SCALE)), QUANTITY_MAX)


def money(number: Decimal | None) -> Decimal | None:
    """Return an amount in the venue's currency to 6 decimals; raises Misread beyond reason."""
    if number is None:
        return None
    if not 0 <= number < _MONEY_MAX:
        raise Misread("no amount")
    return number.quantize(_MONEY_STEP, ROUND_FLOOR, _EXACT)
