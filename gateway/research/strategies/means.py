"""Exponential means of prices over time, one for each market."""

import math


class Means:
    """Remembers each market's price with a memory of `memory_s` seconds.

    A price that held for a time t counts 1 - exp(-t / memory), so a new one counts nothing as yet;
    the variance likewise (Finch, "Incremental calculation of weighted mean and variance", 2009,
    section 9).
    """

    def __init__(self, memory_s: float) -> None:
        self._memory_us = memory_s * 1_000_000
        self._means: dict[str, tuple[int, int, float, float]] = {}
        """(since when, price, mean, variance) of each market."""

    def add(self, market: str, at: int, price: int) -> float:
        """Take a price that holds from now on, and return the mean of those that held before."""
        known = self._means.get(market)
        if known is None:
            self._means[market] = (at, price, float(price), 0.0)
            return float(price)
        since, held, mean, variance = known
        weight = 1.0 - math.exp(-(at - since) / self._memory_us)
        away = held - mean
        mean += weight * away
        variance = (1.0 - weight) * (variance + weight * away * away)
        self._means[market] = (at, price, mean, variance)
        return mean

    def deviation(self, market: str) -> float:
        """Return the deviation of a market's price from its mean."""
        return math.sqrt(self._means[market][3])
