"""Recorded answers of venues, read from their folder; none of them is part of the project."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def text_of(path: Path) -> bytes:
    """A recording's bytes, unpacked."""
    held = path.read_bytes()
    return gzip.decompress(held) if path.suffix == ".gz" else held


def json_of(path: Path) -> Any:
    """A recording's JSON."""
    return json.loads(text_of(path))


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a recording that has one JSON text each."""
    return (line for line in text_of(path).splitlines() if line.strip())


def table(rows: Iterable[tuple[str, int, int, Counter[str]]]) -> str:
    """A table of (file, rows, parsed, refused by reason), with its sums."""
    lines = [f"{'file':62} {'rows':>6} {'parsed':>6}  refused"]
    total, parsed, refused = 0, 0, Counter[str]()
    for name, count, good, reasons in rows:
        told = ", ".join(f"{reason} {times}" for reason, times in sorted(reasons.items()))
        lines.append(f"{name:62} {count:6} {good:6}  {told}")
        total, parsed, refused = total + count, parsed + good, refused + reasons
    told = ", ".join(f"{reason} {times}" for reason, times in sorted(refused.items()))
    return "\n".join([*lines, f"{'all':62} {total:6} {parsed:6}  {told}"])
