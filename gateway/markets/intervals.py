"""The intervals in which the past of a market is told."""

from enum import Enum
from typing import Final

from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_time


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


def asked_range(
    from_time: str | None, to_time: str | None, now: int
) -> tuple[int | None, int | None]:
    """Return the first and the last microsecond that are asked for, None where none is.

    Raises ValidationFailed for a range that begins in the future, or behind its end.
    """
    end = None if to_time is None else parse_time(to_time, "to")
    if from_time is None:
        return None, end
    begin = parse_time(from_time, "from")
    if begin > now:
        raise ValidationFailed.of("from", "must not be in the future")
    if end is not None and begin > end:
        raise ValidationFailed.of("from", "must not be later than `to`")
    return begin, end
