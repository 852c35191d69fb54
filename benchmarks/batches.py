"""How many durable orders a second does REST take in batches of twenty, beside engine and journal?

A closed loop by `wrk` over loopback on the same machine: 32 connections, one batch of 20 placings a
request, each with an id of its own. Batches buy YES and NO by turns, of two groups of traders, at
complements: of the orders of every second one each fills one of before. What is counted is the
orders of batches that were answered 200, so that PostgreSQL has committed them.

The yardstick is the engine with its journal in one process (`engine_journal.py`), for the same
kind of orders with ids, one command each, in turn with the batches. A batch is one command, one
answer and one row of the journal, but it is read, judged and told order by order: the ratio says
what the way over HTTP leaves of the engine's rate where twenty orders share it.
"""

from typing import Final

import httpx
import uvloop

from benchmarks.engine_journal import Exchange, crossing_parts
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.exchange_flow import fresh_database, own_server
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.wrk import find_wrk, run_script
from exchange.messages.commands import Command
from tests.server_process import ServerProcess

OPERATIONS: Final = 20
CONNECTIONS: Final = 32
TRADERS: Final = 16
SECONDS: Final = 5
ROUNDS: Final = 3
CREDITS: Final = 10_000_000
AT_LEAST: Final = 0.6
NAME: Final = f"REST: batches of {OPERATIONS}"
_BESIDE: Final = "engine + journal, half crossing, client ids"
_ID: Final = "@"
"""Stands in a body where the script puts the request's number."""

_SCRIPT = """
local tokens = {%(tokens)s}
local bodies = {[0] = '%(buys_yes)s', [1] = '%(buys_no)s'}
local n = 0
request = function()
  n = n + 1
  local side = n %% 2
  local body = string.gsub(bodies[side], "@", "%(name)s-" .. n)
  local token = tokens[side * #tokens / 2 + math.floor(n / 2) %% (#tokens / 2) + 1]
  return wrk.format("POST", "/api/v1/orders/batch",
    {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}, body)
end
"""


def batch_body(slug: str, outcome: str, middle: int) -> str:
    """Return a batch's JSON: bids for an outcome around a price in cents, ids to be numbered."""
    operations = ",".join(
        f'{{"op":"place","side":"BUY","outcome":"{outcome}","type":"LIMIT",'
        f'"price":"0.{middle + number % 5:02d}","quantity":"1","clientOrderId":"{_ID}-{number}"}}'
        for number in range(OPERATIONS)
    )
    return f'{{"market":"{slug}","operations":[{operations}]}}'


def check(server: ServerProcess, slug: str, token: str) -> None:
    """Raise RuntimeError unless every operation of a batch is taken."""
    content = batch_body(slug, "YES", 10).replace(_ID, "check")
    answer = httpx.post(
        f"{server.url}/api/v1/orders/batch",
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        content=content,
    )
    results = answer.raise_for_status().json()["data"]["results"]
    if len(results) != OPERATIONS or not all(result["ok"] for result in results):
        raise RuntimeError(f"a batch was answered {results}")


def run_wrk(
    wrk: str, server: ServerProcess, slug: str, tokens: list[str], name: str
) -> tuple[float, float, str]:
    """Send batches for `SECONDS`; return durable orders/s, the p99 wait in us, and notes."""
    script = _SCRIPT % {
        "tokens": ",".join(f'"{token}"' for token in tokens),
        "buys_yes": batch_body(slug, "YES", 53),
        "buys_no": batch_body(slug, "NO", 43),
        "name": name,
    }
    told = run_script(wrk, server.url, script, status=200, connections=CONNECTIONS, seconds=SECONDS)
    rate = told.accepted * OPERATIONS / told.seconds
    return rate, float(told.p99_us), f"{told.accepted} batches, refused {told.refused}"


async def _measure(
    wrk: str, server: ServerProcess, traders: list[str], parts: list[list[Command]]
) -> list[Figure]:
    rates: list[float] = []
    waits: list[float] = []
    note = ""
    async with own_server() as database:
        exchange = await Exchange.start(await fresh_database(database), parts[0])
        for number in range(ROUNDS):
            slug = f"batches-{number}"
            server.market(slug)
            rate, p99, note = run_wrk(wrk, server, slug, traders, f"r{number}")
            rates.append(rate)
            waits.append(p99)
            await exchange.run(parts[number + 1])
        await exchange.stop()
    beside = Yardstick(_BESIDE, exchange.rates, at_least=AT_LEAST)
    return [
        Figure(NAME, "orders/s", rates, note, beside),
        Figure(f"{NAME}, p99 wait", "us", waits),
    ]


def measure() -> list[Figure]:
    """Return orders/s in batches, beside the engine's, and the 99th percentile of the wait."""
    wrk = find_wrk("batches")
    with running_server() as server:
        traders = [funded_trader(server, CREDITS) for _ in range(TRADERS)]
        server.market("checked")
        check(server, "checked", traders[0])
        return uvloop.run(_measure(wrk, server, traders, crossing_parts(with_ids=True)))
