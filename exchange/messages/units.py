"""Prices, quantities and money: integers inside, decimal strings on the wire, exact both ways.

    unit        counts                 on the wire      range
    price       1/10 000 of a credit   "0.5500"         1 .. 9999
    quantity    1/100 of a share       "10.00"          1 .. QUANTITY_MAX
    money       1/1 000 000 of a credit "5.500000"      1 .. ISSUANCE_MAX

Text becomes an integer by a pattern (ASCII, matched whole) and string work; `Decimal` and `float`
never see it, so "1E+1000000", "NaN", "1_0", full-width digits and a trailing newline are refused
at once.
"""

import re
from typing import Any, Final

from exchange.messages.bounds import (
    ISSUANCE_MAX,
    PRICE_MAX,
    PRICE_MIN,
    PRICE_SCALE,
    QUANTITY_MAX,
    QUANTITY_SCALE,
)
from exchange.messages.errors import MalformedNumber

Boxed = Any
"""An int as the object that it is. Compiled code keeps an `int` as a machine word and makes a new
object of it each time it becomes a key or a field of a message; an id on its way from one of these
to the next needn't.
"""

_INTEGER_DIGITS: Final = 19
_MONEY_PLACES: Final = 6
_MONEY_DIGITS: Final = _MONEY_PLACES + 1
"""The places, and one digit before them."""
_DECIMAL: Final = re.compile(
    rf"(0|[1-9][0-9]{{0,{_INTEGER_DIGITS - 1}}})(?:\.([0-9]{{1,6}}))?", re.ASCII
)


def parse_price(text: str) -> int:
    """Return the price units of `text`, e.g. "0.55" -> 5500.

    Raises MalformedNumber for anything but a plain decimal of at most 4 places between 0.0001 and
    0.9999.
    """
    price = _parse(text, places=4)
    if not PRICE_MIN <= price <= PRICE_MAX:
        raise MalformedNumber("must lie between 0.0001 and 0.9999")
    return price


def parse_quantity(text: str) -> int:
    """Return the quantity units of `text`, e.g. "10" -> 1000.

    Raises MalformedNumber for anything but a plain decimal of at most 2 places, 0.01 up to the
    bound.
    """
    quantity = _parse(text, places=2)
    if not 1 <= quantity <= QUANTITY_MAX:
        raise MalformedNumber(f"must lie between 0.01 and {QUANTITY_MAX // QUANTITY_SCALE}")
    return quantity


def parse_money(text: str, maximum: int = ISSUANCE_MAX, minimum: int = 1) -> int:
    """Return the money units of `text`, e.g. "5.5" -> 5500000, from `minimum` to `maximum`.

    Raises MalformedNumber for anything but a plain decimal of at most 6 places in that range.
    """
    money = _parse(text, places=6)
    if not minimum <= money <= maximum:
        bounds = f"{format_money(minimum)} and {format_money(maximum)}"
        raise MalformedNumber(f"must lie between {bounds}")
    return money


def parse_rate(text: str, maximum: int) -> int:
    """Return the fee rate of `text` in 1/10 000, 0 up to `maximum`, e.g. "0.02" -> 200."""
    rate = _parse(text, places=4)
    if rate > maximum:
        raise MalformedNumber(f"must lie between 0 and {format_price(maximum)}")
    return rate


def format_price(price: int) -> str:
    """Return e.g. "0.5500" for 5500."""
    return f"{price // PRICE_SCALE}.{price % PRICE_SCALE:04d}"


def format_quantity(quantity: int) -> str:
    """Return e.g. "10.00" for 1000."""
    return f"{quantity // QUANTITY_SCALE}.{quantity % QUANTITY_SCALE:02d}"


def format_money(money: int) -> str:
    """Return e.g. "5.500000" for 5500000, "-0.500000" for -500000."""
    # Each order says six or nine; compiled, a format with a width costs four times as much.
    digits = str(abs(money)).zfill(_MONEY_DIGITS)
    text = f"{digits[:-_MONEY_PLACES]}.{digits[-_MONEY_PLACES:]}"
    return f"-{text}" if money < 0 else text


def _parse(text: str, places: int) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise MalformedNumber(
            f"must be a plain decimal number with at most {places} decimal places"
        )
    whole, fraction = match.groups(default="")
    if len(fraction) > places:
        raise MalformedNumber(f"must have at most {places} decimal places")
    return int(whole + fraction.ljust(places, "0"))
