"""How many durable orders a second does REST take, and how long does each wait?

A closed loop by `wrk` over loopback on the same machine: 32 connections, one order a request, 16
traders. `resting` orders never meet (BUY YES far below BUY NO's complement); of the `half
crossing` ones every second order on average meets one that rests. Every 201 is an order that
Postgres has committed. The generator's own share of the CPU is shown: it runs on the cores that
the server runs on.

The yardstick is a bare Starlette POST (`yardsticks/bare_server.py`) under the same uvicorn, uvloop
and `wrk`, in turn with ours: it parses the orders of the half crossing flow and answers the JSON
that Probity answers to an order that rests. Both its rate and its p99 are held against.
"""

import httpx
import msgspec

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.wrk import find_wrk, run_script
from benchmarks.yardsticks.bare_server import BareServer, bare_server
from tests.server_process import ServerProcess

CONNECTIONS = 32
TRADERS = 16
SECONDS = 5
ROUNDS = 3
CREDITS = 10_000_000
AT_LEAST = 0.35
AT_MOST = 10.0
_BARE = "a bare Starlette POST"

_SCRIPT = """
local tokens = {%(tokens)s}
local bodies = {%(bodies)s}
local n = %(seed)d
request = function()
  n = (n * 69069 + 1) %% 4294967296
  local token = tokens[math.floor(n / 65536) %% #tokens + 1]
  local body = bodies[math.floor(n / 4096) %% #bodies + 1]
  return wrk.format("POST", "/api/v1/orders/%(slug)s",
    {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}, body)
end
"""


def _order(outcome: str, price: str) -> str:
    return f'{{"side":"BUY","outcome":"{outcome}","type":"LIMIT","price":"{price}","quantity":"1"}}'


FLOWS = {
    "resting": [
        _order(outcome, f"0.{cents:02d}") for outcome in ("YES", "NO") for cents in range(1, 41)
    ],
    "half crossing": [_order("YES", "0.55"), _order("NO", "0.45")],
}


def measure() -> list[Figure]:
    """Return orders/s and the 99th percentile of the waiting time, of both flows and without us."""
    wrk = find_wrk("rest_orders")
    rates: dict[str, list[float]] = {name: [] for name in (*FLOWS, _BARE)}
    waits: dict[str, list[float]] = {name: [] for name in (*FLOWS, _BARE)}
    notes: dict[str, str] = {}
    with running_server() as server, bare_server("post", _answer(server)) as bare:
        for number in range(ROUNDS):
            # An account may have 10 000 open orders, enough for one round of resting.
            traders = [funded_trader(server, CREDITS) for _ in range(TRADERS)]
            for name, found in rates.items():
                slug = f"{name.replace(' ', '-')}-{number}"
                if name in FLOWS:
                    server.market(slug)
                target = server if name in FLOWS else bare
                bodies = FLOWS.get(name, FLOWS["half crossing"])
                rate, p99, notes[name] = run_wrk(wrk, target, slug, traders, bodies)
                found.append(rate)
                waits[name].append(p99)
    return [
        *_figures(f"yardstick: {_BARE}", rates[_BARE], waits[_BARE], notes[_BARE]),
        *[
            figure
            for name in FLOWS
            for figure in _figures(
                f"REST: {name}",
                rates[name],
                waits[name],
                notes[name],
                Yardstick(_BARE, rates[_BARE], at_least=AT_LEAST),
                Yardstick(f"{_BARE}'s p99", waits[_BARE], at_most=AT_MOST),
            )
        ],
    ]


def _figures(
    name: str,
    rates: list[float],
    waits: list[float],
    note: str,
    rate: Yardstick | None = None,
    wait: Yardstick | None = None,
) -> list[Figure]:
    return [
        Figure(name, "orders/s", rates, note, rate),
        Figure(f"{name}, p99 wait", "us", waits, yardstick=wait),
    ]


def _answer(server: ServerProcess) -> bytes:
    """Place an order that rests and return what Probity answers."""
    server.market("sample")
    authorization = {"authorization": f"Bearer {funded_trader(server, CREDITS)}"}
    body = msgspec.json.decode(FLOWS["resting"][0])
    answer = httpx.post(f"{server.url}/api/v1/orders/sample", headers=authorization, json=body)
    return answer.raise_for_status().content


def run_wrk(
    wrk: str, server: ServerProcess | BareServer, slug: str, tokens: list[str], bodies: list[str]
) -> tuple[float, float, str]:
    """Send orders for `SECONDS`; return durable orders/s, the p99 wait in us, and notes."""
    script = _SCRIPT % {
        "tokens": ",".join(f'"{token}"' for token in tokens),
        "bodies": ",".join(f"'{body}'" for body in bodies),
        "slug": slug,
        "seed": 20251,
    }
    told = run_script(wrk, server.url, script, status=201, connections=CONNECTIONS, seconds=SECONDS)
    notes = (
        f"p50 {told.p50_us / 1000:.1f} ms, refused {told.refused},"
        f" generator {told.generator:.0%} of a core"
    )
    return told.accepted / told.seconds, float(told.p99_us), notes
