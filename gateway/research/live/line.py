"""Socket.IO over one WebSocket, as far as a bot needs it: asked, answered, told.

    40 join   42 an event   43 an answer   2 a ping, 3 its pong

Laws: events are handed on in the order in which they come, one at a time; what is sent goes in the
order in which it was handed over, and what waits to be sent is bounded. A line that says nothing
for `SILENCE_S` is dead; a dead one asks nobody any more and comes back never.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from gateway.wire.errors import (
    InternalError,
    NotYetReached,
    RateLimited,
    ReadsOnly,
    Unavailable,
    UnknownOutcome,
)

SILENCE_S: Final = 10.0
"""An exchange's heart beats each second."""
ANSWER_S: Final = 10.0
WAITING_MAX: Final = 2_000
"""Frames that wait to be sent."""
_MENDED_BY_WAITING: Final = frozenset(
    error.code
    for error in (RateLimited, Unavailable, ReadsOnly, UnknownOutcome, NotYetReached, InternalError)
)
_FRAME_MAX: Final = 1 << 22
_OPEN_S: Final = 10.0
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode

Answer = Callable[[dict[str, Any]], None]


class LineLost(Exception):
    """The connection ended, or couldn't be made; the text says why."""


class Declined(Exception):
    """The exchange said no."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


def refusal(code: str, message: str = "") -> LineLost | Declined:
    """Return what a refusal comes to: one that waiting mends is as good as a lost connection."""
    declined = Declined(code, message)
    return LineLost(str(declined)) if code in _MENDED_BY_WAITING else declined


class SocketLine:
    """One connection; `lost` is done when it has ended."""

    def __init__(self, connection: ClientConnection, hear: Callable[[str, Any], None]) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._hear = hear
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, Answer] = {}
        self._number = 0
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING_MAX)
        self._works = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]

    @classmethod
    async def open(cls, url: str, token: str, hear: Callable[[str, Any], None]) -> "SocketLine":
        """Connect to the exchange at `url` and sign in; raises LineLost, Declined."""
        address = f"ws{url.removeprefix('http').rstrip('/')}/ws/?EIO=4&transport=websocket"
        try:
            connection = await connect(
                address, max_size=_FRAME_MAX, open_timeout=_OPEN_S, ping_interval=None
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise LineLost(f"{type(error).__name__}: {error}") from error
        line = cls(connection, hear)
        try:
            line._put("40" + _encode({"token": token}).decode())
            async with asyncio.timeout(_OPEN_S):
                first: set[asyncio.Future[Any]] = {line._joined, line.lost}
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if line._joined.done():
                line._joined.result()
                return line
            raise LineLost(line.lost.result())
        except TimeoutError as error:
            await line.close()
            raise LineLost("nobody let us in") from error
        except BaseException:
            await line.close()
            raise

    async def ask(self, event: str, payload: object) -> Any:  # noqa: ANN401 - any JSON
        """Send an event and return the data of its answer; raises LineLost, Declined."""
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def take(answer: dict[str, Any]) -> None:
            if not answered.done():
                answered.set_result(answer)

        self.send(event, payload, take)
        waited: set[asyncio.Future[Any]] = {answered, self.lost}
        await asyncio.wait(waited, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            self._lose(f"no answer to {event}")
            raise LineLost(self.lost.result())
        answer = answered.result()
        if not answer["ok"]:
            raise refusal(answer["error"]["code"], answer["error"].get("message", ""))
        return answer["data"]

    def send(self, event: str, payload: object, take: Answer) -> None:
        """Send an event; `take` hears its answer, unless the line is lost before."""
        self._number += 1
        self._answers[self._number] = take
        self._put(f"42{self._number}{_encode([event, payload]).decode()}")

    async def close(self) -> None:
        """Leave."""
        self._lose("closed")
        with suppress(OSError, WebSocketException):
            await self._connection.close()
        for work in self._works:
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)

    def _put(self, frame: str) -> None:
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self._lose("too much waits to be sent")

    def _lose(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)

    async def _write(self) -> None:
        try:
            while True:
                await self._connection.send(await self._waiting.get())
        except (OSError, WebSocketException) as error:
            self._lose(f"{type(error).__name__}: {error}")

    async def _read(self) -> None:
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    frame = await self._connection.recv()
                self._take(str(frame))
        except TimeoutError:
            self._lose("it says nothing any more")
        except (OSError, WebSocketException) as error:
            self._lose(f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a frame holds
            # Nobody would read on, and the line would seem to live.
            self._lose(f"what it says can't be read: {type(error).__name__}")

    def _take(self, frame: str) -> None:
        if frame == "2":
            self._put("3")
        elif frame.startswith("42"):
            name, data = _decode(frame[2:])
            self._hear(name, data)
        elif frame.startswith("43"):
            number, _, rest = frame[2:].partition("[")
            take = self._answers.pop(int(number), None)
            if take is not None:
                take(_decode(f"[{rest}")[0])
        elif frame.startswith("40") and not self._joined.done():
            self._joined.set_result(None)
        elif frame.startswith("44") and not self._joined.done():
            told = _decode(frame[2:])
            data = told.get("data") or {}
            self._joined.set_exception(
                refusal(data.get("code", "REFUSED"), told.get("message", ""))
            )
        elif frame.startswith(("41", "1")):
            self._lose("the exchange ended it")
