"""Amounts of positions that people note down: exact, to more places than the exchange trades in.

    unit      counts                    on the wire        range
    shares    1/10^8 of a share         "10.00000000"      0.00000001 to a billion
    price     1/10^6 of what it pays    "0.550000"         0 to 1, both included
    money     1/10^8 of a unit          "5.50000000"       of the platform's own currency
    exact     1/10^14                   never              a product of shares and a price

Laws: integers inside; text becomes one by a pattern and string work, never through a float or
`Decimal`. An exact product becomes money in one place, by rounding half away from zero, which is
what PostgreSQL's `round` of a `numeric` does, so that both say the same.
"""

import re
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import number_meta, number_text

SHARE_PLACES: Final = 8
PRICE_PLACES: Final = 6
MONEY_PLACES: Final = 8
SHARES_MAX: Final = 10 ** (9 + SHARE_PLACES)
WHOLE: Final = 10**PRICE_PLACES
"""The price that a share pays at most."""

_ROUNDED_OFF: Final = 10 ** (SHARE_PLACES + PRICE_PLACES - MONEY_PLACES)
_OF_OURS: Final = WHOLE // PRICE_SCALE
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,8}))?", re.ASCII)


def _shares_meta(*, optional: bool) -> msgspec.Meta:
    return number_meta(
        "shares, 0.00000001 to 1000000000, at most 8 decimals",
        "10.5",
        r"^(?!0(\.0*)?$)((0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?|10{9}(\.0{1,8})?)$",
        {"minimum": 0.00000001, "maximum": 10**9},
        optional=optional,
    )


def _cost_meta(*, optional: bool) -> msgspec.Meta:
    return number_meta(
        "what one share cost, 0 to 1, at most 6 decimals",
        "0.55",
        r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$",
        {"minimum": 0, "maximum": 1},
        optional=optional,
    )


SharesText = Annotated[msgspec.Raw, _shares_meta(optional=False)]
CostText = Annotated[msgspec.Raw, _cost_meta(optional=False)]
SharesIfAny = Annotated[msgspec.Raw, _shares_meta(optional=True)]
CostIfAny = Annotated[msgspec.Raw, _cost_meta(optional=True)]


def shares(raw: msgspec.Raw, field: str = "quantity") -> int:
    """Return shares in 1/10^8; raises ValidationFailed naming `field`."""
    number = _units(raw, field, SHARE_PLACES)
    if not 1 <= number <= SHARES_MAX:
        raise ValidationFailed.of(field, "must lie between 0.00000001 and 1000000000")
    return number


def price(raw: msgspec.Raw, field: str) -> int:
    """Return a price in 1/10^6; raises ValidationFailed naming `field`."""
    number = _units(raw, field, PRICE_PLACES)
    if number > WHOLE:
        raise ValidationFailed.of(field, "must lie between 0 and 1")
    return number


def price_of_ours(units: int) -> int:
    """Return a price of the exchange (1/10^4) in 1/10^6."""
    return units * _OF_OURS


def money(exact: int) -> int:
    """Return an exact product as money, rounded half away from zero."""
    half_up = (2 * abs(exact) + _ROUNDED_OFF) // (2 * _ROUNDED_OFF)
    return -half_up if exact < 0 else half_up


def average(exact: int, quantity: int) -> int:
    """Return the price at which `quantity` shares cost `exact`, rounded half up to 1/10^6."""
    return (2 * exact + quantity) // (2 * quantity)


def shares_text(quantity: int) -> str:
    """Return e.g. "10.00000000"."""
    return _text(quantity, SHARE_PLACES)


def price_text(units: int) -> str:
    """Return e.g. "0.550000"."""
    return _text(units, PRICE_PLACES)


def money_text(amount: int) -> str:
    """Return e.g. "-5.50000000"."""
    return _text(amount, MONEY_PLACES)


def _text(number: int, places: int) -> str:
    whole, rest = divmod(abs(number), 10**places)
    return f"{'-' if number < 0 else ''}{whole}.{rest:0{places}d}"


def _units(raw: msgspec.Raw, field: str, places: int) -> int:
    match = _DECIMAL.fullmatch(number_text(raw, field))
    whole, fraction = match.groups(default="") if match is not None else ("", "")
    if not whole or len(fraction) > places:
        raise ValidationFailed.of(
            field, f"must be a plain decimal number with at most {places} decimal places"
        )
    return int(whole + fraction.ljust(places, "0"))
