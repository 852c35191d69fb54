"""One benchmark in a process of its own, for a bounded time.

A benchmark can't slow the next one by what it leaves in memory, and none can hide the others by
failing or hanging: it is told to end (so that it stops the servers it started), then made to.
"""

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.harness.report import Figure

LONGEST_S: Final = 300
LONGER_S: Final = {"consensus": 420, "large.long_past": 900}
"""What can't be told from a part: a hash of everything, a past of a certain length."""
_GRACE_S: Final = 30


class BenchmarkFailed(Exception):
    """It gave no figures; says why."""


def measure_in_child(name: str) -> list[Figure]:
    """Run a benchmark and return its figures.

    Raises:
        BenchmarkFailed: it failed, or took longer than it may.
    """
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        output = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.harness.one_benchmark", name, str(output)]
        with subprocess.Popen(command, env=_environment()) as process:
            code = _wait(process, LONGER_S.get(name, LONGEST_S))
        if code != 0 or not output.exists():
            raise BenchmarkFailed(f"exit code {code}; what it said is above")
        return msgspec.json.decode(output.read_bytes(), type=list[Figure])


def _environment() -> dict[str, str]:
    """Return ours, with a PYTHONPATH that holds in every folder, and modules compiled once.

    Servers run in folders of their own, and must run the core that is said to be measured; a start
    that compiled every module anew would not be the second start that anybody sees.
    """
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    places = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    absolute = os.pathsep.join(str(Path(place).resolve()) for place in places)
    return {**environment, **({"PYTHONPATH": absolute} if absolute else {})}


def _wait(process: "subprocess.Popen[bytes]", longest_s: int) -> int:
    try:
        return process.wait(longest_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        raise BenchmarkFailed(f"not done after {LONGEST_S} s") from None
    except BaseException:
        # Ctrl-C reached the child too: let it stop its servers.
        process.wait(_GRACE_S)
        raise


def main(name: str, output: str) -> None:
    """Measure, and write the figures to a file."""
    # Whoever ends the whole run ends its servers too, which work in sessions of their own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    figures: list[Figure] = importlib.import_module(f"benchmarks.{name}").measure()
    Path(output).write_bytes(msgspec.json.encode(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
