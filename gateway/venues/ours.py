"""Our own fees, as the engine charges them (`exchange/rules/fees.py`, RULEBOOK 4), in credits."""

from decimal import Decimal
from typing import Final

from exchange.messages.bounds import MONEY_SCALE, RATE_SCALE
from exchange.messages.terms import FeeModel
from exchange.rules.fees import charge
from gateway.venues.terms import FeeTerms, Role, fill, term

TAKER_FEE: Final = "taker_fee"
MAKER_FEE: Final = "maker_fee"
QUADRATIC: Final = "quadratic"
"""1 for a market whose model is quadratic; flat without it."""


def terms(model: FeeModel, maker_fee: int, taker_fee: int) -> tuple[tuple[str, str], ...]:
    """Return a market's terms; rates in 1/10 000."""
    return (
        (MAKER_FEE, f"{Decimal(maker_fee) / RATE_SCALE:f}"),
        (QUADRATIC, "1" if model is FeeModel.QUADRATIC else "0"),
        (TAKER_FEE, f"{Decimal(taker_fee) / RATE_SCALE:f}"),
    )


def fee(role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
    """Return the credits that the fill of a new order costs, None where the terms don't say."""
    known = tuple(given)
    rate = term(known, TAKER_FEE if role is Role.TAKER else MAKER_FEE)
    if rate is None:
        return None
    fill(price, quantity)
    model = FeeModel.QUADRATIC if term(known, QUADRATIC) == 1 else FeeModel.FLAT
    paid, _ = charge(model, int(rate * RATE_SCALE), price, quantity, 0)
    return Decimal(paid) / MONEY_SCALE
