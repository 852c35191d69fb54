"""One question for all venues: what does a fill cost there? A new venue is one line here."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

from gateway.venues import kalshi, ours, polymarket
from gateway.venues.terms import FeeTerms, Role


class Schedule(Protocol):
    """How one venue charges."""

    def __call__(self, role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
        """Return what a fill costs in the venue's currency, None where the terms don't say.

        Raises ValueError for a price or a quantity that is none.
        """


SCHEDULES: Final[Mapping[str, Schedule]] = {
    "exchange": ours.fee,
    "kalshi": kalshi.fee,
    "polymarket": polymarket.fee,
}


_OF_ORDERS: Final = {"kalshi": (kalshi.exact, kalshi.rounded)}
"""Venues that round what an order pays for all its fills, and not each fill."""


def fee(platform: str, role: Role, price: int, quantity: int, given: FeeTerms) -> Decimal | None:
    """Return what a fill costs on `platform`, None for a venue or terms that nobody knows.

    Args:
        platform: as in `VenueMarket.platform`; "exchange" is ours.
        role: who pays.
        price: of the leg that is traded, 1 to 9999.
        quantity: in 1/100 share.
        given: the market's terms (`VenueMarket.fees`).
    """
    schedule = SCHEDULES.get(platform)
    return None if schedule is None else schedule(role, price, quantity, given)


def next_fee(
    platform: str, role: Role, price: int, quantity: int, given: FeeTerms, before: Decimal
) -> tuple[Decimal, Decimal] | None:
    """Return what one more fill of an order costs on `platform`, and the sum to be given as
    `before` for the next one (0 for the first); None as `fee`.
    """
    of_orders = _OF_ORDERS.get(platform)
    if of_orders is None:
        paid = fee(platform, role, price, quantity, given)
        return None if paid is None else (paid, before)
    exact, rounded = of_orders
    more = exact(role, price, quantity, given)
    if more is None:
        return None
    return rounded(before + more) - rounded(before), before + more
