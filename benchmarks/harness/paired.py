"""Is this checkout as fast as another one? `python -m benchmarks.harness.paired OTHER [NAME ...]`.

Absolute figures of one machine differ threefold from day to day, so the two are measured in turn:
each pair runs a benchmark once here and once there, the first of the two alternately, each in a
process of its own with that checkout's `.venv` and its compiled rules, if it has them. What is
judged is the median of the pairs' ratios with its interval: the order statistics between which it
lies with a chance of at least 95 % (binomial, no distribution assumed). A checkout is too slow only
if the whole interval says so.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parents[2]
NAMES: Final = ("core", "engine_journal", "rest_orders", "socket_orders")
PAIRS: Final = 9
ALLOWED: Final = 0.03
"""So much slower a figure may be."""
_LONGEST_S: Final = 180
_CONFIDENCE: Final = 0.95
_ONE_ROUND: Final = """
import importlib, json, sys
benchmark = importlib.import_module("benchmarks." + sys.argv[1])
benchmark.ROUNDS = 1
ours = [f for f in benchmark.measure() if "peer" not in f.name and "yardstick" not in f.name]
figures = {f.name: (f.median, f.unit) for f in ours}
print("FIGURES", json.dumps(figures))
"""


class Interval(NamedTuple):
    """A median, and between what it lies."""

    median: float
    low: float
    high: float


def interval(values: list[float]) -> Interval:
    """Return the median with its interval of at least 95 %; of few values, their whole range."""
    ordered, count = sorted(values), len(values)
    rank, outside = 0, 0.0
    while rank < (count - 1) // 2:
        # The chance that the median lies below the value of this rank, or above its mirror.
        outside += 2 * math.comb(count, rank) / 2**count
        if outside > 1 - _CONFIDENCE:
            break
        rank += 1
    rank = max(rank - 1, 0)
    return Interval(statistics.median(ordered), ordered[rank], ordered[count - 1 - rank])


def speed_ratio(ours: float, theirs: float, unit: str) -> float:
    """Return how fast we are beside them, above 1 where we are faster."""
    return ours / theirs if unit.endswith("/s") else theirs / ours


def one_round(checkout: Path, name: str) -> dict[str, tuple[float, str]]:
    """Run one round of a benchmark there; return its figures' values and units by their names."""
    compiled = checkout / "build" / "compiled"
    path = [str(compiled)] if (compiled / ".made").exists() else []
    done = subprocess.run(
        [str(checkout / ".venv" / "bin" / "python"), "-c", _ONE_ROUND, name],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*path, str(checkout)])},
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("FIGURES "):
            found: dict[str, tuple[float, str]] = json.loads(line.removeprefix("FIGURES "))
            return found
    raise RuntimeError(f"{name} in {checkout} gave no figures: {done.stderr[-2_000:]}")


def compare(other: Path, name: str, pairs: int) -> dict[str, Interval]:
    """Return the ratio of each figure of a benchmark, here beside there."""
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(pairs):
        order = (HERE, other) if number % 2 == 0 else (other, HERE)
        found = {checkout: one_round(checkout, name) for checkout in order}
        for figure, (ours, unit) in found[HERE].items():
            if figure in found[other]:
                ratios[figure].append(speed_ratio(ours, found[other][figure][0], unit))
    return {figure: interval(values) for figure, values in ratios.items()}


def main(other: Path, names: list[str], pairs: int) -> int:
    """Print each figure's ratio; return 1 if one is slower than allowed, beyond its interval."""
    too_slow = 0
    for name in names or NAMES:
        for figure, (median, low, high) in compare(other, name, pairs).items():
            is_slow = high < 1 - ALLOWED
            too_slow += is_slow
            mark = "  TOO SLOW" if is_slow else ""
            print(f"{figure:<52} {median:.3f} ({low:.3f} .. {high:.3f}){mark}", flush=True)
    return 1 if too_slow else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(
        prog="python -m benchmarks.harness.paired", description=__doc__
    )
    _parser.add_argument("other", type=Path, help="the other checkout, with a .venv of its own")
    _parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    _parser.add_argument("--pairs", type=int, default=PAIRS)
    _arguments = _parser.parse_args()
    sys.exit(main(_arguments.other.resolve(), _arguments.names, _arguments.pairs))
