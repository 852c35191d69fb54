"""The straight line on which a stock's price lies, and what shares cost and bring on it.

    price(s)       = base + slope * s          of a share, with s shares in supply
    integral(a, b) = base * (b - a) + slope * (b * b - a * a) / 2
    cost           = integral(supply, supply + bought), rounded up to a unit of money
    proceeds       = integral(supply - sold, supply), rounded down

Laws: pure; whole numbers only. Shares are counted in hundredths, money in its units, `base` and
`slope` are money. An integral is kept as `PARTS` of a unit of money, in which it is exact; only
costs and proceeds round, against the trader, so what comes back is never more than was paid.
"""

from math import isqrt
from typing import Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, QUANTITY_MAX, QUANTITY_SCALE

PARTS: Final = 2 * QUANTITY_SCALE * QUANTITY_SCALE
"""Of these a unit of money is made in an integral."""
SUPPLY_MAX: Final = QUANTITY_MAX
"""Most shares of a stock, in hundredths."""
COST_MAX: Final = CREDIT_MAX
"""The most that is paid for shares at once (money): what moves by one step of a transfer."""
BASE: Final = (10_000, 10**12)
"""Least and largest `base`: 0.01 to a million credits a share."""
SLOPE: Final = (1, 10**12)


class Curve(msgspec.Struct, frozen=True):
    """A line: `base` is the price of the first share, `slope` what each share adds (money)."""

    base: int
    slope: int

    def area(self, supply: int) -> int:
        """Return the integral from none to a supply, in `PARTS` of a unit of money."""
        return 2 * QUANTITY_SCALE * self.base * supply + self.slope * supply * supply

    def price(self, supply: int) -> int:
        """Return the price of a share (money) at a supply, rounded down."""
        return self.base + self.slope * supply // QUANTITY_SCALE

    def value(self, supply: int) -> int:
        """Return what a reserve needs to buy back all of a supply (money), rounded up."""
        return -(-self.area(supply) // PARTS)

    def cost(self, supply: int, shares: int) -> int:
        """Return what `shares` more cost (money)."""
        return -((self.area(supply) - self.area(supply + shares)) // PARTS)

    def proceeds(self, supply: int, shares: int) -> int:
        """Return what selling `shares` of the supply brings (money)."""
        return (self.area(supply) - self.area(supply - shares)) // PARTS

    def shares_for(self, supply: int, money: int) -> int:
        """Return the most shares that cost no more than `money`; 0 if none does."""
        # slope n^2 + linear n <= money: the larger root, rounded down.
        linear = 2 * (QUANTITY_SCALE * self.base + self.slope * supply)
        root = isqrt(linear * linear + 4 * self.slope * money * PARTS)
        return (root - linear) // (2 * self.slope)

    def shares_bringing(self, supply: int, money: int) -> int | None:
        """Return the fewest shares of the supply that bring `money`; None if all don't."""
        if self.proceeds(supply, supply) < money:
            return None
        # What stays is the most that leaves room for it.
        kept_area = self.area(supply) - money * PARTS
        linear = 2 * QUANTITY_SCALE * self.base
        root = isqrt(linear * linear + 4 * self.slope * kept_area)
        return supply - (root - linear) // (2 * self.slope)

    def end_of(self, shares: int, money: int) -> int:
        """Return the least supply to which `shares` can be sold, so that they bring `money`."""
        missing = money * PARTS - self.area(shares)
        return max(0, -(-missing // (2 * self.slope * shares)))
