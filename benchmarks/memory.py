"""How much memory does a resting order take in a server?

A fresh process for each round opens a thousand accounts and twenty markets, notes its resident set,
places 200 000 orders that never meet, and looks again. Counted is what a server holds of them: the
live state that the rules run on, and the committed view that readers see, each with the order, its
place in the book, the reservation and the holder's position. With client ids also what is needed to
answer a repeat of an order that is open. Not counted is what a command needs on its way (queue,
rows, answers), since it is gone once the order rests. Nothing traces allocations meanwhile.
"""

import gc
import subprocess
import sys

import psutil

from benchmarks.harness.report import Figure, limit
from benchmarks.loads.exchange_flow import opening, resting
from exchange.engine import Engine
from exchange.messages.commands import Command
from exchange.model.state import State
from exchange.transitions import transitions
from gateway.bootstrap import garbage

ROUNDS = 3
ORDERS = 200_000
MOST_BYTES = 1_200
_PART = 1_000


def measure() -> list[Figure]:
    """Return bytes an order, without and with client ids."""
    plain: list[float] = []
    named: list[float] = []
    for _ in range(ROUNDS):
        plain.append(_in_fresh_process(with_ids=False))
        named.append(_in_fresh_process(with_ids=True))
    note = f"resident set of live state and committed view, {ORDERS:,} orders"
    return [
        Figure("memory of a resting order", "bytes", plain, note, limit(MOST_BYTES, "bytes")),
        Figure("memory of a resting order with a client id", "bytes", named, note),
    ]


def _in_fresh_process(*, with_ids: bool) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", "ids" if with_ids else "plain"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


class Server:
    """The two states that a server keeps."""

    def __init__(self) -> None:
        self._engine = Engine(State())
        self._view = State()

    def run(self, commands: list[Command]) -> None:
        """Run commands on the live state, then on the view, as a batch and its commit do."""
        for execution in self._engine.run(1, commands):
            transitions.begin(self._view, execution.seq, execution.at)
            for event in execution.events:
                transitions.apply(self._view, event)
            self._view.dirty.clear()
        self._engine.state.dirty.clear()

    def open_orders(self) -> int:
        """Return how many orders rest in both."""
        return min(len(self._engine.state.orders), len(self._view.orders))


def _bytes_an_order(*, with_ids: bool) -> float:
    server = Server()
    server.run(opening())
    garbage.settle()
    before = psutil.Process().memory_info().rss
    for part in range(ORDERS // _PART):
        server.run(resting(_PART, part, with_ids=with_ids))
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    if server.open_orders() != ORDERS:
        raise RuntimeError(f"{server.open_orders()} of {ORDERS} orders rest")
    return grown / ORDERS


if __name__ == "__main__":
    print(_bytes_an_order(with_ids=sys.argv[1] == "ids"))
