"""A book's process in `consensus.py`: it does its part of the flow whenever it is told to.

The protocol: the parent writes an empty line, the child carries out the next `messages` of the flow
and answers with one `Turn` as JSON, the last time with the hash of all its reports. Only the book
and what stands between it and the messages are timed; their hash is not.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.loads.consensus_flow import Message
from benchmarks.loads.consensus_reports import MODIFIED, TRADE, Report, ReportHash
from benchmarks.peers.classic_book import OwnClassicBook
from benchmarks.peers.orderbook_peer import Book, TheirOrderBook
from benchmarks.peers.peer_process import ROOT
from gateway.bootstrap import garbage

THEIRS: Final = "dyn4mik3's OrderBook"
OWN: Final = "classic book of our own"
CHECKOUT: Final = "ORDERBOOK_CHECKOUT"
"""The variable that names a checkout of dyn4mik3/OrderBook."""
AT_A_TIME: Final = 2_048
"""So many messages are carried out before what came of them is looked at, which isn't timed."""


class Turn(msgspec.Struct):
    """What a book says of a part of the flow."""

    seconds: float
    filled: dict[int, int]
    """Of each modify of what rests, by its sequence: what its order had traded before."""
    sha256: str


class Fills:
    """What each order has traded, its modifies over."""

    def __init__(self) -> None:
        self._filled: dict[int, int] = {}

    def note(self, reports: list[Report], modified: dict[int, int]) -> None:
        """Take the next reports; add to `modified` what the orders of theirs had traded before."""
        filled = self._filled
        # A modify's own trades come after it.
        for report in sorted(reports, key=lambda report: (report[1], report[0] != MODIFIED)):
            if report[0] == MODIFIED:
                modified[report[1]] = filled.get(report[3], 0)
            elif report[0] == TRADE:
                for order_id in report[4:]:
                    filled[order_id] = filled.get(order_id, 0) + report[3]


class ConsensusPeer:
    """A book that waits for its next turn."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        self.name = name
        self._process = process

    def take_turn(self) -> Turn:
        """Let it carry out its next messages.

        Raises:
            RuntimeError: it ended.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a peer needs its pipes")
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended in the middle of a turn")
        return msgspec.json.decode(answer, type=Turn)


@contextlib.contextmanager
def running_peer(flow_file: Path, messages: int) -> Iterator[ConsensusPeer]:
    """Start a book, theirs if a checkout is named, on a flow of `write_flow`; end it again."""
    checkout = os.environ.get(CHECKOUT)
    name = THEIRS if checkout else OWN
    path = filter(None, [checkout, os.environ.get("PYTHONPATH")])
    command = [sys.executable, "-m", "benchmarks.peers.consensus_peer", name, str(flow_file)]
    with subprocess.Popen(
        [*command, str(messages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        cwd=ROOT,
    ) as process:
        try:
            yield ConsensusPeer(name, process)
        finally:
            process.kill()


def write_flow(flow: list[Message], file: Path) -> None:
    """Write a flow for the processes of peers."""
    file.write_bytes(msgspec.msgpack.encode(flow))


def main(name: str, flow_file: str, messages: int) -> None:
    """Take a turn for every line on the standard input."""
    flow = msgspec.msgpack.decode(Path(flow_file).read_bytes(), type=list[Message])
    garbage.settle()
    book: Book = TheirOrderBook() if name == THEIRS else OwnClassicBook()
    said, fills = ReportHash(), Fills()
    begin = 0
    for _ in sys.stdin:
        turn = Turn(0.0, {}, "")
        end = min(begin + messages, len(flow))
        for first in range(begin, end, AT_A_TIME):
            part = list(enumerate(flow[first : min(first + AT_A_TIME, end)], first))
            reports: list[Report] = []
            take = book.take
            started = time.perf_counter()
            for seq, message in part:
                take(seq, message, reports)
            turn.seconds += time.perf_counter() - started
            fills.note(reports, turn.filled)
            said.add(reports)
        begin = end
        turn.sha256 = said.hexdigest()
        sys.stdout.buffer.write(msgspec.json.encode(turn) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
