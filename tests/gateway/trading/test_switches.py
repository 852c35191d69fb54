"""Dead-man switches over REST and sockets, and orders that end with their connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exchange.messages.bounds import DEAD_MAN_MS
from exchange.messages.commands import EndSession, RenewLease, SetDeadMan
from exchange.messages.terms import CancelReason
from gateway.sockets.session import SocketSession
from gateway.trading import cancel_on_disconnect
from persistence.errors import QueueFull
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.trading_desk import Desk


def order(price: str = "0.50", **more: Any) -> dict[str, Any]:
    return {
        "market": "rain",
        "side": "BUY",
        "outcome": "YES",
        "type": "LIMIT",
        "quantity": "1",
        "price": price,
    } | more


async def placed(client: SocketClient, *prices: str, **more: Any) -> list[int]:
    """Place orders and return their ids."""
    acks = [await client.ok("order:place", order(price, **more)) for price in prices]
    return [int(ack["order"]["id"]) for ack in acks]


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for says nothing by itself
            await asyncio.sleep(0.005)


# -- the dead-man switch ----------------------------------------------------------------------


async def test_a_heartbeat_says_when_the_orders_end(desk: Desk) -> None:
    reply = await desk.call("POST", "/orders/heartbeat", "ann", {"timeoutMs": 5_000})
    account = desk.engine.view.accounts[2]
    assert reply.status == 200
    assert reply.data["timeoutMs"] == 5_000
    assert reply.data["deadline"].endswith("Z")
    assert account.dead_man == desk.engine.view.now + 5_000_000
    lifted = await desk.call("POST", "/orders/heartbeat", "ann", {"timeoutMs": 0})
    assert lifted.data == {"timeoutMs": 0, "deadline": None}
    assert account.dead_man is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"timeoutMs": 1},
        {"timeoutMs": DEAD_MAN_MS[0] - 1},
        {"timeoutMs": DEAD_MAN_MS[1] + 1},
        {"timeoutMs": -1},
        {"timeoutMs": "5000"},
        {"timeoutMs": 5_000.5},
        {"timeoutMs": None},
        {"timeoutMs": True},
    ],
)
async def test_a_wrong_timeout_is_named_and_nothing_is_set(desk: Desk, body: object) -> None:
    seq = desk.engine.view.seq
    reply = await desk.call("POST", "/orders/heartbeat", "ann", body)
    assert (reply.status, reply.fields) == (400, ["timeoutMs"])
    assert desk.engine.view.seq == seq


async def test_nobody_sets_it_without_a_token_or_an_account(desk: Desk) -> None:
    body = {"timeoutMs": 5_000}
    assert (await desk.call("POST", "/orders/heartbeat", None, body)).status == 401
    reply = await desk.call("POST", "/orders/heartbeat", "newcomer", body)
    assert reply.status in {401, 404}


async def test_a_heartbeat_over_the_socket_and_the_orders_that_end() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        first, second = await placed(ann, "0.50", "0.49")
        answer = await ann.ok("session:heartbeat", {"timeoutMs": 1_000})
        assert answer["timeoutMs"] == 1_000
        for body in ({}, {"timeoutMs": 10}, {"timeoutMs": 60_001}, {"timeoutMs": "x"}):
            refusal = await ann.refusal("session:heartbeat", body)
            assert refusal["details"][0]["field"] == "timeoutMs"
        due = desk.engine.view.accounts[1].dead_man
        assert due is not None
        await until(lambda: desk.engine.view.now < due)
        # The fake engine runs timers with the next command; the real one does by itself.
        await asyncio.sleep(1.05)
        await ann.call("order:cancel", {"orderId": "99"})
        await ann.until(lambda: len(ann.heard("order_cancelled")) == 2)
        heard = ann.heard("order_cancelled")
        assert [(int(m["id"]), m["cancelReason"]) for m in heard] == [
            (first, "DEAD_MAN"),
            (second, "DEAD_MAN"),
        ]
        numbers = [m["accountSeq"] for _, m in ann.events if "accountSeq" in m]
        assert numbers == sorted(numbers)


# -- cancel on disconnect ---------------------------------------------------------------------


async def enabled(client: SocketClient, *, on: bool = True) -> None:
    """Turn it on or off."""
    answer = await client.ok("session:cancel_on_disconnect", {"enabled": on})
    assert answer == {"enabled": on}


def commands(desk: SocketDesk, kind: type[Any]) -> list[Any]:
    return [command for command in desk.engine.commands if isinstance(command, kind)]


async def test_what_came_while_it_was_on_ends_with_the_connection() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as other:
        async with socket_client(desk.port, "1") as ann:
            (before,) = await placed(ann, "0.40")
            await enabled(ann)
            tied = await placed(ann, "0.41", "0.42")
            (elsewhere,) = await placed(other, "0.43")
            await enabled(ann, on=False)
            (after,) = await placed(ann, "0.44")
            await enabled(ann)
            tied += await placed(ann, "0.45", timeInForce="GTD", expiresAt="2099-01-01T00:00:00Z")
            # What doesn't wait is tied to nothing.
            await placed(ann, "0.10", timeInForce="IOC")
            assert len(desk.engine.view.tied) == 1
        await until(lambda: not desk.engine.view.tied)
        assert desk.engine.view.orders.keys() == {before, elsewhere, after}
        await other.until(lambda: len(other.heard("order_cancelled")) == 3)
        heard = [m for m in other.heard("order_cancelled") if m["cancelReason"] == "DISCONNECTED"]
        assert [int(message["id"]) for message in heard] == tied
        assert len(commands(desk, EndSession)) == 1


async def test_a_session_that_is_ended_by_us_ends_its_orders_too() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        await enabled(ann)
        await placed(ann, "0.41")
        desk.names.end(1)
        await ann.closed.wait()
        await until(lambda: not desk.engine.view.orders)


async def test_it_belongs_to_who_turned_it_on() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as client:
        await enabled(client)
        await placed(client, "0.41")
        await client.ok("session:authenticate", {"token": "2"})
        (of_ben,) = await placed(client, "0.42")
        # Ann is gone from the connection, so are her orders; ben's aren't tied.
        await until(lambda: desk.engine.view.orders.keys() == {of_ben})


async def test_a_connection_is_watched_once_whoever_signs_in_on_it_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long it lives, what waits for its end doesn't grow."""
    watched: list[Callable[[], None]] = []
    on_end = SocketSession.on_end

    def watch(self: SocketSession, leave: Callable[[], None]) -> None:
        if "CancelOnDisconnect" in leave.__qualname__:
            watched.append(leave)
        on_end(self, leave)

    monkeypatch.setattr(SocketSession, "on_end", watch)
    async with open_socket_desk() as desk:
        async with socket_client(desk.port, "1") as client:
            for token in ("1", "2", "1", "2"):
                await client.ok("session:authenticate", {"token": token})
                await enabled(client)
            (of_ben,) = await placed(client, "0.42")
            assert len(watched) == 1
            assert of_ben in desk.engine.view.orders
        await until(lambda: not desk.engine.view.orders)


