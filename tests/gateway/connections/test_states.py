"""Every state of the table of connections: whoever stays in it is ended by its deadline.

Made from the table (`gateway/access/connections.py`): a state without a way into it here fails.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.access.connections import ROWS, ConnectionState, Row
from gateway.bootstrap.server import state_seconds
from gateway.bootstrap.settings import load_settings
from tests.gateway.connections.wire import (
    GET,
    HEAD,
    SHORT,
    SLOW,
    Front,
    Raw,
    frame,
    open_front,
    raw,
)
from tests.gateway.socket_desk import SocketDesk
from tests.gateway.sockets.test_slow import trade
from tests.gateway.waiting import eventually

State = ConnectionState
Way = Callable[[SocketDesk, Front, Raw], Awaitable[None]]
WAYS: dict[tuple[ConnectionState, str], Way] = {}
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def into(state: ConnectionState) -> Callable[[Way], Way]:
    def add(way: Way) -> Way:
        WAYS[state, way.__name__] = way
        return way

    return add


@into(State.HEAD)
async def nothing_is_sent(_desk: SocketDesk, _front: Front, _peer: Raw) -> None:
    pass


@into(State.HEAD)
async def a_head_stops_in_the_middle(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(HEAD)


@into(State.HEAD)
async def a_head_trickles(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(HEAD + b"x: ")
    peer.trickle(b"y")


@into(State.HEAD)
async def empty_lines_before_the_first_head(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    peer.trickle(b"\r\n")


@into(State.HEAD)
async def a_second_head_stops_in_the_middle(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(GET + HEAD)
    await peer.until(b"ok")


@into(State.BODY)
async def a_body_nobody_waits_for(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(POST + b"Content-Length: 9\r\n\r\n")
    await peer.until(b"ok")


@into(State.BODY)
async def a_body_trickles_behind_its_answer(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(POST + b"Content-Length: 9999\r\n\r\n")
    await peer.until(b"ok")
    peer.trickle(b"y")


@into(State.BODY)
async def chunks_without_end(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    await peer.until(b"ok")
    peer.trickle(b"1\r\ny\r\n")


@into(State.BODY)
async def trailers_without_end(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    await peer.until(b"ok")
    peer.trickle(b"a: b\r\n")


@into(State.ANSWER)
async def an_answer_takes_too_long(_desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.send(SLOW)
    await eventually(lambda: front.seen)


@into(State.ANSWER)
async def more_comes_meanwhile(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(SLOW)
    peer.trickle(GET)


@into(State.ANSWER)
async def a_body_trickles_that_nobody_reads(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(SLOW[:-2] + b"Content-Length: 9999\r\n\r\n")
    peer.trickle(b"y")


@into(State.UNREAD)
async def an_answer_is_not_read(_desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    await eventually(lambda: front.seen)


@into(State.UNREAD)
async def many_answers_are_not_read(_desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" + GET * 500)
    await eventually(lambda: front.seen)


@into(State.IDLE)
async def nothing_more_is_asked(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(GET)
    await peer.until(b"ok")


@into(State.IDLE)
async def one_empty_line(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(GET)
    await peer.until(b"ok")
    await peer.send(b"\r\n")


@into(State.IDLE)
async def empty_lines_without_end(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.send(GET)
    await peer.until(b"ok")
    peer.trickle(b"\r\n")


@into(State.CLOSING)
async def a_last_answer_is_not_read(_desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.send(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await eventually(lambda: front.seen)


@into(State.DRAINING)
async def the_process_ends_meanwhile(desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.send(SLOW)
    await eventually(lambda: front.seen)
    desk.server.should_exit = True


@into(State.HANDSHAKE)
async def a_handshake_is_not_answered(_desk: SocketDesk, front: Front, peer: Raw) -> None:
    await peer.upgrade("/hang")
    await eventually(lambda: front.seen)


@into(State.JOINING)
async def no_namespace_is_joined(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open()


@into(State.JOINING)
async def tokens_are_tried(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open()
    peer.trickle(frame(b'40{"token":"forged"}') + frame(b"", 9) + frame(b"3"))


@into(State.OPEN)
async def no_ping_is_answered(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("40")


@into(State.OPEN)
async def all_but_pings_is_answered(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("40")
    peer.trickle(frame(b'42["ping"]') + frame(b"", 10))


@into(State.OPEN)
async def a_namespace_is_left_and_joined_again(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("40", "40/ws,")
    peer.trickle(frame(b"41/ws,") + frame(b"40/ws,"))


@into(State.OPEN)
async def a_feed_is_read_now_and_then(desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("40")
    await peer.until(b'40{"sid"')
    (link,) = desk.sockets.server.links
    transport = link._transport

    async def read_now_and_then() -> None:
        while transport.deadline.state in {State.OPEN, State.SOCKET_UNREAD}:
            transport.pause_writing()
            await asyncio.sleep(0.03)
            transport.resume_writing()
            await asyncio.sleep(0.1)

    peer.run(read_now_and_then())


@into(State.SOCKET_UNREAD)
async def a_feed_is_not_read(desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("40", '42["subscribe:market",{"slug":"rain"}]')
    await peer.until(b"orderbook_update")
    (link,) = desk.sockets.server.links
    while link.outbound.flowing:
        trade(desk.engine)


@into(State.SOCKET_CLOSING)
async def a_close_is_not_answered(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("7")


@into(State.SOCKET_CLOSING)
async def a_peer_says_goodbye_and_reads_nothing(desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await a_feed_is_not_read(desk, _front, peer)
    await peer.send(frame(b"\x03\xe8", 8))


@into(State.SOCKET_CLOSING)
async def a_peer_speaks_on_behind_the_close(_desk: SocketDesk, _front: Front, peer: Raw) -> None:
    await peer.open("7")
    peer.trickle(frame(b'42["ping"]') + frame(b"", 9))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.access.connections.CLOSING_SECONDS", 0.4)
    monkeypatch.setattr("gateway.sockets.framing.transport.KERNEL_BUFFER_BYTES", 8_192)


@pytest.mark.parametrize("state", ConnectionState)
def test_each_state_is_in_the_table_and_has_a_way_into_it(state: ConnectionState) -> None:
    assert [row.state for row in ROWS].count(state) == 1
    assert any(found is state for found, _ in WAYS)


@pytest.mark.parametrize(("state", "way"), WAYS, ids=[f"{s.name}-{way}" for s, way in WAYS])
async def test_a_connection_ends_with_its_deadline(state: ConnectionState, way: str) -> None:
    async with open_front(**SHORT, SOCKET_SEND_QUEUE_SIZE=100_000) as (desk, front):
        async with raw(desk.port) as peer:
            await eventually(lambda: desk.open_connections == 1)
            await WAYS[state, way](desk, front, peer)
            if state is not State.DRAINING:
                assert desk.metric("connections_ended_total", reason=state.name.lower()) == 0
            await eventually(lambda: desk.open_connections == 0, 5)
            if state is not State.DRAINING:
                assert desk.metric("connections_ended_total", reason=state.name.lower()) == 1
        await eventually(lambda: not desk.sockets.server.links)


def test_the_table_takes_its_seconds_from_the_settings_it_names() -> None:
    seconds = state_seconds(load_settings(SHORT | {"SHUTDOWN_TIMEOUT_SECONDS": "7"}))
    assert seconds[State.HEAD] == 0.4
    assert seconds[State.DRAINING] == 7
    assert seconds[State.OPEN] == pytest.approx(1.4)
    assert seconds[State.CLOSING] == 0.4


def line(row: Row) -> str:
    names = " + ".join(f"`{name}`" for name in row.settings)
    fixed = f"{row.grace:.0f} s" if row.grace else ""
    deadline = " + ".join(part for part in (names, fixed) if part) or "5 s"
    return f"| {row.state.name} | {row.is_when} | {deadline} | {row.ends} | {row.budget} |"


def test_the_document_shows_the_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8")
    _, _, below = text.partition("## Connections\n")
    part = below.partition("\n## ")[0]
    shown = [found for found in part.splitlines() if re.match(r"\| [A-Z_]+ \|", found)]
    assert shown == [line(row) for row in ROWS]
