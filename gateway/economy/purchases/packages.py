"""What is sold: so many credits for so much.

Law: what stands here is what is charged and given; whoever buys names a package, never an amount.
"""

from typing import Final

import msgspec

from exchange.messages.bounds import MONEY_SCALE

CURRENCY: Final = "USD"
HUNDREDTHS: Final = 100


class Package(msgspec.Struct, frozen=True):
    """So many credits (money) for a price in hundredths of `CURRENCY`; `bonus` of them is what
    nobody would get who bought the smallest package as often.
    """

    id: str
    credits: int
    bonus: int
    price: int


def _package(name: str, given: int, bonus: int, price: int) -> Package:
    return Package(name, given * MONEY_SCALE, bonus * MONEY_SCALE, price)


PACKAGES: Final = (
    _package("starter", 500, 0, 500),
    _package("regular", 1_100, 100, 1_000),
    _package("large", 6_000, 1_000, 5_000),
    _package("huge", 13_000, 3_000, 10_000),
)
BY_ID: Final = {package.id: package for package in PACKAGES}


def price_text(price: int) -> str:
    """Return a price as it is read, e.g. "4.99"."""
    whole, rest = divmod(price, HUNDREDTHS)
    return f"{whole}.{rest:02d}"
