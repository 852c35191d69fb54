"""A line between Socket.IO clients and their server that loses, doubles and reorders messages.

    client ── port ──┬── REST, byte by byte ──────────────────────┬── server
                     └── WebSocket ── message by message, or not ─┘

Laws: what makes a connection (Engine.IO's handshake, pings, joining a namespace) passes; of all
other messages, acknowledgements included and in both directions, each is lost, said twice or held
back behind the next one by chance, unless the line is `fair`; nothing is changed. What it did is
counted.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Final, Self

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve

HELD_SECONDS: Final = 0.2
"""What is held back and has nothing behind it comes after so long."""
_READ_BYTES: Final = 65_536
_KINDS: Final = ("42", "43")
"""Socket.IO's events and acknowledgements, behind Engine.IO's mark of a message."""


class HostileLine:
    """A port of its own that leads to the server's, for as long as the `async with` lasts."""

    def __init__(self, server_port: int, seed: int, chance: float = 0.01) -> None:
        """Do each of the three harms with this chance."""
        self._port = server_port
        self._dice = random.Random(seed)
        self._chance = chance
        self._sockets: Server | None = None
        self._door: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.fair = False
        self.did: Counter[str] = Counter()
        """lost, doubled, held; and passed for all that went on."""
        self.lose_next: str | None = None
        """The next message of the server that holds this text is lost, whatever chance says."""
        self.beats = 0
        """Heartbeats that went on."""

    async def __aenter__(self) -> Self:
        local = "127.0.0.1"
        self._sockets = await serve(self._accept, local, 0, compression=None, max_size=None)
        self._door = await asyncio.start_server(self._open, local, 0)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._sockets is not None
        assert self._door is not None
        self._door.close()
        self._sockets.close()
        await self._sockets.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._door.wait_closed()

    @property
    def port(self) -> int:
        assert self._door is not None
        return _port_of(self._door)

    # -- connections ----------------------------------------------------------------------------

    def _open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._lead(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead a connection to where its first line belongs, and pass everything on."""
        with suppress(OSError):
            first = await reader.readline()
            assert self._sockets is not None
            port = _port_of(self._sockets) if first.startswith(b"GET /ws") else self._port
            there, back = await asyncio.open_connection("127.0.0.1", port)
            back.write(first)
            ways = [
                asyncio.create_task(_pipe(reader, back)),
                asyncio.create_task(_pipe(there, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                back.close()
        writer.close()

    # -- messages -------------------------------------------------------------------------------

    async def _accept(self, client: ServerConnection) -> None:
        assert client.request is not None
        url = f"ws://127.0.0.1:{self._port}{client.request.path}"
        async with connect(url, compression=None, max_size=None, proxy=None) as server:
            ways = [
                asyncio.create_task(self._pass(client, server, of_server=False)),
                asyncio.create_task(self._pass(server, client, of_server=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self,
        source: ServerConnection | ClientConnection,
        target: ServerConnection | ClientConnection,
        *,
        of_server: bool,
    ) -> None:
        held: list[str | bytes] = []

        async def let_go() -> None:
            while held:
                await target.send(held.pop(0))

        with suppress(websockets.ConnectionClosed):
            while True:
                try:
                    async with asyncio.timeout(HELD_SECONDS if held else None):
                        message = await source.recv()
                except TimeoutError:
                    await let_go()
                    continue
                times = self._times(str(message), of_server=of_server)
                if times < 0 and not held:
                    held.append(message)
                    continue
                for _ in range(abs(times)):
                    await target.send(message)
                    self.beats += of_server and '["heartbeat"' in str(message)[:40]
                await let_go()

    def _times(self, message: str, *, of_server: bool) -> int:
        """Return how often a message goes on; -1: once, but behind the next one."""
        if not message.startswith(_KINDS):
            return 1
        if of_server and self.lose_next is not None and self.lose_next in message:
            self.lose_next = None
            self.did["lost"] += 1
            return 0
        self.did["passed"] += 1
        if self.fair:
            return 1
        for harm, times in (("lost", 0), ("doubled", 2), ("held", -1)):
            if self._dice.random() < self._chance:
                self.did[harm] += 1
                return times
        return 1


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_READ_BYTES):
        writer.write(data)
        await writer.drain()


def _port_of(server: Server | asyncio.Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
