"""Who borrowed on shares, and in which order they are sold before a loan is no longer covered.

    bound of a loan  = loan + margin * loan, rounded up, + 1 unit: what selling has to bring
    end of a loan    = the least supply to which its shares can be sold and bring its bound
    the line         = the loans, the highest end first; the earlier account where two are alike
    covered          : supply - the shares of it and of all before it in the line >= its end

So all in line can be sold one after the other, and each brings its bound, with something left for
whom it is of. The highest end first is the order that can do it if any can: it is the rule of the
earliest deadline (Jackson, 1955), with supply for time. A bound that looked at each loan alone
would not do: two could stand at it, and selling either would leave the other uncovered.

Laws: pure; whole numbers only. A loan that is covered is less than what selling its shares would
bring now, and than what it brings when those before it in the line are sold first.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from exchange.messages.bounds import TRANSFER_LEGS
from gateway.economy.stocks.rules.curve import Curve

SCALE: Final = 10_000
"""Rates and margins are counted in these."""
LOANS_MAX: Final = TRANSFER_LEGS - 1
"""Most loans on a stock: as many as are sold by one transfer beside whoever sells."""
LEVERAGE: Final = (1, 5)


class Terms(msgspec.Struct, frozen=True):
    """A stock's line and the terms of its loans, in 1/10 000: `interest` a day, and `margin`, by
    which shares have to bring more than is owed; the interest is no more than the margin.
    """

    curve: Curve
    interest: int
    margin: int


class Holding(msgspec.Struct, frozen=True):
    """What somebody has of a stock: shares in hundredths, and the money owed on them."""

    account_id: int
    shares: int
    loan: int = 0


class Place(msgspec.Struct, frozen=True):
    """A loan in the line: `through` counts its shares and those before it."""

    holding: Holding
    end: int
    through: int

    def room(self, supply: int) -> int:
        """Return how many shares may be sold before this loan must be, at a supply."""
        return supply - self.through - self.end


def bound_of(terms: Terms, loan: int) -> int:
    """Return what the shares of a loan have to bring (money)."""
    return loan - (-loan * terms.margin // SCALE) + 1


def interest_on(terms: Terms, loan: int) -> int:
    """Return a day's interest on a loan, rounded up."""
    return -(-loan * terms.interest // SCALE)


def line_of(terms: Terms, holdings: Iterable[Holding]) -> list[Place]:
    """Return the loans among what is held in the order in which they are sold.  O(n log n)."""
    ends = sorted(
        (-terms.curve.end_of(one.shares, bound_of(terms, one.loan)), one.account_id, one)
        for one in holdings
        if one.loan
    )
    line, through = [], 0
    for end, _, holding in ends:
        through += holding.shares
        line.append(Place(holding, -end, through))
    return line


def room_before(line: Iterable[Place], supply: int) -> int | None:
    """Return how many shares may be sold before any of the line must be; None without a bound."""
    return min((place.room(supply) for place in line), default=None)


def is_covered(terms: Terms, holdings: Iterable[Holding], supply: int) -> bool:
    """Say whether every loan is covered at a supply."""
    room = room_before(line_of(terms, holdings), supply)
    return room is None or room >= 0
