"""Polymarket's fees: shares x rate x (price x (1 - price)) ^ exponent, cut to 5 decimals.

Source: docs.polymarket.com/trading/fees and `feeSchedule` of a Gamma market (`rate`, `exponent`,
`takerOnly`; a rebate is paid to makers by the day and is no part of a trade). A market without a
schedule has its `takerBaseFee` in 1/10 000 at most, which the exchange contract takes of the
cheaper leg: shares x base x min(price, 1 - price); one with neither costs nothing.
"""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from gateway.venues.terms import FeeTerms, Role, fill, spread_of, term

RATE: Final = "rate"
EXPONENT: Final = "exponent"
TAKER_ONLY: Final = "taker_only"
TAKER_BASE_FEE: Final = "taker_base_fee"
MAKER_BASE_FEE: Final = "maker_base_fee"

_BASE: Final = Decimal(10_000)
_SMALLEST: Final = Decimal("0.00001")
_EXPONENT_MAX: Final = 8
_ONE: Final = Decimal(1)


def fee(role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
    """Return the dollars a fill costs; None for a curve that isn't the venue's."""
    known = tuple(given)
    each, shares = fill(price, quantity)
    rate = term(known, RATE)
    if rate is None:
        base = term(known, TAKER_BASE_FEE if role is Role.TAKER else MAKER_BASE_FEE)
        paid = shares * (base or Decimal(0)) / _BASE * min(each, _ONE - each)
        return paid.quantize(_SMALLEST, ROUND_DOWN)
    if role is Role.MAKER and term(known, TAKER_ONLY) != 0:
        return Decimal(0)
    exponent = term(known, EXPONENT)
    if exponent is None:
        exponent = _ONE
    if exponent != exponent.to_integral_value() or exponent > _EXPONENT_MAX:
        return None
    return (shares * rate * spread_of(each) ** int(exponent)).quantize(_SMALLEST, ROUND_DOWN)
