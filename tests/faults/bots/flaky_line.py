"""A line between programs and their server, which a test cuts, hushes or makes swallow answers.

Laws: every byte passes unchanged and in order until the test says otherwise; what the test does
befalls the connections of that moment, later ones are whole.
"""

import asyncio
import contextlib
from typing import Final, Self

_READ_BYTES: Final = 65_536


class _Connection:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = (client, server)
        self.is_silent = self.loses_answers = False

    def cut(self) -> None:
        for end in self.ends:
            end.transport.abort()


class FlakyLine:
    """A port of its own that leads to the server's, for as long as the `async with` lasts."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()
        await self._listener.wait_closed()
        await asyncio.gather(*self._tasks)

    @property
    def url(self) -> str:
        assert self._listener is not None
        return f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    # -- what can befall it -------------------------------------------------------------------

    def cut(self) -> None:
        """End every connection at once, without a word."""
        for connection in list(self._connections):
            connection.cut()

    def hush(self) -> None:
        """Let nothing through any more, and keep the connections."""
        for connection in self._connections:
            connection.is_silent = True

    def lose_answers(self) -> None:
        """Let no answer through any more; what is sent arrives, and then the connection is cut."""
        for connection in self._connections:
            connection.loses_answers = True

    # -- passing on ---------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:  # the server is down
            writer.transport.abort()
            return
        connection = _Connection(writer, back)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pass(connection, reader, back, is_answer=False),
                self._pass(connection, there, writer, is_answer=True),
            )
        finally:
            self._connections.discard(connection)
            for end in connection.ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pass(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_answer: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                if connection.is_silent or (connection.loses_answers and is_answer):
                    continue
                writer.write(data)
                await writer.drain()
                if connection.loses_answers:
                    # The server has it and reads on; nobody will hear what came of it.
                    connection.ends[0].transport.abort()
                    writer.close()
                    return
        if not connection.is_silent:
            connection.cut()
