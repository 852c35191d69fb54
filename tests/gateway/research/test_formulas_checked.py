"""The formulas against an independent library (empyrical), on random returns."""

import math
import random

import empyrical
import pandas as pd
import pytest

from gateway.research.backtest.figures import HOUR_US, Notes
from gateway.research.backtest.formulas import YEAR_US, Drawdown, Returns


def some_returns(seed: int) -> list[float]:
    """Return 2 to 400 returns, some of nothing, with gains and losses among them."""
    chance = random.Random(seed)
    mean, spread = chance.uniform(-0.02, 0.02), chance.uniform(0.001, 0.08)
    drawn = [
        0.0 if chance.random() < 0.2 else max(chance.gauss(mean, spread), -0.9)
        for _ in range(chance.randrange(0, 399))
    ]
    return [-0.01, *drawn, 0.012]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("period_us", [YEAR_US, HOUR_US])
def test_ratios_of_returns(seed: int, period_us: int) -> None:
    drawn = some_returns(seed)
    ours = Returns(period_us)
    for one in drawn:
        ours.add(one)
    theirs, a_year = pd.Series(drawn), YEAR_US / period_us
    assert ours.sharpe() == pytest.approx(empyrical.sharpe_ratio(theirs, annualization=a_year))
    assert ours.sortino() == pytest.approx(empyrical.sortino_ratio(theirs, annualization=a_year))


@pytest.mark.parametrize("seed", range(20))
def test_the_deepest_fall_from_a_peak(seed: int) -> None:
    worths = [10**15]
    for one in some_returns(seed):
        worths.append(round(worths[-1] * (1 + one)))
    ours = Drawdown()
    for at, worth in enumerate(worths):
        ours.add(at, worth)
    theirs = pd.Series(worths, dtype=float).pct_change().dropna()
    assert ours.deepest == pytest.approx(-empyrical.max_drawdown(theirs), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_of_a_run_with_equal_periods(seed: int) -> None:
    worths = [10**12]
    for one in some_returns(seed):
        worths.append(round(worths[-1] * (1 + one)))
    notes = Notes()
    notes.note_deposit(worths[0])
    notes.note_equity(HOUR_US, worths[0], 0)
    for hour, worth in enumerate(worths[1:], 1):
        notes.note_equity(hour * HOUR_US + HOUR_US // 2, worth, 0)
    # Else the last hour isn't over.
    notes.note_equity(len(worths) * HOUR_US, worths[-1], 0)
    figures = notes.figures(fees=0, turnover=0, ordered=0)
    theirs = pd.Series(worths, dtype=float).pct_change().dropna()
    a_year = YEAR_US / HOUR_US
    assert figures.total_return == pytest.approx(worths[-1] / worths[0] - 1)
    assert figures.drawdown == pytest.approx(-empyrical.max_drawdown(theirs))
    assert figures.sharpe is not None
    assert figures.sharpe == pytest.approx(
        empyrical.sharpe_ratio(theirs, annualization=a_year), rel=1e-6
    )
    assert figures.sortino is not None
    assert not math.isnan(figures.sortino)
    assert figures.sortino == pytest.approx(
        empyrical.sortino_ratio(theirs, annualization=a_year), rel=1e-6
    )
