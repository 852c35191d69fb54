"""The comparison of two checkouts: its interval, and which way is faster."""

import pytest

from benchmarks.harness.paired import interval, speed_ratio


@pytest.mark.parametrize(
    ("count", "rank"),
    # Ranks from below, 0 the smallest: the table of the sign test at 95 %.
    [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5)],
)
def test_the_interval_is_the_sign_test_s(count: int, rank: int) -> None:
    found = interval([float(value) for value in range(count)])
    assert (found.low, found.high) == (rank, count - 1 - rank)


def test_the_median_does_not_mind_the_order() -> None:
    assert interval([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


def test_more_a_second_is_faster_and_less_time_too() -> None:
    assert speed_ratio(110, 100, "orders/s") == pytest.approx(1.1)
    assert speed_ratio(90, 100, "us") > 1
