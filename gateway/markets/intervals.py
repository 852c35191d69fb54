"""The intervals in which the past of a market is told."""

from enum import Enum
from typing import Final


class Interval(Enum):
    """How long a candle is, or how far apart the points of a history are."""

    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    HOUR = "1h"
    HOURS_4 = "4h"
    DAY = "1d"

    @property
    def seconds(self) -> int:
        """Return its length."""
        return _SECONDS[self]


_SECONDS: Final = {
    Interval.MINUTE: 60,
    Interval.MINUTES_5: 300,
    Interval.MINUTES_15: 900,
    Interval.HOUR: 3_600,
    Interval.HOURS_4: 14_400,
    Interval.DAY: 86_400,
}
