"""A port on which somebody answers between the end of a process and its successor."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gateway.cli import stand_in
from gateway.cli.stand_in import (
    CONNECTIONS_MAX,
    HEAD_MAX_BYTES,
    SECONDS,
    StandIn,
)
from gateway.cli.waiting import answers_of_a_start
from tests.measured import slowness

START_S = 10.0
LONG_S = 600.0
_GET = b"GET %s HTTP/1.1\r\nHost: probity\r\n\r\n"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(stand_in.CONNECTIONS_MAX * 4)
        yield made


@pytest.fixture
def stands(listening: socket.socket) -> Iterator[StandIn]:
    made = StandIn(listening, *answers_of_a_start(), LONG_S)
    yield made
    made.end()


async def asked(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send so much and read to the end; return the head and the body of the answer."""
    async with asyncio.timeout(START_S * slowness()):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


@pytest.mark.usefixtures("stands")
async def test_everything_but_health_is_not_now(listening: socket.socket) -> None:
    port = port_of(listening)
    head, body = await asked(port, _GET % b"/health")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["data"] == {"status": "waiting"}
    order = b"POST /api/v1/orders/rain HTTP/1.1\r\nContent-Length: 90000\r\n\r\n" + b"a" * 90_000
    for request in (_GET % b"/ready", order):
        head, body = await asked(port, request)
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1" in head
        assert b"\r\ncontent-length: %d\r\n" % len(body) in head
        assert json.loads(body)["error"]["code"] == "UNAVAILABLE"
    assert (await asked(port, b"HEAD / HTTP/1.1\r\n\r\n"))[1] == b""


@pytest.mark.usefixtures("stands")
async def test_a_stranger_has_so_much_and_so_long(listening: socket.socket) -> None:
    """One that says nothing is sent away, and a head without an end is answered."""
    port = port_of(listening)
    await asked(port, _GET % b"/")
    began = time.monotonic()
    assert await asked(port, b"GET / HTTP/1.1\r\n") == (b"", b"")
    assert SECONDS * 0.9 < time.monotonic() - began < (SECONDS + 1) * slowness()
    head, _ = await asked(port, b"x" * HEAD_MAX_BYTES)
    assert head.startswith(b"HTTP/1.1 503 ")


@pytest.mark.usefixtures("stands")
async def test_of_too_many_the_others_wait_their_turn(listening: socket.socket) -> None:
    port = port_of(listening)
    await asked(port, _GET % b"/")
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]
    began = time.monotonic()
    head, _ = await asked(port, _GET % b"/")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert time.monotonic() - began > SECONDS / 2, "it waited until one of the silent had gone"
    for _, writer in silent:
        writer.close()


def test_it_stands_in_for_no_process_that_never_comes_to_its_end(listening: socket.socket) -> None:
    """Whoever watches over that would take it for alive for ever."""
    made = StandIn(listening, *answers_of_a_start(), 0.1)
    assert made._process.wait(START_S * slowness()) == 0
    made.end()


async def test_who_comes_at_its_end_is_answered_or_left_to_the_process_that_follows(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By both at once: it is told to end, and somebody is there to be accepted."""
    listening.setblocking(False)
    reading, writing = os.pipe()
    with os.fdopen(reading) as told, socket.socket() as stranger:
        monkeypatch.setattr(sys, "stdin", told)
        standing = asyncio.create_task(
            stand_in._stand_in(listening.dup(), b"a\r\n\r\n", b"b\r\n\r\n", LONG_S)
        )
        for _ in range(5):  # it waits for both by then
            await asyncio.sleep(0)
        os.close(writing)
        stranger.settimeout(START_S)
        stranger.connect(listening.getsockname())
        stranger.sendall(_GET % b"/")
        stranger.shutdown(socket.SHUT_WR)
        await standing
        with contextlib.suppress(BlockingIOError):
            left, _ = listening.accept()
            left.sendall(b"left\r\n\r\n")
            left.close()
        assert stranger.recv(100) in {b"b\r\n\r\n", b"left\r\n\r\n"}


_FOLLOWED = """
import os, socket, sys
from gateway.cli.stand_in import StandIn
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen()
stand_in = StandIn(listening, b"a\\r\\n\\r\\n", b"between\\r\\n\\r\\n", 600)
print(listening.getsockname()[1], flush=True)
listening.close()
sys.stdin.readline()
program = [sys.executable, "-c", sys.argv[1]]
os.execve(sys.executable, program, {**os.environ, **stand_in.leave()})
"""
_FOLLOWS = """
import os
from gateway.cli.stand_in import LEFT, kept_socket, relieve
pid = int(os.environ[LEFT].split(",")[2])
listening = kept_socket()
relieve()
relieve()
assert kept_socket() is None and LEFT not in os.environ
while os.path.exists(f"/proc/{pid}"):
    pass
listening.setblocking(True)
connection, _ = listening.accept()
connection.recv(1_000)
connection.sendall(b"behind\\r\\n\\r\\n")
connection.close()
"""


async def test_it_goes_when_the_process_that_follows_is_there() -> None:
    """That has the socket, so whoever comes at that moment waits for it and isn't refused."""
    with subprocess.Popen(
        [sys.executable, "-c", _FOLLOWED, _FOLLOWS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(await asyncio.to_thread(process.stdout.readline))
        assert await asked(port, _GET % b"/") == (b"between", b"")
        process.stdin.write(b"\n")
        process.stdin.close()
        answers: list[bytes] = []
        while answers[-1:] != [b"behind"]:
            answers.append((await asked(port, _GET % b"/"))[0])
        # Whichever of the two it is, somebody answers.
        assert set(answers) <= {b"between", b"behind"}
        assert await asyncio.to_thread(process.wait, START_S) == 0


_DIES = """
import os, socket, sys
from gateway.cli.stand_in import StandIn
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", 0))
listening.listen()
StandIn(listening, b"a\\r\\n\\r\\n", b"b\\r\\n\\r\\n", 600)
print(listening.getsockname()[1], flush=True)
sys.stdin.readline()
os.kill(os.getpid(), 9)
"""


async def test_it_dies_with_the_process_it_stands_in_for() -> None:
    """However that ends: the port is free for whoever is started then."""
    process = subprocess.Popen(
        [sys.executable, "-c", _DIES], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await asyncio.to_thread(process.stdout.readline))
    assert await asked(port, _GET % b"/health") == (b"a", b"")
    await asyncio.to_thread(process.communicate, b"\n")
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(OSError), socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(("127.0.0.1", port))
                return
            await asyncio.sleep(0.01)
