"""What an order waited for, part by part: moments noted in the server beside those of the client.

::

    due -> sent -> submitted -> run -> the commit before ended -> written -> durable -> answered
        -> heard

Laws: all moments are of the same clock (`time.perf_counter`, which is `time.monotonic` here). The
parts of one order follow one another without a gap, so they add up to its wait; only what the
garbage collector took lies within them. A server that notes nothing knows nothing of this
(`stamped_server.py`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

import msgspec

from benchmarks.loads.paced_orders import Sent

SERVER: Final = str(Path(__file__).with_name("stamped_server.py"))
"""The program that notes them, in the place of `probity`."""
FILE: Final = "PROBITY_STAMPS"
"""The setting that names the file it writes at its end."""
PARTS: Final = (
    "late generator",
    "way in",
    "turn at the rules",
    "commit before",
    "growth of the batch",
    "own commit",
    "publishing",
    "way out",
)
"""The way in ends on the engine's queue, the growth of a batch with its sealing; publishing begins
with the sealing of the next batch, and the way out with the turn in which an order is answered.
"""
COLLECTING: Final = "garbage collector, within"


class Stamped(NamedTuple):
    """Where one order was when, in the server; as JSON it is a list."""

    submitted: float
    ran: float
    before: float
    """When the commit before its own ended."""
    written: float
    durable: float
    answered: float


class Told(msgspec.Struct, frozen=True):
    """What a server has noted: of each account its orders in the order in which they came, and when
    the collector began and ended.
    """

    orders: dict[int, list[Stamped]]
    pauses: list[tuple[float, float]]


class Part(NamedTuple):
    """One part of the waits of a load, in seconds."""

    name: str
    p50: float
    p99: float


def breakdown(
    orders: Sequence[Sent], accounts: Sequence[int], told: Told, first: int = 0
) -> list[Part]:
    """Return the parts of the waits of one load, the whole of them first and the collector's last.

    `orders` are all of it, as they were due, of which the `first` ones only warm up; `accounts` are
    those of the sockets by number. Raises ValueError if the server has noted others than were sent.
    """
    begins = orders[first].due
    rows = []
    collected = Pauses(told.pauses)
    for socket, account in enumerate(accounts):
        sent = [order for order in orders if order.socket == socket]
        begin, end = sent[0].sent, max(order.heard for order in sent)
        noted = [one for one in told.orders.get(account, ()) if begin <= one.submitted <= end]
        for order, stamped in zip(sent, noted, strict=True):
            if order.due >= begins:
                pauses = collected.within(order.due, order.heard)
                rows.append((order.wait, *parts_of(order, stamped), pauses))
    names = ("whole", *PARTS, COLLECTING)
    return [
        _part(name, column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    ]


def parts_of(order: Sent, noted: Stamped) -> tuple[float, ...]:
    """Return how many seconds an order was in each of `PARTS`, which add up to its wait."""
    # Times of the engine are of another clock, in microseconds: within one they may cross.
    ran = min(max(noted.ran, noted.submitted), noted.written)
    free = min(max(noted.before, ran), noted.written)
    moments = (
        order.due,
        order.sent,
        noted.submitted,
        ran,
        free,
        noted.written,
        noted.durable,
        noted.answered,
        order.heard,
    )
    return tuple(later - earlier for earlier, later in pairwise(moments))


class Pauses:
    """When a process stood still."""

    def __init__(self, pauses: Iterable[tuple[float, float]]) -> None:
        """Take pauses that follow one another."""
        rising = list(pauses)
        self._begins = [begin for begin, _ in rising]
        self._ends = [end for _, end in rising]
        self._total = [0.0, *accumulate(end - begin for begin, end in rising)]

    def within(self, begin: float, end: float) -> float:
        """Return how many seconds of them lie between two moments."""
        return self._until(end) - self._until(begin)

    def _until(self, moment: float) -> float:
        past = bisect_left(self._ends, moment)
        total = self._total[past]
        if past < len(self._begins):
            total += max(0.0, moment - self._begins[past])
        return total


def _part(name: str, seconds: Sequence[float]) -> Part:
    cuts = quantiles(seconds, n=100)
    return Part(name, cuts[49], cuts[98])
