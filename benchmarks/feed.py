"""What do twenty thousand markets of other venues cost the process that trades?

`serve`, with the jobs inside it (the harder of the two arrangements), reads the lists of two venues
that stand in for the real ones (`loads/large_venues.py`, ten thousand markets each), twice; the
second time nothing has changed, and it fails if a row is written. How late the event loop is
meanwhile is how long the shortest question takes (`/ready`, 200 times a second at moments drawn
beforehand): the answer can't come before the loop does. Then lists, searches and categories are
asked for 200 times a second at moments drawn beforehand, by a Zipf law over the markets (the page
on which a market of that rank is; its category; two words of its question), beside 500 durable
orders a second from another process. What memory all of it takes is the resident set beyond that of
the same server without venues. All share the machine.

The yardstick of the orders is the same load before anybody reads.
"""

import asyncio
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx
import msgspec
import psutil

from benchmarks.harness.report import Figure, Yardstick, limit
from benchmarks.loads.large_venues import MARKETS
from benchmarks.loads.open_loop import Ask, Plan, Waited
from benchmarks.loads.server_process import funded_trader, running_server
from tests.server_process import ServerProcess
from tests.server_process import running_server as empty_server
from tests.venues.kalshi import API

ORDERS_PER_S: Final = 500.0
READS_PER_S: Final = 200.0
SECONDS: Final = 20.0
WARM_UP_S: Final = 5.0
"""So long the cache, empty at first, fills; counted are the hits of all the time."""
PROBE_PER_S: Final = 200.0
PROBE_S: Final = 200.0
"""No longer than this; it ends with the readings."""
FIRST_S, SECOND_S, LAG_MS, READ_MS, MEMORY_MB = 30.0, 10.0, 50.0, 50.0, 250.0
HITS_AT_LEAST: Final = 0.8
TRADERS: Final = 8
CREDITS: Final = 10_000_000
_READY: Final = Ask("ready", "GET", "/ready")
_PLATFORMS: Final = ("polymarket", "kalshi")
_PAGE: Final = 20
_ZIPF: Final = 1.1
_CACHE: Final = re.compile(
    r'^cache_requests_total\{(?=[^}]*cache="lists")[^}]*result="(\w+)"[^}]*\} (\S+)$', re.MULTILINE
)
_NOW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_WRITTEN: Final = """
SELECT (SELECT count(*) FROM venue_markets WHERE changed_at >= $1)
     + (SELECT count(*) FROM venue_events WHERE changed_at >= $1)
"""


def measure() -> list[Figure]:
    """Return times of both passes, lag, waits of reads and orders, cache hits and memory."""
    with (
        tempfile.TemporaryDirectory(prefix="probity-bench-") as folder,
        empty_server(Path(folder) / "data") as empty,
    ):
        time.sleep(1)
        base = psutil.Process(empty.pid).memory_info().rss
    with (
        tempfile.TemporaryDirectory(prefix="probity-bench-") as folder,
        _venues() as addresses,
        running_server(_settings(*addresses)) as server,
    ):
        looking = _plan(server, PROBE_PER_S, [_READY], 3, PROBE_S)
        probe = _Sending(looking, folder)
        first = _pass(server, after={})
        read_at = _now(server)
        server.call("POST", "/markets/ingest", server.admin())
        second = _pass(server, after={name: one["lastSuccessAt"] for name, one in first.items()})
        if rewritten := _written_since(server, read_at):
            raise RuntimeError(f"{rewritten} rows were written though nothing had changed")
        lag = probe.ended().waits[_READY.kind]
        alone, _, _ = _load(server, reads=False)
        orders, reads, hits = _load(server, reads=True)
        grown = psutil.Process(server.pid).memory_info().rss - base
    seen = sum(_ingestion(one)["counts"]["seen"] for one in first.values())
    if seen != len(_PLATFORMS) * MARKETS:
        raise RuntimeError(f"{seen} markets were seen")
    return [
        _took("first reading of 20 000 markets", first, FIRST_S),
        _took("second reading, nothing changed", second, SECOND_S),
        Figure(
            "event-loop lag meanwhile, p99", "ms", [quantiles(lag, n=100)[98]], f"{len(lag)} looks"
        ),
        Figure("event-loop lag meanwhile, worst", "ms", [max(lag)], "", limit(LAG_MS, "ms")),
        *_waits(reads),
        _orders(orders, alone),
        Figure(
            "list reads out of the cache", "%", [100 * hits],
            yardstick=Yardstick("all", [100.0], at_least=HITS_AT_LEAST),
        ),
        Figure("memory beyond the empty feed", "MB", [grown / 1e6], "", limit(MEMORY_MB, "MB")),
    ]  # fmt: skip


