"""Gateways over a real Redis: they follow, and what happens to Redis, to them and to the engine.

What a reader heard is applied to a model that checks every `prevSeq` and every checksum, so a
message that was missed, repeated or wrong anywhere on the way fails the test.
"""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import jwt
import psutil

from tests.faults.fleet import (
    SLUG,
    Fleet,
    Follower,
    becomes_ready,
    becomes_stale,
    feed,
    follower,
    meanwhile,
    metric,
    trading,
)
from tests.gateway.accounts.api_keys.signer import Signer, hmac_signer
from tests.gateway.conftest import Person
from tests.gateway.socket_client import raw_client, socket_client
from tests.measured import Try, tries
from tests.server_process import ADMIN_PASSWORD, ServerProcess, until

STALE_S = 3.0
BACK_S = 30.0
RESYNCED_S = 5.0
LONGEST_ORDER_S = 1.0
ENDS_S = 2.0
SEEN_S = 3.0
ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}


async def levelled(fleet: Fleet, gateway: ServerProcess, reader: Follower) -> None:
    """Wait until the gateway and its reader are where the engine is, and compare the books."""
    seq = fleet.seq(fleet.engine)
    await until(lambda: fleet.seq(gateway) == seq)
    await reader.reaches(seq)
    path = f"/markets/{SLUG}/orderbook"
    assert gateway.call("GET", path) == fleet.engine.call("GET", path)
    assert reader.model.checksum() == fleet.engine.call("GET", path)["checksum"]


async def test_two_gateways_follow_one_engine(fleet: Fleet) -> None:
    gateways = fleet.gateways("one", "two")
    async with (
        follower(gateways[0]) as first,
        follower(gateways[1]) as second,
        follower(fleet.engine) as near,
        trading(fleet) as trader,
    ):
        await trader.orders(200)
        for gateway, reader in zip([*gateways, fleet.engine], [first, second, near], strict=True):
            await levelled(fleet, gateway, reader)
            trades = [trade["tradeNo"] for trade in reader.client.heard("trade_executed")]
            assert trades == list(range(1, len(trades) + 1))
            assert len(trades) > 30
        assert metric(gateways[0], "feed_gaps_total") == 0
        assert metric(gateways[0], "feed_stale") == 0
        await first.client.until(lambda: first.is_stale is False)


async def test_a_gateway_reads_what_the_engine_has_just_answered(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    _, token = fleet.engine.trader()
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=f"{fleet.engine.url}/api/v1", headers=headers) as near,
        httpx.AsyncClient(base_url=f"{gateway.url}/api/v1", headers=headers) as far,
    ):
        for count in range(1, 21):
            placed = (await near.post(f"/orders/{SLUG}", json=ORDER)).raise_for_status().json()
            seq = placed["meta"]["asOfSeq"]
            assert seq >= placed["data"]["order"]["seq"]
            shown = (await far.get(f"/orders?status=OPEN&minSeq={seq}")).raise_for_status().json()
            assert shown["meta"]["asOfSeq"] >= seq
            assert len(shown["data"]) == count
            shown = (await far.get(f"/user/balance?minSeq={seq}")).raise_for_status().json()
            assert shown["data"] == placed["data"]["balance"]


