"""What a figure says: its median, and whether that is enough."""

import pytest

from benchmarks.harness.report import Figure, amount


def test_a_rate_is_held_to_a_floor() -> None:
    fast = Figure("core", "commands/s", [300.0, 200.0, 260.0], floor=250.0)
    slow = Figure("core", "commands/s", [300.0, 200.0, 240.0], floor=250.0)
    assert (fast.median, fast.ratio, fast.is_met) == (260.0, 1.04, True)
    assert (slow.median, slow.ratio, slow.is_met) == (240.0, 0.96, False)
    assert "at least 250: 0.96x MISSED" in slow.line()


def test_a_size_is_held_to_a_ceiling() -> None:
    small = Figure("memory", "bytes", [900.0], ceiling=1_200.0)
    large = Figure("memory", "bytes", [1_600.0], ceiling=1_200.0)
    assert (small.is_met, large.is_met) == (True, False)
    assert small.ratio == pytest.approx(4 / 3)
    assert "at most 1,200: 0.75x MISSED" in large.line()


def test_a_figure_that_nothing_is_asked_of_is_met() -> None:
    figure = Figure("peer", "commands/s", [1.0])
    assert (figure.ratio, figure.is_met, figure.bound) == (None, True, "")


@pytest.mark.parametrize(
    ("value", "written"),
    [(250_000.4, "250,000"), (100.0, "100"), (99.94, "99.9"), (1.5, "1.5"), (0.01234, "0.0123")],
)
def test_an_amount_has_the_digits_that_mean_something(value: float, written: str) -> None:
    assert amount(value) == written
