"""How long does an order wait for its acknowledgement, at which share of the maximum?

Order entry by Socket.IO, half crossing, as in `socket_orders`. In each round the closed loop finds
the maximum first; then orders are sent at 10, 20 ... 90 % of it, at times drawn beforehand (a
Poisson process, on eight sockets in turn) that no answer can delay: a server that pauses gets the
orders that were due all the same. A wait counts from when the order was due to its ack, so that
what the generator is late (it shares the machine; its clock is `loads/pacing.py`) is in it too.
Every order must be acknowledged with ok. `acks` is how many came a second, from the first order
that was due to the last ack.

The yardstick of a wait is the journal's own median commit at the same load, from the histogram that
the server shows at `/metrics` (interpolated within a bucket, as PromQL's `histogram_quantile`
does): an order that comes while a batch is being committed waits for what is left of that commit
and for its own. So a ratio says how many commits an order waits. How slow that commit itself is,
`engine_journal` holds; here it stands beside a bare INSERT and COMMIT (`yardsticks/bare_commit.py`)
into the same database, made every 40 ms under the same load.
"""

import asyncio
import itertools
import random
import re
import time
from statistics import median, quantiles
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import uvloop

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.pacing import pace
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.socket_orders import CREDITS, FLOWS, SOCKETS, closed_loop
from benchmarks.yardsticks import bare_commit
from tests.server_process import ServerProcess

ROUNDS: Final = 3
SECONDS: Final = 3.0
LOADS: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90)
"""In percent of the maximum."""
AT_MOST: Final = {(50, 50): 2.0, (50, 99): 6.0, (80, 50): 4.0, (80, 99): 15.0}
"""How many of the journal's commits an order may wait, by load and percentile."""
_FLOW: Final = FLOWS["half crossing"]
_JOURNAL: Final = "the journal's median commit"
_WARM_UP_S: Final = 0.5
_LAST_ACK_S: Final = 10.0
_PAUSE_S: Final = 0.04
_LONGEST_ACK_HEAD: Final = 40
_ACK: Final = re.compile(rb'43(\d+)\[\{"ok":(true|false)')
_BUCKET: Final = re.compile(
    r'^engine_commit_duration_seconds_bucket\{le="(\S+)"\} (\S+)$', re.MULTILINE
)


class Loaded(NamedTuple):
    """What was found at one load in one round; times in ms."""

    acks_per_s: float
    p50: float
    p99: float
    journal_commit: float
    bare_commit: float


def measure() -> list[Figure]:
    """Return acks/s and the 50th and 99th percentile of the wait at each share of the maximum."""
    found: dict[int, list[Loaded]] = {load: [] for load in LOADS}
    maxima: list[float] = []
    with running_server({"SOCKET_IN_FLIGHT_MAX": "10000"}) as server:
        tokens = [funded_trader(server, CREDITS) for _ in range(SOCKETS)]
        for number in range(ROUNDS):
            server.market(f"maximum-{number}")
            most, _ = uvloop.run(closed_loop(server, f"maximum-{number}", tokens, _FLOW))
            maxima.append(most)
            for load, rounds in found.items():
                slug = f"open-{number}-{load}"
                server.market(slug)
                rounds.append(_loaded(server, slug, tokens, most * load / 100, number))
    figures = [Figure("acks at the maximum", "acks/s", maxima, "a closed loop")]
    for load, rounds in found.items():
        figures += _figures(load, rounds)
    return figures


def _loaded(server: ServerProcess, slug: str, tokens: list[str], rate: float, seed: int) -> Loaded:
    before = _commits(server)
    waits, elapsed, bare = uvloop.run(_open_loop(server, slug, tokens, rate, seed))
    after = _commits(server)
    made = {bound: after[bound] - before[bound] for bound in after}
    first = int(rate * _WARM_UP_S)
    cuts = quantiles(waits[first:], n=100)
    seconds = (cuts[49], cuts[98], histogram_median(made), median(bare))
    return Loaded(len(waits) / elapsed, *[1_000 * each for each in seconds])


def _figures(load: int, rounds: list[Loaded]) -> list[Figure]:
    of = f"at {load} % of the maximum"
    commits = [one.journal_commit for one in rounds]
    figures = [Figure(f"acks {of}", "acks/s", [one.acks_per_s for one in rounds])]
    for percent, waits in ((50, [one.p50 for one in rounds]), (99, [one.p99 for one in rounds])):
        beside = Yardstick(_JOURNAL, commits, at_most=AT_MOST.get((load, percent)))
        figures.append(Figure(f"ack latency {of}, p{percent}", "ms", waits, yardstick=beside))
    if (load, 50) in AT_MOST:
        bare = Yardstick(bare_commit.NAME, [one.bare_commit for one in rounds])
        figures.append(Figure(f"median commit {of}", "ms", commits, yardstick=bare))
    return figures


