"""The child's side of `peer_process`, for the peers in Python: run rounds as long as asked."""

import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Protocol

import msgspec

from benchmarks.loads.flow import Add, Cancel, order_flow
from benchmarks.peers.peer_process import Round
from gateway.bootstrap import garbage


class Book(Protocol):
    """A fresh book of a peer with its inputs made."""

    def run(self) -> None:
        """Run the whole flow; this is what is timed."""

    def levels(self, *, buy: bool) -> list[tuple[int, int]]:
        """Return (price, resting quantity) of each level of a side."""


class MakesBook(Protocol):
    """Makes a book and its inputs."""

    def __call__(self, flow: list[Add | Cancel]) -> Book:
        """Make them."""


def serve(make: MakesBook, package: str, module: ModuleType) -> None:
    """Run a round for every line on the standard input."""
    flow = order_flow(int(sys.argv[1]))
    ran = Path(module.__file__ or "").suffix
    said = f"{version(package)}, {'plain Python' if ran == '.py' else f'compiled ({ran})'}"
    garbage.settle()
    for _ in sys.stdin:
        book = make(flow)
        started = time.perf_counter()
        book.run()
        elapsed = time.perf_counter() - started
        done = Round(elapsed, book.levels(buy=True), book.levels(buy=False), said)
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()
