"""Who decides what a random market day brings: anything that can name a number or pick an option.

Hypothesis does it with a `data` strategy (see `test_engine_against_twin.py`), a seeded run with
`Dice`.
"""

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

T = TypeVar("T")


class Chooser(Protocol):
    """Whatever decides."""

    def number(self, low: int, high: int) -> int:
        """Return an integer in low..high."""

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options."""


class Dice:
    """A chooser with a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def one_of(self, options: Sequence[T]) -> T:
        return self._random.choice(options)
