"""Venues' numbers in our units: text in, integers out, rounded half to even.

Polymarket's prices are ratios of two amounts with up to 17 decimals ("0.21999995306666104") and
its sizes have 6; ours have 4 and 2. A number on our grid passes unchanged; any other is rounded to
the nearest unit, a tie to the even one, so that a long tape is not pushed to one side. The text is
checked against a pattern first, so a hostile exponent costs nothing; `float` never sees it.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Final, NamedTuple

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_SCALE

_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_CONTEXT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
_ONE: Final = Decimal(1)


class Rounded(NamedTuple):
    """Units, and whether the text was already a whole number of them."""

    units: int
    exact: bool


def price_units(text: str) -> Rounded | None:
    """Return the price of `text` (credits) in units of 1/10 000; None if it is no number."""
    return _units(text, PRICE_SCALE)


def quantity_units(text: str) -> Rounded | None:
    """Return the quantity of `text` (shares) in units of 1/100; None if it is no number."""
    return _units(text, QUANTITY_SCALE)


def _units(text: str, scale: int) -> Rounded | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    context = _CONTEXT.copy()
    scaled = context.multiply(Decimal(text), Decimal(scale))
    units = context.quantize(scaled, _ONE)
    return Rounded(int(units), not context.flags[Inexact])
