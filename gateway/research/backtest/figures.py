"""What becomes of a run, written down as it goes: its memory is bounded, however long the tape.

Equity, and the prices of the first markets that were traded, are thinned (`thinned.py`); executions
are kept up to a bound and counted beyond it.
"""

from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.research.backtest.formulas import (
    Drawdown,
    Returns,
    brier,
    part,
    profit_factor,
)
from gateway.research.backtest.thinned import Thinned
from gateway.research.strategy import Fill, Position, Resolved

EXECUTIONS_MAX: Final = 100_000
MARKETS_DRAWN: Final = 8
HOUR_US: Final = 3_600_000_000


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What was held of a market when it ended: quantity units, what one share had cost on average,
    and what it paid, both in price units.
    """

    market: str
    quantity: int
    cost: int
    paid: int


class Figures(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a run; money in micro-credits, quantities in 1/100 share, times in microseconds.

    A ratio that has no meaning is None. `sharpe` and `sortino` are annualised from returns of
    `return_period_us`.
    """

    start: int
    end: int
    net: int
    """What it gained, after fees."""
    gross: int
    fees: int
    fees_unknown: int
    """Fills of which nobody knows what the venue charges: they count as free."""
    total_return: float | None
    sharpe: float | None
    sortino: float | None
    return_period_us: int
    periods: int
    drawdown: float
    drawdown_money: int
    drawdown_us: int
    """The longest time from a peak until it was reached again, or the end."""
    fills: int
    maker_fills: int
    win_rate: float | None
    """Of the fills and ends that realised anything, those that gained."""
    profit_factor: float | None
    turnover: int
    """What all fills cost or brought, each at the price of the leg that was traded."""
    exposure: float | None
    """Mean over time of what the shares were worth, as a part of the equity."""
    ordered: int
    filled: int
    fill_ratio: float | None
    queue_us: float | None
    """From sending to filling of what was filled as maker, weighted by quantity."""
    brier: float | None
    resolved: int


class Notes:
    """The watcher of a run."""

    def __init__(self, period_us: int = HOUR_US) -> None:
        self._period_us = period_us
        self._returns = Returns(period_us)
        self._drawdown = Drawdown()
        self.equity = Thinned()
        self.prices: dict[str, Thinned] = {}
        """Of the first markets in which it traded, from the first fill on."""
        self.executions: list[Fill] = []
        self.fills = self.maker_fills = 0
        self._start = self._deposited = self._last = 0
        self._begun_at = self._last_at = self._period_ends = 0
        self._period_equity = 0
        self._exposure, self._exposed = 0.0, 0
        self._won = self._lost = self._wins = self._realisations = 0
        self._filled = 0
        self._queue_us = self._queued = 0
        self.outcomes: list[Outcome] = []
        self.resolved = 0

    def note_deposit(self, amount: int) -> None:
        """Count money that came from outside as no profit."""
        self._deposited += amount
        self._last += amount
        self._period_equity += amount
        self._drawdown.deposit(amount)
        if not self._start:
            self._start = amount

    def note_fill(self, fill: Fill, realised: int, waited_us: int) -> None:
        """Count a fill."""
        self.fills += 1
        if len(self.executions) < EXECUTIONS_MAX:
            self.executions.append(fill)
        if fill.market not in self.prices and len(self.prices) < MARKETS_DRAWN:
            self.prices[fill.market] = Thinned()
        self._filled += fill.quantity
        if fill.is_maker:
            self.maker_fills += 1
            self._queue_us += waited_us * fill.quantity
            self._queued += fill.quantity
        self._note_realised(realised)

    def note_resolution(self, resolved: Resolved, held: Position, cost: int, realised: int) -> None:
        """Count an end."""
        self.resolved += 1
        quantity = held.yes + held.no
        if quantity:
            # Of one kind at a time: free pairs are cash at once.
            paid = resolved.yes_payout if held.yes else PRICE_SCALE - resolved.yes_payout
            each = cost / quantity
            self.outcomes.append(Outcome(resolved.market, quantity, round(each), paid))
        self._note_realised(realised)

    def _note_realised(self, realised: int) -> None:
        if realised == 0:
            return
        self._realisations += 1
        if realised > 0:
            self._wins += 1
            self._won += realised
        else:
            self._lost -= realised

    def note_mark(self, market: str, at: int, price: int) -> None:
        """Hear of a market's price."""
        course = self.prices.get(market)
        if course is not None:
            course.add(at, price)

    def note_equity(self, at: int, equity: int, exposed: int) -> None:
        """Go on to a time."""
        if self._begun_at == 0:
            self._begun_at = self._last_at = at
            self._period_ends = at + self._period_us
        if at >= self._period_ends:
            self._end_periods(at)
        last = self._last
        if last > 0 and self._exposed:
            self._exposure += (at - self._last_at) * self._exposed / last
        self._last_at, self._exposed = at, exposed
        self._drawdown.add(at, equity)
        if equity != last or not self.equity.points:
            self.equity.add(at, equity)
            self._last = equity

    def _end_periods(self, at: int) -> None:
        """End the period at hand, and those up to a time in which nothing happened."""
        empty = (at - self._period_ends) // self._period_us
        if self._period_equity > 0:
            self._returns.add(self._last / self._period_equity - 1.0)
        if self._last > 0:
            self._returns.add_nothing(empty)
        self._period_equity = self._last
        self._period_ends += (1 + empty) * self._period_us

    def figures(self, *, fees: int, turnover: int, ordered: int, fees_unknown: int = 0) -> Figures:
        """Return the figures of what was noted, and of what the engine counted."""
        self.equity.end(self._last_at, self._last)
        net = self._last - self._deposited
        lasted = self._last_at - self._begun_at
        return Figures(
            start=self._start,
            end=self._last,
            net=net,
            gross=net + fees,
            fees=fees,
            fees_unknown=fees_unknown,
            total_return=part(net, self._start),
            sharpe=self._returns.sharpe(),
            sortino=self._returns.sortino(),
            return_period_us=self._period_us,
            periods=self._returns.count,
            drawdown=self._drawdown.deepest,
            drawdown_money=self._drawdown.deepest_money,
            drawdown_us=self._drawdown.longest_us,
            fills=self.fills,
            maker_fills=self.maker_fills,
            win_rate=part(self._wins, self._realisations),
            profit_factor=profit_factor(self._won, self._lost),
            turnover=turnover,
            exposure=self._exposure / lasted if lasted else None,
            ordered=ordered,
            filled=self._filled,
            fill_ratio=part(self._filled, ordered),
            queue_us=self._queue_us / self._queued if self._queued else None,
            brier=brier(
                (one.cost / PRICE_SCALE, one.paid / PRICE_SCALE, one.quantity)
                for one in self.outcomes
            ),
            resolved=self.resolved,
        )
