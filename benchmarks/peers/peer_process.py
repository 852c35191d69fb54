"""A peer's process: it makes its inputs, runs the flow when told to, and shows the book it made.

Every round is checked: the book that a peer ends with must be the flow's own, side by side and
price by price, which it can't be unless every order was matched, rested and cancelled as it should.
Only what the peer itself does with orders is timed; each peer's file says what it is handed.

The protocol: the parent writes an empty line, the child answers with one `Round` as JSON. Python's
peers run the collector as the core does in its rounds (`garbage.settle`).
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benchmarks.harness.report import Figure
from benchmarks.loads.flow import Add, Cancel, outcome_of

ROOT: Final = Path(__file__).parent.parent.parent
INSTALLED: Final = ROOT / "build" / "peers"
PYTHON_PACKAGES: Final = INSTALLED / "python"
NODE_PACKAGES: Final = INSTALLED / "node_modules"


class Peer(msgspec.Struct, frozen=True):
    """Somebody's order book: its name at its package index, and how to run it."""

    name: str
    package: str
    script: str
    steps: int = 300_000
    """How much of the flow it is given: all, unless that would take minutes."""

    @property
    def in_python(self) -> bool:
        """Whether it runs on the interpreter that the core runs on."""
        return not self.script.endswith(".mjs")

    @property
    def is_installed(self) -> bool:
        """Whether `make bench` has put it where it is looked for."""
        folder = PYTHON_PACKAGES if self.in_python else NODE_PACKAGES
        return (folder / self.package).is_dir()

    def command(self, flow_file: str) -> list[str]:
        """Say how to start it."""
        if self.in_python:
            module = f"benchmarks.peers.{self.script}"
            return [sys.executable, "-m", module, str(self.steps)]
        node = shutil.which("node") or "node"
        script = Path(__file__).with_name(self.script)
        return [node, str(script), str(NODE_PACKAGES), flow_file, str(self.steps)]


PEERS: Final = (
    Peer("pyorderbook", "pyorderbook", "pyorderbook_in_time_peer"),
    Peer("pyorderbook, its orders made beforehand", "pyorderbook", "pyorderbook_peer"),
    Peer("lightmatchingengine", "lightmatchingengine", "lightmatchingengine_peer"),
    Peer("order-matching", "order_matching", "order_matching_peer", steps=3_000),
    Peer("nodejs-order-book", "nodejs-order-book", "nodejs_order_book_peer.mjs", steps=100_000),
)


class Round(msgspec.Struct):
    """What a peer says of one round."""

    seconds: float
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    version: str
    """The peer's version, and what exactly ran."""


class PeerProcess:
    """A peer that waits for its next round."""

    def __init__(
        self, peer: Peer, flow: list[Add | Cancel], process: "subprocess.Popen[bytes]"
    ) -> None:
        self._peer = peer
        self._levels = outcome_of(flow[: peer.steps]).levels
        self._process = process
        self._rates: list[float] = []
        self._version = ""

    @property
    def in_python(self) -> bool:
        """Whether it runs on the interpreter that the core runs on."""
        return self._peer.in_python

    @property
    def median(self) -> float:
        """Operations a second."""
        return median(self._rates)

    def run_round(self) -> None:
        """Let it run the flow once more.

        Raises:
            RuntimeError: it ended, or made another book of the flow than it should.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a peer needs its pipes")
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._peer.name} ended in the middle of a round")
        done = msgspec.json.decode(answer, type=Round)
        if {True: dict(done.bids), False: dict(done.asks)} != self._levels:
            raise RuntimeError(f"{self._peer.name} ended with another book than the flow's")
        self._rates.append(self._peer.steps / done.seconds)
        self._version = done.version

    def figure(self) -> Figure:
        """Return what was measured."""
        part = "" if self._peer.steps == 300_000 else f"; only the first {self._peer.steps:,} steps"
        note = f"{self._version}; a bare book, which ended as the flow's own{part}"
        return Figure(f"peer: {self._peer.name}", "commands/s", self._rates, note=note)


@contextlib.contextmanager
def running_peers(flow: list[Add | Cancel]) -> Iterator[dict[str, PeerProcess]]:
    """Start those peers that are installed, by name, and end them again."""
    peers = [peer for peer in PEERS if peer.is_installed]
    with contextlib.ExitStack() as stack:
        flow_file = ""
        if any(not peer.in_python for peer in peers):
            flow_file = stack.enter_context(_flow_file(flow))
        yield {
            peer.name: PeerProcess(peer, flow, stack.enter_context(_started(peer, flow_file)))
            for peer in peers
        }


@contextlib.contextmanager
def _started(peer: Peer, flow_file: str) -> Iterator["subprocess.Popen[bytes]"]:
    path = [str(PYTHON_PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    with subprocess.Popen(
        peer.command(flow_file),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def _flow_file(flow: list[Add | Cancel]) -> Iterator[str]:
    """Write the flow as JSON: [id, is buy, price, quantity] for an order, [id] for a cancel."""
    steps = [
        [step.id, step.buy, step.price, step.quantity] if isinstance(step, Add) else [step.id]
        for step in flow
    ]
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(msgspec.json.encode(steps))
        file.flush()
        yield file.name
