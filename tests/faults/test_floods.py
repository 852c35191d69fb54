"""What a stranger does to one connection, or to ten, leaves a trader's acks quick and memory flat.

Against the real server in a process of its own, default limits for the strangers. What is held is
far below what one unbounded read costs (seconds).
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Final

import psutil

from tests.faults.conftest import MakeServer
from tests.gateway.connections.wire import GET, frame, raw
from tests.gateway.socket_client import SocketClient, socket_client
from tests.measured import tries
from tests.server_process import ServerProcess

SECONDS: Final = 2.0
SLOWEST_S: Final = 0.5
"""Where the machine is idle it is a tenth; the faults this is for take two seconds and more."""
MOST_BYTES: Final = 50 * 2**20
STRANGERS: Final = 10

Attack = Callable[[int], Awaitable[None]]


async def tiny(port: int, content: bytes) -> None:
    """A megabyte of tiny frames on one socket, then on the next one."""
    async with raw(port) as peer:
        await peer.open("40")
        await peer.send(content * (1_000_000 // len(content)))
        await peer.rest()


async def unread(port: int) -> None:
    """2.3 MB of requests whose answers nobody reads."""
    async with raw(port) as peer:
        await peer.send(GET * 90_000)
        await asyncio.sleep(1)


async def leave_and_join(port: int) -> None:
    async with raw(port) as peer:
        await peer.open("40")
        for _ in range(200):
            await peer.send(
                frame(b"40/ws,")
                + frame(b'42/ws,1["subscribe:market",{"slug":"flooded"}]')
                + frame(b"41/ws?x,")
            )
        await peer.rest()


async def open_and_leave(port: int) -> None:
    async with raw(port) as peer:
        await peer.upgrade()
        await peer.until(b"\r\n")


ATTACKS: Final[dict[str, Attack]] = {
    "pings": lambda port: tiny(port, frame(b"", 9)),
    "empty texts": lambda port: tiny(port, frame(b"")),
    "joining": lambda port: tiny(port, frame(b"40")),
    "refused events": lambda port: tiny(port, frame(b'42["ping"]')),
    "fragments": lambda port: tiny(port, frame(b"4", fin=False) + frame(b"", 0)),
    "unread answers": unread,
    "leaving and joining": leave_and_join,
    "opening sockets": open_and_leave,
}


async def test_strangers_keep_no_trader_waiting(make_server: MakeServer) -> None:
    server = make_server(
        RATE_LIMIT_MAX_REQUESTS="100",
        RATE_LIMIT_SOCKETS_PER_ADDRESS="10",
        LOG_LEVEL="warning",
        STARTING_CREDITS="1000000",
    )
    server.is_warm = False  # its memory is measured
    server.start()
    _, token = server.trader()
    server.market("flooded")
    for name, one in ATTACKS.items():
        for attempt in tries():
            before = psutil.Process(server.pid).memory_info().rss
            waits = await acks_beside(server, token, one)
            grown = psutil.Process(server.pid).memory_info().rss - before
            slowest = waits[int(len(waits) * 0.99)]
            print(f"{name}: {len(waits)} acks, p50 {statistics.median(waits) * 1e3:.1f} ms,")
            print(f"p99 {slowest * 1e3:.1f} ms, {grown / 2**20:.1f} MiB more")
            assert grown < MOST_BYTES, name
            attempt.takes(f"p99 of acks beside {name}, s", slowest, SLOWEST_S)
    assert [line for line in server.words().splitlines() if '"level":"error"' in line] == []
    assert server.end() == 0


async def acks_beside(server: ServerProcess, token: str, one: Attack) -> list[float]:
    """Let the strangers do it while somebody trades; return how long each ack took, sorted."""
    async with socket_client(server.port, token) as trader:
        ended = asyncio.Event()
        attacks = [asyncio.ensure_future(attack(server, one, ended)) for _ in range(STRANGERS)]
        waits = sorted(await acks(trader, ended))
        await asyncio.gather(*attacks)
        await trader.ok("order:cancel_all", {})
    return waits


async def acks(trader: SocketClient, ended: asyncio.Event) -> list[float]:
    """Place orders for a while; return how long each ack took."""
    body = {"market": "flooded", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
    waits = []
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        started = time.perf_counter()
        await trader.ok("order:place", body | {"price": "0.10", "quantity": "1"})
        waits.append(time.perf_counter() - started)
    ended.set()
    return waits


async def attack(server: ServerProcess, one: Attack, ended: asyncio.Event) -> None:
    """Do it again and again until the trader has seen enough."""
    while not ended.is_set():
        work = asyncio.ensure_future(one(server.port))
        over = asyncio.ensure_future(ended.wait())
        await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, over):
            task.cancel()
        await asyncio.gather(work, over, return_exceptions=True)
