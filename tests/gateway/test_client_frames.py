"""A client's frames: cut where they end, however they come, and read only if they are plain."""

import asyncio
import random

import pytest
from websockets.frames import Frame, Opcode

from gateway.client_frames import ClientFrames
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
