"""How long does an order wait for its acknowledgement, at which share of the maximum, and for what?

Order entry by Socket.IO, half crossing, as in `socket_orders`. In each round the closed loop finds
the maximum first; then orders are sent at 10, 20 ... 90 % of it, at times drawn beforehand that no
answer can delay (`loads/paced_orders.py`): a server that pauses gets the orders that were due all
the same. A wait counts from when the order was due to its ack, so that what the generator is late
(it shares the machine) is in it too. Every order must be acknowledged with ok. `acks` is how many
came a second, from the first order that was due to the last ack.

The yardstick of a wait is the journal's own median commit at the same load, from the histogram that
the server shows at `/metrics` (interpolated within a bucket, as PromQL's `histogram_quantile`
does): an order that comes while a batch is being committed waits for what is left of that commit
and for its own. So a ratio says how many commits an order waits. How slow that commit itself is,
`engine_journal` holds; here it stands beside a bare INSERT and COMMIT (`yardsticks/bare_commit.py`)
into the same database, made every 40 ms under the same load.

What an order waits for is told part by part at 50 and 80 % (`loads/stamps.py`), of another server
that notes when each order was where (`loads/stamped_server.py`), at the same shares of its own
maximum: the server that is held to anything notes nothing.
"""

import re
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

import httpx
import msgspec
import uvloop

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.paced_orders import SECONDS, Offered, Sent, offer
from benchmarks.loads.server_process import funded_account, funded_trader, running_server
from benchmarks.loads.stamps import FILE, SERVER, Part, Told, breakdown
from benchmarks.socket_orders import CREDITS, FLOWS, SOCKETS, closed_loop
from benchmarks.yardsticks import bare_commit
from tests.server_process import ServerProcess

ROUNDS: Final = 3
LOADS: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90)
"""In percent of the maximum."""
AT_MOST: Final = {(50, 50): 2.0, (50, 99): 6.0, (80, 50): 4.0, (80, 99): 15.0}
"""How many of the journal's commits an order may wait, by load and percentile."""
TOLD_OF: Final = (50, 80)
"""The loads at which it is told what an order waits for."""
_FLOW: Final = FLOWS["half crossing"]
_JOURNAL: Final = "the journal's median commit"
_WARM_UP_S: Final = 0.5
_PAUSE_S: Final = 0.04
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
    return figures + parts_of_waits()


def _loaded(server: ServerProcess, slug: str, tokens: list[str], rate: float, seed: int) -> Loaded:
    before = _commits(server)
    offered, bare = uvloop.run(_offered(server, slug, tokens, rate, seed))
    after = _commits(server)
    made = {bound: after[bound] - before[bound] for bound in after}
    cuts = quantiles([order.wait for order in offered.orders[_warm_up(rate) :]], n=100)
    seconds = (cuts[49], cuts[98], histogram_median(made), median(bare))
    return Loaded(len(offered.orders) / offered.elapsed, *[1_000 * each for each in seconds])


def _warm_up(rate: float) -> int:
    """Return how many orders come before those that are told of."""
    return int(rate * _WARM_UP_S)


async def _offered(
    server: ServerProcess, slug: str, tokens: list[str], rate: float, seed: int
) -> tuple[Offered, list[float]]:
    """Load the server; return that, and the seconds of the bare commits beside it."""
    bare: list[float] = []

    async def beside() -> None:
        commits = int(SECONDS / (_PAUSE_S * 1.25))
        bare.extend(await bare_commit.commit_seconds(server.database_url(), commits, _PAUSE_S))

    return await offer(server, slug, tokens, _FLOW, rate, seed, beside), bare


def parts_of_waits() -> list[Figure]:
    """Return what an order waits for, part by part, at the loads that are told of."""
    loads: dict[int, list[tuple[list[Sent], int]]] = {load: [] for load in TOLD_OF}
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        notes = Path(folder) / "stamps.json"
        settings = {"SOCKET_IN_FLIGHT_MAX": "10000", FILE: str(notes)}
        with running_server(settings, SERVER) as server:
            accounts = dict(funded_account(server, CREDITS) for _ in range(SOCKETS))
            tokens = [*accounts.values()]
            for number in range(ROUNDS):
                server.market(f"maximum-{number}")
                most, _ = uvloop.run(closed_loop(server, f"maximum-{number}", tokens, _FLOW))
                for load, rounds in loads.items():
                    slug, rate = f"open-{number}-{load}", most * load / 100
                    server.market(slug)
                    offered = uvloop.run(offer(server, slug, tokens, _FLOW, rate, number))
                    rounds.append((offered.orders, _warm_up(rate)))
        told = msgspec.json.decode(notes.read_bytes(), type=Told)
    return [
        _part_figure(load, parts)
        for load, rounds in loads.items()
        for parts in zip(
            *[breakdown(orders, [*accounts], told, first) for orders, first in rounds], strict=True
        )
    ]


def _part_figure(load: int, rounds: tuple[Part, ...]) -> Figure:
    note = f"p99 {1_000 * median(part.p99 for part in rounds):.2f} ms"
    name = f"a wait at {load} %: {rounds[0].name}"
    return Figure(name, "ms", [1_000 * part.p50 for part in rounds], note)


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