def _commits(server: ServerProcess) -> dict[float, float]:
    """Return how many commits took at most so many seconds, by the bounds of the buckets."""
    text = httpx.get(f"{server.url}/metrics").raise_for_status().text
    return {float(bound): float(count) for bound, count in _BUCKET.findall(text)}


def histogram_median(counts: dict[float, float]) -> float:
    """Return the median of a histogram: `counts` are cumulative, by upper bounds that rise.

    Raises:
        ValueError: it counts nothing, or half of it lies above the last finite bound.
    """
    half, below, lower = max(counts.values()) / 2, 0.0, 0.0
    for bound, count in counts.items():
        if count >= half > 0 and bound != float("inf"):
            return lower + (bound - lower) * (half - below) / (count - below)
        below, lower = count, bound
    raise ValueError("no median")


class Waits:
    """Knows when each order was due, and how long it waited."""

    def __init__(self) -> None:
        self.joined = asyncio.Event()
        self.done = asyncio.Event()
        self.found: dict[int, float] = {}
        self.refused = 0
        self._due: dict[int, float] = {}
        self._tail = b""
        self._all_sent = False

    def sent(self, number: int, due: float) -> None:
        """Note an order."""
        self._due[number] = due

    def all_sent(self) -> None:
        """Note that no order follows."""
        self._all_sent = True
        self._look()

    def heard(self, _client: WireClient, data: bytes) -> None:
        """Find the acks in what came; what may be the first part of one stays."""
        now = time.perf_counter()
        text = self._tail + data
        read = max(0, len(text) - _LONGEST_ACK_HEAD)
        for ack in _ACK.finditer(text):
            number = int(ack[1])
            self.found[number] = now - self._due.pop(number)
            self.refused += ack[2] == b"false"
            read = max(read, ack.end())
        self._tail = text[read:]
        if not self.joined.is_set() and b'40{"sid"' in text:
            self.joined.set()
        self._look()

    def _look(self) -> None:
        if self._all_sent and not self._due:
            self.done.set()


async def _open_loop(
    server: ServerProcess, slug: str, tokens: list[str], rate: float, seed: int
) -> tuple[list[float], float, list[float]]:
    """Send orders at that rate, with bare commits beside them.

    Returns how many seconds each order waited, in the order in which they were due; how long it
    took until all were acknowledged; and the seconds of the bare commits.
    """
    lines = [await _line(server, token) for token in tokens]
    orders = _schedule(rate, seed)
    commits = int(SECONDS / (_PAUSE_S * 1.25))
    bare = asyncio.create_task(bare_commit.commit_seconds(server.database_url(), commits, _PAUSE_S))
    outcomes = itertools.cycle(_FLOW)
    with pace() as timer:
        started = time.perf_counter()
        for number, after in enumerate(orders):
            due = started + after
            await timer.until(due)
            if number % 16 == 0:
                # Being late with the next order is no reason not to read.
                await asyncio.sleep(0)
            client, waits = lines[number % len(lines)]
            outcome, price = next(outcomes)
            waits.sent(number, due)
            client.send(
                f'42{number}["order:place",{{"market":"{slug}","side":"BUY","outcome":"{outcome}",'
                f'"type":"LIMIT","price":"{price}","quantity":"1"}}]'
            )
    for client, waits in lines:
        waits.all_sent()
        await asyncio.wait_for(waits.done.wait(), _LAST_ACK_S)
        if waits.refused or client.lost:
            raise RuntimeError(f"{waits.refused} orders were refused, or the socket closed")
    elapsed = time.perf_counter() - started - orders[0]
    for client, _ in lines:
        if client.transport is not None:
            client.transport.abort()
    found = dict(itertools.chain.from_iterable(waits.found.items() for _, waits in lines))
    return [found[number] for number in range(len(orders))], elapsed, await bare


async def _line(server: ServerProcess, token: str) -> tuple[WireClient, Waits]:
    """Connect a trader's socket."""
    waits = Waits()
    client = await wire_client(urlsplit(server.url).port or 0, waits.heard)
    client.send(f'40{{"token":"{token}"}}')
    await asyncio.wait_for(waits.joined.wait(), 10)
    return client, waits


def _schedule(rate: float, seed: int) -> list[float]:
    """Return the seconds after the start at which orders are due."""
    dice = random.Random(seed)
    times, now = [], 0.0
    while (now := now + dice.expovariate(rate)) < SECONDS:
        times.append(now)
    return times
