"""How long the long tests are: short enough for every day, or as long as a night.

`make test-long` sets PROBITY_LONG_TESTS=1; a fraction (`make test-long LONG=0.1`) is that part of a
night. A test that draws, kills or soaks takes its numbers by `length`, so that it runs in
`make test` too, with the same assertions.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

PART_OF_A_NIGHT: Final = float(os.environ.get("PROBITY_LONG_TESTS") or 0)
IS_LONG: Final = PART_OF_A_NIGHT > 0
T = TypeVar("T")
LONG_TIMEOUT_SECONDS: Final = 4 * 3_600


def length(everyday: int, *, long: int) -> int:
    """Return how many rounds, commands or seconds a test has in this run: never fewer than daily.

    Where `long` is the smaller one (every fifth command, or every one), any long run takes that.
    """
    if not IS_LONG:
        return everyday
    return long if long < everyday else max(everyday, round(long * PART_OF_A_NIGHT))


def some(of_all: Sequence[T], everyday: Sequence[int]) -> tuple[T, ...]:
    """Return those at the places `everyday`; all of them in a long run."""
    return tuple(of_all) if IS_LONG else tuple(of_all[place] for place in everyday)
