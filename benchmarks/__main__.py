"""Run the benchmarks named on the command line, or all, and print conditions and figures."""

import argparse
import sys
import time

from benchmarks.harness import plots, results
from benchmarks.harness.conditions import conditions, fdatasync_speed
from benchmarks.harness.one_benchmark import BenchmarkFailed, measure_in_child

ALL = (
    "core",
    "consensus",
    "backtest",
    "memory",
    "journal_choice",
    "engine_journal",
    "triggers",
    "recovery",
    "disk",
    "rest_orders",
    "batches",
    "socket_orders",
    "latency",
    "slow_disk",
    "fan_out",
    "redis_fan_out",
    "gateways",
    "feed",
    "large.long_past",
    "large.crowd",
)
# The disk of many a virtual machine has a budget: it may answer thirty times slower after a while.
WAIT_FOR_THE_DISK = frozenset(ALL) - {"core", "consensus", "backtest", "memory", "fan_out"}


def main(names: list[str], *, record: bool) -> int:
    """Run each benchmark in turn; return 1 if one failed or a ratio misses what it is held to."""
    run = results.Run(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), conditions(), [], [])
    for name, value in run.conditions.items():
        print(f"{name:<14} {value}", flush=True)
    started = time.monotonic()
    for name in names or ALL:
        if name in WAIT_FOR_THE_DISK:
            disk = run.conditions[f"disk before {name}"] = fdatasync_speed()
            print(f"{name}: {disk}", flush=True)
        try:
            figures = measure_in_child(name)
        except BenchmarkFailed as failure:
            run.failures.append(f"{name}: {failure}")
            print(f"{name}: FAILED: {failure}", flush=True)
            continue
        for figure in figures:
            print(figure.line(), flush=True)
        run.figures.extend(figures)
    missed = [figure.name for figure in run.figures if not figure.is_met]
    print(f"{time.monotonic() - started:.0f} s; {len(run.failures)} failed, {len(missed)} missed")
    if record:
        results.append(run)
        print(f"recorded in {results.PATH.name}; {plots.draw()}")
    return 1 if run.failures or missed else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    _parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    _parser.add_argument("--record", action="store_true", help="write RESULTS.md and the plots")
    _arguments = _parser.parse_args()
    sys.exit(main(_arguments.names, record=_arguments.record))
