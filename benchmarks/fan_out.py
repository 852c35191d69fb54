"""How many book messages a second reach 200 subscribers, against python-socketio's own `emit`?

One server process and one reading process on the same machine, ours and theirs in turns within the
same run. Counted is what arrives: whole event frames in the bytes that the readers get, between the
first and the last. Ours includes running the command and encoding the message; theirs sends
messages that were made beforehand. Nothing is conflated (the server waits for full transports).
The yardstick is theirs.
"""

import asyncio
import socket
import subprocess
import sys
import time

import psutil
import uvloop

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.fan_out_server import SUBSCRIBERS
from benchmarks.loads.socket_wire import WireClient, wire_client

ROUNDS = 3
SECONDS = 5.0
THEIRS = 0
AT_LEAST = 2.5
_UNIT = "deliveries/s"
_EMIT = "python-socketio's emit"
_MARK = b'42["orderbook_update"'


class Reader:
    """Counts the events of one subscriber."""

    def __init__(self) -> None:
        self.count = 0
        self.joined = asyncio.Event()
        self._tail = b""

    def heard(self, _client: WireClient, data: bytes) -> None:
        """Count; what may be the first part of a mark stays for the next chunk."""
        text = self._tail + data
        self.count += text.count(_MARK)
        self._tail = text[1 - len(_MARK) :]
        if not self.joined.is_set() and b'40{"sid"' in text:
            self.joined.set()


def measure() -> list[Figure]:
    """Return deliveries/s of theirs, and of ours with one command a commit and with eight."""
    rates: dict[int, list[float]] = {THEIRS: [], 1: [], 8: []}
    notes: dict[int, str] = {}
    for _ in range(ROUNDS):
        for batch, found in rates.items():
            rate, notes[batch] = one_round(batch)
            found.append(rate)
    emit = Yardstick(_EMIT, rates[THEIRS], at_least=AT_LEAST)
    return [
        Figure(f"yardstick: {_EMIT}", _UNIT, rates[THEIRS], notes[THEIRS]),
        Figure("fan-out: one command a commit", _UNIT, rates[1], notes[1], emit),
        Figure("fan-out: eight commands a commit", _UNIT, rates[8], notes[8], emit),
    ]


def one_round(batch: int, seconds: float = SECONDS) -> tuple[float, str]:
    """Return deliveries/s of a server that publishes for so long, two seconds of it left out, and
    a note.

    Raises RuntimeError if the server ends, or nothing arrives.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module = "benchmarks.loads.fan_out_server"
    with subprocess.Popen(
        [sys.executable, "-m", module, str(port), str(batch), str(seconds)]
    ) as server:
        try:
            return uvloop.run(_read(server, port, seconds - 2))
        finally:
            server.terminate()


async def _read(server: subprocess.Popen[bytes], port: int, seconds: float) -> tuple[float, str]:
    readers = []
    while not await _listens(port):
        if server.poll() is not None:
            raise RuntimeError("the server ended before it listened; what it said is above")
        await asyncio.sleep(0.05)
    for _ in range(SUBSCRIBERS):
        reader = Reader()
        client = await wire_client(port, reader.heard)
        client.send("40")
        await asyncio.wait_for(reader.joined.wait(), 10)
        readers.append((client, reader))
    for client, _ in readers:
        client.send('420["subscribe:market",{"slug":"bench-1","outcome":"YES"}]')
    await asyncio.sleep(1)
    process = psutil.Process(server.pid)
    before, cpu, own, started = _total(readers), _cpu(process), _cpu(), time.perf_counter()
    await asyncio.sleep(seconds)
    count, elapsed = _total(readers) - before, time.perf_counter() - started
    if not count:
        raise RuntimeError("nothing arrived")
    each = (_cpu(process) - cpu) / count * 1e6
    share = (_cpu() - own) / elapsed
    for client, _ in readers:
        if client.lost:
            raise RuntimeError("the server closed a socket")
        if client.transport is not None:
            client.transport.abort()
    return count / elapsed, f"{each:.1f} us of the server's CPU each, readers {share:.0%} of a core"


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _total(readers: list[tuple[WireClient, Reader]]) -> int:
    return sum(reader.count for _, reader in readers)


def _cpu(process: psutil.Process | None = None) -> float:
    times = (process or psutil.Process()).cpu_times()
    return float(times.user + times.system)
