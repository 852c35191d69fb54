"""Orders that enter at a gateway: the same answers as at the engine, in the order they were sent,
and what becomes of them when Redis, a gateway or the engine goes.
"""

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from persistence.relay.channel import Channel
from persistence.relay.commands.messages import command_stream
from persistence.relay.looks import identity_of
from persistence.relay.messages import BusMessage
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.fleet import SLUG, Fleet, becomes_ready, metric
from tests.gateway.socket_client import socket_client
from tests.server_process import ServerProcess, until

ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
OTHER_SIDE = ORDER | {"outcome": "NO", "price": "0.5"}
LEASE_ENDS_S = 30.0
WORD_S = 2.0
"""Ten times as long as a process takes to tell the others what was counted."""


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def api(server: ServerProcess, token: str) -> httpx.AsyncClient:
    """A client that waits longer than any answer takes."""
    url = f"{server.url}/api/v1"
    return httpx.AsyncClient(base_url=url, headers=bearer(token), timeout=30)


async def test_orders_amends_batches_and_cancels_enter_at_any_gateway(fleet: Fleet) -> None:
    one, two = fleet.gateways("one", "two")
    _, ann = one.trader()  # registered there: the account is opened by a command, too
    _, bob = two.trader()
    async with api(one, ann) as here, api(two, bob) as there:
        placed = (await here.post(f"/orders/{SLUG}", json=ORDER)).raise_for_status().json()["data"]
        order_id = placed["order"]["id"]
        assert placed["order"]["status"] == "OPEN"
        # Who is told reads it where it was told, at once.
        shown = (await here.get(f"/orders/{order_id}")).raise_for_status().json()["data"]
        assert shown["status"] == "OPEN"
        amend = {"price": "0.51"}
        amended = (await here.patch(f"/orders/{order_id}", json=amend)).raise_for_status().json()
        assert amended["data"]["order"]["price"] == "0.5100"
        met = await there.post(f"/orders/{SLUG}", json=OTHER_SIDE | {"price": "0.49"})
        assert len(met.raise_for_status().json()["data"]["trades"]) == 1
        place = {"op": "place", "market": SLUG, **ORDER, "price": "0.2"}
        batch = {"operations": [place, place, {"op": "cancel", "orderId": "999999"}]}
        results = (await here.post("/orders/batch", json=batch)).raise_for_status().json()["data"]
        assert [one["ok"] for one in results["results"]] == [True, True, False]
        refused = await here.post(f"/orders/{SLUG}", json=ORDER | {"quantity": "1000000"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            422,
            "INSUFFICIENT_BALANCE",
        )
        gone = (await here.request("DELETE", "/orders")).raise_for_status().json()["data"]
        assert gone["cancelled"] == 2
    admin = fleet.engine.admin()
    two.market("snow")
    two.call("POST", "/admin/exchange/mode", admin, {"mode": "cancel-only"})
    assert fleet.engine.call("GET", "/exchange/status")["mode"] == "cancel-only"
    one.call("POST", "/admin/exchange/mode", admin, {"mode": "open"})
    assert fleet.engine.run("verify").returncode == 0


async def test_a_repeat_under_its_own_id_gets_the_first_answer_anywhere(fleet: Fleet) -> None:
    gateways = fleet.gateways("one", "two")
    _, ann = fleet.engine.trader()
    told: list[dict[str, Any]] = []
    for server in (*gateways, fleet.engine, *gateways):
        async with api(server, ann) as client:
            answer = await client.post(f"/orders/{SLUG}", json=ORDER | {"clientOrderId": "mine"})
            found = answer.raise_for_status().json()["data"]
            replayed = found.pop("replayed", False)
            assert replayed is bool(told)
            told.append(found)
    assert all(one == told[0] for one in told)


async def test_one_senders_commands_keep_their_order(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, ann = gateway.trader()
    async with socket_client(gateway.port, ann) as client:
        sent = []
        for number in range(36):
            body = {"market": SLUG, **ORDER, "price": f"0.{number % 40 + 10}"}
            sent.append(client.emit("order:place", body))
            if number % 3 == 2:
                sent.append(client.emit("order:cancel_all", {}))
        answers = await asyncio.gather(*sent)
        refused = [answer for answer in answers if not answer["ok"]]
        assert not refused
        cancelled = [a["data"]["cancelled"] for a in answers if "cancelled" in a["data"]]
        assert cancelled == [3] * 12
        seqs = [a["data"]["order"]["seq"] for a in answers if "order" in a["data"]]
        assert seqs == sorted(seqs)


async def test_the_orders_of_a_gateway_that_dies_end_with_its_lease(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, ann = gateway.trader()
    _, bob = fleet.engine.trader()
    async with api(fleet.engine, ann) as near, api(fleet.engine, bob) as other:
        with contextlib.suppress(Exception):
            async with socket_client(gateway.port, ann) as client:
                await client.ok("session:cancel_on_disconnect", {"enabled": True})
                await client.ok("order:place", {"market": SLUG, **ORDER})
                rest = await other.post(f"/orders/{SLUG}", json=ORDER | {"price": "0.1"})
                rest.raise_for_status()
                gateway.kill()
        await _ended(near, "DISCONNECTED")
        left = (await other.get("/orders?status=OPEN")).raise_for_status().json()["data"]
        assert len(left) == 1


async def test_a_dead_man_switch_fires_though_its_gateway_is_gone(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, ann = gateway.trader()
    async with api(gateway, ann) as client, api(fleet.engine, ann) as near:
        (await client.post(f"/orders/{SLUG}", json=ORDER)).raise_for_status()
        (await client.post("/orders/heartbeat", json={"timeoutMs": 2_000})).raise_for_status()
        gateway.kill()
        await _ended(near, "DEAD_MAN")


async def _ended(client: httpx.AsyncClient, reason: str) -> None:
    """Wait until the one order of an account was ended for that reason."""
    async with asyncio.timeout(LEASE_ENDS_S):
        while True:
            answer = await client.get("/orders")
            orders: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
            if orders and all(order["status"] == "CANCELLED" for order in orders):
                assert {order["cancelReason"] for order in orders} == {reason}
                return
            await asyncio.sleep(0.1)


async def test_without_redis_a_gateway_takes_nothing_and_the_engine_all(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, ann = fleet.engine.trader()
    async with api(gateway, ann) as far, api(fleet.engine, ann) as near:
        fleet.redis.kill()
        await until(lambda: not gateway.is_ready())
        refused = await far.post(f"/orders/{SLUG}", json=ORDER)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
        (await near.post(f"/orders/{SLUG}", json=ORDER)).raise_for_status()
        fleet.redis.start()
        await becomes_ready(gateway, 30)
        await _taken(far)
    # Nothing that was refused came later.
    assert len(fleet.engine.call("GET", "/orders", ann)) == 2


async def test_a_flushed_redis_loses_no_money_and_is_written_to_again(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, ann = gateway.trader()
    async with api(gateway, ann) as client:
        for number in range(3):
            name = {"clientOrderId": f"order-{number}"}
            (await client.post(f"/orders/{SLUG}", json=ORDER | name)).raise_for_status()
            fleet.redis.command("FLUSHALL")
            await _taken(client)
    assert metric(fleet.engine, 'command_stream_entries_total{fate="made"}') >= 4
    assert fleet.engine.run("verify").returncode == 0


async def _taken(client: httpx.AsyncClient) -> None:
    """Ask until an order is taken; what is refused meanwhile says that nothing happened."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.post(f"/orders/{SLUG}", json=ORDER)
            if answer.is_success:
                return
            assert answer.json()["error"]["code"] == "UNAVAILABLE", answer.text
            await asyncio.sleep(0.1)


def _refused(server: ServerProcess, token: str) -> bool:
    """Place an order, and say whether there were too many."""
    url = f"{server.url}/api/v1/orders/{SLUG}"
    return httpx.post(url, headers=bearer(token), json=ORDER).status_code == 429


async def test_limits_count_over_all_processes(tmp_path: Path, database_url: str) -> None:
    with contextlib.ExitStack() as stack:
        fleet = Fleet(tmp_path, database_url, stack, RATE_LIMIT_USER_MAX_WRITES="40")
        one, two = fleet.gateways("one", "two")
        _, ann = fleet.engine.trader()
        async with api(one, ann) as here, api(two, ann) as there:
            for _ in range(40):
                answer = await here.post(f"/orders/{SLUG}", json=ORDER)
                if answer.status_code == 429:
                    break
            await until(lambda: _refused(two, ann), 30)
            orders = (await there.get("/orders?limit=100")).raise_for_status().json()["data"]
            print(f"{len(orders)} orders of 40 in 60 s, over two gateways")
            assert len(orders) < 60


async def test_windows_count_over_all_gateways(tmp_path: Path, database_url: str) -> None:
    """Sockets of an address and of a user, renewals, and tokens that don't hold."""
    limits = {
        "RATE_LIMIT_MAX_REQUESTS": "6",
        "RATE_LIMIT_SIGN_INS": "1000",
        "RATE_LIMIT_WINDOW_MS": "900000",
        "RATE_LIMIT_SOCKETS_PER_ADDRESS": "4",
        "RATE_LIMIT_SOCKETS_PER_USER": "4",
        "RATE_LIMIT_SOCKETS_WINDOW_MS": "900000",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with contextlib.ExitStack() as stack:
        fleet = Fleet(tmp_path, database_url, stack, **limits)
        one, two = fleet.gateways("one", "two")
        _, ann = fleet.engine.trader()

        async def forge(server: ServerProcess) -> int:
            async with api(server, "no token") as client:
                headers = {"x-forwarded-for": "203.0.113.1"}
                return (await client.get("/user/balance", headers=headers)).status_code

        async def renew(server: ServerProcess) -> int:
            async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
                headers = {"x-forwarded-for": "203.0.113.2"}
                return (await client.post("/auth/refresh", headers=headers)).status_code

        async def open_as(token: str | None, server: ServerProcess) -> int:
            headers = {"X-Forwarded-For": "203.0.113.3"}
            async with socket_client(server.port, token, additional_headers=headers) as client:
                return 200 if client.refused is None else 429

        for hit, most in (
            (forge, 6),
            (renew, 6),
            (partial(open_as, None), 4),
            (partial(open_as, ann), 4),
        ):
            told = [await hit(one) for _ in range(most)]
            assert 429 not in told
            # What is asked before the word has come is counted, too: few times, with pauses.
            asked = [await hit(two)]
            while asked[-1] != 429 and len(asked) < most:
                await asyncio.sleep(WORD_S)
                asked.append(await hit(two))
            print(f"{most} at one gateway and {len(asked) - 1} at the other of {most}")
            assert asked[-1] == 429


async def test_an_engine_that_is_heard_can_be_sent_to(fleet: Fleet) -> None:
    """Its stream is there before its first word: whoever hears it sends to it at once."""
    async with fleet.engine_database() as database:
        identity = await identity_of(database)
    secret = fleet.secret()
    hearing = RedisSubscriber(fleet.redis.url, Channel(identity, secret))
    former = {(await _said(hearing)).stream}
    for number in range(3):
        assert fleet.engine.end() == 0
        fleet.engine.launch()
        while (said := await _said(hearing)).stream in former:
            pass
        name = command_stream(identity, said.stream, secret).name
        assert fleet.redis.command("EXISTS", name) == b":1\r\n", number
        former.add(said.stream)
        fleet.engine.await_ready()
    await hearing.close()


async def _said(hearing: RedisSubscriber[BusMessage]) -> BusMessage:
    """Return what an engine says next."""
    async with asyncio.timeout(60):
        while (message := await hearing.receive()) is None:
            pass
    return message
