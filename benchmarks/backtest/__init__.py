"""A backtest's speed beside the core's own, and beside somebody else's backtester."""

from benchmarks.backtest.measuring import measure

__all__ = ["measure"]
