"""How many durable orders a second does REST take, and how long does each wait?

A closed loop by `wrk` over loopback on the same machine: 32 connections, one order a request, 16
traders. `resting` orders never meet (BUY YES far below BUY NO's complement); of the `half
crossing` ones every second order on average meets one that rests. Every 201 is an order that
Postgres has committed. The generator's own share of the CPU is shown: it runs on the cores that
the server runs on.
"""

import re
import resource
import shutil
import subprocess
import tempfile

from benchmarks.harness.report import Figure
from benchmarks.loads.server_process import funded_trader, running_server
from tests.server_process import ServerProcess

CONNECTIONS = 32
TRADERS = 16
SECONDS = 5
ROUNDS = 3
CREDITS = 10_000_000
FLOOR = 5_000
LONGEST_US = 30_000

_SCRIPT = """
local tokens = {%(tokens)s}
local bodies = {%(bodies)s}
local n = %(seed)d
bad = 0
request = function()
  n = (n * 69069 + 1) %% 4294967296
  local token = tokens[math.floor(n / 65536) %% #tokens + 1]
  local body = bodies[math.floor(n / 4096) %% #bodies + 1]
  return wrk.format("POST", "/api/v1/orders/%(slug)s",
    {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}, body)
end
local threads = {}
setup = function(thread) table.insert(threads, thread) end
response = function(status) if status ~= 201 then bad = bad + 1 end end
done = function(summary, latency)
  local refused = 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("bad") end
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, refused,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""
_RESULT = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)")


def _order(outcome: str, price: str) -> str:
    return f'{{"side":"BUY","outcome":"{outcome}","type":"LIMIT","price":"{price}","quantity":"1"}}'


FLOWS = {
    "resting": [
        _order(outcome, f"0.{cents:02d}") for outcome in ("YES", "NO") for cents in range(1, 41)
    ],
    "half crossing": [_order("YES", "0.55"), _order("NO", "0.45")],
}


def measure() -> list[Figure]:
    """Return orders/s and the 99th percentile of the waiting time for both flows."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("rest_orders: wrk is missing (apt-get install wrk)")
    figures = []
    with running_server() as server:
        for name, bodies in FLOWS.items():
            rates, waits, notes = [], [], ""
            for number in range(ROUNDS):
                # An account may have 10 000 open orders, enough for one round of resting.
                traders = [funded_trader(server, CREDITS) for _ in range(TRADERS)]
                slug = f"{name.replace(' ', '-')}-{number}"
                server.market(slug)
                rate, p99, notes = run_wrk(wrk, server, slug, traders, bodies)
                rates.append(rate)
                waits.append(p99)
            figures.append(Figure(f"REST: {name}", "orders/s", rates, FLOOR, note=notes))
            figures.append(Figure(f"REST: {name}, p99 wait", "us", waits, ceiling=LONGEST_US))
    return figures


def run_wrk(
    wrk: str, server: ServerProcess, slug: str, tokens: list[str], bodies: list[str]
) -> tuple[float, float, str]:
    """Send orders for `SECONDS`; return durable orders/s, the p99 wait in us, and notes."""
    script = _SCRIPT % {
        "tokens": ",".join(f'"{token}"' for token in tokens),
        "bodies": ",".join(f"'{body}'" for body in bodies),
        "slug": slug,
        "seed": 20251,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", file.name, server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = _RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    requests, refused, duration_us, p50_us, p99_us = (int(number) for number in found.groups())
    generator = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    share = generator / (duration_us / 1_000_000)
    accepted = (requests - refused) * 1_000_000 / duration_us
    notes = f"p50 {p50_us / 1000:.1f} ms, refused {refused}, generator {share:.0%} of a core"
    return accepted, float(p99_us), notes
