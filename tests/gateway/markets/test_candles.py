"""Which candles a range means: those that begin in it, both ends included."""

import pytest

from gateway.markets.candles import CANDLES_MAX, CandlesQuery
from gateway.markets.intervals import Interval
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import iso_millis

MINUTE = 60_000_000
NOON = 1_780_000_020 // 60 * MINUTE
NOW = NOON + 90 * MINUTE + 1


def starts(begin: int | None, end: int | None) -> list[int]:
    """Return the minutes after NOON of the candles between two times, in microseconds after it."""
    asked = [None if at is None else iso_millis(NOON + at) for at in (begin, end)]
    query = CandlesQuery(Interval.MINUTE, from_time=asked[0], to_time=asked[1])
    first, stop = query.range(NOW)
    return [(at - NOON) // MINUTE for at in range(first, stop, MINUTE)]


def test_a_candle_that_began_before_the_range_is_not_in_it() -> None:
    assert starts(0, 2 * MINUTE) == [0, 1, 2]
    assert starts(1_000, 2 * MINUTE) == [1, 2]
    assert starts(0, 2 * MINUTE - 1_000) == [0, 1]
    assert starts(MINUTE + 1_000, 2 * MINUTE - 1_000) == []
    # Whoever goes on behind the last one that he has gets none twice.
    assert starts(88 * MINUTE + 1_000, None) == [89, 90]
    assert starts(90 * MINUTE + 1, None) == [90], "a millisecond is as fine as times are"


def test_no_more_candles_are_in_a_range_than_may_be() -> None:
    begin = 90 * MINUTE - (CANDLES_MAX - 1) * MINUTE
    assert len(starts(begin, None)) == CANDLES_MAX
    assert len(starts(begin - MINUTE + 1_000, None)) == CANDLES_MAX
    with pytest.raises(ValidationFailed, match="at most 1000 intervals of 1m later"):
        starts(begin - MINUTE, None)
