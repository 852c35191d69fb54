"""Answers of Kalshi that we made up, in its three shapes: cents, strings, and both together."""

from decimal import Decimal
from enum import Enum
from typing import Any

_PRICES = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")
_COUNTS = ("volume", "volume_24h", "open_interest")


class Shape(Enum):
    """How numbers are sent."""

    CENTS = "cents"
    """Until 2025."""
    BOTH = "both"
    """January to March 2026."""
    EXACT = "exact"
    """Since then."""


def in_shape(fields: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Fields whose prices are dollars and whose counts are contracts, as a shape sends them."""
    told: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in _PRICES + _COUNTS or value is None:
            told[name] = value
            continue
        number = Decimal(value)
        if shape is not Shape.EXACT:
            told[name] = int(number * 100) if name in _PRICES else int(number)
        if shape is not Shape.CENTS:
            suffix, text = (
                ("_dollars", f"{number:.4f}") if name in _PRICES else ("_fp", f"{number:.2f}")
            )
            told[name + suffix] = text
    return told


def market(
    ticker: str = "RAIN-26DEC01-NYC", shape: Shape = Shape.EXACT, **over: Any
) -> dict[str, Any]:
    """A market that is open, quoted at 0.37 to 0.39."""
    fields = {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "market_type": "binary",
        "title": "Where will it rain?",
        "yes_sub_title": ticker.rpartition("-")[2],
        "no_sub_title": ticker.rpartition("-")[2],
        "rules_primary": "If it rains, then the market resolves to Yes.",
        "rules_secondary": "",
        "created_time": "2026-11-01T08:00:00.5Z",
        "open_time": "2026-11-01T09:00:00Z",
        "close_time": "2026-12-01T23:00:00Z",
        "status": "active",
        "result": "",
        "notional_value_dollars": "1.0000",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "fractional_trading_enabled": False,
        "yes_bid": "0.37",
        "yes_ask": "0.39",
        "no_bid": "0.61",
        "no_ask": "0.63",
        "last_price": "0.38",
        "volume": "531",
        "volume_24h": "204",
        "open_interest": "517",
        "yes_bid_size_fp": "8368.00",
        "yes_ask_size_fp": "79.00",
    }
    return in_shape(fields, shape) | over


def event(ticker: str = "RAIN-26DEC01", **over: Any) -> dict[str, Any]:
    """An event, without its markets."""
    fields = {
        "event_ticker": ticker,
        "series_ticker": ticker.partition("-")[0],
        "title": "Where will it rain?",
        "sub_title": "On Dec 1, 2026",
        "category": "Climate and Weather",
        "mutually_exclusive": True,
        "collateral_return_type": "MECNET",
    }
    return fields | over


def series(ticker: str = "RAIN", **over: Any) -> dict[str, Any]:
    """A series."""
    fields = {
        "ticker": ticker,
        "title": "Rain",
        "category": "Climate and Weather",
        "tags": ["Rain", "Daily"],
        "fee_type": "quadratic",
        "fee_multiplier": 1,
    }
    return fields | over


def trade(trade_id: str, ticker: str = "RAIN-26DEC01-NYC", **over: Any) -> dict[str, Any]:
    """A print."""
    fields = {
        "trade_id": trade_id,
        "ticker": ticker,
        "count_fp": "12.61",
        "yes_price_dollars": "0.3800",
        "no_price_dollars": "0.6200",
        "taker_side": "yes",
        "created_time": "2026-11-25T05:51:39.54467Z",
    }
    return fields | over


def candle(end: int, **over: Any) -> dict[str, Any]:
    """An interval of a market that traded."""

    def span(open_: str, high: str, low: str, close: str) -> dict[str, str]:
        return {
            "open_dollars": open_,
            "high_dollars": high,
            "low_dollars": low,
            "close_dollars": close,
        }

    fields = {
        "end_period_ts": end,
        "price": span("0.3800", "0.4100", "0.3600", "0.4000"),
        "yes_bid": span("0.3700", "0.4000", "0.3500", "0.3900"),
        "yes_ask": span("0.3900", "0.4200", "0.3700", "0.4100"),
        "volume_fp": "10.50",
        "open_interest_fp": "517.00",
    }
    return fields | over
