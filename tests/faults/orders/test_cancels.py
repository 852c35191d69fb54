"""Cancels while their owner is over every other limit: taken as promised, and soon.

Another trader, who is over nothing, cancels beside: on a machine that is busy elsewhere its waits
are the yardstick.
"""

import asyncio
import statistics
import time
from typing import Any

import httpx

from tests.faults.conftest import MakeServer
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import length
from tests.measured import tries

REQUESTS = 200
ORDERS = 150
PACE = 10
SECONDS = length(3, long=60)
IN_FLIGHT = 16
LONGEST_S = 0.1
SLUG = "rain"


async def timed(client: SocketClient, event: str, payload: Any) -> tuple[float, str]:
    """Send an event; return its seconds, and the code of its refusal."""
    started = time.perf_counter()
    answer = await client.call(event, payload)
    code = "" if answer["ok"] else answer["error"]["code"]
    return time.perf_counter() - started, code


async def place(client: SocketClient) -> str:
    order = {"market": SLUG, "side": "BUY", "outcome": "YES", "type": "LIMIT"}
    placed = await client.ok("order:place", {**order, "price": "0.01", "quantity": "1"})
    return str(placed["order"]["id"])


async def use_everything_up(client: SocketClient) -> None:
    """Be over the limit of requests."""
    codes = [
        (await timed(client, "subscribe:market", {"slug": SLUG}))[1] for _ in range(REQUESTS + 1)
    ]
    assert codes[-1] == "RATE_LIMITED"
    assert (await timed(client, "ping", {}))[1] == "RATE_LIMITED"


def p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100)[98]


async def at_its_pace(
    owner: SocketClient, other: SocketClient, order_id: str
) -> tuple[float, float]:
    """Let both cancel what isn't open any more by the clock; return the p99 of each, in seconds."""
    paced, yardstick = [], []
    started = time.monotonic()
    for number in range(SECONDS * PACE):
        await asyncio.sleep(max(0.0, started + number / PACE - time.monotonic()))
        (sent, refused, beside) = await asyncio.gather(
            timed(owner, "order:cancel", {"orderId": order_id}),
            timed(owner, "subscribe:market", {"slug": SLUG}),
            timed(other, "order:cancel", {"orderId": order_id}),
        )
        paced.append(sent)
        yardstick.append(beside[0])
        assert refused[1] == "RATE_LIMITED"
    assert {code for _, code in paced} == {"ORDER_NOT_OPEN"}
    return p99([wait for wait, _ in paced]), p99(yardstick)


async def test_cancels_are_taken_when_everything_else_is_used_up(make_server: MakeServer) -> None:
    server = make_server(
        RATE_LIMIT_USER_MAX_REQUESTS=str(REQUESTS),
        RATE_LIMIT_CANCELS_PER_SECOND=str(PACE),
        RATE_LIMIT_USER_WINDOW_MS="3600000",
        SOCKET_IN_FLIGHT_MAX=str(IN_FLIGHT),
    )
    server.start()
    server.market(SLUG)
    (_, token), (_, other_token) = server.trader(), server.trader()
    async with (
        socket_client(server.port, token) as owner,
        socket_client(server.port, other_token) as other,
    ):
        orders = [await place(owner) for _ in range(ORDERS)]
        await use_everything_up(owner)
        # More than may be unanswered at a time, and one for each that is open.
        burst = await asyncio.gather(
            *(timed(owner, "order:cancel", {"orderId": order}) for order in orders)
        )
        for attempt in tries():
            paced, yardstick = await at_its_pace(owner, other, orders[0])
            print(f"burst {p99([wait for wait, _ in burst]):.3f} s; beside {yardstick:.3f} s")
            attempt.takes("p99 of paced cancels, s", paced, max(LONGEST_S, 3 * yardstick))
        sweeps = await asyncio.gather(
            *(timed(owner, "order:cancel_all", {}) for _ in range(10 * IN_FLIGHT))
        )
    assert {code for _, code in burst} == {""}
    assert {code for _, code in sweeps} == {""}
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", headers=headers) as client:
        assert (await client.get("/user/balance")).status_code == 429
        assert (await client.get("/user/positions")).headers["ratelimit"].startswith('"read";r=0;')
        answer = await client.delete("/orders")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"cancel";q={2 * PACE};w=2'
    assert server.end() == 0