@contextmanager
def _venues() -> Iterator[tuple[str, str]]:
    """Start the stand-ins, and end them with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loads.large_venues"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            if process.stdout is None:
                raise RuntimeError("no output")
            first, second = process.stdout.readline().split()
            yield first, second
        finally:
            process.terminate()


def _settings(gamma: str, kalshi: str) -> dict[str, str]:
    return {
        "FEED_PLATFORMS": ",".join(_PLATFORMS),
        "POLYMARKET_API_URL": gamma,
        "KALSHI_API_URL": kalshi + API,
        # Whoever is measured says when the lists are read again.
        "MARKET_INGEST_CRON": "0 0 1 1 *",
        "SOCKET_IN_FLIGHT_MAX": "10000",
    }


def _ingestion(venue: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(job for job in venue["jobs"] if job["job"] == "market-ingest")
    return found


def _pass(server: ServerProcess, after: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Wait until both lists were read after the times that are given; return how venues stand."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = {one["platform"]: one for one in server.call("GET", "/feed/status")}
        if all(one["ok"] and one["lastSuccessAt"] != after.get(n) for n, one in status.items()):
            return status
        time.sleep(0.2)
    raise RuntimeError(f"the lists weren't read: {server.words()}")


def _took(name: str, status: dict[str, dict[str, Any]], most_s: float) -> Figure:
    """Return the longer of the venues' times, which are read side by side."""
    seconds = {title: _ingestion(one)["tookMs"] / 1_000 for title, one in status.items()}
    note = ", ".join(f"{title} {took:.1f}" for title, took in seconds.items())
    return Figure(name, "s", [max(seconds.values())], note, limit(most_s, "s"))


def _now(server: ServerProcess) -> int:
    return asyncio.run(_value(server, _NOW))


def _written_since(server: ServerProcess, at: int) -> int:
    """Return how many markets and events were written since a time, in microseconds."""
    return asyncio.run(_value(server, _WRITTEN, at))


async def _value(server: ServerProcess, statement: str, *arguments: int) -> int:
    async with server.database() as connection:
        return int(await connection.fetchval(statement, *arguments))


def _load(server: ServerProcess, *, reads: bool) -> tuple[Waited, Waited, float]:
    """Send orders, and reads beside them or not; return the waits, and the part of cache hits."""
    slug = "with-readers" if reads else "without-readers"
    server.market(slug)
    tokens = [funded_trader(server, CREDITS) for _ in range(TRADERS)]
    bodies = [
        f'{{"side":"BUY","outcome":"{outcome}","type":"LIMIT","price":"{price}","quantity":"1"}}'
        for outcome, price in (("YES", "0.55"), ("NO", "0.45"))
    ]
    path = f"/api/v1/orders/{slug}"
    asks = [
        Ask("order", "POST", path, token, body)
        for body in bodies
        for token in tokens
    ]  # fmt: skip
    before = _cached(server)
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        plans = [_plan(server, ORDERS_PER_S, asks, 1, SECONDS)]
        if reads:
            plans.append(_plan(server, READS_PER_S, _reads(server), 2, SECONDS))
        sending = [_Sending(plan, folder) for plan in plans]
        told = [one.waited() for one in sending]
    for one, wanted in zip(told, (201, 200), strict=False):
        if set(one.statuses) != {wanted}:
            raise RuntimeError(f"statuses {one.statuses}")
    counted = {name: count - before.get(name, 0.0) for name, count in _cached(server).items()}
    asked = sum(counted.values())
    hits = (counted.get("hit", 0.0) + counted.get("stale", 0.0)) / asked if asked else 0.0
    return told[0], told[-1], hits


