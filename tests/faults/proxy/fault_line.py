"""A line between any two processes that a test cuts, holds, delays, or cuts behind a certain byte.

    client ── TCP port of the line ──┬── up ──>─┬── TCP port or Unix socket of the server
                                     └─<─ down ─┘

Laws: every byte passes unchanged and in order until the test says otherwise. `hold` is a black
hole as TCP knows it: what was sent waits, and comes when the line heals, if both ends still live.
`lose` lets nothing of what is sent meanwhile arrive, ever. What befalls a whole line befalls the
connections that come later, too; what befalls some of them, named by what they said first, befalls
those alone. The line has a thread and a loop of its own, so that a test may wait for its server in
any way.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

_READ_BYTES: Final = 65_536
_OPENING_BYTES: Final = 4_096
_UNDER_WAY: Final = 1_024
"""Pieces that wait in one way; who sends more waits, as with a full window of TCP."""
_LOG_LINES: Final = 10_000
_LOOK_S: Final = 0.005
_SLOW_BYTES: Final = 1_024
"""Of a slow line pass at once."""
T = TypeVar("T")


@dataclass(slots=True)
class Trouble:
    """What befalls one way of a connection."""

    is_held: bool = False
    is_losing: bool = False
    delay_s: float = 0.0
    bytes_per_s: float = math.inf
    cut_at: int | None = None
    """So many bytes pass, counted from the connection's begin, and then it is cut."""
    is_last: bool = False
    """The next piece passes, and then it is cut."""


@dataclass(slots=True)
class Way:
    """One direction of one connection."""

    trouble: Trouble
    passed: int = 0
    log: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))
    """When how many bytes had passed, on the monotonic clock."""
    under_way: asyncio.Queue[tuple[float, bytes]] = field(
        default_factory=lambda: asyncio.Queue(_UNDER_WAY)
    )
    """When a piece came, and the piece; an empty one is the end."""


class Connection:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, up: Trouble, down: Trouble) -> None:
        self.up, self.down = Way(replace(up)), Way(replace(down))
        self.opening = b""
        """What the client said first."""
        self.is_cut = False
        self.ends: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """End both ends; what is still under way is lost."""
        self.is_cut = True
        for end in self.ends:
            end.transport.abort()


