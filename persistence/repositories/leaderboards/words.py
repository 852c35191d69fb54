"""Boards and spans, with the numbers that stand for them in the tables.

Laws: a number never changes its meaning. A span is a stretch of UTC's calendar that goes on until
now: its day, its week from Monday, its month; ALL began before anything happened.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from persistence.clock import MICROSECONDS


class Board(Enum):
    """What people are ranked by."""

    PNL = "pnl"
    VOLUME = "volume"
    CALIBRATION = "calibration"


class Span(Enum):
    """Of which time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


BOARD: Final = {Board.PNL: 1, Board.VOLUME: 2, Board.CALIBRATION: 3}
SPAN: Final = {Span.ALL: 1, Span.DAY: 2, Span.WEEK: 3, Span.MONTH: 4}
ERROR_SCALE: Final = 100_000_000
"""Units of an error: a price unit (1/10 000), squared."""


def start_of(span: Span, at: int) -> int:
    """Return when the span began that a time lies in, both in microseconds; 0 for ALL."""
    if span is Span.ALL:
        return 0
    day = datetime.fromtimestamp(at // MICROSECONDS, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    if span is Span.WEEK:
        day -= timedelta(days=day.weekday())
    elif span is Span.MONTH:
        day = day.replace(day=1)
    return int(day.timestamp()) * MICROSECONDS