def _plan(server: ServerProcess, rate: float, asks: list[Ask], seed: int, seconds: float) -> Plan:
    warm_up_s = 0.0 if seconds == PROBE_S else WARM_UP_S
    return Plan(
        port=server.port, rate=rate, seconds=seconds, warm_up_s=warm_up_s, seed=seed, asks=asks
    )


class _Sending:
    """A generator that is at it."""

    def __init__(self, plan: Plan, folder: str) -> None:
        file, self._answer = Path(folder) / f"{plan.seed}.json", Path(folder) / f"{plan.seed}.told"
        file.write_bytes(msgspec.json.encode(plan))
        command = [sys.executable, "-m", "benchmarks.loads.open_loop", str(file), str(self._answer)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def ended(self) -> Waited:
        """End it early; return what it found until then."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self.waited()

    def waited(self) -> Waited:
        """Wait for its end and return what it found; raises RuntimeError if it failed."""
        if self._process.wait() != 0 or self._process.stdin is None:
            raise RuntimeError("a generator failed; what it said is above")
        self._process.stdin.close()
        return msgspec.json.decode(self._answer.read_bytes(), type=Waited)


def _cached(server: ServerProcess) -> dict[str, float]:
    text = httpx.get(f"{server.url}/metrics").raise_for_status().text
    return {result: float(count) for result, count in _CACHE.findall(text)}


def _reads(server: ServerProcess) -> list[Ask]:
    """Return reads by a Zipf law over the markets: of ten, six lists, three searches, one of the
    categories.
    """
    dice = random.Random(7)
    known = server.call("GET", "/markets?platform=all&limit=200")
    ranks = range(1, 2 * MARKETS + 1)
    weights = [1 / rank**_ZIPF for rank in ranks]
    asks = []
    for number, rank in enumerate(dice.choices(ranks, weights, k=int(READS_PER_S * SECONDS * 1.2))):
        market = known[rank % len(known)]
        match number % 10:
            case 0:
                ask = Ask("categories", "GET", "/api/v1/markets/categories?platform=all")
            case 1 | 2 | 3:
                words = re.findall(r"\w+", market["question"])
                text = f"{words[1]}+{words[3 + rank % 3]}"
                ask = Ask("search", "GET", f"/api/v1/markets/search?q={text}&platform=all")
            case 4 | 5:
                offset = rank // 8 // _PAGE * _PAGE
                category = market["category"].replace(" ", "%20")
                path = f"/api/v1/markets/category/{category}?limit={_PAGE}&offset={offset}"
                ask = Ask("list", "GET", path)
            case _:
                offset = rank // _PAGE * _PAGE
                path = f"/api/v1/markets?platform=all&sort=volume&limit={_PAGE}&offset={offset}"
                ask = Ask("list", "GET", path)
        asks.append(ask)
    return asks


def _waits(reads: Waited) -> list[Figure]:
    figures = []
    for kind, waits in reads.waits.items():
        cuts = quantiles(waits, n=100)
        note = f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, {len(waits)} reads"
        figures.append(Figure(f"{kind}: p95", "ms", [cuts[94]], note, limit(READ_MS, "ms")))
    return figures


def _orders(beside: Waited, alone: Waited) -> Figure:
    (waits,), (before,) = beside.waits.values(), alone.waits.values()
    cuts, calm = quantiles(waits, n=100), quantiles(before, n=100)
    note = f"p50 {cuts[49]:.1f} ms beside readers, {calm[49]:.1f} ms without"
    without = Yardstick("the same without readers", [calm[94]])
    return Figure("orders beside readers: p95", "ms", [cuts[94]], note, without)
