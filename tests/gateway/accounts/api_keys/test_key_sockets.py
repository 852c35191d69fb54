"""Sockets that are signed in by an API key, on a real port: who comes in, what is heard, how they
end.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from gateway.access.api_keys.standing import KeyUse
from gateway.access.principals import Actor
from gateway.accounts.api_keys.fields import allow_list
from persistence.loop.authority import current_authority
from persistence.postgres.database import create_pool
from persistence.repositories.audit import AuditLog
from persistence.repositories.people.users import Users
from tests.gateway.accounts.api_keys.signer import Signer, hmac_signer
from tests.gateway.conftest import Person
from tests.gateway.socket_client import raw_client, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.waiting import eventually

ORDER = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
ORDER |= {"price": "0.55", "quantity": "1"}


class Floor(NamedTuple):
    """Sockets, and what makes keys of user 1."""

    desk: SocketDesk
    actor: Actor

    async def key(self, *networks: str, may_trade: bool = True) -> Signer:
        service = self.desk.parts.keys.service
        made = await service.create(
            self.actor, "bot", None, allow_list(networks), None, may_trade=may_trade
        )
        assert made.secret is not None
        nobody = Person(self.actor.user_id, "", "", "")
        sign = hmac_signer(made.secret)
        return Signer(made.row.id, made.row.name, "hmac-sha256", sign, nobody)


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    pool = await create_pool(database_url, size=2)
    user = await Users(pool).insert("ann@example.org", None, "USER", "-", 1)
    assert user is not None
    async with open_socket_desk(pool=pool) as desk:
        keys, audit = desk.parts.keys, AuditLog(pool)
        keys.service._audit = keys.gate._audit = audit
        yield Floor(desk, Actor(user.id, "test"))
    await pool.close()


async def test_a_key_signs_a_socket_in_once_and_trades(floor: Floor) -> None:
    key = await floor.key()
    port = floor.desk.port
    auth = key.auth()
    async with raw_client(port) as client:
        await client.join(auth)
        placed = await client.ok("order:place", ORDER)
        await client.until(lambda: client.heard("order_placed"))
        await client.ok("order:cancel", {"orderId": placed["order"]["id"]})
        # The session watch asks for sessions, of which there is none here.
        assert floor.desk.sockets.server.principals() == []
        async with raw_client(port) as thief:
            await thief.join(auth)
            assert thief.refused["data"]["code"] == "UNAUTHORIZED"
            assert "nonce" in thief.refused["message"]
    for wrong in (
        key.auth() | {"signature": "AAAA"},
        key.auth() | {"timestamp": int(time.time() * 1_000) + 1},
        key.auth() | {"token": "1"},
        key.auth(timestamp=int(time.time() * 1_000) - 9_000),
        {"apiKey": key.name},
        {"apiKey": None},
        {"apiKey": ["x"] * 50},
    ):
        async with raw_client(port) as client:
            await client.join(wrong)
            assert client.refused["data"]["code"] == "UNAUTHORIZED", wrong


async def test_a_revoked_key_closes_its_sockets_and_no_others(floor: Floor) -> None:
    key, other = await floor.key(), await floor.key()
    port = floor.desk.port
    async with (
        raw_client(port) as gone,
        raw_client(port) as stays,
        socket_client(port, "1") as signed_in,
    ):
        await gone.join(key.auth())
        await stays.join(other.auth())
        await floor.desk.parts.keys.service.revoke(floor.actor, key.id)
        await asyncio.wait_for(gone.closed.wait(), 30)
        assert (gone.close_code, gone.close_reason) == (1008, "api key ended")
        assert await stays.ok("ping")
        assert await signed_in.ok("ping")
        # The owner's session ends: what a key has signed in goes on.
        floor.desk.names.end(floor.actor.user_id)
        await asyncio.wait_for(signed_in.closed.wait(), 30)
        assert await stays.ok("ping")


async def test_a_key_deleted_elsewhere_closes_its_sockets_though_it_was_forgotten(
    floor: Floor,
) -> None:
    key = await floor.key()
    service = floor.desk.parts.keys.service
    async with raw_client(floor.desk.port) as client:
        await client.join(key.auth())
        service._known.clear()
        await floor.desk.parts.pool.execute("DELETE FROM api_keys")
        await service.recheck()
        await asyncio.wait_for(client.closed.wait(), 30)
    assert client.close_reason == "api key ended"
    await eventually(lambda: not service._alive)


async def test_an_allow_list_that_is_changed_closes_sockets_that_are_off_it(floor: Floor) -> None:
    key = await floor.key("127.0.0.0/8")
    service = floor.desk.parts.keys.service
    async with raw_client(floor.desk.port) as client:
        await client.join(key.auth())
        await service.change(floor.actor, key.id, "named", None)
        assert await client.ok("ping")
        await service.change(floor.actor, key.id, None, allow_list(["192.0.2.1"]))
        await asyncio.wait_for(client.closed.wait(), 30)
    async with raw_client(floor.desk.port) as client:
        await client.join(key.auth())
        assert client.refused["data"]["code"] == "FORBIDDEN"


async def test_a_key_that_expires_closes_its_sockets(floor: Floor) -> None:
    service = floor.desk.parts.keys.service
    ends = int((time.time() // 1 + 2) * 1_000_000)
    made = await service.create(floor.actor, "short", None, (), ends, may_trade=True)
    nobody = Person(1, "", "", "")
    key = Signer(made.row.id, made.row.name, "hmac-sha256", hmac_signer(made.secret or ""), nobody)
    async with raw_client(floor.desk.port) as client:
        await client.join(key.auth())
        assert await client.ok("ping")
        await asyncio.wait_for(client.closed.wait(), 30)
    assert time.time() >= ends / 1_000_000


async def test_a_reading_key_hears_and_sends_no_order(floor: Floor) -> None:
    key = await floor.key(may_trade=False)
    async with raw_client(floor.desk.port) as client:
        await client.join(key.auth())
        await client.ok("subscribe:market", {"slug": "rain", "outcome": "YES"})
        events: list[tuple[str, Any]] = [
            ("order:place", ORDER),
            ("order:cancel_all", {}),
            ("session:cancel_on_disconnect", {"enabled": True}),
            ("session:heartbeat", {"timeoutMs": 5_000}),
        ]
        for name, payload in events:
            refusal = await client.refusal(name, payload)
            assert refusal["code"] == "FORBIDDEN", name
            assert "trade" in refusal["message"]


async def test_an_open_socket_is_signed_in_by_a_key_or_a_token(floor: Floor) -> None:
    key = await floor.key()
    async with socket_client(floor.desk.port) as client:
        assert (await client.refusal("order:place", ORDER))["code"] == "UNAUTHORIZED"
        signed_in = await client.ok("session:authenticate", key.auth())
        assert signed_in == {
            "userId": str(floor.actor.user_id),
            "expiresAt": "9999-12-31T23:59:59.000Z",
        }
        await client.ok("order:place", ORDER)
        auth = key.auth()
        await client.ok("session:authenticate", auth)
        assert (await client.refusal("session:authenticate", auth))["code"] == "UNAUTHORIZED"
        for body in ({}, key.auth() | {"token": "1"}):
            assert (await client.refusal("session:authenticate", body))["code"] == (
                "VALIDATION_ERROR"
            )
        await client.ok("session:authenticate", {"token": "1"})
        assert len(floor.desk.sockets.server.principals()) == 1
        await floor.desk.parts.keys.service.revoke(floor.actor, key.id)
        assert await client.ok("ping"), "it is signed in by a token now"


async def test_what_a_keys_socket_sends_is_done_by_a_right_that_may_end(floor: Floor) -> None:
    key = await floor.key()
    engine = floor.desk.engine
    seen: list[object] = []
    submit = engine.submit

    def noting(command: Any) -> Any:
        seen.append(current_authority())
        return submit(command)

    engine.submit = noting  # type: ignore[method-assign]
    async with raw_client(floor.desk.port) as client, socket_client(floor.desk.port, "1") as own:
        await client.join(key.auth())
        await client.ok("order:place", ORDER)
        # Nothing open has that id: it is looked for behind a first command, in a task.
        await client.refusal("order:cancel", {"clientOrderId": "unknown"})
        await own.ok("order:place", ORDER)
    first, *rest, last = seen
    assert isinstance(first, KeyUse)
    assert (first.key.id, first.address) == (key.id, "127.0.0.1")
    assert rest
    assert set(rest) == {first}
    assert last is None
    known = floor.desk.parts.keys.service.remembered(key.name)
    assert known is not None
    known.standing.is_over = True
    assert first.refusal() is not None
