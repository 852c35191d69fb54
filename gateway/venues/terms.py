"""A market's fee terms: (name, decimal text) pairs as a venue states them, and who pays.

Laws of every schedule here: exact `Decimal` throughout, in the venue's currency, never negative;
the price is that of the leg that is traded, in the exchange's units (1 to 9999), the quantity a
count of 1/100 share; terms that don't say what a fee is make None, never 0.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Final

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, QUANTITY_MAX, QUANTITY_SCALE

FeeTerms = Iterable[tuple[str, str]]

_TERM: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?", re.ASCII)
_ONE: Final = Decimal(1)


class Role(Enum):
    """Which side of a trade pays: the order that came, or the one that rested."""

    TAKER = "TAKER"
    MAKER = "MAKER"


def term(terms: FeeTerms, name: str) -> Decimal | None:
    """Return the number that `terms` give for `name`; None if there is none, or none of a fee."""
    for found, text in terms:
        if found == name and _TERM.fullmatch(text) is not None:
            return Decimal(text)
    return None


def fill(price: int, quantity: int) -> tuple[Decimal, Decimal]:
    """Return (currency for one share, shares) of a fill in the exchange's units.

    Raises ValueError for a price that is none, and a quantity below 0 or above any order's.
    """
    if not PRICE_MIN <= price <= PRICE_MAX:
        raise ValueError(f"price must be {PRICE_MIN} to {PRICE_MAX}, not {price}")
    if not 0 <= quantity <= QUANTITY_MAX:
        raise ValueError(f"quantity must be 0 to {QUANTITY_MAX}, not {quantity}")
    return Decimal(price) / PRICE_SCALE, Decimal(quantity) / QUANTITY_SCALE


def spread_of(price: Decimal) -> Decimal:
    """Return price x (1 - price), which is largest where the outcome is least certain."""
    return price * (_ONE - price)
