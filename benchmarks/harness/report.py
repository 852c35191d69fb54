"""How a benchmark says what it measured, beside what, and whether that is enough.

A figure by itself says as much about the machine and its hour as about us. So whatever is held to
anything is held to a ratio: its value over that of a yardstick, which is measured in the same run,
in turn with it, and doesn't depend on us. Only sizes in bytes, which no machine makes faster, are
held to a number (`limit`).
"""

from statistics import median

import msgspec


class Yardstick(msgspec.Struct, frozen=True):
    """What a figure stands beside, in the figure's own unit, and what their ratio is held to.

    Of a rate the ratio is `at_least` something; of a time or a size, where less is better,
    `at_most`; with neither it is only told.
    """

    name: str
    rounds: list[float]
    """One for each of the figure's rounds, measured in turn with it; or one for all of them."""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        """The value that is quoted."""
        return median(self.rounds)

    @property
    def held(self) -> str:
        """What the ratio is held to, in words; empty if nothing is asked."""
        if self.at_most is not None:
            return f"at most {self.at_most:.3g}"
        return "" if self.at_least is None else f"at least {self.at_least:.3g}"

    def times(self, ratio: float) -> float | None:
        """How many times better a ratio is than it must be; None if nothing is asked."""
        if self.at_most is not None:
            return self.at_most / ratio
        return None if self.at_least is None else ratio / self.at_least


def limit(most: float, unit: str) -> Yardstick:
    """Return the yardstick of what no machine makes faster or slower: a number."""
    return Yardstick(f"{amount(most)} {unit}", [most], at_most=1)


class Figure(msgspec.Struct, frozen=True):
    """One measured number: the median of `rounds`, and what it stands beside, if anything."""

    name: str
    unit: str
    rounds: list[float]
    note: str = ""
    yardstick: Yardstick | None = None

    @property
    def median(self) -> float:
        """The figure that is quoted."""
        return median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios to the yardstick's; None without one."""
        if self.yardstick is None:
            return None
        beside = self.yardstick.rounds
        if len(beside) == 1:
            beside = beside * len(self.rounds)
        return median(own / other for own, other in zip(self.rounds, beside, strict=True))

    @property
    def times(self) -> float | None:
        """How many times better the ratio is than it must be; below 1 it misses."""
        ratio = self.ratio
        return None if self.yardstick is None or ratio is None else self.yardstick.times(ratio)

    @property
    def is_met(self) -> bool:
        """Whether it is as good as it must be."""
        return self.times is None or self.times >= 1

    def line(self) -> str:
        """Return the figure as one line of text."""
        spread = f"{amount(min(self.rounds))} .. {amount(max(self.rounds))}"
        text = f"{self.name:<52} {amount(self.median):>10} {self.unit:<12}"
        text += f" ({len(self.rounds)} rounds, {spread})"
        if self.yardstick is not None and self.ratio is not None:
            beside = f"{self.yardstick.name} ({amount(self.yardstick.median)})"
            text += f"  {share(self.ratio)} of {beside}"
            text += f", held to {self.yardstick.held}" if self.yardstick.held else ""
            text += "" if self.is_met else " MISSED"
        return f"{text}  {self.note}".rstrip()


def amount(value: float) -> str:
    """Write a number with as many digits as can mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def share(ratio: float) -> str:
    """Write a ratio."""
    return f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"
