"""A Socket.IO client of a few lines over raw WebSockets, and a reader's model of a book.

Raw, so that a test can also send what no library would. The library itself, from npm, is used in
`tests/e2e`.
"""

import asyncio
import itertools
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect

TIMEOUT = 30.0
PRICE_SCALE = 10_000


class SocketClient:
    """One connection, one namespace."""

    def __init__(self, connection: ClientConnection, namespace: str = "/") -> None:
        self.connection = connection
        self.prefix = "" if namespace == "/" else f"{namespace},"
        self.events: list[tuple[str, Any]] = []
        self.opening: dict[str, Any] = {}
        self.refused: Any = None
        self.close_code: int | None = None
        self.close_reason = ""
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self._news = asyncio.Event()
        self._joined = asyncio.Event()
        self._reader = asyncio.create_task(self._read())
        self.closed = asyncio.Event()

    async def _read(self) -> None:
        try:
            async for frame in self.connection:
                self._take(str(frame))
                if frame == "2":
                    await self.connection.send("3")
        except websockets.ConnectionClosed:
            pass
        self.close_code = self.connection.close_code
        self.close_reason = self.connection.close_reason or ""
        self.closed.set()
        self._joined.set()
        self._news.set()
        for future in self._acks.values():
            future.cancel()

    def _take(self, frame: str) -> None:
        if frame.startswith("0"):
            self.opening = json.loads(frame[1:])
        elif frame.startswith("40"):
            self._joined.set()
        elif frame.startswith("44"):
            self.refused = json.loads(frame[2:].removeprefix(self.prefix))
            self._joined.set()
        elif frame.startswith("42"):
            name, data = json.loads(frame[2:].removeprefix(self.prefix))
            self.events.append((name, data))
        elif frame.startswith("43"):
            head, _, rest = frame[2:].removeprefix(self.prefix).partition("[")
            future = self._acks.pop(int(head), None)
            if future is not None and not future.done():
                (answer,) = json.loads(f"[{rest}")
                future.set_result(answer)
        self._news.set()

    async def join(self, auth: Any = None) -> None:
        """Connect the namespace."""
        body = "" if auth is None else json.dumps(auth)
        await self.connection.send(f"40{self.prefix}{body}")
        await asyncio.wait_for(self._joined.wait(), TIMEOUT)

    def emit(self, name: str, *args: Any) -> "asyncio.Future[Any]":
        """Send an event and return the future of its ack."""
        return self.emit_raw(json.dumps([name, *args]))

    def emit_raw(self, text: str, kind: str = "42") -> "asyncio.Future[Any]":
        """Send the text of an event as it stands, under an ack id."""
        ack_id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._acks[ack_id] = future
        asyncio.get_running_loop().create_task(
            self.connection.send(f"{kind}{self.prefix}{ack_id}{text}")
        ).add_done_callback(lambda task: task.cancelled() or task.exception())
        return future

    async def call(self, name: str, *args: Any) -> Any:
        """Send an event and return its ack."""
        return await asyncio.wait_for(self.emit(name, *args), TIMEOUT)

    async def ok(self, name: str, *args: Any) -> Any:
        """Send an event that must be done; return its data."""
        answer = await self.call(name, *args)
        assert answer["ok"] is True, answer
        return answer["data"]

    async def refusal(self, name: str, *args: Any) -> Any:
        """Send an event that must be refused; return the error."""
        answer = await self.call(name, *args)
        assert answer["ok"] is False, answer
        assert set(answer["error"]) >= {"code", "message", "details"}
        return answer["error"]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until what was heard fulfils a condition."""

        async def wait() -> None:
            while not condition():
                if self.closed.is_set():
                    raise AssertionError(f"closed: {self.close_code} {self.close_reason}")
                self._news.clear()
                await self._news.wait()

        await asyncio.wait_for(wait(), TIMEOUT)

    def heard(self, name: str) -> list[Any]:
        """Return what was heard under a name."""
        return [data for event, data in self.events if event == name]

    async def close(self) -> None:
        await self.connection.close()
        await self._reader


@asynccontextmanager
async def socket_client(
    port: int, token: str | None = None, *, path: str = "/ws/", namespace: str = "/", **more: Any
) -> AsyncIterator[SocketClient]:
    """Connect and join a namespace, signed in if there is a token."""
    async with raw_client(port, path=path, namespace=namespace, **more) as client:
        await client.join(None if token is None else {"token": token})
        yield client


@asynccontextmanager
async def raw_client(
    port: int, *, path: str = "/ws/", namespace: str = "/", **more: Any
) -> AsyncIterator[SocketClient]:
    """Open a socket without joining a namespace."""
    url = f"ws://127.0.0.1:{port}{path}?EIO=4&transport=websocket"
    async with connect(url, compression=None, max_size=None, proxy=None, **more) as connection:
        client = SocketClient(connection, namespace)
        try:
            yield client
        finally:
            await client.close()


class BookModel:
    """A book as a reader keeps it: from a snapshot and the deltas after it, checking every sum."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.spans: list[int] = []
        """How many commands each delta covered."""

    def apply(self, message: dict[str, Any]) -> None:
        if message["kind"] == "snapshot":
            assert message["prevSeq"] is None
            self.bids, self.asks = {}, {}
        else:
            assert message["prevSeq"] == self.seq, (message["prevSeq"], self.seq)
            self.spans.append(message["seq"] - message["prevSeq"])
        self.seq = message["seq"]
        for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, quantity in levels:
                key, amount = _units(price, 4), _units(quantity, 2)
                if amount:
                    side[key] = amount
                else:
                    side.pop(key, None)
        assert message["checksum"] == self.checksum(), message

    def levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def checksum(self) -> int:
        bids, asks = (
            ",".join(f"{price}:{quantity}" for price, quantity in side[:10])
            for side in self.levels()
        )
        return zlib.crc32(f"{bids}|{asks}".encode("ascii"))


def _units(text: str, places: int) -> int:
    whole, _, fraction = text.partition(".")
    assert len(fraction) == places
    return int(whole + fraction)
