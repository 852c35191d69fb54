"""Refusing a request because there is too much, as cheaply as can be: by its head alone.

Laws: nothing of a shed request has happened, and it is told so (503, `Retry-After`); nobody is
looked up for it, no limit counts it, no body is awaited. Never shed is what takes pressure or risk
away: whatever ends or takes back an order, the end of a session, and what those who run the
exchange look at; nor whoever leaves answers unread, who waits with the next one, or there would be
no end of what is kept for them. `tests/gateway/http/test_shedding.py` holds the list against the
route table.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.responses import encode_error
from gateway.wire.errors import Unavailable

OVERLOADED: Final = Unavailable(
    "Too much is asked of the exchange now; nothing happened, try again"
)
_LOOKS: Final = frozenset({"/health", "/ready", "/metrics"})
_ENDS: Final = ("/auth/logout", "/orders/heartbeat")


def is_spared(method: str, path: str) -> bool:
    """Say whether a request is never shed."""
    if method == "GET":
        return path in _LOOKS
    if method == "OPTIONS":
        # Without an answer a page of another origin doesn't send what it asks for.
        return is_spared("DELETE", path) or is_spared("POST", path)
    if method == "DELETE":
        return "/orders" in path or "/sessions" in path
    if method != "POST":
        return False
    return path.endswith(_ENDS) or ("/order-groups/" in path and path.endswith("/reset"))


def shed(cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
    """Answer 503 in the place of whoever would have; the connection is kept, as it would be."""
    body = encode_error(OVERLOADED, "")
    kept = b"" if cycle.keep_alive else b"connection: close\r\n"
    retry = b"".join(b"%b: %b\r\n" % header for header in OVERLOADED.headers)
    head = b"content-type: application/json\r\ncontent-length: %d\r\ncache-control: no-store\r\n"
    is_head = cycle.scope["method"] == "HEAD"
    transport.write(
        b"".join(
            (STATUS_LINE[503], head % len(body), retry, kept, b"\r\n", b"" if is_head else body)
        )
    )
    cycle.response_started = cycle.response_complete = True
    if not cycle.keep_alive:
        transport.close()
