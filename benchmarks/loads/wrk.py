"""A closed loop over HTTP by `wrk`, one thread of it, its requests made by a script in Lua.

A script defines `request`; what is counted of the answers, and told at the end, is the same for
all.
"""

import re
import resource
import shutil
import subprocess
import tempfile
from typing import Final, NamedTuple

_COUNTING: Final = """
bad = 0
local threads = {}
setup = function(thread) table.insert(threads, thread) end
response = function(status) if status ~= %(status)d then bad = bad + 1 end end
done = function(summary, latency)
  local refused = 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("bad") end
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, refused,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""
_RESULT: Final = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)")


class Told(NamedTuple):
    """What a run was answered: requests accepted and refused, waits in microseconds.

    `generator` is the share of a core that `wrk` itself took.
    """

    accepted: int
    refused: int
    seconds: float
    p50_us: int
    p99_us: int
    generator: float


def find_wrk(benchmark: str) -> str:
    """Return where `wrk` is; ends the benchmark, with a word on it, where it isn't."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit(f"{benchmark}: wrk is missing (apt-get install wrk)")
    return wrk


def run_script(
    wrk: str, url: str, script: str, *, status: int, connections: int, seconds: int
) -> Told:
    """Send what the script makes for so long; accepted is what was answered by that status.

    Raises RuntimeError if `wrk` tells nothing.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + _COUNTING % {"status": status})
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = _RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    requests, refused, duration_us, p50_us, p99_us = (int(number) for number in found.groups())
    took = duration_us / 1_000_000
    generator = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Told(requests - refused, refused, took, p50_us, p99_us, generator / took)
