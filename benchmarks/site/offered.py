"""Calls offered at a rate that no answer can delay (an open loop), and what came of each.

Moments are drawn beforehand (a Poisson process). A wait counts from when the call was due, so that
a server that pauses is charged for all that was due meanwhile (no coordinated omission); a call
that no answer came to counts as one that waited for ever. Locust and its like let each of their
users wait for an answer before the next request, which hides just that.
"""

import asyncio
import re
from collections.abc import Callable
from time import perf_counter
from typing import Final

import msgspec

from benchmarks.loads.pacing import pace
from benchmarks.site.mix import Call, Mix, Person

CONNECTIONS: Final = 1_024
"""As many calls may be under way at a time; what is due beyond waits here, and that is counted."""
PATIENCE_S: Final = 20.0
NO_ANSWER: Final = 0
_REMEMBERED: Final = 20
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True):
    """What came of a call: `status` 0 if nothing did; `order_id` of an order that was taken."""

    kind: str
    due: float
    waited_ms: float
    status: int
    person: Person
    order_id: str = ""


class _Order(msgspec.Struct):
    id: str
    status: str


class _Placed(msgspec.Struct):
    order: _Order


class _Envelope(msgspec.Struct):
    data: _Placed


_DECODER: Final = msgspec.json.Decoder(_Envelope)


async def offer(
    mix: Mix, port: int, rate: float, seconds: float, heard: Callable[[Answer], None]
) -> float:
    """Offer `rate` calls a second to a port of this machine, for so many seconds.

    Each answer is given to `heard`. Returns how late the latest call was handed to a connection's
    queue, in seconds: a generator that can't keep to its moments measures itself.
    """
    turns: asyncio.Queue[tuple[float, Call] | None] = asyncio.Queue()
    lines = [asyncio.create_task(_line(port, turns, heard)) for _ in range(CONNECTIONS)]
    latest = 0.0
    with pace() as timer:
        due = perf_counter()
        end = due + seconds
        while (due := due + mix.pause(rate)) < end:
            call = mix.next()
            await timer.until(due)
            latest = max(latest, perf_counter() - due)
            turns.put_nowait((due, call))
            await asyncio.sleep(0)
    for _ in lines:
        turns.put_nowait(None)
    await asyncio.gather(*lines)
    return latest


async def _line(
    port: int,
    turns: "asyncio.Queue[tuple[float, Call] | None]",
    heard: Callable[[Answer], None],
) -> None:
    """Send one call after another over one connection, which is opened when it is needed."""
    line = _Line(port)
    while (turn := await turns.get()) is not None:
        due, call = turn
        status, body = await line.ask(call.raw)
        order_id = ""
        if call.kind == "order" and status in (200, 201):
            order = _DECODER.decode(body).data.order
            order_id = order.id
            if order.status in ("OPEN", "PARTIAL"):
                call.person.open_ids.append(order_id)
                del call.person.open_ids[:-_REMEMBERED]
        waited = 1_000 * (perf_counter() - due) if status else float("inf")
        heard(Answer(call.kind, due, waited, status, call.person, order_id))
    line.close()


class _Line:
    """A connection that is kept between calls, as clients do; opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Return status and body of an answer; status 0 if none came."""
        was_kept = self._streams is not None and not self._streams[0].at_eof()
        try:
            return await self._ask(raw)
        except TimeoutError:
            self.close()
            return NO_ANSWER, b""
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            unread = not isinstance(error, asyncio.IncompleteReadError) or not error.partial
            if not (was_kept and unread):
                return NO_ANSWER, b""
        # It was closed for being idle just when it was used again: clients try another one.
        try:
            return await self._ask(raw)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return NO_ANSWER, b""

    async def _ask(self, raw: bytes) -> tuple[int, bytes]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        async with asyncio.timeout(PATIENCE_S):
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            return await _ask(*self._streams, raw)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes
) -> tuple[int, bytes]:
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length is not None else b""
    return int(head[9:12]), body
