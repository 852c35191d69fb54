"""Fees: exact sums, rounded up in one place (RULEBOOK 4).

    flat        rate x price x quantity / 10^4
    quadratic   rate x price x (10^4 - price) x quantity / 10^8        price: the leg's own

The exact fee of a fill is a count of 1/denominator money units.  An order owes ceil(sum of its
exact fees) in total, so a fill is charged ceil(sum after) - ceil(sum before), and many small fills
never cost more than one big one.  Instead of the sum an order carries `carry` = denominator x paid
- sum, the part of a money unit that it has paid ahead, 0 <= carry < denominator; that is the same
arithmetic with small numbers:

    ceil(sum after) - ceil(sum before) = ceil((exact - carry) / denominator)
"""

from typing import Final

from exchange.messages.bounds import PRICE_SCALE, RATE_SCALE
from exchange.messages.terms import FeeModel

_QUADRATIC: Final = FeeModel.QUADRATIC


def exact_fee(model: FeeModel, rate: int, price: int, quantity: int) -> int:
    """Return the fee of a leg in 1/`denominator(model)` of a money unit."""
    if model is _QUADRATIC:
        return rate * price * (PRICE_SCALE - price) * quantity
    return rate * price * quantity


def denominator(model: FeeModel) -> int:
    """Return how many exact fee units make one money unit."""
    return RATE_SCALE * PRICE_SCALE if model is _QUADRATIC else RATE_SCALE


def charge(model: FeeModel, rate: int, price: int, quantity: int, carry: int) -> tuple[int, int]:
    """Return (fee in money, new carry) of a fill by an order that has paid `carry` ahead.

    This is the only place where anything is rounded, and it rounds up.
    """
    if rate == 0:
        return 0, carry
    units = denominator(model)
    owed = exact_fee(model, rate, price, quantity) - carry
    fee = -(-owed // units)
    return fee, fee * units - owed
