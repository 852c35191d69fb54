"""One result as one page of HTML that needs nothing beside it: no script, no font, no request.

Everything that comes from a tape or a strategy is escaped.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import accumulate
from typing import Final

from exchange.messages.bounds import MONEY_SCALE, PRICE_SCALE, QUANTITY_SCALE
from exchange.messages.terms import BUY
from exchange.messages.units import format_money, format_price, format_quantity
from gateway.cli.backtest.rows import ROWS, shown
from gateway.research.backtest.result import Result
from gateway.research.strategy import Fill

_WIDTH: Final = 960
_LEFT: Final = 76
_FILLS_DRAWN: Final = 2_000
_FILLS_LISTED: Final = 500
_BUCKETS: Final = 10

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #fff;
  --one: #0b62c4; --up: #0a7d3c; --down: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa5b1; --line: #30363d;
  --paper: #0d1117; --one: #58a6ff; --up: #3fb950; --down: #ff7b72; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { color: var(--soft); margin: .2rem 0; }
svg { width: 100%; min-width: 48rem; height: auto; display: block; }
svg text { fill: var(--soft); font-size: 12px; } .grid { stroke: var(--line); }
.course { fill: none; stroke: var(--one); stroke-width: 1.5; }
.fallen { fill: var(--down); opacity: .25; stroke: none; }
.up { fill: var(--up); color: var(--up); } .down { fill: var(--down); color: var(--down); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
td:first-child, th:first-child { text-align: left; }
.wide { overflow-x: auto; }
"""


def report(result: Result) -> str:
    """Return the page."""
    parameters = ", ".join(f"{name} = {value}" for name, value in result.parameters.items())
    parts = [
        f"<h1>{escape(result.strategy)}</h1>",
        f"<p>{escape(parameters) or 'no parameters'}</p>",
        f"<p>{_date(result.begun_at)} to {_date(result.ended_at)} UTC, {result.events:,} events,"
        f" fill model <b>{escape(result.model)}</b>, latency {result.latency_us / 1_000:g} ms,"
        f" seed {result.seed}"
        + (f", ended after {escape(result.stopped)}" if result.stopped else "")
        + "</p>",
        _figures(result),
        "<h2>Equity, in credits</h2>",
        _lines(result.curve, MONEY_SCALE, title="Equity over time"),
        "<h2>Below the peak</h2>",
        _drawdown(result.curve),
        *_markets(result),
        *_calibration(result),
        *_executions(result.executions),
    ]
    body = "\n".join(parts)
    title = escape(result.strategy)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Backtest of {title}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _figures(result: Result) -> str:
    rows = [(title, shown(result.figures, name)) for name, title in ROWS]
    rows += [(f"refused: {reason}", f"{count:,}") for reason, count in result.refused.items()]
    cells = "".join(f"<tr><td>{escape(title)}</td><td>{value}</td></tr>" for title, value in rows)
    return f"<h2>Figures</h2><table>{cells}</table>"


class _Frame:
    """Where a course lies in a picture: x by time, y by value."""

    def __init__(self, points: Sequence[tuple[int, float]], height: int) -> None:
        self.height = height
        times = [at for at, _ in points]
        values = [value for _, value in points]
        self.first, self.last = times[0], max(times[-1], times[0] + 1)
        low, high = min(values), max(values)
        room = (high - low) * 0.05 or max(abs(high) * 0.01, 0.01)
        self.low, self.high = low - room, high + room

    def x(self, at: int) -> float:
        """Return where a time is."""
        return _LEFT + (at - self.first) / (self.last - self.first) * (_WIDTH - _LEFT - 8)

    def y(self, value: float) -> float:
        """Return where a value is."""
        part = (value - self.low) / (self.high - self.low)
        return 8 + (1 - part) * (self.height - 34)

    def axes(self) -> str:
        """Return lines at a few round values, and the first and the last time."""
        made = []
        step, places = _step(self.high - self.low)
        for count in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            y = self.y(count * step)
            made.append(
                f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{count * step:,.{places}f}</text>"
            )
        bottom = self.height - 6
        made.append(f'<text x="{_LEFT}" y="{bottom}">{_date(self.first)}</text>')
        made.append(
            f'<text x="{_WIDTH - 8}" y="{bottom}" text-anchor="end">{_date(self.last)}</text>'
        )
        return "".join(made)


def _step(span: float) -> tuple[float, int]:
    """Return a round step, 1, 2 or 5 times a power of ten, of which three to eight fit into a span,
    and how many decimal places it has.
    """
    power = math.floor(math.log10(span / 4))
    size = span / 4 / 10**power
    factor = 1 if size < 2 else 2 if size < 5 else 5  # noqa: PLR2004 - the three
    return factor * 10.0**power, max(0, -power)


def _picture(height: int, inner: str, title: str) -> str:
    return (
        f'<div class="wide" tabindex="0"><svg viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}">{inner}</svg></div>'
    )


