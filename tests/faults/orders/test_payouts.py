"""A market with many holders is resolved in a real server while others go on trading."""

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import count

import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import OpenAccount
from exchange.messages.terms import NO
from persistence.embedded.server import EmbeddedPostgres
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import length
from tests.measured import TRIES, tries
from tests.persistence.running import limit, running
from tests.server_process import ServerProcess

HOLDERS = length(2_000, long=20_000)
TRADERS = 4
ORDERS_PER_SECOND = 200
CALM_S = 2.0
PAID_WITHIN_S = 10.0
LONGEST_ACK_S = 0.150
CROWDED = tuple(f"crowded-{number}" for number in range(1, TRIES + 1))
FIRST_HOLDER = 1_000_000
AT_ONCE = 2_000


class Acks:
    """How long each order waited for its acknowledgement, and when it was sent."""

    def __init__(self) -> None:
        self.waits: list[tuple[float, float]] = []

    def longest(self, start: float, end: float) -> float:
        return max(wait for sent, wait in self.waits if start <= sent <= end)

    def sent(self, start: float, end: float) -> int:
        return sum(start <= sent <= end for sent, _ in self.waits)


async def many_holders(server: ServerProcess, number: int) -> None:
    """Let one account hold all the YES of a market and each of the others a share of NO."""
    database = await EmbeddedPostgres.start(server.data_dir)
    try:
        async with running(database.url, server.data_dir) as engine:
            first = FIRST_HOLDER * number
            others = range(first + 1, first + HOLDERS)
            await engine.send(OpenAccount(first, HOLDERS * MONEY_SCALE))
            await engine.send(limit(first, 60, len(others), market=number))
            for begin in range(0, len(others), AT_ONCE):
                part = others[begin : begin + AT_ONCE]
                await engine.send_all(*(OpenAccount(one, MONEY_SCALE) for one in part))
                await engine.send_all(*(limit(one, 40, 1, NO, market=number) for one in part))
            assert len(engine.view.markets[number].holders()) == HOLDERS
    finally:
        await database.stop()


async def trade(client: SocketClient, acks: Acks, stop: asyncio.Event) -> None:
    """Send orders that rest, at an even pace, whatever became of those before."""
    waiting: set[asyncio.Task[None]] = set()
    begun = time.monotonic()

    async def one(number: int) -> None:
        body = {"market": "busy", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
        body |= {"price": f"0.{10 + number % 20}", "quantity": "0.01"}
        sent = time.monotonic()
        await client.ok("order:place", body)
        acks.waits.append((sent, time.monotonic() - sent))

    for number in count():
        if stop.is_set():
            break
        task = asyncio.create_task(one(number))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        due = begun + (number + 1) * TRADERS / ORDERS_PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.gather(*waiting)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_many_holders_are_paid_while_others_trade(server: ServerProcess) -> None:
    numbers = [int(server.market(slug)["id"]) for slug in (*CROWDED, "busy")]
    tokens = [server.trader()[1] for _ in range(TRADERS)]
    for attempt, slug, number in zip(tries(), CROWDED, numbers, strict=False):
        assert await asyncio.to_thread(server.end) == 0
        await many_holders(server, number)
        await asyncio.to_thread(server.start)
        paid_in, during, before = await paid_beside(server, slug, tokens)
        attempt.takes("holders paid, s", paid_in, PAID_WITHIN_S)
        # A machine that makes acks wait without any payout can't show that payouts don't.
        attempt.takes("longest ack, s", during, max(LONGEST_ACK_S, 3 * before))
        async with server.database() as connection:
            settled = "SELECT count(*) FROM settlements WHERE market_id = $1"
            assert await connection.fetchval(settled, number) == HOLDERS
            bound = "SELECT collateral FROM markets WHERE id = $1"
            assert await connection.fetchval(bound, number) == 0
    assert await asyncio.to_thread(server.end) == 0
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def paid_beside(
    server: ServerProcess, slug: str, tokens: list[str]
) -> tuple[float, float, float]:
    """Resolve a market while others trade; return in how many seconds all were paid, and the
    longest acknowledgement meanwhile, and before.
    """
    admin, acks, stop = server.admin(), Acks(), asyncio.Event()
    async with AsyncExitStack() as sockets:
        clients = [await sockets.enter_async_context(socket_client(server.port, t)) for t in tokens]
        tasks = [asyncio.create_task(trade(client, acks, stop)) for client in clients]
        calm = time.monotonic()
        await asyncio.sleep(CALM_S)
        begun = time.monotonic()
        body = {"outcome": "YES", "source": "the gauge"}
        path = f"/markets/{slug}"
        resolved = await asyncio.to_thread(server.call, "POST", f"{path}/resolve", admin, body)
        status = resolved["status"]
        while status != "RESOLVED":
            assert status == "RESOLVING"
            assert time.monotonic() < begun + 60, "the holders aren't paid"
            await asyncio.sleep(0.05)
            shown = await asyncio.to_thread(server.call, "GET", path)
            status = shown["status"]
        paid = time.monotonic()
        await asyncio.sleep(0.5)
        end = time.monotonic()
        stop.set()
        await asyncio.gather(*tasks)
    before, during = acks.longest(calm, begun), acks.longest(begun, end)
    pace = acks.sent(begun, end) / (end - begun)
    print(
        f"{HOLDERS} holders paid and visible in {paid - begun:.2f} s; {pace:.0f} orders/s"
        f" meanwhile, longest ack {during * 1_000:.0f} ms ({before * 1_000:.0f} ms before)"
    )
    return paid - begun, during, before