async def test_a_gateway_tells_a_user_what_is_private(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    user_id, token = fleet.engine.trader()
    async with socket_client(gateway.port, token) as ann, socket_client(gateway.port) as nobody:
        placed = fleet.engine.call("POST", f"/orders/{SLUG}", token, ORDER)["order"]
        await ann.until(lambda: ann.heard("balance_updated"))
        (heard,) = ann.heard("order_placed")
        assert {name: heard[name] for name in placed if name in heard} == placed
        shown = gateway.call("GET", f"/orders/{placed['id']}", token)
        assert shown.pop("queuePosition")["orders"] >= 0
        assert shown == placed
        balance = gateway.call("GET", "/user/balance", token)
        assert balance == fleet.engine.call("GET", "/user/balance", token)
        await nobody.ok("ping")
        assert not nobody.heard("order_placed")
    assert user_id == int(gateway.call("GET", "/auth/me", token)["user"]["id"])


async def test_a_gateway_that_only_reads_says_where_orders_belong(fleet: Fleet) -> None:
    (gateway,) = fleet.gateways("gateway", GATEWAY_COMMANDS="off")
    _, token = fleet.engine.trader("ann")
    before = fleet.engine.call("GET", "/admin/stats", fleet.engine.admin())["seq"]
    bearer = {"authorization": f"Bearer {token}"}
    admin = {"authorization": f"Bearer {fleet.engine.admin()}"}
    newcomer = {"email": "new@example.com", "password": ADMIN_PASSWORD}
    async with httpx.AsyncClient(base_url=f"{gateway.url}/api/v1") as client:
        answers = [
            await client.post(f"/orders/{SLUG}", headers=bearer, json=ORDER),
            await client.delete("/orders", headers=bearer),
            await client.post("/auth/register", json=newcomer),
            await client.post("/economy/daily-credits", headers=bearer),
            await client.post("/admin/exchange/mode", headers=admin, json={"mode": "halted"}),
        ]
        for answer in answers:
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (503, "READS_ONLY")
            assert "retry-after" not in answer.headers
            assert "engine's own address" in error["message"]
        # A registration that is refused leaves nobody behind.
        assert (await client.post("/auth/login", json=newcomer)).status_code == 401
        login = {"email": "ann@example.com", "password": ADMIN_PASSWORD}
        signed_in = await client.post("/auth/login", json=login)
        assert signed_in.status_code == 200
        by_hand = {"x-requested-with": "httpx"}
        renewed = await client.post("/auth/refresh", headers=by_hand, json={})
        assert renewed.status_code == 200
    async with socket_client(gateway.port, token) as socket:
        for event, payload in [
            ("order:place", {"market": SLUG, **ORDER}),
            ("order:cancel", {"orderId": "1"}),
            ("order:cancel_all", {}),
        ]:
            error = await socket.refusal(event, payload)
            assert error["code"] == "READS_ONLY"
            assert "engine's own address" in error["message"]
    assert fleet.engine.call("GET", "/admin/stats", fleet.engine.admin())["seq"] == before


async def test_what_one_process_ends_the_others_notice(fleet: Fleet) -> None:
    gateways = fleet.gateways("one", "two", REFRESH_GRACE_SECONDS="0")
    user_id, token = fleet.engine.trader()
    async with (
        socket_client(gateways[0].port, token) as socket,
        socket_client(fleet.engine.port, token) as near,
    ):
        admin = fleet.engine.admin()
        assert gateways[0].status("/admin/audit", token) == 403
        gateways[1].call("PATCH", f"/admin/users/{user_id}/role", admin, {"role": "ADMIN"})
        await until(lambda: gateways[0].status("/admin/audit", token) == 200, SEEN_S)
        await until(lambda: fleet.engine.status("/admin/audit", token) == 200, SEEN_S)
        for client in (socket, near):
            await asyncio.wait_for(client.closed.wait(), SEEN_S)
            assert client.close_reason == "role changed"
    async with (
        socket_client(gateways[0].port, token) as socket,
        socket_client(fleet.engine.port, token) as near,
    ):
        gateways[1].call("POST", "/auth/logout", token)
        for client in (socket, near):
            await asyncio.wait_for(client.closed.wait(), SEEN_S)
            assert client.close_reason == "session ended"
        for server in (*gateways, fleet.engine):
            assert server.status("/auth/me", token) == 401
    await _a_stolen_token_ends_its_session_everywhere(fleet, gateways)
    _a_new_key_is_known_to_all(fleet, gateways)
    await _a_revoked_key_ends_everywhere(fleet, gateways)


async def _a_stolen_token_ends_its_session_everywhere(
    fleet: Fleet, gateways: list[ServerProcess]
) -> None:
    """A refresh token that is used twice closes the sockets of all processes within 2 s."""
    fleet.engine.trader("eve")
    login = {"email": "eve@example.com", "password": ADMIN_PASSWORD}
    here, there = (f"{one.url}/api/v1/auth" for one in gateways)
    for attempt in tries():
        async with httpx.AsyncClient() as client:
            first = await client.post(f"{there}/login", json=login)
            token = first.json()["data"]["accessToken"]
            old = {"cookie": f"probity_refresh={first.cookies['probity_refresh']}"}
            old["x-requested-with"] = "httpx"
            client.cookies.clear()
            async with (
                socket_client(gateways[0].port, token) as far,
                socket_client(gateways[1].port, token) as same,
                socket_client(fleet.engine.port, token) as near,
            ):
                assert (await client.post(f"{here}/refresh", headers=old)).status_code == 200
                client.cookies.clear()
                assert (await client.post(f"{there}/refresh", headers=old)).status_code == 401
                stolen_at = time.monotonic()
                for socket in (far, same, near):
                    await asyncio.wait_for(socket.closed.wait(), BACK_S)
                    assert socket.close_reason == "session ended"
                attempt.takes("sockets closed, s", time.monotonic() - stolen_at, ENDS_S)


def _a_new_key_is_known_to_all(fleet: Fleet, gateways: list[ServerProcess]) -> None:
    """Processes that share the folder sign with a new key, and take both, without a restart."""
    _, before = fleet.engine.trader()
    assert fleet.engine.run("keys", "rotate").returncode == 0
    kids = set()
    for server in (*gateways, fleet.engine):
        body = {"email": "eve@example.com", "password": ADMIN_PASSWORD}
        after = server.call("POST", "/auth/login", body=body)["accessToken"]
        kids.add(jwt.get_unverified_header(after)["kid"])
        for other in (*gateways, fleet.engine):
            for token in (before, after):
                assert other.status("/auth/me", token) == 200
    assert len(kids - {jwt.get_unverified_header(before)["kid"]}) == 1
    assert len(kids) == 1


async def _a_revoked_key_ends_everywhere(fleet: Fleet, gateways: list[ServerProcess]) -> None:
    """Its sockets are closed and its calls refused at each process, wherever it was revoked."""
    user_id, token = fleet.engine.trader()
    body = {"label": "bot", "scopes": ["read"], "algorithm": "hmac-sha256"}
    made = gateways[1].call("POST", "/users/me/api-keys", token, body)
    name, sign = made["key"]["apiKey"], hmac_signer(made["secret"])
    key = Signer(0, name, "hmac-sha256", sign, Person(user_id, "", token, ""))
    path = "/api/v1/user/balance"

    def status(server: ServerProcess) -> int:
        return httpx.get(f"{server.url}{path}", headers=key.headers("GET", path)).status_code

    async with AsyncExitStack() as stack:
        sockets = []
        for server in (*gateways, fleet.engine):
            assert status(server) == 200
            sockets.append(await stack.enter_async_context(raw_client(server.port)))
            await sockets[-1].join(key.auth())
        gateways[1].call("DELETE", f"/users/me/api-keys/{made['key']['id']}", token)
        for socket in sockets:
            await asyncio.wait_for(socket.closed.wait(), BACK_S)
            assert socket.close_reason == "api key ended"
    for server in (*gateways, fleet.engine):
        assert status(server) == 401


async def test_redis_is_killed_and_comes_back_empty(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader, trading(fleet) as trader:
        await trader.orders(20)
        for attempt in tries():
            trader.longest_s = 0.0
            async with meanwhile(trader.on_and_on()):
                fleet.redis.kill()
                await _is_marked_stale(gateway, reader, attempt)
                placed = trader.placed
                await until(lambda: trader.placed > placed + 50)  # noqa: B023
                fleet.redis.start()
                back_at = time.monotonic()
                await becomes_ready(gateway, BACK_S)
                await reader.client.until(lambda: reader.is_stale is False)
                attempt.takes("fresh again, s", time.monotonic() - back_at, RESYNCED_S)
            assert (feed(gateway)["stale"], metric(gateway, "feed_stale")) == (False, 0)
            await levelled(fleet, gateway, reader)
            attempt.takes("longest order, s", trader.longest_s, LONGEST_ORDER_S)
        assert metric(fleet.engine, 'fanout_batches_total{fate="dropped"}') > 0


async def test_redis_freezes_and_goes_on(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader, trading(fleet) as trader:
        for attempt in tries():
            trader.longest_s, begun = 0.0, trader.placed
            async with meanwhile(trader.on_and_on()):
                await until(lambda: trader.placed > begun + 20)  # noqa: B023
                fleet.redis.freeze()
                await _is_marked_stale(gateway, reader, attempt)
                placed = trader.placed
                await until(lambda: trader.placed > placed + 50)  # noqa: B023
                fleet.redis.thaw()
                await becomes_ready(gateway, BACK_S)
                await reader.client.until(lambda: reader.is_stale is False)
            await levelled(fleet, gateway, reader)
            attempt.takes("longest order, s", trader.longest_s, LONGEST_ORDER_S)


async def _is_marked_stale(gateway: ServerProcess, reader: Follower, attempt: Try) -> None:
    """Everything that says so says so in time; what is read meanwhile is at most seconds old."""
    started = time.monotonic()
    await becomes_stale(gateway, BACK_S)
    await reader.client.until(lambda: reader.is_stale)
    attempt.takes("marked as stale, s", time.monotonic() - started, STALE_S)
    assert feed(gateway)["stale"]
    assert metric(gateway, "feed_stale") == 1
    assert not gateway.is_ready()


async def test_a_stale_gateway_reads_on_from_the_journal(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader, trading(fleet) as trader:
        fleet.redis.kill()
        await becomes_stale(gateway, BACK_S)
        await trader.orders(20)
        await levelled(fleet, gateway, reader)
        assert not gateway.is_ready()


async def test_a_flushed_redis_makes_no_difference(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader, trading(fleet) as trader:
        for _ in range(5):
            await trader.orders(10)
            assert fleet.redis.command("FLUSHALL") == b"+OK\r\n"
        await levelled(fleet, gateway, reader)
        assert metric(gateway, "feed_gaps_total") == 0
        assert gateway.is_ready()


async def test_a_cut_connection_is_a_gap_that_is_repaired(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader, trading(fleet) as trader:
        async with meanwhile(trader.on_and_on()):
            # Whether anything is said while nobody listens is chance: cut until it was.
            for cut in range(60):
                if cut >= 5 and metric(gateway, "feed_gaps_total") > 0:
                    break
                placed = trader.placed
                await until(lambda: trader.placed > placed + 30)  # noqa: B023
                fleet.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                await reader.client.until(lambda: reader.is_stale is False)
                await until(lambda: _is_subscribed(fleet), BACK_S)
                assert gateway.is_ready(), cut
        await levelled(fleet, gateway, reader)
        assert metric(gateway, "feed_gaps_total") > 0
        assert metric(gateway, "feed_reloads_total") == 0


def _is_subscribed(fleet: Fleet) -> bool:
    return b"sub=1" in fleet.redis.command("CLIENT", "LIST", "TYPE", "pubsub")


async def test_the_engine_is_killed_and_another_leads(fleet: Fleet) -> None:
    gateway = fleet.gateway()
    async with follower(gateway) as reader:
        async with trading(fleet) as trader:
            await trader.orders(20)
        lives = 1
        for attempt in tries():
            lives += 1
            fleet.engine.kill()
            await _is_marked_stale(gateway, reader, attempt)
            fleet.engine.start()
            await becomes_ready(gateway, BACK_S)
            async with trading(fleet) as trader:
                await trader.orders(20)
            await levelled(fleet, gateway, reader)
        assert sorted(set(reader.epochs)) == [reader.epochs[0] + life for life in range(lives)]
        kinds = [message["kind"] for message in reader.client.heard("orderbook_update")]
        assert kinds.count("snapshot") == lives
        assert feed(gateway)["epoch"] == reader.epochs[-1]


async def test_a_gateway_that_starts_late_has_everything(fleet: Fleet) -> None:
    async with trading(fleet) as trader:
        await trader.orders(100)
        async with meanwhile(trader.on_and_on()):
            gateway = fleet.gateway()
            async with follower(gateway) as reader:
                placed = trader.placed
                await until(lambda: trader.placed > placed + 20)
                seq = fleet.seq(fleet.engine)
                await reader.client.until(lambda: (reader.read().seq or 0) >= seq)


async def test_a_gateway_starts_without_redis_and_says_so(fleet: Fleet) -> None:
    fleet.redis.kill()
    gateway = fleet.gateway_without_feed()
    async with trading(fleet) as trader, follower(gateway) as reader:
        await reader.client.until(lambda: reader.is_stale)
        assert (feed(gateway)["stale"], feed(gateway)["silentMs"]) == (True, None)
        await trader.orders(10)
        fleet.redis.start()
        await becomes_ready(gateway, BACK_S)
        await levelled(fleet, gateway, reader)


async def test_a_frozen_gateway_costs_the_engine_nothing(fleet: Fleet) -> None:
    frozen, quick = fleet.gateways("frozen", "quick")
    async with follower(quick) as reader, trading(fleet) as trader:
        process = psutil.Process(frozen.pid)
        process.suspend()
        for attempt in tries():
            trader.longest_s = 0.0
            await trader.orders(200)
            await levelled(fleet, quick, reader)
            attempt.takes("longest order, s", trader.longest_s, LONGEST_ORDER_S)
        process.resume()
        await until(lambda: frozen.is_ready() and fleet.seq(frozen) == fleet.seq(fleet.engine))
