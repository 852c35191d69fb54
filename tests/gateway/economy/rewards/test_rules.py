"""What a day's reward is worth, for any past."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.bounds import CREDIT_MAX, MONEY_SCALE
from gateway.economy.rewards.routes import multiplier_text
from gateway.economy.rewards.rules import day_of, reward, start_of, streak_after
from gateway.economy.room import fits

BASES = st.integers(0, CREDIT_MAX)
DAYS = st.dates(date(2020, 1, 2), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("streak", "credits", "multiplier"),
    [(1, 100, "1.00"), (2, 110, "1.10"), (7, 160, "1.60"), (11, 200, "2.00"), (400, 200, "2.00")],
)
def test_a_tenth_more_a_day_up_to_twice(streak: int, credits: int, multiplier: str) -> None:  # noqa: A002 - the word
    assert reward(100 * MONEY_SCALE, streak) == credits * MONEY_SCALE
    assert multiplier_text(streak) == multiplier


def test_there_is_no_streak_of_nothing() -> None:
    with pytest.raises(ValueError, match="0 is no streak"):
        reward(1, 0)


@given(BASES, st.integers(1, 10_000))
def test_it_never_shrinks_and_never_passes_twice(base: int, streak: int) -> None:
    assert base <= reward(base, streak) <= reward(base, streak + 1) <= 2 * base


@given(DAYS, st.integers(1, 1_000), st.integers(0, 40))
def test_a_streak_goes_on_for_the_next_day_alone(last: date, streak: int, gap: int) -> None:
    found = streak_after(last, streak, last + timedelta(days=gap))
    assert found == (streak + 1 if gap == 1 else 1)


@given(st.sets(st.integers(0, 60)))
def test_a_streak_counts_the_days_in_a_row(days: set[int]) -> None:
    begin = date(2026, 1, 1)
    last, streak = None, 0
    for number in sorted(days):
        day = begin + timedelta(days=number)
        last, streak = day, streak_after(last, streak, day)
        in_a_row = next(back for back in range(62) if number - back not in days)
        assert streak == in_a_row


@given(DAYS)
def test_a_day_begins_at_midnight_utc(day: date) -> None:
    assert day_of(start_of(day)) == day
    assert day_of(start_of(day) - 1) == day - timedelta(days=1)


@given(BASES, BASES, BASES, BASES)
def test_gifts_never_pass_the_bound_together(held: int, first: int, second: int, most: int) -> None:
    if fits(held, 0, first, most) and fits(held, first, second, most):
        assert held + first + second <= most
