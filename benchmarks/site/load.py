"""How much does a site take, and what becomes of what is too much?

    deploy/load/offer --rate 1000 --seconds 30

Offers the mix of `mix.py` in an open loop, with sockets that listen; then holds every order that
was acknowledged against what the exchange has. Exit code 1 if one is lost, if an answer is neither
that of a call that was done nor 4xx, 429 or 503, or if a socket was closed.
"""

import argparse
import sys
import time
from collections import Counter

import psutil
import uvloop

from benchmarks.harness.conditions import conditions
from benchmarks.site.mix import Mix, Person
from benchmarks.site.offered import NO_ANSWER, Answer, offer
from benchmarks.site.place import PEOPLE, SLUG, SOCKETS, listening, orders_of, own_server, people
from tests.server_process import ServerProcess

_REFUSED = frozenset({429, 503})


def percentile(waits: list[float], part: float) -> float:
    """Return the wait that so large a part stays below, in the unit of the waits; 0 for none."""
    ordered = sorted(waits)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


class Outcome:
    """What came of the calls of one rate."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.waits: dict[str, list[float]] = {}
        self.served: list[float] = []
        self.acknowledged: dict[int, set[str]] = {}

    def hear(self, answer: Answer) -> None:
        """Take in an answer; what was refused for being too much isn't a wait."""
        self.statuses[answer.status] += 1
        if answer.status not in _REFUSED:
            self.waits.setdefault(answer.kind, []).append(answer.waited_ms)
            self.served.append(answer.served_ms)
        if answer.order_id:
            self.acknowledged.setdefault(answer.person.number, set()).add(answer.order_id)

    @property
    def all_waits(self) -> list[float]:
        """Return the waits of all kinds, in ms."""
        return [wait for waits in self.waits.values() for wait in waits]

    @property
    def wrong(self) -> int:
        """Return how many answers there must not be: none at all, 401, and 5xx but 503."""
        return sum(
            count
            for status, count in self.statuses.items()
            if status in (NO_ANSWER, 401) or (status >= 500 and status not in _REFUSED)
        )


async def measure(
    server: ServerProcess, rate: float, seconds: float, count: int, seed: int
) -> bool:
    """Offer one rate of so many people, print what came of it, and return whether it held."""
    crowd = await people(server.port, count)
    mix, outcome = Mix(f"127.0.0.1:{server.port}", SLUG, crowd, seed), Outcome()
    process = psutil.Process(server.pid)
    async with listening(server.port, SLUG, crowd[:SOCKETS]) as listeners:
        used, begun = process.cpu_times(), time.monotonic()
        late = await offer(mix, server.port, rate, seconds, outcome.hear)
        took, spent = time.monotonic() - begun, process.cpu_times()
        cores = (spent.user + spent.system - used.user - used.system) / took
        closed = sum(not listener.is_open for listener in listeners)
        messages = sum(listener.messages for listener in listeners)
    lost = await _lost(server.port, crowd, outcome)
    answers = sum(outcome.statuses.values())
    done = sum(count for status, count in outcome.statuses.items() if 200 <= status < 300)
    orders = sum(map(len, outcome.acknowledged.values()))
    waits = outcome.all_waits
    p50, p95, p99 = (percentile(waits, part) for part in (0.5, 0.95, 0.99))
    memory = process.memory_info().rss / 2**20
    print(
        f"{rate:.0f}/s offered by {count} for {seconds:.0f} s: {answers / took:.0f}/s answered,"
        f" {done / took:.0f}/s done, {orders / took:.0f} orders/s; p50 {p50:.0f} ms, p95"
        f" {p95:.0f} ms, p99 {p99:.0f} ms; engine {cores:.2f} cores, {memory:.0f} MiB; generator"
        f" late {1_000 * late:.0f} ms at most; took {took:.0f} s"
    )
    served = ", ".join(
        f"p{part} {percentile(outcome.served, part / 100):.0f} ms" for part in (50, 95)
    )
    print(f"  from when it was sent on a connection, not from when it was due: {served}")
    print(f"  statuses {dict(sorted(outcome.statuses.items()))}")
    for kind, found in sorted(outcome.waits.items()):
        print(f"  {kind:12} {len(found):7}, p95 {percentile(found, 0.95):.0f} ms")
    print(
        f"  {orders} orders acknowledged, {lost} lost; {len(listeners)} sockets heard"
        f" {messages / took:.0f}/s, {closed} closed; {outcome.wrong} answers that must not be",
        flush=True,
    )
    return not (lost or closed or outcome.wrong)


async def _lost(port: int, crowd: list[Person], outcome: Outcome) -> int:
    """Count acknowledged orders that the exchange hasn't."""
    lost = 0
    for person in crowd:
        acknowledged = outcome.acknowledged.get(person.number, set())
        if acknowledged:
            lost += len(acknowledged - await orders_of(port, person))
    return lost


def main(rates: list[float], seconds: float, count: int, seed: int) -> int:
    """Measure each rate on one server, prove the exchange, and return the exit code."""
    for name, value in conditions().items():
        print(f"{name:<12} {value}")
    held = True
    with own_server() as server:
        for number, rate in enumerate(rates):
            held &= uvloop.run(measure(server, rate, seconds, count, seed + number))
        verified = server.run("verify", timeout=600)
        print(verified.stdout.splitlines()[0], f"... verify: exit code {verified.returncode}")
    return 0 if held and verified.returncode == 0 else 1


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="deploy/load/offer", description=__doc__)
    _parser.add_argument(
        "--rate", type=float, action="append", help="calls a second; again for more"
    )
    _parser.add_argument("--seconds", type=float, default=30.0)
    _parser.add_argument("--people", type=int, default=PEOPLE, help="each with its own limits")
    _parser.add_argument("--seed", type=int, default=20_261)
    _arguments = _parser.parse_args()
    sys.exit(
        main(_arguments.rate or [1_000.0], _arguments.seconds, _arguments.people, _arguments.seed)
    )
