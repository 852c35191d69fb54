"""Answers that are there as a whole go out in one step, past uvicorn's own way of sending.

ASGI takes an answer in two messages, each of which passes all that is around `send`, and uvicorn
looks at each header of each answer twice by a regular expression and once for what it might mean.
Between our own layers a whole answer is one message; what the edge adds to it needs no look.

Laws: only what is whole goes out this way, to a peer that reads. All else (streams, HEAD, what ends
its connection), and all under another server, is sent as ASGI says, with the same headers. No value
that came from outside gets into a head unseen.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

from starlette.types import Message, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

START: Final = "http.response.start"
WHOLE: Final = "probity.whole"
"""What the start of a whole answer has, behind which nothing comes: (content type, body)."""
_LINE: Final = b"%b: %b\r\n"
_CONTROLS: Final = bytes((*range(9), *range(10, 32), 127))
"""What no header's value may hold (RFC 9110, 5.5), a line's end above all."""
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"transfer-encoding", b"content-length"})

Headers = tuple[tuple[bytes, bytes], ...]


class HeaderBlock:
    """Headers that never change, none of which says how long an answer is or how it ends."""

    __slots__ = ("headers", "lines")

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers: Headers = headers
        self.lines = b"".join(_LINE % header for header in headers)


def whole_answer(status: int, content_type: bytes, body: bytes, headers: Headers = ()) -> Message:
    """Return a whole answer as one message, which the edge takes."""
    kind = (b"content-type", content_type)
    return {"type": START, "status": status, "headers": [kind, *headers], WHOLE: body}


async def send_spelled_out(send: Send, start: Message, added: Headers = ()) -> None:
    """Send the start of an answer with more headers, as any server takes it, and what is behind it
    if it is whole.
    """
    headers = [*start.get("headers", ()), *added]
    if WHOLE not in start:
        await send({**start, "headers": headers})
        return
    body: bytes = start[WHOLE]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": START, "status": start["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Sending:
    """The way of one answer: an ASGI server's `send`, and a shorter one."""

    __slots__ = ("_cycle", "_transport")

    def __init__(self, cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
        self._cycle = cycle
        self._transport = transport

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send what any server takes."""
        return self._cycle.send(message)  # type: ignore[arg-type]

    def whole(self, start: Message, added: Headers, block: HeaderBlock) -> bool:
        """Send a whole answer, or say that it can't go out in one step; then nothing is sent.

        What is `added` gets no look: it is made of what can't hold a control, as `block` is.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
            return False
        if cycle.scope["method"] == "HEAD":
            return False
        lines = [STATUS_LINE[start["status"]]]
        for name, value in start["headers"]:
            if name in _OF_THE_CONNECTION or len(value.translate(None, _CONTROLS)) < len(value):
                return False
            lines.append(_LINE % (name, value))
        lines += [_LINE % header for header in (*added, *cycle.default_headers)]
        lines.append(block.lines)
        body: bytes = start[WHOLE]
        kept = b"" if cycle.keep_alive else b"connection: close\r\n"
        lines.append(b"content-length: %d\r\n%b\r\n" % (len(body), kept))
        lines.append(body)
        self._complete(b"".join(lines))
        return True

    def _complete(self, answer: bytes) -> None:
        """Do what uvicorn does when the last of an answer has been given to it."""
        cycle = self._cycle
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self._transport.write(answer)
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._transport.close()
        cycle.on_response()


def answering(
    cycle: RequestResponseCycle, app: ASGI3Application, transport: asyncio.Transport
) -> ASGI3Application:
    """Return the application with its answer to the request of `cycle` going to `transport`."""

    def answer(scope: Any, receive: Any, _send: Any) -> Awaitable[None]:  # noqa: ANN401 - uvicorn's own types
        sending: Any = Sending(cycle, transport)  # uvicorn knows the messages of servers only
        return app(scope, receive, sending)

    return answer
