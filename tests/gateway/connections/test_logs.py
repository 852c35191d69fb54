"""What strangers do is no fault of ours: no error line, whatever they send or don't read."""

import io
import json
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from gateway.access.client_address import ClientAddresses
from gateway.http.edge import Edge
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.gateway.connections.wire import GET, Front, Raw, frame, raw
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.waiting import eventually


async def refused_handshake(peer: Raw) -> None:
    await peer.upgrade("/ws/", b"Origin: https://evil.example")
    await peer.rest()


async def path_without_sockets(peer: Raw) -> None:
    await peer.upgrade("/nowhere")
    await peer.rest()


async def wrong_engine(peer: Raw) -> None:
    await peer.send(
        b"GET /ws/?EIO=3 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await peer.rest()


async def other_upgrade(peer: Raw) -> None:
    await peer.send(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    await peer.until(b"ok")


async def no_http(peer: Raw) -> None:
    await peer.send(b"\x16\x03\x01\x02\x00\r\n\r\n")
    await peer.rest()


async def bad_utf8(peer: Raw) -> None:
    await peer.open("40")
    await peer.send(frame(b"42\xff\xfe"))
    await peer.rest()


async def bad_utf8_in_parts(peer: Raw) -> None:
    await peer.open("40")
    await peer.send(frame(b"42\xc3", fin=False) + frame(b"\x28", 0))
    await peer.rest()


async def frames_before_the_answer(peer: Raw) -> None:
    await peer.upgrade()
    await peer.send(b"\xff\xff\xff" * 20)
    await peer.rest()


async def broken_frames(peer: Raw) -> None:
    await peer.open("40")
    await peer.send(b"\x8f\x80\x00\x00\x00\x00")
    await peer.rest()


async def goes_away_in_the_handshake(peer: Raw) -> None:
    await peer.upgrade()
    peer.connection.close()


async def goes_away_while_answered(peer: Raw) -> None:
    await peer.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    await peer.until(b"x")
    peer.connection.close()


async def goes_away_in_a_body(peer: Raw) -> None:
    await peer.send(
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 9\r\n\r\n"
    )
    peer.connection.close()


STRANGERS = (
    refused_handshake,
    path_without_sockets,
    wrong_engine,
    other_upgrade,
    no_http,
    bad_utf8,
    bad_utf8_in_parts,
    frames_before_the_answer,
    broken_frames,
    goes_away_in_the_handshake,
    goes_away_while_answered,
    goes_away_in_a_body,
)


def edge(log: io.StringIO) -> Any:
    metrics = Metrics()

    def around(sockets: ASGIApp) -> ASGIApp:
        logger = configure_logs("debug", log)
        addresses = ClientAddresses(())
        return Edge(Front(sockets), addresses, metrics.http, logger, ErrorReports(None))

    return around


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.__name__)
async def test_strangers_write_no_errors(stranger: Any) -> None:
    log = io.StringIO()
    async with open_socket_desk(around=edge(log)) as desk:
        async with raw(desk.port) as peer:
            await stranger(peer)
        await eventually(lambda: desk.open_connections == 0)
    lines = [json.loads(line) for line in (log.getvalue() + desk.log.getvalue()).splitlines()]
    assert [line for line in lines if line["level"] not in {"debug", "info"}] == []


async def test_a_socket_whose_client_has_gone_is_no_failure() -> None:
    log = io.StringIO()

    async def gone(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ClientDisconnected

    metrics, logger = Metrics(), configure_logs("debug", log)
    app = Edge(gone, ClientAddresses(()), metrics.http, logger, ErrorReports(None))
    scope: Scope = {"type": "websocket", "headers": [], "client": ("192.0.2.1", 1)}
    await app(scope, _nothing, _never)
    assert log.getvalue() == ""


async def _nothing() -> Any:
    return {"type": "websocket.connect"}


async def _never(_message: Any) -> None:
    raise AssertionError("nobody is left to tell")
