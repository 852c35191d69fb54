"""How a benchmark says what it measured."""

from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured number: the median of `rounds`, and the floor it is held against, if any."""

    name: str
    unit: str
    rounds: list[float]
    floor: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The figure that is quoted."""
        return median(self.rounds)

    def line(self) -> str:
        """Return the figure as one line of text."""
        spread = f"{min(self.rounds):,.0f} .. {max(self.rounds):,.0f}"
        text = f"{self.name:<44} {self.median:>12,.0f} {self.unit:<12}"
        text += f" ({len(self.rounds)} rounds, {spread})"
        if self.floor is not None:
            text += f"  floor {self.floor:,.0f}: {self.median / self.floor:.2f}x"
        return f"{text}  {self.note}".rstrip()
