"""What a day's reward is worth.

    streak of day d   1 + streak of day d - 1, if that day was rewarded; else 1
    amount            base * (10 + min(streak - 1, 10)) / 10, rounded down to a unit of money

So each day of a streak adds a tenth of the base, and from the eleventh day on it is doubled. Days
are of UTC. Law: pure; whole numbers only.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from persistence.clock import MICROSECONDS

TENTHS: Final = 10
STEPS_MAX: Final = 10
"""Tenths that a streak adds at most: x2."""


def streak_after(last_day: date | None, last_streak: int, day: date) -> int:
    """Return how long the streak is with `day`, the day rewarded last being `last_day`."""
    return last_streak + 1 if last_day == day - timedelta(days=1) else 1


def reward(base: int, streak: int) -> int:
    """Return the reward (money) of a streak's day, the first being 1.

    Raises ValueError for a streak below 1.
    """
    if streak < 1:
        raise ValueError(f"{streak} is no streak")
    return base * tenths(streak) // TENTHS


def tenths(streak: int) -> int:
    """Return how many tenths of the base a streak's day is worth: 10 to 20."""
    return TENTHS + min(streak - 1, STEPS_MAX)


def day_of(at: int) -> date:
    """Return the UTC day of a time in microseconds since the epoch."""
    return datetime.fromtimestamp(at // MICROSECONDS, tz=UTC).date()


def start_of(day: date) -> int:
    """Return when a UTC day begins, in microseconds since the epoch."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(begin.timestamp()) * MICROSECONDS
