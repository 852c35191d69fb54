"""Answers that are there as a whole go out in one step, past uvicorn's own way of sending.

uvicorn takes an answer in two messages, and looks at each header of each answer twice by a regular
expression and once for what it might mean. Most of ours have the same nine, which need no look.

Laws: only what is whole goes this way: one body, of the length that its head says, to a peer that
reads. All else (streams, HEAD, what ends its connection) is uvicorn's to send, with the same
headers. No value that came from outside gets into a head unseen.
"""

from collections.abc import Awaitable
from typing import Any, Final

from starlette.types import Message
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

TAKES_BLOCKS: Final = "probity.takes_blocks"
"""The scope's extension that says that the start of an answer may have a block of headers."""
BLOCK: Final = "probity.block"
"""What that is named in the message."""
_START: Final = "http.response.start"
_LENGTH: Final = b"content-length"
_CONTROLS: Final = bytes((*range(9), *range(10, 32), 127))
"""What no header's value may hold (RFC 9110, 5.5), a line's end above all."""
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"transfer-encoding"})

Headers = tuple[tuple[bytes, bytes], ...]


class HeaderBlock:
    """Headers that never change, none of which says how long an answer is or how it ends."""

    __slots__ = ("headers", "lines")

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers: Headers = headers
        self.lines = b"".join(b"%b: %b\r\n" % header for header in headers)


class _Sending:
    """The way of one answer; called as an ASGI server's `send` is."""

    __slots__ = ("_cycle", "_head", "_length", "_start")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._start: Message | None = None
        """What waits for the body behind it."""
        self._head = b""
        self._length = 0

    async def __call__(self, message: Message) -> None:
        cycle, start = self._cycle, self._start
        if start is not None:
            self._start = None
            body = message.get("body", b"")
            is_whole = len(body) == self._length and not message.get("more_body", False)
            if is_whole and not (cycle.flow.write_paused or cycle.disconnected):
                _complete(cycle, self._head + body)
                return
            await cycle.send(_spelled_out(start))
        elif message["type"] == _START and BLOCK in message:
            if self._keeps(message):
                return
            message = _spelled_out(message)
        await cycle.send(message)  # type: ignore[arg-type]

    def _keeps(self, start: Message) -> bool:
        """Make the head of an answer that may be whole and keep it, or say that it can't be."""
        cycle, length = self._cycle, -1
        lines = [STATUS_LINE[start["status"]]]
        for name, value in (*cycle.default_headers, *start["headers"]):
            if name in _OF_THE_CONNECTION or len(value.translate(None, _CONTROLS)) < len(value):
                return False
            if name == _LENGTH:
                length = int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
        if length < 0 or cycle.scope["method"] == "HEAD":
            return False
        lines.append(start[BLOCK].lines)
        lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        self._start, self._head, self._length = start, b"".join(lines), length
        return True


def _complete(cycle: RequestResponseCycle, answer: bytes) -> None:
    """Do what uvicorn does when the last of an answer has been given to it."""
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(answer)
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def _spelled_out(start: Message) -> Any:  # noqa: ANN401 - uvicorn's own type
    """Return the start of an answer as any server takes it."""
    headers = [*start["headers"], *start[BLOCK].headers]
    return {"type": _START, "status": start["status"], "headers": headers}


def answering(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """Return the application with its answer to the request of `cycle` going this way."""

    def answer(scope: Any, receive: Any, _send: Any) -> Awaitable[None]:  # noqa: ANN401 - uvicorn's own types
        scope["extensions"][TAKES_BLOCKS] = {}
        sending: Any = _Sending(cycle)  # uvicorn knows the messages of servers only
        return app(scope, receive, sending)

    return answer
