"""A client's frames: cut where they end, however they come, and read only if they are plain."""

import asyncio
import contextlib
import random
import socket

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode

from gateway.sockets.framing.client_frames import ClientFrames
from gateway.sockets.framing.transport import SocketTransport, transport_of
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk

LONGEST = 70_000


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=True)


@pytest.mark.parametrize("length", [0, 1, 3, 125, 126, 127, 65_535, 65_536, LONGEST])
def test_text_of_any_length_comes_out(length: int) -> None:
    text = "42" + "é" * (length // 2)
    frame = masked(Opcode.TEXT, text.encode())
    assert list(ClientFrames(2 * LONGEST).cut(frame)) == [(frame, text)]


@pytest.mark.parametrize(
    "frame",
    [
        masked(Opcode.PING, b"42[]"),
        masked(Opcode.PONG, b""),
        masked(Opcode.CLOSE, b"\x03\xe8"),
        masked(Opcode.BINARY, b"42[]"),
        masked(Opcode.TEXT, b"42", fin=False),
        masked(Opcode.CONT, b"[]"),
        b"\xc1" + masked(Opcode.TEXT, b"42[]")[1:],
        masked(Opcode.TEXT, b"42\xff"),
        Frame(Opcode.TEXT, b"42[]").serialize(mask=False),
    ],
    # The masks are random: without names each process would call the cases differently.
    ids=[
        "ping",
        "pong",
        "close",
        "binary",
        "first-part",
        "next-part",
        "reserved-bit",
        "no-utf-8",
        "unmasked",
    ],
)
def test_what_is_not_a_plain_text_is_left_to_the_library(frame: bytes) -> None:
    behind = masked(Opcode.TEXT, b"42[1]")
    assert list(ClientFrames(LONGEST).cut(frame + behind)) == [(frame, None), (behind, "42[1]")]


@pytest.mark.parametrize("length", [11, 126, 65_536, 2**62])
def test_frame_over_the_bound_is_handed_on_as_it_begins(length: int) -> None:
    form = length.to_bytes(1 if length < 126 else 2 if length < 2**16 else 8, "big")
    head = b"\x81" + {1: b"", 2: b"\xfe", 8: b"\xff"}[len(form)] + form
    if len(form) == 1:
        head = bytes((0x81, 0x80 | length))
    frames = ClientFrames(10)
    assert list(frames.cut(head)) == [(head, None)]
    assert list(frames.cut(b"")) == []


def test_stream_may_come_in_any_pieces() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    sizes = [chance.choice([0, 1, 20, 125, 126, 300, 66_000]) for _ in range(60)]
    expected = []
    for number, size in enumerate(sizes):
        opcode = chance.choice([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY])
        payload = f"{number}:".encode() + b"x" * size
        text = payload.decode() if opcode is Opcode.TEXT else None
        expected.append((masked(opcode, payload), text))
    stream = b"".join(frame for frame, _ in expected)
    frames, found, at = ClientFrames(LONGEST), [], 0
    while at < len(stream):
        step = chance.choice([1, 2, 3, 7, 150, 5_000])
        found += list(frames.cut(stream[at : at + step]))
        at += step
    assert found == expected


async def test_events_keep_their_order_around_fragments_and_namespaces() -> None:
    """Some are read at once and some by way of ASGI; the acks come in the order of the events."""
    async with open_socket_desk() as desk, socket_client(desk.port) as ann:
        frames: list[str] = []
        desk.names.gate.clear()

        def numbered(number: int, namespace: str = "") -> bytes:
            return f'42{namespace}{number}["ping"]'.encode()

        stream = masked(Opcode.TEXT, numbered(1))
        stream += masked(Opcode.TEXT, numbered(2)[:4], fin=False)
        stream += masked(Opcode.PING, b"between")
        stream += masked(Opcode.CONT, numbered(2)[4:])
        stream += masked(Opcode.TEXT, numbered(3))
        stream += masked(Opcode.TEXT, b'40/ws,{"token":"1"}')
        stream += masked(Opcode.TEXT, numbered(4, "/ws,"))
        stream += masked(Opcode.TEXT, numbered(5))
        ann._take = frames.append  # type: ignore[method-assign,assignment]
        transport = ann.connection.transport
        transport.write(stream)
        transport.write(masked(Opcode.TEXT, numbered(6)))
        await asyncio.sleep(0)
        desk.names.gate.set()
        while sum(frame.startswith("43") for frame in frames) < 6:  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0.005)
        heads = [frame.partition("[")[0] for frame in frames if frame.startswith("43")]
        assert heads == ["431", "432", "433", "43/ws,4", "435", "436"]


async def test_client_that_does_not_wait_for_the_handshake_is_read_by_the_library() -> None:
    """It may be in the middle of a frame when the application accepts."""
    called, gate = asyncio.Event(), asyncio.Event()
    transports: list[SocketTransport] = []
    heard: list[tuple[str, str]] = []

    def take(text: str) -> bool:
        heard.append(("at once", text))
        return True

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        transports.append(transport_of(scope["extensions"]))
        called.set()
        await gate.wait()
        await send({"type": "websocket.accept"})
        transports[0].read_by(take)
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(("by ASGI", message["text"]))

    config = uvicorn.Config(app, ws=SocketTransport, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        host, port = listening.getsockname()
        while not server.started:  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await called.wait()
        one, two, three = (masked(Opcode.TEXT, text) for text in (b"42[1]", b"42[2]", b"42[3]"))
        writer.write(one + two[:3])
        while transports[0].queue.empty():  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0.005)
        gate.set()
        await reader.readuntil(b"\r\n\r\n")
        writer.write(two[3:] + three)
        while len(heard) < 3:  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0.005)
        writer.close()
        server.should_exit = True
        await serving
    assert heard == [("by ASGI", f"42[{number}]") for number in (1, 2, 3)]


def test_a_long_frame_counts_as_several() -> None:
    frames = ClientFrames(longest=16_384)
    long, short = masked(Opcode.TEXT, b"x" * 16_000), masked(Opcode.TEXT, b"x")
    assert len(list(frames.cut(long * 2 + short * 40, most=32))) == 1
    assert len(list(frames.cut(b"", most=32))) == 1
    assert len(list(frames.cut(b"", most=32))) == 32
    assert frames.has_more
    assert len(list(frames.cut(b"", most=32))) == 8
    assert not frames.has_more


def test_a_turn_ends_by_the_clock_after_one_frame_at_least() -> None:
    frames = ClientFrames(LONGEST)
    stream = masked(Opcode.TEXT, b"42[1]") * 3
    assert len(list(frames.cut(stream, most=32, ends_at=0.0))) == 1
    assert frames.has_more
    assert len(list(frames.cut(b"", most=32, ends_at=0.0))) == 1
    assert len(list(frames.cut(b"", most=32))) == 1
    assert not frames.has_more
