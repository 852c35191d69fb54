"""Run seeds from the command line, and tell what went wrong in one: `make simulate SEEDS=1000`.

    python -m tests.faults.simulation.simulate --seeds 1000
    python -m tests.faults.simulation.simulate --first 4711 --seeds 1 --trace

Laws: a seed and a commit give the same trace, and so the same hash, on any machine; what failed is
written whole into `build/simulation`, its end and how to run it again are printed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.faults.simulation.world import Outcome, run

_ROOT: Final = Path(__file__).parents[3]
_TRACES: Final = _ROOT / "build" / "simulation"
_SHOWN_LINES: Final = 60
_LINE: Final = 400
_AT_ONCE: Final = 8


def told(outcome: Outcome, lines: int = _SHOWN_LINES) -> str:
    """Return a failure as somebody reads it: what was violated, what came before, how to repeat."""
    problems = "\n".join(f"  {problem}" for problem in outcome.problems)
    end = "\n".join(line[:_LINE] for line in outcome.lines[-lines:])
    return (
        f"seed {outcome.seed}, hash {outcome.hash}, violated:\n{problems}\n"
        f"the last {lines} lines of {len(outcome.lines)}:\n{end}\n"
        f"again: make simulate SEED={outcome.seed}"
    )


def run_all(seeds: Iterable[int], processes: int) -> Iterator[Outcome]:
    """Run seeds side by side and yield what came of them, in their order."""
    if processes == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run, seeds, chunksize=_AT_ONCE)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return how many seeds failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    started, failed, counts = time.perf_counter(), 0, Counter[str]()
    print(f"commit {_commit()}, seeds {seeds.start} to {seeds.stop - 1}", flush=True)
    for outcome in run_all(seeds, min(options.processes, len(seeds))):
        counts += outcome.counts
        if outcome.problems:
            failed += 1
            _TRACES.mkdir(parents=True, exist_ok=True)
            whole = _TRACES / f"{outcome.seed}.txt"
            whole.write_text("\n".join(outcome.lines) + "\n", encoding="utf-8")
            print(f"{told(outcome)}\nall of it: {whole.relative_to(_ROOT)}", flush=True)
        if options.trace:
            print("\n".join(outcome.lines))
            print(f"seed {outcome.seed}, hash {outcome.hash}")
    seconds = time.perf_counter() - started
    figures = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{len(seeds)} seeds in {seconds:.1f} s, {failed} failed: {figures}")
    return failed


def _commit() -> str:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(min(main(), 1))
