"""Connections as attackers make them: bytes over TCP from an address of one's choice, and nothing
that a library would refuse to send.

Laws: an attack knows its time and keeps trying until it is over, as an attacker would: whoever is
thrown out comes again. What the server answers is read and thrown away unless an attack says
otherwise, so that nobody is slow by accident.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, cast

import msgspec

TEXT: Final = 0x1
BINARY: Final = 0x2
CONTINUATION: Final = 0x0
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
TEN: Final = 10
COME_AGAIN_SECONDS: Final = 0.02
_BROKEN: Final = (OSError, EOFError, asyncio.TimeoutError)
_SHORT: Final = 126
_LONG: Final = 0x1_0000
_READ_BYTES: Final = 0x1_0000


class Account(msgspec.Struct, frozen=True):
    """Somebody with an account, at an address of their own."""

    address: str
    email: str
    token: str


class Target(msgspec.Struct, frozen=True):
    """What an attacker knows."""

    port: int
    market: str
    address: str
    """Where a stranger comes from."""
    seconds: float
    accounts: tuple[Account, ...]
    """The attacker's own."""
    victim: Account
    """Whose password is guessed."""
    password: str
    """Of all of them."""


class Attack(NamedTuple):
    """What is done, and how many accounts of one's own it takes."""

    run: Callable[[Target], Awaitable[object]]
    accounts: int = 0


class Line:
    """One connection: what is sent waits only for the kernel to take it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, target: Target, source: str, *, deaf: bool = False) -> "Line":
        """Connect from an address; a deaf line never reads, and the kernel keeps little for it."""
        own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        own.setblocking(False)
        if deaf:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        try:
            own.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", target.port))
            line = cls(*await asyncio.open_connection(sock=own))
        except BaseException:
            own.close()
            raise
        if deaf:
            cast("asyncio.Transport", line._writer.transport).pause_reading()
        return line

    async def send(self, data: bytes) -> None:
        """Send bytes; waits as long as the server doesn't take them."""
        self._writer.write(data)
        await self._writer.drain()

    def read_away(self) -> None:
        """Read whatever comes from now on and throw it away."""
        self._drain = asyncio.create_task(self._read_away())

    async def _read_away(self) -> None:
        with contextlib.suppress(*_BROKEN):
            while await self.reader.read(_READ_BYTES):
                pass

    async def ended(self) -> None:
        """Wait until the server has closed; after `read_away` only."""
        if self._drain is not None:
            await asyncio.shield(self._drain)

    async def answer(self) -> int:
        """Read one HTTP answer and return its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for row in head.split(b"\r\n")[1:]:
            name, _, value = row.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        await self.reader.readexactly(length)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """End the connection at once."""
        if self._drain is not None:
            self._drain.cancel()
        self._writer.transport.abort()


def request(method: str, path: str, *headers: str, body: bytes = b"", token: str = "") -> bytes:
    """Return the bytes of one request."""
    rows = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if token:
        rows.append(f"Authorization: Bearer {token}")
    if body:
        rows += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*rows, "", ""]).encode("latin-1") + body


def frame(payload: bytes | str, kind: int = TEXT, *, is_last: bool = True) -> bytes:
    """Return one WebSocket frame of a client, masked with zeros."""
    data = payload.encode() if isinstance(payload, str) else payload
    first = bytes([kind | (0x80 if is_last else 0)])
    if len(data) < _SHORT:
        size = bytes([0x80 | len(data)])
    elif len(data) < _LONG:
        size = bytes([0x80 | _SHORT]) + len(data).to_bytes(2, "big")
    else:
        size = bytes([0x80 | (_SHORT + 1)]) + len(data).to_bytes(8, "big")
    return first + size + b"\0\0\0\0" + data


def upgrade(*headers: str) -> bytes:
    """Return the request that opens a socket."""
    return request(
        "GET",
        "/ws/?EIO=4&transport=websocket",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    )


async def open_socket(target: Target, source: str, *, deaf: bool = False) -> Line:
    """Open a socket; raises ConnectionError if it is refused."""
    line = await Line.open(target, source, deaf=deaf)
    try:
        await line.send(upgrade())
        if deaf:
            return line
        head = await line.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionRefusedError(head)
    except BaseException:
        line.close()
        raise
    return line


async def until_over(target: Target, strike: Callable[[], Awaitable[None]]) -> None:
    """Strike again and again until the time is over, whatever the server does about it."""
    ends = time.monotonic() + target.seconds
    while (left := ends - time.monotonic()) > 0:
        with contextlib.suppress(*_BROKEN):
            await asyncio.wait_for(strike(), left)
        await asyncio.sleep(COME_AGAIN_SECONDS)


async def in_parallel(count: int, target: Target, strike: Callable[[int], Awaitable[None]]) -> None:
    """Strike from so many connections at once, each told its number, until the time is over."""

    def numbered(number: int) -> Callable[[], Awaitable[None]]:
        return lambda: strike(number)

    await asyncio.gather(*(until_over(target, numbered(number)) for number in range(count)))


async def hold(target: Target) -> None:
    """Do nothing more for as long as the attack lasts."""
    await asyncio.sleep(target.seconds)
