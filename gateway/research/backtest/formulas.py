"""The formulas of a backtest's figures, each with its source; plain numbers in, a number out.

A ratio that has no meaning is None: too few returns, or none that vary.
"""

import math
from collections.abc import Iterable
from typing import Final

YEAR_US: Final = 31_557_600_000_000
"""A Julian year in microseconds: markets here never close."""


class Returns:
    """Sums over returns of equal periods, one at a time (Welford, Technometrics 4, 1962)."""

    def __init__(self, period_us: int) -> None:
        self.per_year = YEAR_US / period_us
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0
        self._downside = 0.0

    def add(self, value: float) -> None:
        """Take the return of the next period, 0.01 for one percent."""
        self.count += 1
        away = value - self.mean
        self.mean += away / self.count
        self._squares += away * (value - self.mean)
        self._downside += min(value, 0.0) ** 2

    def add_nothing(self, periods: int) -> None:
        """Take so many returns of 0; O(1) (Chan, Golub and LeVeque, COMPSTAT 1982)."""
        whole = self.count + periods
        if periods:
            self._squares += self.mean**2 * self.count * periods / whole
            self.mean *= self.count / whole
            self.count = whole

    def sharpe(self) -> float | None:
        """Return mean / sample deviation x sqrt(periods a year), the riskless rate being 0.

        Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994).
        """
        if self.count < 2 or self._squares <= 0.0:  # noqa: PLR2004 - a deviation needs two
            return None
        deviation = math.sqrt(self._squares / (self.count - 1))
        return self.mean / deviation * math.sqrt(self.per_year)

    def sortino(self) -> float | None:
        """Return mean / downside deviation x sqrt(periods a year), the target being 0; the downside
        deviation is the root of the mean square of all returns, gains counted as 0.

        Sortino and Price, "Performance Measurement in a Downside Risk Framework", Journal of
        Investing 3 (1994).
        """
        if self.count < 1 or self._downside <= 0.0:
            return None
        return self.mean / math.sqrt(self._downside / self.count) * math.sqrt(self.per_year)


class Drawdown:
    """How far the equity fell from its peak, at most, and for how long it lay below one."""

    def __init__(self) -> None:
        self._peak = 0
        self._peak_at = 0
        self._is_below = False
        self.deepest = 0.0
        """As a part of the peak, 0 to 1."""
        self.deepest_money = 0
        self.longest_us = 0
        """From a peak until it was reached again, or the end."""

    def deposit(self, amount: int) -> None:
        """Count money that came from outside as no gain."""
        self._peak += amount

    def add(self, at: int, equity: int) -> None:
        """Take the equity at a time; to be called when nothing has changed, too, since what lies at
        a peak isn't below it.
        """
        is_below = equity < self._peak
        if is_below or self._is_below:
            self.longest_us = max(self.longest_us, at - self._peak_at)
        self._is_below = is_below
        if not is_below:
            self._peak, self._peak_at = equity, at
            return
        fallen = self._peak - equity
        self.deepest_money = max(self.deepest_money, fallen)
        if self._peak > 0 and (deep := fallen / self._peak) > self.deepest:
            self.deepest = deep


def profit_factor(won: int, lost: int) -> float | None:
    """Return gross profit / gross loss of what was realised; None without a loss."""
    return won / lost if lost else None


def part(some: int, of: int) -> float | None:
    """Return some / all; None of nothing."""
    return some / of if of else None


def brier(forecasts: Iterable[tuple[float, float, int]]) -> float | None:
    """Return the mean squared distance of (forecast, outcome, weight), weighted.

    Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78
    (1950). The forecast is what a share that was held to the end had cost, the outcome what it
    paid, in credits, the weight how many there were.
    """
    total, weight = 0.0, 0
    for forecast, outcome, quantity in forecasts:
        total += quantity * (forecast - outcome) ** 2
        weight += quantity
    return total / weight if weight else None
