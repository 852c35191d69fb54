"""A backtest gives the same bytes whether the rules are compiled or run as they are written."""

import os
import subprocess
import sys
from pathlib import Path

from tests.scenarios.backtests.run_bytes import results, run_hash

ROOT = Path(__file__).parents[3]


def test_the_rules_as_they_are_written_give_the_bytes_of_these() -> None:
    """These are the compiled ones in `make test-compiled`; else it is another process, in which
    sets and dictionaries hash otherwise.
    """
    sources = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenarios.backtests.run_bytes"],
        cwd=ROOT,
        env=sources | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert done.stdout.split() == ["sources", run_hash()]
    assert min(one.figures.fills for one in results() if one.strategy == "MarketMaker") > 0
