"""uvicorn's HTTP protocol with two bounds that it lacks: how long the head of a request may take to
come, and how large it may be.

Without them a connection that says nothing, or sends header after header, is kept for ever and can
fill the memory. Idle connections between two requests are uvicorn's keep-alive's; bodies are
`http/reading/bodies.py`'s.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LARGE = "The head of the request is too large."


class BoundedHeads(HttpToolsProtocol):
    """One connection; `bounded_heads` makes the class that is given to uvicorn as `http`."""

    max_bytes: ClassVar[int]
    seconds: ClassVar[float]
    _deadline: asyncio.TimerHandle | None = None
    """Set while a head is awaited."""
    _bytes = 0
    """Of the head that is awaited."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self._stop_awaiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes while the head isn't whole; at most one read passes the bound."""
        super().data_received(data)
        if self._deadline is not None:
            self._bytes += len(data)
            if self._bytes > self.max_bytes and not self.transport.is_closing():
                self._stop_awaiting()
                self.send_400_response(TOO_LARGE)

    def on_message_begin(self) -> None:
        """Await the rest of a head that has begun."""
        super().on_message_begin()
        if self._deadline is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._stop_awaiting()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._bytes = 0
        self._deadline = self.loop.call_later(self.seconds, self._too_late)

    def _stop_awaiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        before = getattr(self, "cycle", None)
        if before is not None and not before.response_complete:
            # The answer to the request before is still on its way.
            self._deadline = self.loop.call_later(self.seconds, self._too_late)
        else:
            self.transport.close()


def bounded_heads(max_bytes: int, seconds: float) -> type[BoundedHeads]:
    """Return the protocol with these bounds."""
    return type("BoundedHeads", (BoundedHeads,), {"max_bytes": max_bytes, "seconds": seconds})
