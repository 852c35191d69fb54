"""A server with short deadlines before an application that can do anything, and raw clients."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access.connections import ConnectionState
from gateway.http.reading.bodies import BODY_HAS_COME, BodyReader
from gateway.http.reading.held_flow import GOES_ON
from gateway.http.request import Stream
from gateway.http.responses import send_body, send_stream
from tests.gateway.socket_desk import SocketDesk, open_socket_desk

SHORT = {
    "REQUEST_HEAD_TIMEOUT_SECONDS": "0.4",
    "REQUEST_BODY_TIMEOUT_SECONDS": "0.4",
    "REQUEST_ANSWER_TIMEOUT_SECONDS": "0.4",
    "ANSWER_READ_TIMEOUT_SECONDS": "0.4",
    "HTTP_KEEP_ALIVE_SECONDS": "1",
    "SHUTDOWN_TIMEOUT_SECONDS": "1",
    "SOCKET_CONNECT_TIMEOUT_SECONDS": "0.4",
    "SOCKET_PING_INTERVAL_SECONDS": "0.2",
    "SOCKET_PING_TIMEOUT_SECONDS": "0.2",
}
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
GET = HEAD + b"\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = 8_000_000


class Front:
    """An application with a path for each way to answer."""

    def __init__(self, sockets: ASGIApp) -> None:
        self.sockets = sockets
        self.gate = asyncio.Event()
        self.streams: list[str] = []
        """What became of streams: stopped, closed."""
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.seen.append(path)
        if path.startswith("/ws"):
            await self.sockets(scope, receive, send)
        elif path in {"/slow", "/hang"}:
            await self.gate.wait()
            await answer(send, b"late")
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif path in {"/long", "/stalls", "/breaks"}:
            await self._stream(path, scope, receive, send)
        elif path == "/body":
            body = scope["extensions"].get(BODY_HAS_COME)
            if body is None:
                body = await BodyReader(65_536, 5).read(dict(scope["headers"]), receive)
            await answer(send, b"%d" % len(body))
        else:
            await answer(send, b"x" * BIG if path == "/big" else b"ok")

    async def _stream(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in parts, which come more slowly than an answer may, or not all of them."""

        async def parts() -> AsyncIterator[bytes]:
            for number in range(8):
                yield b"part"
                await asyncio.sleep(0.15)
                if number == 2 and path == "/breaks":
                    raise RuntimeError("no more")
                if number == 2 and path == "/stalls":
                    await self.gate.wait()

        async def close() -> None:
            self.streams.append("closed")

        goes_on = partial(scope["extensions"][GOES_ON], ConnectionState.ANSWER)
        stream = Stream("text/csv", "a.csv", parts(), lambda: self.streams.append("stopped"), close)
        with contextlib.suppress(RuntimeError):
            await send_stream(receive, send, 200, stream, goes_on)


async def answer(send: Callable[[Message], Awaitable[None]], body: bytes) -> None:
    await send_body(send, 200, b"text/plain", body)


class Raw:
    """A connection by hand, with a small window."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self.loop.sock_sendall(self.connection, data)

    def trickle(self, data: bytes) -> None:
        """Send a byte again and again, for as long as the server takes it."""

        async def go_on() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await self.loop.sock_sendall(self.connection, data)
                    await asyncio.sleep(0.05)

        self.run(go_on())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something meanwhile, until the connection is closed here."""
        self._tasks.add(self.loop.create_task(work))

    async def until(self, mark: bytes) -> bytes:
        """Read until what came ends with or holds a mark; AssertionError at the end before."""
        found = b""
        async with asyncio.timeout(30):
            while mark not in found:
                more = await self.loop.sock_recv(self.connection, 65_536)
                assert more, found
                found += more
        return found

    async def rest(self) -> bytes:
        """Read to the end of the connection."""
        found = b""
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionError):
                while more := await self.loop.sock_recv(self.connection, 65_536):
                    found += more
        return found

    async def upgrade(self, path: str = "/ws/", *headers: bytes, key: str = "") -> None:
        """Ask for a WebSocket."""
        key = key or base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path}?EIO=4&transport=websocket HTTP/1.1".encode(),
            b"Host: x",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}".encode(),
            *headers,
        ]
        await self.send(b"\r\n".join(lines) + b"\r\n\r\n")

    async def open(self, *texts: str) -> None:
        """Open a socket and send text frames."""
        await self.upgrade()
        await self.until(b"pingInterval")
        for text in texts:
            await self.send(frame(text.encode()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.connection.close()


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    """A client's frame under the mask 0."""
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + bytes(4) + payload
    return head + b"\xfe" + struct.pack("!H", len(payload)) + bytes(4) + payload


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    """Connect."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    made = Raw(connection)
    try:
        await made.loop.sock_connect(connection, ("127.0.0.1", port))
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def open_front(**changes: Any) -> AsyncIterator[tuple[SocketDesk, Front]]:
    """Serve the application and the sockets behind it."""
    made: list[Front] = []

    def around(sockets: ASGIApp) -> ASGIApp:
        made.append(Front(sockets))
        return made[0]

    async with open_socket_desk(around=around, **changes) as desk:
        try:
            yield desk, made[0]
        finally:
            made[0].gate.set()


def refusal(answers: bytes) -> tuple[int, Any]:
    """The status of the last of several answers, and the field (or code) that it names."""
    head, _, body = answers.rpartition(b"\r\n\r\n")
    status = int(head.rpartition(b"HTTP/1.1 ")[2][:3])
    error = json.loads(body)["error"]
    return status, error["details"][0]["field"] if error["details"] else error["code"]
