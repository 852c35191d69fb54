"""Somebody's own server that is told something: it speaks TLS on loopback and answers as set."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.outbound.public import PublicOutbound
from tests.gateway.outbound.certificates import contexts_for

NAME = "hooks.example.com"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """What came, and what is answered; `names` are those the TLS greeting asked for."""

    port: int
    trust: ssl.SSLContext
    answer: bytes = OK
    hangs: bool = False
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook?a=1"

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.asked_for.append(host)
        return ["127.0.0.1"]

    def outbound(self, timeout_s: float = 30.0) -> PublicOutbound:
        """Return what takes this machine for the public internet."""
        return PublicOutbound(
            timeout_s, resolve=self.resolve, is_public=lambda _: True, trust=self.trust
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            sizes = [line for line in head.lower().split(b"\r\n") if b"content-length:" in line]
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(int(sizes[0].split(b":")[1])))
            if self.hangs:
                await reader.read()
            writer.write(self.answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[Receiver]:
    serves, trust = contexts_for(NAME, folder)
    receiver = Receiver(0, trust)
    serves.sni_callback = lambda _socket, name, _context: receiver.names.append(name)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=serves)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
