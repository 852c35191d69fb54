"""What was measured, kept: each recorded run is appended to `RESULTS.md` and can be read back.

The file is written for people and read by `plots`; a table row is a figure, a list item above the
table a condition.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.harness.report import Figure, amount

PATH: Final = Path(__file__).parents[1] / "RESULTS.md"
_HEAD: Final = (
    "| question | median | unit | lowest .. highest | rounds | held to | ratio | note |\n"
    "|---|---:|---|---|---:|---|---:|---|\n"
)
_ROW: Final = re.compile(r"\| (.+?) \| ([\d.,e+-]+) \| (.*?) \| .*? \| \d+ \| .*? \| ([\d.]*)x? \|")


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
    ratio: float | None


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
        rows = [
            Row(name, float(middle.replace(",", "")), unit, float(ratio) if ratio else None)
            for name, middle, unit, ratio in _ROW.findall(body)
        ]
        yield Recorded(title, rows)


def _row(figure: Figure) -> str:
    spread = f"{amount(min(figure.rounds))} .. {amount(max(figure.rounds))}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}x"
    cells = [
        figure.name,
        amount(figure.median),
        figure.unit,
        spread,
        str(len(figure.rounds)),
        figure.bound,
        ratio,
        figure.note,
    ]
    return "".join(["| ", " | ".join(cell.replace("|", "/") for cell in cells), " |\n"])
