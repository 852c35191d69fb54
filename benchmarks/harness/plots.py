"""Draw the last recorded run: what each figure is held to, the core among its peers, latency.

The drawings are made from `RESULTS.md` alone and are the same, byte by byte, whenever they are made
from the same rows.
"""

import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import results
from benchmarks.harness.report import amount
from benchmarks.harness.results import Recorded, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
_GOOD: Final = "#2e7d5b"
_BAD: Final = "#b3403a"
_THEIRS: Final = "#8a8f98"
_OURS: Final = "core: escrow, events, ledger entries"
_PEER: Final = "peer: "
_AT_LOAD: Final = re.compile(r"(acks|ack latency) at (\d+) % of the maximum(?:, (p50|p99))?")


def draw() -> str:
    """Draw what can be drawn into `docs/pictures/`, and say in a few words what was."""
    if importlib.util.find_spec("matplotlib") is None:
        return "no plots, since matplotlib is not installed (make bench installs it)"
    runs = results.read()
    if not runs:
        return "no plots, since nothing is recorded"
    last = runs[-1]
    plots: dict[str, Callable[[Path, Recorded], bool]] = {
        "benchmarks.svg": draw_held,
        "benchmarks-peers.svg": draw_peers,
        "latency.svg": draw_latency,
    }
    drawn = [f"docs/pictures/{name}" for name, plot in plots.items() if plot(PICTURES / name, last)]
    return f"drawn: {', '.join(drawn)}" if drawn else "no plots, since no row can be drawn"


def draw_held(path: Path, run: Recorded) -> bool:
    """Draw how many times better than it must be each ratio is; False if none is held."""
    bars = [
        (row.name, row.times, f"{row.times:.2f}x ({_quoted(row)})", row.times >= 1)
        for row in run.rows
        if row.times is not None
    ]
    if bars:
        with _drawing(path, 0.9 + 0.3 * len(bars)) as drawing:
            colours = [_GOOD if good else _BAD for *_, good in bars]
            title = f"ratio to the yardstick, times what it must be · {run.title}"
            _bars(drawing, [bar[:3] for bar in bars], colours, title)
            drawing.axes[0].axvline(1, color="black", linewidth=0.8)
    return bool(bars)


def draw_peers(path: Path, run: Recorded) -> bool:
    """Draw the core among other order books; False if there is none."""
    ours = [row for row in run.rows if row.name == _OURS]
    peers = [row for row in run.rows if row.name.startswith(_PEER)]
    if not ours or not peers:
        return False
    rows = [*ours, *peers]
    with _drawing(path, 0.9 + 0.3 * len(rows)) as drawing:
        bars = [(row.name, row.median, _quoted(row)) for row in rows]
        colours = [_GOOD if row.name == _OURS else _THEIRS for row in rows]
        _bars(drawing, bars, colours, f"commands a second · {run.title}")
    return True


def draw_latency(path: Path, run: Recorded) -> bool:
    """Draw the wait for an ack and the acks that came, by offered load; False without a curve."""
    curves: dict[str, list[tuple[int, float]]] = {"": [], "p50": [], "p99": []}
    for row in run.rows:
        if found := _AT_LOAD.fullmatch(row.name):
            curves[found[3] or ""].append((int(found[2]), row.median))
    if not all(curves.values()):
        return False
    with _drawing(path, 5) as drawing:
        waits, acks = drawing.subplots(2, sharex=True, height_ratios=(2, 1))
        for percentile, colour in (("p99", _BAD), ("p50", _GOOD)):
            points = curves[percentile]
            waits.plot(*zip(*points, strict=True), color=colour, marker="o", label=percentile)
            for load, wait in points:
                waits.annotate(
                    amount(wait), (load, wait), (0, 6), textcoords="offset points", ha="center"
                )
        waits.set_yscale("log")
        waits.margins(y=0.2)
        waits.set_ylabel("ms until the ack")
        waits.set_title(f"from order to durable ack · {run.title}", loc="left", fontsize=9)
        waits.legend(frameon=False, loc="upper left")
        acks.plot(*zip(*curves[""], strict=True), color=_THEIRS, marker="o")
        acks.set_ylim(bottom=0)
        acks.set_ylabel("acks/s")
        acks.set_xlabel("offered load, % of the maximum")
        for axes in (waits, acks):
            axes.spines[["top", "right"]].set_visible(False)
    return True


@contextmanager
def _drawing(path: Path, height: float) -> "Iterator[Drawing]":
    """Yield an empty drawing that is saved at the end."""
    # Drawing needs a second to load; whoever records nothing doesn't wait for it.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Text stays text and ids come from a fixed salt, so that equal rows give equal files.
    with rc_context({"svg.hashsalt": "probity", "svg.fonttype": "none", "font.size": 9}):
        drawing = Figure(figsize=(9, height), layout="constrained")
        yield drawing
        drawing.savefig(path, metadata={"Date": None})


def _bars(
    drawing: "Drawing", bars: list[tuple[str, float, str]], colours: list[str], title: str
) -> None:
    """Draw a bar for each name, value and label, the first one at the top."""
    axes = drawing.add_subplot()
    # The last one is where the axis ends.
    names, values, labels = zip(*reversed(bars), strict=True)
    drawn = axes.barh(names, values, color=colours[::-1])
    axes.bar_label(drawn, labels, padding=3)
    axes.set_title(title, loc="left", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.2)


def _quoted(row: Row) -> str:
    return f"{amount(row.median)} {row.unit}"