def _path(frame: _Frame, points: Iterable[tuple[int, float]]) -> str:
    return " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in points)


def _lines(points: Sequence[tuple[int, int]], scale: int, *, title: str, marks: str = "") -> str:
    scaled = [(at, value / scale) for at, value in points]
    if not scaled:
        return "<p>Nothing happened.</p>"
    frame = _Frame(scaled, 260)
    course = f'<polyline class="course" points="{_path(frame, scaled)}"/>'
    return _picture(260, frame.axes() + course + marks, title)


def _drawdown(points: Sequence[tuple[int, int]]) -> str:
    if not points:
        return "<p>Nothing happened.</p>"
    peaks = accumulate((value for _, value in points), max)
    fallen = [
        (at, 100 * (value / peak - 1.0) if peak > 0 else 0.0)
        for (at, value), peak in zip(points, peaks, strict=True)
    ]
    frame = _Frame([*fallen, (fallen[-1][0], 0.0)], 160)
    closed = [(fallen[0][0], 0.0), *fallen, (fallen[-1][0], 0.0)]
    area = f'<polygon class="fallen" points="{_path(frame, closed)}"/>'
    return _picture(160, frame.axes() + area, "Percent below the peak") + "<p>Percent.</p>"


def _markets(result: Result) -> Iterable[str]:
    """Yield the price of each market that was traded, with the fills on it."""
    for market, points in result.prices.items():
        fills = [one for one in result.executions if one.market == market][:_FILLS_DRAWN]
        course = sorted([*points, *((one.at, one.price) for one in fills)])
        if not course:
            continue
        scaled = [(at, price / PRICE_SCALE) for at, price in course]
        frame = _Frame(scaled, 260)
        marks = "".join(_mark(frame, fill) for fill in fills)
        yield f"<h2>{escape(market)}</h2>"
        yield _lines(course, PRICE_SCALE, title=f"Price of {market} and the fills", marks=marks)
        yield (
            '<p><span class="up">▲</span> bought YES or sold NO,'
            ' <span class="down">▼</span> the other way; filled: rested in the book.</p>'
        )


def _mark(frame: _Frame, fill: Fill) -> str:
    x, y = frame.x(fill.at), frame.y(fill.price / PRICE_SCALE)
    tip, name = (-5, "up") if fill.side is BUY else (5, "down")
    style = "" if fill.is_maker else ' fill-opacity="0.35"'
    points = f"{x:.1f},{y + tip:.1f} {x - 4:.1f},{y - tip / 2:.1f} {x + 4:.1f},{y - tip / 2:.1f}"
    return f'<polygon class="{name}" points="{points}"{style}/>'


def _calibration(result: Result) -> Iterable[str]:
    """Yield what shares that were held to the end had cost, against what they paid."""
    sums = [[0, 0.0, 0.0] for _ in range(_BUCKETS)]
    for one in result.outcomes:
        bucket = sums[min(one.cost * _BUCKETS // PRICE_SCALE, _BUCKETS - 1)]
        bucket[0] += one.quantity
        bucket[1] += one.quantity * one.cost / PRICE_SCALE
        bucket[2] += one.quantity * one.paid / PRICE_SCALE
    if not result.outcomes:
        return
    yield "<h2>Calibration of what was held to the end</h2>"
    rows = "".join(
        f"<tr><td>{number / _BUCKETS:.1f} to {(number + 1) / _BUCKETS:.1f}</td>"
        f"<td>{cost / quantity:.3f}</td><td>{paid / quantity:.3f}</td>"
        f"<td>{quantity / QUANTITY_SCALE:,.2f}</td></tr>"
        for number, (quantity, cost, paid) in enumerate(sums)
        if quantity
    )
    yield (
        "<table><tr><th>price paid</th><th>mean price</th><th>mean payout</th><th>shares</th></tr>"
        f"{rows}</table>"
    )


def _executions(fills: Sequence[Fill]) -> Iterable[str]:
    yield "<h2>Fills</h2>"
    if not fills:
        yield "<p>None.</p>"
        return
    if len(fills) > _FILLS_LISTED:
        yield f"<p>The first {_FILLS_LISTED} of {len(fills):,}.</p>"
    rows = "".join(
        f"<tr><td>{_date(one.at)}</td><td>{escape(one.market)}</td><td>{one.side.value}</td>"
        f"<td>{format_price(one.price)}</td><td>{format_quantity(one.quantity)}</td>"
        f"<td>{format_money(one.fee)}</td><td>{'maker' if one.is_maker else 'taker'}</td></tr>"
        for one in fills[:_FILLS_LISTED]
    )
    yield (
        '<div class="wide"><table><tr><th>time (UTC)</th><th>market</th><th>side of YES</th>'
        "<th>price</th><th>quantity</th><th>fee</th><th>role</th></tr>"
        f"{rows}</table></div>"
    )
