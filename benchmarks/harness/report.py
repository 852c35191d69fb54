"""How a benchmark says what it measured, and whether that is enough."""

from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured number: the median of `rounds`, and what it is held against, if anything.

    A rate has a `floor` that it must reach; a time or a size, where less is better, a `ceiling`
    that it must not exceed.
    """

    name: str
    unit: str
    rounds: list[float]
    floor: float | None = None
    note: str = ""
    ceiling: float | None = None

    @property
    def median(self) -> float:
        """The figure that is quoted."""
        return median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """How many times better than it must be; below 1 it misses. None if nothing is asked."""
        if self.ceiling is not None:
            return self.ceiling / self.median
        return None if self.floor is None else self.median / self.floor

    @property
    def is_met(self) -> bool:
        """Whether it is as good as it must be."""
        return self.ratio is None or self.ratio >= 1

    @property
    def bound(self) -> str:
        """What it is held against, in words; empty if nothing is asked."""
        if self.ceiling is not None:
            return f"at most {amount(self.ceiling)}"
        return "" if self.floor is None else f"at least {amount(self.floor)}"

    def line(self) -> str:
        """Return the figure as one line of text."""
        spread = f"{amount(min(self.rounds))} .. {amount(max(self.rounds))}"
        text = f"{self.name:<52} {amount(self.median):>10} {self.unit:<12}"
        text += f" ({len(self.rounds)} rounds, {spread})"
        if self.ratio is not None:
            verdict = "" if self.is_met else " MISSED"
            text += f"  {self.bound}: {self.ratio:.2f}x{verdict}"
        return f"{text}  {self.note}".rstrip()


def amount(value: float) -> str:
    """Write a number with as many digits as can mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
