"""The formulas, by examples that were worked out by hand."""

import math

import pytest

from exchange.messages.bounds import TIME_MAX
from exchange.messages.terms import BUY, SELL
from gateway.research.backtest.figures import HOUR_US, Notes
from gateway.research.backtest.formulas import (
    YEAR_US,
    Drawdown,
    Returns,
    brier,
    part,
    profit_factor,
)
from gateway.research.strategies.means import Means
from gateway.research.strategy import Fill, Position, Resolved


def returns(*values: float, period_us: int = YEAR_US) -> Returns:
    """Return the sums of yearly returns."""
    made = Returns(period_us)
    for value in values:
        made.add(value)
    return made


def test_sharpe_of_three_returns() -> None:
    # mean 0.02, squares 0.01^2 + 0.01^2 + 0 = 0.0002, / 2 = 0.0001, deviation 0.01
    assert returns(0.01, 0.02, 0.03).sharpe() == pytest.approx(2.0)


def test_sharpe_is_annualised_by_the_root_of_the_periods_of_a_year() -> None:
    each = returns(0.01, 0.02, 0.03, period_us=HOUR_US).sharpe()
    assert each == pytest.approx(2.0 * math.sqrt(8_766))


def test_sortino_counts_losses_alone_over_all_periods() -> None:
    # mean 0.01, downside (0.02^2 + 0 + 0 + 0) / 4 = 0.0001, root 0.01
    assert returns(-0.02, 0.02, 0.02, 0.02).sortino() == pytest.approx(1.0)


@pytest.mark.parametrize("values", [(), (0.01,), (0.01, 0.01, 0.01)])
def test_a_ratio_without_a_meaning_is_none(values: tuple[float, ...]) -> None:
    assert returns(*values).sharpe() is None
    assert returns(*values).sortino() is None


def test_periods_in_which_nothing_happened_count_as_so_many_returns_of_nothing() -> None:
    one_by_one, at_once = returns(-0.01, 0.03, *[0.0] * 500, 0.02), returns(-0.01, 0.03)
    at_once.add_nothing(500)
    at_once.add(0.02)
    assert at_once.count == one_by_one.count == 503
    assert at_once.sharpe() == pytest.approx(one_by_one.sharpe())
    assert at_once.sortino() == pytest.approx(one_by_one.sortino())
    nothing = returns()
    nothing.add_nothing(3)
    assert (nothing.count, nothing.sharpe()) == (3, None)


def test_a_gap_of_eight_thousand_years_takes_no_longer_than_one_of_an_hour() -> None:
    notes = Notes(1_000)
    notes.note_deposit(1_000)
    notes.note_equity(1, 1_000, 0)
    notes.note_equity(TIME_MAX, 1_100, 0)
    assert notes.figures(fees=0, turnover=0, ordered=0).periods == (TIME_MAX - 1) // 1_000


def test_drawdown_is_from_the_peak_and_lasts_until_it_is_reached() -> None:
    drawdown = Drawdown()
    for time, equity in (
        (0, 100),
        (10, 200),
        (20, 150),
        (30, 180),
        (45, 120),
        (60, 200),
        (70, 190),
    ):
        drawdown.add(time, equity)
    assert drawdown.deepest == pytest.approx(0.4)
    assert (drawdown.deepest_money, drawdown.longest_us) == (80, 50)


def test_a_drawdown_lasts_neither_while_nothing_is_lost_nor_less_than_to_the_end() -> None:
    brief, long = Notes(), Notes()
    for notes, courses in (
        (brief, ((1, 100), (10, 100), (11, 90), (12, 100), (20, 100))),
        (long, ((1, 100), (2, 90), (20, 90))),
    ):
        notes.note_deposit(100)
        for hour, equity in courses:
            notes.note_equity(hour * HOUR_US, equity, 0)
    assert brief.figures(fees=0, turnover=0, ordered=0).drawdown_us == 2 * HOUR_US
    assert long.figures(fees=0, turnover=0, ordered=0).drawdown_us == 19 * HOUR_US


def test_a_mean_counts_each_price_for_as_long_as_it_held() -> None:
    means, minute = Means(600.0), 60_000_000
    means.add("m", 0, 5_000)
    # However long the first one held, it is what has been so far.
    assert means.add("m", 600 * minute, 6_000) == 5_000.0
    assert means.deviation("m") == 0.0
    kept = math.exp(-0.1)
    assert means.add("m", 601 * minute, 5_000) == pytest.approx(5_000 * kept + 6_000 * (1 - kept))
    assert means.deviation("m") == pytest.approx(1_000 * math.sqrt(kept * (1 - kept)))


def test_shares_of_nothing_are_none() -> None:
    assert (part(1, 4), part(0, 4), part(1, 0)) == (0.25, 0.0, None)
    assert (profit_factor(30, 20), profit_factor(30, 0)) == (1.5, None)


def test_brier_weighs_by_quantity() -> None:
    # 0.8 came true: 0.04, three times; 0.5 didn't: 0.25, once.
    assert brier([(0.8, 1.0, 3), (0.5, 0.0, 1)]) == pytest.approx((3 * 0.04 + 0.25) / 4)
    assert brier([]) is None


def test_the_figures_of_a_small_run() -> None:
    notes = Notes()
    notes.note_deposit(1_000)
    notes.note_equity(HOUR_US, 1_000, 0)
    notes.note_fill(Fill(HOUR_US, "m", 1, BUY, 4_000, 10, 3, False), 0, 7)
    notes.note_equity(2 * HOUR_US, 1_100, 550)
    notes.note_fill(Fill(2 * HOUR_US, "m", 2, SELL, 4_500, 10, 2, True), 50, 4_000)
    notes.note_fill(Fill(2 * HOUR_US, "m", 3, BUY, 4_500, 30, 0, True), -10, 8_000)
    notes.note_equity(4 * HOUR_US, 880, 440)
    notes.note_resolution(Resolved(4 * HOUR_US, "m", 0), Position(30, 0), 135_000, -20)
    figures = notes.figures(fees=5, turnover=70, ordered=100)
    assert (figures.net, figures.gross, figures.fees) == (-120, -115, 5)
    assert figures.total_return == pytest.approx(-0.12)
    assert (figures.fills, figures.maker_fills, figures.filled) == (3, 2, 50)
    assert figures.fill_ratio == 0.5
    assert figures.turnover == 70
    assert figures.win_rate == pytest.approx(1 / 3)
    assert figures.profit_factor == pytest.approx(50 / 30)
    assert figures.queue_us == pytest.approx((10 * 4_000 + 30 * 8_000) / 40)
    assert figures.drawdown == pytest.approx(0.2)
    assert figures.drawdown_us == 2 * HOUR_US
    assert figures.brier == pytest.approx(0.45**2)
    # Nothing for an hour, then 550 of 1 100 for two.
    assert figures.exposure == pytest.approx(2 * 0.5 / 3)
    assert figures.periods == 3
