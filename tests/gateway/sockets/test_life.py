"""A socket's life: sign-in, time-outs, ends, what the metrics say."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.access.principals import Principal
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.link import (
    NO_NAMESPACE,
    NO_PONG,
    SESSION_ENDED,
    SHUTTING_DOWN,
    TOKEN_EXPIRED,
    UNTOLD,
)
from gateway.streaming.heartbeat import Heartbeat
from tests.gateway.socket_client import SocketClient, raw_client, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.trading.test_socket_events import order
from tests.gateway.waiting import eventually


async def ended(client: SocketClient) -> tuple[int | None, str]:
    await asyncio.wait_for(client.closed.wait(), 30)
    return client.close_code, client.close_reason


async def test_handshake_says_what_holds() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        assert set(client.opening) == {
            "sid",
            "upgrades",
            "pingInterval",
            "pingTimeout",
            "maxPayload",
        }
        assert client.opening["maxPayload"] == 32_768
        assert client.opening["upgrades"] == []


@pytest.mark.parametrize("auth", [{"token": "forged"}, {"token": "é"}, {"token": 5}, "x", [1]])
async def test_a_wrong_token_is_refused_with_its_reason(auth: Any) -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        await client.join(auth)
        assert client.refused["data"]["code"] == "UNAUTHORIZED"
        assert client.refused["message"]


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"token": ""}])
async def test_sign_in_is_optional(auth: Any) -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        await client.join(auth)
        assert client.refused is None
        assert await client.ok("subscribe:market", {"slug": "rain"})


async def test_an_unknown_namespace_is_refused() -> None:
    async with open_socket_desk() as desk, raw_client(desk.port, namespace="/admin") as client:
        await client.join()
        assert client.refused is not None


async def test_a_fault_of_ours_is_answered_without_its_cause() -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        desk.names.failure = RuntimeError("secret")
        await client.join({"token": "1"})
        assert client.refused["data"]["code"] == "INTERNAL_ERROR"
        assert "secret" not in str(client.refused)
        assert "socket sign-in failed" in desk.log.getvalue()


async def test_a_sign_in_while_the_database_is_away_is_told_so() -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        desk.names.failure = OSError("10.0.0.7 is away")
        await client.join({"token": "1"})
        assert client.refused["data"]["code"] == "UNAVAILABLE"
        assert "10.0.0.7" not in str(client.refused)


async def test_a_fault_in_an_event_is_answered_without_its_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:

        def fail(_command: object) -> None:
            raise RuntimeError("secret")

        monkeypatch.setattr(desk.engine, "submit", fail)
        refusal = await ann.refusal("order:place", order("BUY YES 1 @ 0.50"))
        assert refusal["code"] == "INTERNAL_ERROR"
        assert "secret" not in str(refusal) + desk.log.getvalue()


async def test_both_namespaces_on_one_socket_have_rooms_of_their_own() -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        await client.connection.send('40/ws,{"token":"1"}')
        await client.join()
        assert (await client.refusal("order:cancel_all"))["code"] == "UNAUTHORIZED"
        (link,) = desk.sockets.server.links
        assert {name: s.principal is not None for name, s in link.sessions.items()} == {
            "/": False,
            "/ws": True,
        }
        await client.connection.send("41/ws,")
        await client.ok("ping")
        assert (list(link.sessions), desk.users) == (["/"], {})
        await client.connection.send("41")
        assert await ended(client) == (1008, NO_NAMESPACE)


async def test_a_socket_without_a_namespace_is_closed() -> None:
    async with (
        open_socket_desk(SOCKET_CONNECT_TIMEOUT_SECONDS="0.2") as desk,
        raw_client(desk.port) as client,
    ):
        assert await ended(client) == (1008, NO_NAMESPACE)


async def test_trying_tokens_doesn_t_keep_a_socket_open() -> None:
    async with (
        open_socket_desk(SOCKET_CONNECT_TIMEOUT_SECONDS="0.2") as desk,
        raw_client(desk.port) as client,
    ):
        await client.join({"token": "forged"})
        assert await ended(client) == (1008, NO_NAMESPACE)


async def test_a_socket_ends_with_its_token() -> None:
    async with open_socket_desk() as desk:
        desk.names.expires_at["1:short"] = int(time.time()) + 1
        async with socket_client(desk.port, "1:short") as client:
            assert await ended(client) == (1008, TOKEN_EXPIRED)


async def test_signing_in_again_keeps_a_socket_open() -> None:
    async with open_socket_desk() as desk:
        desk.names.expires_at["1:short"] = int(time.time()) + 1
        async with socket_client(desk.port, "1:short") as client:
            answer = await client.ok("session:authenticate", {"token": "1:long"})
            assert answer["userId"] == "1"
            assert (await client.refusal("session:authenticate", {"token": "x"}))[
                "code"
            ] == "UNAUTHORIZED"
            await client.until(lambda: len(client.heard("heartbeat")) >= 2)
            assert await client.ok("ping")


async def test_signing_in_later_moves_to_the_user_s_room() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("session:authenticate", {"token": "1"})
        await client.ok("session:authenticate", {"token": "2"})
        assert list(desk.users) == [2]
        await client.ok("order:place", order("BUY YES 1 @ 0.50"))
        assert client.heard("order_placed")


async def test_logout_closes_live_sockets_of_that_session() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as one,
        socket_client(desk.port, "1", namespace="/ws") as two,
        socket_client(desk.port, "2") as other,
    ):
        desk.names.end(1)
        assert await ended(one) == (1008, SESSION_ENDED)
        assert await ended(two) == (1008, SESSION_ENDED)
        assert await other.ok("ping")


async def test_a_session_that_ends_while_its_token_is_verified_gets_in_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        verify = desk.names.verify

        async def verify_and_end(token: bytes) -> Principal:
            principal = await verify(token)
            desk.names.end(principal.user_id)
            return principal

        monkeypatch.setattr(desk.names, "verify", verify_and_end)
        refusal = await client.refusal("session:authenticate", {"token": "1"})
        assert refusal["code"] == "UNAUTHORIZED"
        assert desk.users == {}


async def test_a_socket_that_ends_while_its_token_is_verified_joins_nothing() -> None:
    async with open_socket_desk() as desk:
        desk.names.gate.clear()
        async with socket_client(desk.port) as client:
            client.emit("session:authenticate", {"token": "1"})
            await eventually(lambda: any(link.in_flight for link in desk.sockets.server.links))
        await eventually(lambda: not desk.sockets.server.links)
        desk.names.gate.set()
        await asyncio.sleep(0)
        assert desk.users == {}


async def test_a_client_that_doesn_t_answer_pings_is_closed() -> None:
    async with (
        open_socket_desk(SOCKET_PING_INTERVAL_SECONDS="1", SOCKET_PING_TIMEOUT_SECONDS="1") as desk,
        connect(
            f"ws://127.0.0.1:{desk.port}/ws/?EIO=4&transport=websocket", proxy=None
        ) as connection,
    ):
        await connection.send("40")
        frames = []
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(30):
                while True:
                    frames.append(await connection.recv())
        assert "2" in frames
        assert connection.close_reason == NO_PONG


async def test_a_client_that_answers_pings_stays() -> None:
    async with (
        open_socket_desk(SOCKET_PING_INTERVAL_SECONDS="1", SOCKET_PING_TIMEOUT_SECONDS="1") as desk,
        socket_client(desk.port) as client,
    ):
        await client.until(lambda: len(client.heard("heartbeat")) >= 4)
        assert await client.ok("ping")


async def test_heartbeat_says_what_was_queued_to_this_socket() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port) as nobody,
    ):
        await ann.ok("subscribe:market", {"slug": "rain"})
        await ann.ok("order:place", order("BUY YES 1 @ 0.50"))
        desk.sockets.heart.beat(0)
        await ann.until(lambda: ann.heard("heartbeat"))
        await nobody.until(lambda: nobody.heard("heartbeat"))
        beat = ann.heard("heartbeat")[0]
        assert (beat["markets"], beat["accountSeq"], beat["epoch"]) == (
            [{"marketId": "1", "seq": 2, "tradeNo": 0}],
            3,
            7,
        )
        silent = nobody.heard("heartbeat")[0]
        assert (silent["markets"], silent["accountSeq"]) == ([], None)


async def test_a_heartbeat_that_cannot_be_made_ends_one_socket_and_not_the_heart() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port) as odd,
        socket_client(desk.port) as other,
    ):
        await odd.ok("subscribe:market", {"slug": "rain"})
        desk.rooms.markets.clear()
        assert await ended(odd) == (1012, UNTOLD)
        beats = len(other.heard("heartbeat"))
        await other.until(lambda: len(other.heard("heartbeat")) >= beats + 2)
        assert desk.log.getvalue().count("KeyError") == 1


async def test_draining_says_goodbye_and_takes_nobody_more() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await desk.sockets.drain()
        assert await ended(client) == (1012, SHUTTING_DOWN)
        with pytest.raises(InvalidStatus, match="503"):
            async with raw_client(desk.port):
                pass


async def test_draining_answers_what_waits_and_refuses_what_comes() -> None:
    async with open_socket_desk(commit_seconds=0.3) as desk, socket_client(desk.port, "1") as ann:
        waiting = ann.emit("order:place", order("BUY YES 1 @ 0.50"))
        await eventually(lambda: desk.engine.commands)
        drained = asyncio.create_task(desk.sockets.drain())
        await eventually(lambda: all(link.is_draining for link in desk.sockets.server.links))
        refusal = await ann.refusal("order:place", order("BUY YES 1 @ 0.50"))
        assert refusal["code"] == "UNAVAILABLE"
        assert (await waiting)["ok"]
        await drained
        assert await ended(ann) == (1012, SHUTTING_DOWN)
        assert len(desk.engine.commands) == 1


async def test_a_heart_that_fails_is_said_at_once_and_beats_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, failed = Heartbeat.run, list[bool]()

    async def fail_once(heart: Heartbeat, check_in: CheckIn) -> None:
        if not failed:
            failed.append(True)
            raise ZeroDivisionError
        await run(heart, check_in)

    monkeypatch.setattr(Heartbeat, "run", fail_once)
    drained: list[bool] = []
    async with open_socket_desk() as desk:
        monkeypatch.setattr(desk.sockets, "drain", partial(_note, drained))
        await eventually(lambda: "work failed, it is started again" in desk.log.getvalue())
        figure = "job_last_success_timestamp_seconds", {"job": "heartbeat"}
        await eventually(lambda: desk.metrics.registry.get_sample_value(*figure))
    assert drained == [True, True]  # by the desk, and at the end of the sockets' block


async def _note(drained: list[bool]) -> None:
    drained.append(True)


async def test_nothing_is_left_of_a_socket_that_is_gone() -> None:
    async with open_socket_desk() as desk:
        async with socket_client(desk.port, "1") as client:
            await client.ok("subscribe:market", {"slug": "rain"})
            assert desk.metric("websocket_connections_total") == 1
        library = desk.sockets.library
        await eventually(lambda: not desk.sockets.server.links)
        found = (desk.rooms.markets, desk.users, library.environ, library.eio.sockets)
        assert found == ({}, {}, {}, {})
        assert (library.manager.rooms, desk.metric("websocket_connections_total")) == ({}, 0)
        assert desk.metric("websocket_messages_total", direction="in") == 1
        assert desk.metric("websocket_messages_total", direction="out") > 0


async def test_a_client_cut_off_without_a_word_is_forgotten(desk_of_one: SocketDesk) -> None:
    async with raw_client(desk_of_one.port) as client:
        await client.join({"token": "1"})
        client.connection.transport.abort()
        await eventually(lambda: not desk_of_one.sockets.server.links)


@pytest.fixture
async def desk_of_one() -> AsyncIterator[SocketDesk]:
    async with open_socket_desk(people=1) as desk:
        yield desk
