"""How long the long tests are: short enough for every day, or as long as a night.

`make test-long` sets PROBITY_LONG_TESTS=1. A test that draws, kills or soaks takes its numbers by
`length`, so that it runs in `make test` too, with the same assertions.
"""

import os
from typing import Final

IS_LONG: Final = os.environ.get("PROBITY_LONG_TESTS", "0") != "0"
LONG_TIMEOUT_SECONDS: Final = 4 * 3_600


def length(everyday: int, *, long: int) -> int:
    """Return how many rounds, commands or seconds a test has in this run."""
    return long if IS_LONG else everyday
