"""The rules of a stock again, by counting: shares one by one, and every order of sale is tried.

For small supplies and few loans. Shares nothing with what it checks but the words.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations
from math import ceil, floor

from gateway.economy.stocks.rules.loans import Terms


@dataclass
class Twin:
    """A stock; money in its units, shares in hundredths."""

    terms: Terms
    supply: int = 0
    cash: int = 0
    shares: dict[int, int] = field(default_factory=dict)
    loans: dict[int, int] = field(default_factory=dict)
    money: dict[int, int] = field(default_factory=dict)
    liquidated: list[int] = field(default_factory=list)

    def exact(self, low: int, high: int) -> Fraction:
        """The integral between two supplies, by trapezium."""
        curve = self.terms.curve
        prices = [curve.base + Fraction(curve.slope * at, 100) for at in (low, high)]
        return Fraction(high - low, 100) * (prices[0] + prices[1]) / 2

    def bound(self, loan: int) -> int:
        return loan + ceil(Fraction(loan * self.terms.margin, 10_000)) + 1

    def covers(self, order: tuple[int, ...], supply: int) -> bool:
        for account in order:
            low = supply - self.shares[account]
            if low < 0 or floor(self.exact(low, supply)) < self.bound(self.loans[account]):
                return False
            supply = low
        return True

    def owing(self) -> list[int]:
        return sorted(account for account, loan in self.loans.items() if loan)

    def covered(self) -> bool:
        """Whether they can be sold in any order at all."""
        return any(self.covers(order, self.supply) for order in permutations(self.owing()))

    def first(self) -> int:
        """Who is first in line: whose end is highest."""

        def end(account: int) -> int:
            need, shares = self.bound(self.loans[account]), self.shares[account]
            low = 0
            while floor(self.exact(low, low + shares)) < need:
                low += 1
            return low

        return min(self.owing(), key=lambda account: (-end(account), account))

    def take(self, account: int, shares: int) -> None:
        """Sell shares of somebody's now."""
        brought = floor(self.exact(self.supply - shares, self.supply))
        repaid = min(brought, self.loans.get(account, 0))
        self.loans[account] = self.loans.get(account, 0) - repaid
        self.shares[account] -= shares
        self.supply -= shares
        self.cash -= brought - repaid
        self.money[account] = self.money.get(account, 0) + brought - repaid

    def buy(self, account: int, shares: int, leverage: int) -> bool:
        cost = ceil(self.exact(self.supply, self.supply + shares))
        own = ceil(Fraction(cost, leverage))
        before = dict(self.shares), dict(self.loans)
        self.shares[account] = self.shares.get(account, 0) + shares
        self.loans[account] = self.loans.get(account, 0) + cost - own
        self.supply += shares
        if leverage > 1 and not self.covered():
            (self.shares, self.loans), self.supply = before, self.supply - shares
            return False
        self.cash += own
        self.money[account] = self.money.get(account, 0) - own
        return True

    def sell(self, account: int, shares: int) -> None:
        """Sell as many at once as leave all covered; where none does, who is first goes out."""
        while shares:
            most = self.most(account, shares)
            if most:
                self.take(account, most)
                shares -= most
            else:
                self.liquidate()

    def most(self, account: int, shares: int) -> int:
        """Count how many can be sold one by one, the loans being covered after each."""
        there = self.supply, self.shares[account], self.loans.get(account, 0)
        found = 0
        for count in range(1, shares + 1):
            brought = floor(self.exact(there[0] - count, there[0]))
            self.supply = there[0] - count
            self.shares[account] = there[1] - count
            self.loans[account] = max(0, there[2] - brought)
            covered = self.covered()
            self.supply, self.shares[account], self.loans[account] = there
            if not covered:
                break
            found = count
        return found

    def liquidate(self) -> None:
        account = self.first()
        self.liquidated.append(account)
        self.take(account, self.shares[account])
