"""Draw the last recorded run: what each figure is held to, and the core among its peers.

The drawings are made from `RESULTS.md` alone and are the same, byte by byte, whenever they are made
from the same rows.
"""

import importlib.util
from pathlib import Path
from typing import Final

from benchmarks.harness import results
from benchmarks.harness.report import amount
from benchmarks.harness.results import Recorded, Row

DOCS: Final = Path(__file__).parents[2] / "docs"
_GOOD: Final = "#2e7d5b"
_BAD: Final = "#b3403a"
_THEIRS: Final = "#8a8f98"
_OURS: Final = "core: escrow, events, ledger entries"
_PEER: Final = "peer: "


def draw() -> str:
    """Draw what can be drawn into `docs/`, and say in a few words what was."""
    if importlib.util.find_spec("matplotlib") is None:
        return "no plots, since matplotlib is not installed (make bench installs it)"
    runs = results.read()
    if not runs:
        return "no plots, since nothing is recorded"
    last = runs[-1]
    drawn = []
    for name, rows, title, is_ratio in (
        ("benchmarks.svg", _held(last), "times what it must be", True),
        ("benchmarks-peers.svg", _peers(last), "commands a second", False),
    ):
        if rows:
            _bars(DOCS / name, rows, f"{title} · {last.title}", is_ratio=is_ratio)
            drawn.append(f"docs/{name}")
    return (
        f"drawn: {', '.join(drawn)}" if drawn else "no plots, since no figure is held to anything"
    )


def _held(run: Recorded) -> list[Row]:
    return [row for row in run.rows if row.ratio is not None]


def _peers(run: Recorded) -> list[Row]:
    ours = [row for row in run.rows if row.name == _OURS]
    peers = [row for row in run.rows if row.name.startswith(_PEER)]
    return [*ours, *peers] if ours and peers else []


def _bars(path: Path, rows: list[Row], title: str, *, is_ratio: bool) -> None:
    """Draw a bar for each row: its ratio, with a line at 1, or its median."""
    # Drawing needs a second to load; whoever records nothing doesn't wait for it.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # The first row belongs at the top, where the axis ends.
    rows.reverse()
    # Text stays text and ids come from a fixed salt, so that equal rows give equal files.
    with rc_context({"svg.hashsalt": "probity", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        values = [(row.ratio or 0.0) if is_ratio else row.median for row in rows]
        colours = [_ratio_colour(row) if is_ratio else _peer_colour(row) for row in rows]
        bars = axes.barh([row.name for row in rows], values, color=colours)
        axes.bar_label(bars, [_label(row, is_ratio=is_ratio) for row in rows], padding=3)
        axes.set_title(title, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        if is_ratio:
            axes.axvline(1, color="black", linewidth=0.8)
        axes.margins(x=0.2)
        figure.savefig(path, metadata={"Date": None})


def _ratio_colour(row: Row) -> str:
    return _GOOD if (row.ratio or 0.0) >= 1 else _BAD


def _peer_colour(row: Row) -> str:
    return _GOOD if row.name == _OURS else _THEIRS


def _label(row: Row, *, is_ratio: bool) -> str:
    median = f"{amount(row.median)} {row.unit}"
    return f"{row.ratio:.2f}x ({median})" if is_ratio else median
