"""Run the benchmarks named on the command line, or all, and print conditions and figures."""

import importlib
import sys

from benchmarks.conditions import conditions

ALL = (
    "core",
    "journal_choice",
    "engine_journal",
    "rest_orders",
    "socket_orders",
    "fan_out",
    "redis_fan_out",
)


def main(names: list[str]) -> int:
    """Run each benchmark in turn; return 1 if a figure is below its floor."""
    for name, value in conditions().items():
        print(f"{name:<12} {value}")
    missed = 0
    for name in names or ALL:
        for figure in importlib.import_module(f"benchmarks.{name}").measure():
            print(figure.line(), flush=True)
            missed += figure.floor is not None and figure.median < figure.floor
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
