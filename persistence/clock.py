"""The wall clock in the unit of everything that is stored: microseconds.

The rules never read a clock, they are handed the time.
"""

import time
from typing import Final

MICROSECONDS: Final = 1_000_000
"""In a second."""
AHEAD_US: Final = 600 * MICROSECONDS
"""A stored time that lies further ahead of now is of a clock that was wrong, since put right: it
counts for nothing.
"""


def now_us() -> int:
    """Return the wall clock in microseconds since the Unix epoch."""
    return time.time_ns() // 1_000
