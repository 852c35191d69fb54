"""What a figure says: its median, and what it stands beside, and whether that is enough."""

import pytest

from benchmarks.harness.report import Figure, Yardstick, amount, limit


def test_a_rate_is_held_to_a_share_of_its_yardstick() -> None:
    bare = Yardstick("a bare POST", [1_000.0, 500.0, 800.0], at_least=0.35)
    fast = Figure("REST", "orders/s", [400.0, 200.0, 400.0], yardstick=bare)
    slow = Figure("REST", "orders/s", [300.0, 150.0, 240.0], yardstick=bare)
    # The median of the rounds' ratios, and not the ratio of the medians.
    assert (fast.median, fast.ratio, fast.is_met) == (400.0, 0.4, True)
    assert (slow.ratio, slow.is_met) == (0.3, False)
    assert slow.times == pytest.approx(0.3 / 0.35)
    assert "0.30 of a bare POST (800), held to at least 0.35 MISSED" in slow.line()
    assert "MISSED" not in fast.line()


def test_a_time_is_held_to_a_multiple_of_its_yardstick() -> None:
    commit = Yardstick("a commit", [2.0], at_most=4)
    quick = Figure("ack", "ms", [4.0, 6.0], yardstick=commit)
    late = Figure("ack", "ms", [10.0], yardstick=commit)
    assert (quick.ratio, quick.is_met) == (2.5, True)
    assert (late.ratio, late.is_met, late.times) == (5.0, False, 0.8)
    assert "5.00 of a commit (2), held to at most 4 MISSED" in late.line()


def test_a_size_is_held_to_a_number() -> None:
    small = Figure("memory", "bytes", [900.0], yardstick=limit(1_200, "bytes"))
    large = Figure("memory", "bytes", [1_600.0], yardstick=limit(1_200, "bytes"))
    assert (small.is_met, large.is_met) == (True, False)
    assert small.times == pytest.approx(4 / 3)
    assert "1.33 of 1,200 bytes (1,200), held to at most 1 MISSED" in large.line()


def test_a_ratio_may_only_be_told() -> None:
    figure = Figure("REST with Redis", "orders/s", [10.0], yardstick=Yardstick("without", [20.0]))
    assert (figure.ratio, figure.times, figure.is_met) == (0.5, None, True)
    assert figure.line().endswith("0.50 of without (20)")


def test_a_figure_without_a_yardstick_is_met() -> None:
    figure = Figure("peer", "commands/s", [1.0])
    assert (figure.ratio, figure.times, figure.is_met) == (None, None, True)


def test_rounds_that_were_not_measured_in_turn_have_no_ratio() -> None:
    figure = Figure("x", "s", [1.0, 2.0, 3.0], yardstick=Yardstick("y", [1.0, 2.0]))
    with pytest.raises(ValueError, match="shorter"):
        _ = figure.ratio


@pytest.mark.parametrize(
    ("value", "written"),
    [(250_000.4, "250,000"), (100.0, "100"), (99.94, "99.9"), (1.5, "1.5"), (0.01234, "0.0123")],
)
def test_an_amount_has_the_digits_that_mean_something(value: float, written: str) -> None:
    assert amount(value) == written
