"""Which figures of a run people are shown, in which words and units."""

from typing import Final

from exchange.messages.units import format_money
from gateway.research.backtest.figures import Figures

ROWS: Final[tuple[tuple[str, str], ...]] = (
    ("net", "gained, after fees"),
    ("gross", "gained, before fees"),
    ("fees", "fees"),
    ("fees_unknown", "fills whose fee isn't known"),
    ("total_return", "return"),
    ("periods", "returns of an hour"),
    ("sharpe", "Sharpe of these, a year"),
    ("sortino", "Sortino of these, a year"),
    ("drawdown", "deepest drawdown"),
    ("drawdown_us", "longest below a peak"),
    ("fills", "fills"),
    ("maker_fills", "of them as maker"),
    ("fill_ratio", "ordered that filled"),
    ("queue_us", "mean wait in the queue"),
    ("turnover", "turnover"),
    ("exposure", "mean exposure"),
    ("win_rate", "realisations that gained"),
    ("profit_factor", "profit factor"),
    ("brier", "Brier score"),
    ("resolved", "markets that ended"),
)
_MONEY: Final = {"net", "gross", "fees", "turnover"}
_PARTS: Final = {"total_return", "drawdown", "fill_ratio", "exposure", "win_rate"}
_TIMES: Final = {"drawdown_us", "queue_us"}


def shown(figures: Figures, name: str) -> str:
    """Return one figure as people read it."""
    value = getattr(figures, name)
    if value is None:
        return "-"
    if name in _MONEY:
        return format_money(value)
    if name in _PARTS:
        return f"{value:.2%}"
    if name in _TIMES:
        return f"{value / 1_000_000:,.1f} s"
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"
