"""`kill -9` in the halts of a market: each step comes in its time, whoever is there to see it."""

import asyncio
import time
from typing import Any

import pytest

from tests.faults.conftest import MakeServer
from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import ServerProcess

HALT = {"move": "0.05", "windowSeconds": 60, "haltSeconds": 3, "postOnlySeconds": 3}


async def trade(client: SocketClient, other: SocketClient, price: int) -> None:
    """Let a share trade at so many cents."""
    for who, outcome, cents in ((client, "NO", 100 - price), (other, "YES", price)):
        body = {"market": "rain-soon", "side": "BUY", "type": "LIMIT", "quantity": "1"}
        await who.ok("order:place", body | {"outcome": outcome, "price": f"0.{cents:02}"})


async def shown(server: ServerProcess) -> dict[str, Any]:
    market = await asyncio.to_thread(server.call, "GET", "/markets/rain-soon")
    return dict(market)


async def until_status(server: ServerProcess, status: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (market := await shown(server))["status"] != status:
        assert time.monotonic() < deadline, f"the market is {market['status']} still"
        await asyncio.sleep(0.05)
    return market


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_halt_goes_on_after_a_kill_in_each_of_its_steps(server: ServerProcess) -> None:
    server.market("rain-soon")
    server.call("PUT", "/admin/markets/rain-soon/limits", server.admin(), {"volatilityHalt": HALT})
    (_, ann), (_, ben) = server.trader(), server.trader()
    async with socket_client(server.port, ann) as first, socket_client(server.port, ben) as second:
        await trade(first, second, 50)
        await trade(first, second, 56)
        halted = await until_status(server, "HALTED", 30)
    server.kill()
    await asyncio.to_thread(server.start)
    again = await shown(server)
    if again["status"] == "HALTED":
        assert again["resumesAt"] == halted["resumesAt"]
    await until_status(server, "POST_ONLY", 60)
    server.kill()
    await asyncio.to_thread(server.start)
    assert "resumesAt" not in await until_status(server, "OPEN", 60)
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_takers_are_held_back_after_a_kill_and_an_admins_mode_is_kept(
    make_server: MakeServer,
) -> None:
    server = make_server(POST_ONLY_AFTER_RESTART_SECONDS="4")
    server.start()
    admin = server.admin()
    # Not at the very first start.
    assert server.call("GET", "/exchange/status")["mode"] == "open"
    server.market("rain-soon")
    _, ann = server.trader()
    server.kill()
    await asyncio.to_thread(server.start)
    status = server.call("GET", "/exchange/status")
    body = {"side": "BUY", "type": "LIMIT", "outcome": "YES", "quantity": "1", "price": "0.50"}
    if status["mode"] == "post-only":
        assert status["postOnlyUntil"] > status["modeSince"]
    server.call("POST", "/orders/rain-soon", ann, body | {"postOnly": True})
    deadline = time.monotonic() + 60
    while (status := server.call("GET", "/exchange/status"))["mode"] != "open":
        assert time.monotonic() < deadline, "it doesn't open"
        await asyncio.sleep(0.1)
    assert status["postOnlyUntil"] is None
    server.call("POST", "/orders/rain-soon", ann, body)
    server.call("POST", "/admin/exchange/mode", admin, {"mode": "cancel-only"})
    since = server.call("GET", "/exchange/status")["modeSince"]
    server.kill()
    await asyncio.to_thread(server.start)
    status = server.call("GET", "/exchange/status")
    assert (status["mode"], status["modeSince"]) == ("cancel-only", since)
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
