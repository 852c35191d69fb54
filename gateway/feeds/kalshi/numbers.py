"""Kalshi's numbers: integer cents and whole contracts of old, decimal strings since 2026.

Laws: exact integers of 10^-8, made by string work; where both forms are given the exact string
wins and the pair is counted (`NumberForms`); what is no number is `Unrepresentable("number")`. A
price of 0 or 1 is a placeholder, never an offer: None.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, QUANTITY_MAX
from gateway.feeds.model import Unrepresentable

Number = int | float | str | None
"""As JSON has it; a float is what a string was retyped to, and has the digits it was sent with."""

PLACES: Final = 8
ONE: Final = 10**PLACES
"""A dollar or a contract."""
_CENT: Final = ONE // 100
_PER_PRICE: Final = ONE // PRICE_SCALE
_PER_QUANTITY: Final = ONE // 100
_TOTAL_MAX: Final = 10**15
_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,20}))?", re.ASCII)
_LENGTH: Final = 40
"""No number of theirs is longer."""
_REMEMBERED: Final = 16_384
"""The same few prices and counts come again and again."""


class NumberForms(msgspec.Struct):
    """How many pairs of the two forms were equal, differed by rounding alone, or disagreed."""

    equal: int = 0
    rounded: int = 0
    different: int = 0

    def add(self, other: "NumberForms") -> None:
        """Count another's pairs as well."""
        self.equal += other.equal
        self.rounded += other.rounded
        self.different += other.different

    def note(self, whole: int, exact: int, step: int) -> None:
        """Count one pair; less than a step apart is what a whole number can't say."""
        if whole == exact:
            self.equal += 1
        elif abs(whole - exact) < step:
            self.rounded += 1
        else:
            self.different += 1


def exact(value: float | str) -> int:
    """Return a decimal as a count of 10^-8; digits beyond that must be 0.

    Raises Unrepresentable.
    """
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LENGTH:
        raise Unrepresentable("number", text[:_LENGTH])
    return _exact(text)


@lru_cache(_REMEMBERED)
def _exact(text: str) -> int:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise Unrepresentable("number", text)
    sign, units, decimals = found.groups(default="")
    if decimals[PLACES:].strip("0"):
        raise Unrepresentable("number", text)
    size = int(units) * ONE + int(decimals[:PLACES].ljust(PLACES, "0"))
    return -size if sign else size


def dollars(cents: Number, decimal: Number, forms: NumberForms) -> int | None:
    """Return a price or an amount in 10^-8 dollars from whichever form is there; None for none."""
    return _either(cents, decimal, _CENT, forms)


def contracts(whole: Number, decimal: Number, forms: NumberForms) -> int | None:
    """Return a count in 10^-8 contracts from whichever form is there; None for none."""
    return _either(whole, decimal, ONE, forms)


def _either(whole: Number, decimal: Number, step: int, forms: NumberForms) -> int | None:
    old = None if whole is None or whole == "" else exact(whole) * step // ONE
    new = None if decimal is None or decimal == "" else exact(decimal)
    if old is not None and new is not None:
        forms.note(old, new, step)
    return old if new is None else new


def bid(price: int | None) -> int | None:
    """Return what is offered for YES in price units, rounded down; None for a placeholder."""
    if price is None or not 0 < price < ONE:
        return None
    return price // _PER_PRICE or None


def ask(price: int | None) -> int | None:
    """Return for what YES is offered in price units, rounded up; None for a placeholder."""
    if price is None or not 0 < price < ONE:
        return None
    units = -(-price // _PER_PRICE)
    return units if units <= PRICE_MAX else None


def paid(price: int | None) -> int | None:
    """Return the nearest price to one that somebody paid; None for 0 and 1, which nobody pays."""
    if price is None or not 0 < price < ONE:
        return None
    return min(max((price + _PER_PRICE // 2) // _PER_PRICE, PRICE_MIN), PRICE_MAX)


def quantity(count: int | None) -> int | None:
    """Return contracts in 1/100, cut; None for less than one of these.

    Raises Unrepresentable for more than any order of ours may have.
    """
    if count is None or count < _PER_QUANTITY:
        return None
    if (units := count // _PER_QUANTITY) > QUANTITY_MAX:
        raise Unrepresentable("quantity")
    return units


def total(count: int | None) -> int | None:
    """Return a sum of contracts in 1/100, cut; None for none, or for what is no sum.

    Raises Unrepresentable for more than is ever stored.
    """
    if count is None or count < 0:
        return None
    if (units := count // _PER_QUANTITY) > _TOTAL_MAX:
        raise Unrepresentable("quantity")
    return units