class FaultLine:
    """A TCP port of its own that leads to a server, for as long as the `with` lasts."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        """Lead to an address and port, or to the path of a Unix socket."""
        self._target = target
        self._up, self._down = Trouble(), Trouble()
        self._is_open = True
        self._connections: list[Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listener: asyncio.Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # -- what can befall it ---------------------------------------------------------------------

    def hold(self, said: bytes = b"", *, up: bool = True, down: bool = True) -> None:
        """Let nothing arrive until `heal`; what is sent meanwhile arrives then."""
        self._befall(said, up, down, lambda trouble: setattr(trouble, "is_held", True))

    def lose(self, said: bytes = b"", *, up: bool = True, down: bool = True) -> None:
        """Let nothing that is sent until `heal` arrive at all; both ends stay connected."""
        self._befall(said, up, down, lambda trouble: setattr(trouble, "is_losing", True))

    def delay(
        self, seconds: float, said: bytes = b"", *, up: bool = True, down: bool = True
    ) -> None:
        """Let what is sent from now on arrive so much later."""
        self._befall(said, up, down, lambda trouble: setattr(trouble, "delay_s", seconds))

    def slow(
        self, bytes_per_s: float, said: bytes = b"", *, up: bool = True, down: bool = True
    ) -> None:
        """Let no more than so many bytes a second pass on each connection."""
        self._befall(said, up, down, lambda trouble: setattr(trouble, "bytes_per_s", bytes_per_s))

    def cut_after(self, count: int, said: bytes = b"", *, of_answers: bool = False) -> None:
        """Let so many more bytes pass, of requests or of answers, and cut at the next one.

        It befalls connections that are there.
        """

        def arm() -> None:
            for connection in self._those(said):
                way = connection.down if of_answers else connection.up
                way.trouble.cut_at = way.passed + count

        self._run(arm)

    def lose_answers(self, said: bytes = b"") -> None:
        """Let what is sent next arrive, and cut before any answer, on connections of now."""

        def arm() -> None:
            for connection in self._those(said):
                connection.up.trouble.is_last = connection.down.trouble.is_losing = True

        self._run(arm)

    def cut(self, said: bytes = b"") -> None:
        """End connections at once, without a word."""

        def cut() -> None:
            for connection in self._those(said):
                connection.cut()

        self._run(cut)

    def shut(self) -> None:
        """Cut every connection, and each that comes, until `heal`."""
        self._run(lambda: setattr(self, "_is_open", False))
        self.cut()

    def heal(self) -> None:
        """Be whole again; what was held arrives."""

        def mend() -> None:
            self._is_open = True
            self._up, self._down = Trouble(), Trouble()
            for connection in self._connections:
                connection.up.trouble, connection.down.trouble = Trouble(), Trouble()

        self._run(mend)

    # -- what it saw ----------------------------------------------------------------------------

    def connections(self, said: bytes = b"") -> list[Connection]:
        """Return those that are there and said so first."""
        return self._run(lambda: list(self._those(said)))

    def passed(self, said: bytes = b"") -> tuple[int, int]:
        """Return how many bytes have gone up and down on the connections that are there."""

        def count() -> tuple[int, int]:
            those = list(self._those(said))
            return sum(one.up.passed for one in those), sum(one.down.passed for one in those)

        return self._run(count)

    # -- inside the line's own thread -----------------------------------------------------------

    def _run(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _those(self, said: bytes) -> Iterator[Connection]:
        for connection in self._connections:
            if not connection.is_cut and said in connection.opening:
                yield connection

    def _befall(self, said: bytes, up: bool, down: bool, what: Callable[[Trouble], None]) -> None:
        def befall() -> None:
            ways = [(one.up.trouble, one.down.trouble) for one in self._those(said)]
            if not said:
                ways.append((self._up, self._down))
            for trouble_up, trouble_down in ways:
                if up:
                    what(trouble_up)
                if down:
                    what(trouble_down)

        self._run(befall)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _end(self) -> None:
        assert self._listener is not None
        self._listener.close()
        for connection in self._connections:
            connection.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._up, self._down)
        connection.ends.append(writer)
        self._connections.append(connection)
        ways = []
        try:
            if not self._is_open:
                return
            there, back = await self._connect()
            connection.ends.append(back)
            ways = [
                asyncio.create_task(work)
                for work in (
                    self._read(connection, reader, connection.up),
                    self._read(connection, there, connection.down),
                    self._write(connection, connection.up, back),
                    self._write(connection, connection.down, writer),
                )
            ]
            # Whoever notices an end has passed on what came before it.
            await asyncio.wait(ways[2:], return_when=asyncio.FIRST_COMPLETED)
        except OSError:  # the server is down
            pass
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            connection.cut()
            self._connections.remove(connection)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)

    async def _read(self, connection: Connection, reader: asyncio.StreamReader, way: Way) -> None:
        data = b"-"
        while data:
            data = b""
            with contextlib.suppress(OSError):
                data = await reader.read(_READ_BYTES)
            if way is connection.up and len(connection.opening) < _OPENING_BYTES:
                connection.opening += data
            if not data:  # nobody hears of the end, either
                await _over(lambda: not way.trouble.is_losing or connection.is_cut)
            if not way.trouble.is_losing:
                await way.under_way.put((time.monotonic(), data))

    async def _comes_through(self, connection: Connection, way: Way, came_at: float) -> None:
        def may_pass() -> bool:
            trouble = way.trouble
            return not trouble.is_held and time.monotonic() >= came_at + trouble.delay_s

        await _over(lambda: connection.is_cut or may_pass())

    @staticmethod
    async def _pass_on(data: bytes, way: Way, writer: asyncio.StreamWriter) -> None:
        is_slow = not math.isinf(way.trouble.bytes_per_s)
        while data:
            part, data = (data[:_SLOW_BYTES], data[_SLOW_BYTES:]) if is_slow else (data, b"")
            writer.write(part)
            await _over(lambda: writer.is_closing() or not _is_full(writer))
            if is_slow:
                await asyncio.sleep(len(part) / way.trouble.bytes_per_s)

    async def _write(self, connection: Connection, way: Way, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                came_at, data = await way.under_way.get()
                await self._comes_through(connection, way, came_at)
                cut_at = way.trouble.cut_at
                is_last = way.trouble.is_last
                if cut_at is not None and way.passed + len(data) > cut_at:
                    data, is_last = data[: cut_at - way.passed], True
                await self._pass_on(data, way, writer)
                way.passed += len(data)
                way.log.append((time.monotonic(), way.passed))
                if is_last or not data:
                    return


def _is_full(writer: asyncio.StreamWriter) -> bool:
    return writer.transport.get_write_buffer_size() > 0


async def _over(condition: Callable[[], bool]) -> None:
    """Wait for what nobody announces."""
    while not condition():  # noqa: ASYNC110 - a test's hand moves it, from another thread
        await asyncio.sleep(_LOOK_S)


class DatabaseLine(FaultLine):
    """A line to a PostgreSQL, whether it listens on a port or on a Unix socket."""

    def __init__(self, url: str) -> None:
        """Lead to where a URL leads, which may name a socket's folder as `?host=/folder`."""
        parts = urlsplit(url)
        folder, port = parse_qs(parts.query).get("host", [""])[0], parts.port or 5432
        super().__init__(f"{folder}/.s.PGSQL.{port}" if folder else (parts.hostname or "", port))
        self._who = parts.netloc.rpartition("@")[0]
        self._path = parts.path

    @property
    def url(self) -> str:
        """The database's URL through the line."""
        return f"postgresql://{self._who}@127.0.0.1:{self.port}{self._path}"
