"""Kalshi's fees: a rate x contracts x price x (1 - price), rounded up to the cent.

Source: the venue's fee schedule (kalshi.com/docs/kalshi-fee-schedule.pdf: 0.07 for takers, 0.0175
for makers of the series that charge them) and `fee_type`, `fee_multiplier` of a series, which an
event may override. Since fills may be fractional, one is rounded up to 1/100 cent, and what an
order overpaid by that is given back in cents (docs.kalshi.com/getting_started/fee_rounding): so one
order pays the sum rounded up to the cent, which is what `fee` returns for a fill that is a whole
order. A "flat" series has a table of its own that no answer of the venue states: no terms.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Final

from gateway.venues.terms import FeeTerms, Role, fill, spread_of, term

TAKER_RATE: Final = "taker_rate"
MAKER_RATE: Final = "maker_rate"

_TAKER: Final = Decimal("0.07")
_MAKER: Final = Decimal("0.0175")
_CENT: Final = Decimal("0.01")
_MULTIPLIER_MAX: Final = 100
_PLACES: Final = Decimal("0.000001")


def terms(fee_type: str, multiplier: Decimal) -> tuple[tuple[str, str], ...]:
    """Return the rates of a series with this `fee_type` and `fee_multiplier`.

    None of a type that isn't quadratic, only the taker's where nobody says when makers pay.
    """
    if not fee_type.startswith("quadratic") or not 0 <= multiplier <= _MULTIPLIER_MAX:
        return ()
    found = [(TAKER_RATE, _text(_TAKER * multiplier))]
    if fee_type == "quadratic":
        found.append((MAKER_RATE, "0"))
    elif fee_type == "quadratic_with_maker_fees":
        found.append((MAKER_RATE, _text(_MAKER * multiplier)))
    return tuple(found)


def fee(role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
    """Return the dollars an order pays for being filled, None where the terms don't say."""
    found = exact(role, price, quantity, given)
    return None if found is None else rounded(found)


def exact(role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
    """Return what a fill adds to the sum that its order pays, which is rounded as a whole."""
    rate = term(given, TAKER_RATE if role is Role.TAKER else MAKER_RATE)
    if rate is None:
        return None
    each, contracts = fill(price, quantity)
    return rate * contracts * spread_of(each)


def rounded(amount: Decimal) -> Decimal:
    """Return what an order pays of a sum."""
    return amount.quantize(_CENT, ROUND_CEILING)


def _text(rate: Decimal) -> str:
    text = f"{rate.quantize(_PLACES, ROUND_CEILING):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
