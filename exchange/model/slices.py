"""Rolling windows by engine time (RULEBOOK 15 and 16): SLICES slices of equal length, counted from
the epoch, so that the sum over a window costs SLICES steps however much happened in it.

A window ends with the slice of now: what lies in one SLICES before that, or earlier, counts no
more. Integers only, so a slice's number is exact however short it is.
"""

from typing import Final

SLICES: Final = 60
MICROSECONDS: Final = 1_000_000


def slice_at(at: int, seconds: int) -> int:
    """Return in which slice of a window of that length `at` lies (microseconds)."""
    return at * SLICES // (seconds * MICROSECONDS)


def slice_end(number: int, seconds: int) -> int:
    """Return the last microsecond of a slice."""
    return ((number + 1) * seconds * MICROSECONDS - 1) // SLICES
