"""Calls offered at a rate that no answer can delay (an open loop), and what came of each.

Moments are drawn beforehand (a Poisson process). A wait counts from when the call was due, so that
a server that pauses is charged for all that was due meanwhile (no coordinated omission); a call
that no answer came to counts as one that waited for ever. Locust and its like let each of their
users wait for an answer before the next request, which hides just that.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Final, cast

import msgspec

from benchmarks.loads.pacing import pace
from benchmarks.site.mix import Call, Mix, Person

CONNECTIONS: Final = 1_024
"""As many calls may be under way at a time; what is due beyond waits here, and that is counted."""
_LOOK_S: Final = 0.5
"""How often it is looked for calls that were waited for long enough."""
PATIENCE_S: Final = 20.0
NO_ANSWER: Final = 0
_REMEMBERED: Final = 20
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"


class Answer(msgspec.Struct, frozen=True):
    """What came of a call: `status` 0 if nothing did; `order_id` of an order that was taken.

    `waited_ms` counts from when it was due, `served_ms` from when it was sent.
    """

    kind: str
    due: float
    waited_ms: float
    status: int
    person: Person
    order_id: str = ""
    served_ms: float = 0.0


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

    Each answer is given to `heard`. Returns how late the latest call was handed to the connections,
    in seconds: a generator that can't keep to its moments measures itself.
    """
    lines = _Lines(port, heard)
    looking = asyncio.create_task(lines.look())
    latest = 0.0
    with pace() as timer:
        due = perf_counter()
        end = due + seconds
        while (due := due + mix.pause(rate)) < end:
            call = mix.next()
            await timer.until(due)
            latest = max(latest, perf_counter() - due)
            lines.send(due, call)
            await asyncio.sleep(0)
    await lines.all_answered()
    looking.cancel()
    await lines.close()
    return latest


class _Lines:
    """The connections of a run: whichever is free takes the next call, in the order of the calls.

    Neither a task nor a stream a call: what the generator needs of a core the server hasn't.
    """

    def __init__(self, port: int, heard: Callable[[Answer], None]) -> None:
        self._port = port
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._all: set[_Line] = set()
        self._free: list[_Line] = []
        self._waiting: deque[tuple[float, Call]] = deque()
        self._busy = 0
        self._idle = asyncio.Event()

    def send(self, due: float, call: Call) -> None:
        """Send a call, or let it wait for a connection."""
        if self._free:
            self._busy += 1
            self._free.pop().ask(due, call)
        elif self._busy < CONNECTIONS:
            self._busy += 1
            self._open(due, call)
        else:
            self._waiting.append((due, call))

    def _open(self, due: float, call: Call) -> None:
        task = asyncio.create_task(self._opened(due, call))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _opened(self, due: float, call: Call) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                _, line = await self._loop.create_connection(
                    lambda: _Line(self), "127.0.0.1", self._port
                )
        except OSError:
            self.answered(None, due, call, NO_ANSWER, b"")
            return
        self._all.add(line)
        line.ask(due, call)

    def again(self, due: float, call: Call) -> None:
        """Send a call anew: its connection was closed for being idle, just when it was used."""
        self._open(due, call)

    def lost(self, line: "_Line") -> None:
        """Forget a connection that was closed."""
        self._all.discard(line)
        if line in self._free:
            self._free.remove(line)

    def answered(
        self,
        line: "_Line | None",
        due: float,
        call: Call,
        status: int,
        body: bytes,
        sent: float | None = None,
    ) -> None:
        """Hear what became of a call; `line` is free again, None if it is lost."""
        order_id = ""
        if call.kind == "order" and status in (200, 201):
            order = _DECODER.decode(body).data.order
            order_id = order.id
            if order.status in ("OPEN", "PARTIAL"):
                call.person.open_ids.append(order_id)
                del call.person.open_ids[:-_REMEMBERED]
        now = perf_counter() if status else float("inf")
        waited, served = 1_000 * (now - due), 1_000 * (now - (due if sent is None else sent))
        self._heard(Answer(call.kind, due, waited, status, call.person, order_id, served))
        self._busy -= 1
        if line is not None:
            self._free.append(line)
        if self._waiting:
            self.send(*self._waiting.popleft())
        elif not self._busy:
            self._idle.set()

    async def look(self) -> None:
        """Give calls up that were waited for long enough."""
        while True:
            await asyncio.sleep(_LOOK_S)
            before = perf_counter() - PATIENCE_S
            for line in [*self._all]:
                line.give_up(before)

    async def all_answered(self) -> None:
        """Wait until nothing is under way."""
        while self._busy:
            self._idle.clear()
            await self._idle.wait()

    async def close(self) -> None:
        """Close every connection."""
        while self._all:
            for line in [*self._all]:
                line.close()
            await asyncio.sleep(0)


class _Line(asyncio.Protocol):
    """A connection that is kept between calls, as clients do."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._turn: tuple[float, Call] | None = None
        self._sent_at = 0.0
        self._came = b""
        self._answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, due: float, call: Call) -> None:
        """Send a call."""
        self._turn, self._sent_at = (due, call), perf_counter()
        self._transport.write(call.raw)

    def data_received(self, data: bytes) -> None:
        """Take in an answer, or a part of one."""
        self._came = came = self._came + data if self._came else data
        end = came.find(_END_OF_HEAD)
        if end < 0 or self._turn is None:
            return
        length = _LENGTH.search(came, 0, end + 2)
        begin = end + len(_END_OF_HEAD)
        size = int(length[1]) if length is not None else 0
        if len(came) < begin + size:
            return
        (due, call), self._turn, self._came = self._turn, None, b""
        self._answers += 1
        status, body = int(came[9:12]), came[begin : begin + size]
        self._lines.answered(self, due, call, status, body, self._sent_at)

    def connection_lost(self, _error: Exception | None) -> None:
        """Say that no answer comes, or try another connection if this one was only idle too long.

        Clients do so too.
        """
        self._lines.lost(self)
        if self._turn is None:
            return
        (due, call), self._turn = self._turn, None
        if self._answers and not self._came:
            self._lines.again(due, call)
        else:
            self._lines.answered(None, due, call, NO_ANSWER, b"")

    def give_up(self, sent_before: float) -> None:
        """Close it if what was sent then has no answer."""
        if self._turn is not None and self._sent_at < sent_before:
            (due, call), self._turn = self._turn, None
            self._lines.answered(None, due, call, NO_ANSWER, b"")
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
