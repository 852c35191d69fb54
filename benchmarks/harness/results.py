"""What was measured, kept: each recorded run is appended to `RESULTS.md` and can be read back.

The file is written for people and read by `plots`; a table row is a figure, a list item above the
table a condition.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.harness.report import Figure, amount, share

PATH: Final = Path(__file__).parents[1] / "RESULTS.md"
_HEAD: Final = (
    "| question | median | unit | lowest .. highest | rounds | beside | its median | ratio"
    " | held to | note |\n|---|---:|---|---|---:|---|---:|---:|---|---|\n"
)
_HELD: Final = re.compile(r"at (least|most) ([\d.e+-]+)")
_TIMES: Final = re.compile(r"[\d.]+x")
"""How older runs wrote a ratio: to a number that the figure was held to, above 1 is better."""


class Run(msgspec.Struct):
    """One run of several benchmarks."""

    date: str
    conditions: dict[str, str]
    figures: list[Figure]
    failures: list[str]


class Row(msgspec.Struct, frozen=True):
    """A figure as it is read back."""

    name: str
    median: float
    unit: str
    times: float | None
    """How many times better it was than it must be; None if nothing was asked."""


class Recorded(msgspec.Struct, frozen=True):
    """A run as it is read back: what stands above its table, and its rows."""

    title: str
    rows: list[Row]


def append(run: Run, path: Path = PATH) -> None:
    """Add a run to the end of the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(entry(run))


def entry(run: Run) -> str:
    """Write a run as Markdown."""
    lines = [f"\n## {run.date}, commit {run.conditions.get('commit', 'unknown')}\n\n"]
    lines += [f"- {name}: {value}\n" for name, value in run.conditions.items() if name != "commit"]
    lines += [f"- FAILED: {failure}\n" for failure in run.failures]
    return "".join([*lines, "\n", _HEAD, *map(_row, run.figures)])


def read(path: Path = PATH) -> list[Recorded]:
    """Read all runs, the oldest first."""
    return list(_runs(path.read_text(encoding="utf-8")))


def _runs(text: str) -> Iterator[Recorded]:
    for part in text.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        head, *rows = [line[2:-2].split(" | ") for line in body.splitlines() if line[:2] == "| "]
        cells = [dict(zip(head, row, strict=True)) for row in rows]
        yield Recorded(title, [_read(row) for row in cells])


def _read(cells: dict[str, str]) -> Row:
    middle = float(cells["median"].replace(",", ""))
    return Row(cells["question"], middle, cells["unit"], _times(cells["ratio"], cells["held to"]))


def _times(ratio: str, held: str) -> float | None:
    if _TIMES.fullmatch(ratio):
        return float(ratio[:-1])
    found = _HELD.search(held)
    if found is None:
        return None
    bound, value = float(found[2]), float(ratio.replace(",", ""))
    return value / bound if found[1] == "least" else bound / value


def _row(figure: Figure) -> str:
    yardstick, ratio = figure.yardstick, figure.ratio
    cells = [
        figure.name,
        amount(figure.median),
        figure.unit,
        f"{amount(min(figure.rounds))} .. {amount(max(figure.rounds))}",
        str(len(figure.rounds)),
        "" if yardstick is None else yardstick.name,
        "" if yardstick is None else amount(yardstick.median),
        "" if ratio is None else share(ratio),
        "" if yardstick is None else yardstick.held,
        figure.note,
    ]
    return "".join(["| ", " | ".join(cell.replace("|", "/") for cell in cells), " |\n"])
