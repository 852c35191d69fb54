"""Cancels while the engine's queue is kept at its bound by others: taken at once, and soon done.

A crowd in processes of its own has more orders in flight than the queue holds, so that it is full
all the time; others take their quotes out meanwhile, over REST and over sockets. Then the server is
killed in the middle of it, and whatever anybody was told must be there.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import msgspec

from tests.faults.attacks.arena import register
from tests.faults.attacks.wire import Account, Target
from tests.faults.conftest import MakeServer
from tests.faults.orders.crowd import IN_FLIGHT, Told
from tests.faults.orders.test_cancels import p99, timed
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import IS_LONG, length
from tests.measured import TRIES, tries
from tests.server_process import ADMIN_PASSWORD, ServerProcess

ROOT: Final = Path(__file__).parents[3]
QUEUE: Final = length(100, long=500)
NICE: Final = length(0, long=10)
"""Every day, other tests slow the crowds too; what they have in flight must not wait in them."""
CROWDS: Final = 2
MEMBERS: Final = 6
assert CROWDS * MEMBERS * IN_FLIGHT > 2 * QUEUE
SECONDS: Final = length(3, long=30)
CANCELS_A_SECOND: Final = 40
OWNERS: Final = 8
LONGEST_S: Final = 0.1 if IS_LONG else 1.0
"""Every day, other tests have half of the machine meanwhile: they are done, if later."""
TIMES_CALM: Final = 5
"""On a machine that is slow without a crowd, so many times that."""
SLUG: Final = "rush"


class Crowd:
    """A process that pushes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, line: str) -> str:
        """Tell it something and return what it answers."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline()

    def refused(self) -> int:
        """Return how often the crowd found the queue full until now."""
        told = msgspec.json.decode(self.say("report"), type=Told)
        return told.refused.get("UNAVAILABLE", 0)

    def end(self) -> Told:
        """Return all that it was told, and let it end."""
        told = msgspec.json.decode(self.say("end"), type=Told)
        self._process.wait(60)
        return told


@contextmanager
def crowds(server: ServerProcess) -> Iterator[list[Crowd]]:
    """Run the crowds; none outlives this."""
    members = [
        tuple(register(server, "127.0.0.1", f"crowd{n}x{member}") for member in range(MEMBERS))
        for n in range(CROWDS)
    ]
    made = []
    try:
        for accounts in members:
            process = subprocess.Popen(
                ["nice", "-n", str(NICE), sys.executable, "-m", "tests.faults.orders.crowd"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            made.append(process)
            target = Target(server.port, SLUG, "", 0, accounts, accounts[0], ADMIN_PASSWORD)
            assert Crowd(process).say(msgspec.json.encode(target).decode()) == "ready\n"
        yield [Crowd(process) for process in made]
    finally:
        for process in made:
            process.kill()
            process.communicate()


class Owner:
    """Somebody with quotes in the book who takes them out."""

    def __init__(self, account: Account, socket: SocketClient, http: httpx.AsyncClient) -> None:
        self._account = account
        self._socket = socket
        self._http = http
        self.orders: list[str] = []
        self.cancelled: list[str] = []

    async def quote(self, count: int) -> None:
        order = {"market": SLUG, "side": "BUY", "outcome": "NO", "type": "LIMIT"}
        order |= {"price": "0.01", "quantity": "1"}
        for _ in range(count):
            placed = await self._socket.ok("order:place", order)
            self.orders.append(placed["order"]["id"])

    async def cancel(self, number: int) -> tuple[float, str]:
        """Take an order out, by one transport or the other; return seconds and refusal."""
        order_id = self.orders.pop()
        if number % 2:
            took = await timed(self._socket, "order:cancel", {"orderId": order_id})
        else:
            started = time.perf_counter()
            headers = {"authorization": f"Bearer {self._account.token}"}
            answer = await self._http.delete(f"/orders/{order_id}", headers=headers)
            code = "" if answer.is_success else answer.json()["error"]["code"]
            took = time.perf_counter() - started, code
        if not took[1]:
            self.cancelled.append(order_id)
        return took


async def cancel_by_the_clock(owners: list[Owner], count: int) -> list[tuple[float, str]]:
    """Cancel so many orders, one after the other at their pace, whatever the answers do."""
    sent: list[asyncio.Task[tuple[float, str]]] = []
    started = time.monotonic()
    for number in range(count):
        due = started + number / CANCELS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sent.append(asyncio.create_task(owners[number % OWNERS].cancel(number)))
    return await asyncio.gather(*sent)


async def waits_beside(pushing: list[Crowd], owners: list[Owner]) -> list[float]:
    """Cancel while the crowds push; return how long each waited, in seconds, sorted."""
    full_at = [sum([await asyncio.to_thread(crowd.refused) for crowd in pushing])]
    took = []
    for _ in range(SECONDS):
        took += await cancel_by_the_clock(owners, CANCELS_A_SECOND)
        full_at.append(sum([await asyncio.to_thread(crowd.refused) for crowd in pushing]))
    full = [later - before for before, later in itertools.pairwise(full_at)]
    waits = sorted(wait for wait, _ in took)
    print(f"p50 {waits[len(waits) // 2]:.3f} s, worst {waits[-1]:.3f} s; refused a second: {full}")
    assert {code for _, code in took} == {""}
    assert (min(full[1:]) if IS_LONG else sum(full)) > 0, "the queue wasn't full all the time"
    return waits


async def test_cancels_are_done_soon_while_the_queue_is_full(make_server: MakeServer) -> None:
    server = make_server(ENGINE_QUEUE_SIZE=str(QUEUE), SOCKET_IN_FLIGHT_MAX="10000")
    server.start()
    server.market(SLUG)
    accounts = [register(server, "127.0.0.1", f"owner{n}") for n in range(OWNERS)]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=60)
        )
        owners = [
            Owner(a, await stack.enter_async_context(socket_client(server.port, a.token)), http)
            for a in accounts
        ]
        # While the queue is full nobody quotes: what every try takes out is there before.
        count = (TRIES * SECONDS + 1) * CANCELS_A_SECOND // OWNERS + 1
        await asyncio.gather(*(owner.quote(count) for owner in owners))
        calm = await cancel_by_the_clock(owners, CANCELS_A_SECOND)
        with crowds(server) as pushing:
            for attempt in tries():
                waits = await waits_beside(pushing, owners)
                most = max(LONGEST_S, TIMES_CALM * p99([wait for wait, _ in calm]))
                attempt.takes("p99 of cancels, s", p99(waits), most)
            server.kill()
            told = [crowd.end() for crowd in pushing]
    acknowledged = {name: order for one in told for name, order in one.acknowledged.items()}
    print(f"{len(acknowledged)} orders acknowledged")
    assert {code for _, code in calm} == {""}
    assert {code for one in told for code in one.refused} == {"UNAVAILABLE"}
    assert sum(one.without_retry for one in told) == 0
    server.start()
    async with server.database() as database:
        rows = await database.fetch("SELECT client_order_id, id::text FROM orders")
        stored = {row[0]: row[1] for row in rows}
        assert {name: stored.get(name) for name in acknowledged} == acknowledged
        gone = await database.fetch("SELECT id::text FROM orders WHERE status = 4")
    assert {order for owner in owners for order in owner.cancelled} <= {row[0] for row in gone}
    assert server.end() == 0
    assert "every invariant holds" in (verified := server.run("verify")).stdout, verified