@pytest.mark.parametrize("body", [{}, {"enabled": "yes"}, {"enabled": 1}, {"on": True}])
async def test_a_wrong_switch_is_named(body: Any) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        refusal = await ann.refusal("session:cancel_on_disconnect", body)
        assert refusal["code"] == "VALIDATION_ERROR"
        assert refusal["details"][0]["field"] in {"enabled", "on"}
        assert desk.engine.commands == []


async def test_it_is_for_who_is_signed_in() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as nobody:
        refusal = await nobody.refusal("session:cancel_on_disconnect", {"enabled": True})
        assert refusal["code"] == "UNAUTHORIZED"
        assert (await nobody.refusal("session:heartbeat", {"timeoutMs": 0}))["code"] == (
            "UNAUTHORIZED"
        )
        assert desk.engine.commands == []


async def test_one_lease_for_all_sessions_while_any_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancel_on_disconnect, "RENEW_S", 0.1)
    monkeypatch.setattr(cancel_on_disconnect, "LOOK_S", 0.02)
    async with open_socket_desk() as desk:
        await asyncio.sleep(0.3)
        assert commands(desk, RenewLease) == []
        async with socket_client(desk.port, "1") as ann, socket_client(desk.port, "2") as ben:
            await enabled(ann)
            await enabled(ben)
            await until(lambda: len(commands(desk, RenewLease)) >= 6)
            assert len({command.gateway for command in commands(desk, RenewLease)}) == 1
        await until(lambda: len(commands(desk, EndSession)) == 2)
        told = len(commands(desk, RenewLease))
        await asyncio.sleep(0.3)
        assert len(commands(desk, RenewLease)) == told


async def test_an_end_that_the_engine_has_no_place_for_is_said_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancel_on_disconnect, "LOOK_S", 0.02)
    async with open_socket_desk() as desk:
        take = desk.engine.submit
        refused: list[EndSession] = []

        def submit(command: Any) -> Any:
            if isinstance(command, EndSession) and len(refused) < 3:
                refused.append(command)
                raise QueueFull("10000 commands are waiting")
            return take(command)

        async with socket_client(desk.port, "1") as ann:
            await enabled(ann)
            await placed(ann, "0.41")
            desk.engine.submit = submit  # type: ignore[method-assign]
        await until(lambda: not desk.engine.view.orders)
        assert len(refused) == 3


def test_the_switches_use_the_cancels_lane() -> None:
    assert SetDeadMan.urgent
    assert EndSession.urgent
    assert {CancelReason.DEAD_MAN.value, CancelReason.DISCONNECTED.value} == {
        *("DEAD_MAN", "DISCONNECTED"),
    }
