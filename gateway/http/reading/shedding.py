"""Refusing a request because there is too much, as cheaply as can be: by its head alone.

Laws: nothing of a shed request has happened, and it is told so (503, `Retry-After`), to pages of
other origins as well that may call; nobody is looked up for it, no limit counts it, no body is
awaited. Never shed is what takes pressure or risk
away: whatever ends or takes back an order, the end of a session, and what those who run the
exchange look at; nor whoever leaves answers unread, who waits with the next one, or there would be
no end of what is kept for them. `tests/gateway/http/test_shedding.py` holds the list against the
route table.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.responses import encode_error
from gateway.wire.errors import Unavailable

OVERLOADED: Final = Unavailable(
    "Too much is asked of the exchange now; nothing happened, try again"
)
_LOOKS: Final = frozenset({"/health", "/ready", "/metrics"})
_DIFFERS: Final = b"vary: Origin\r\n"
_EXPOSED: Final = b"access-control-expose-headers: retry-after\r\n"
_WITH_COOKIE: Final = b"access-control-allow-credentials: true\r\n"
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


def shed(
    cycle: RequestResponseCycle, transport: asyncio.Transport, origins: tuple[str, ...]
) -> None:
    """Answer 503 in the place of whoever would have; the connection is kept, as it would be.

    Pages of `origins` may read it.
    """
    body = encode_error(OVERLOADED, "")
    kept = b"" if cycle.keep_alive else b"connection: close\r\n"
    retry = b"".join(b"%b: %b\r\n" % header for header in OVERLOADED.headers)
    head = b"content-type: application/json\r\ncontent-length: %d\r\ncache-control: no-store\r\n"
    shown = _shown_to(cycle.scope["headers"], origins)
    end = b"\r\n" if cycle.scope["method"] == "HEAD" else b"\r\n" + body
    transport.write(b"".join((STATUS_LINE[503], head % len(body), retry, shown, kept, end)))
    cycle.response_started = cycle.response_complete = True
    if not cycle.keep_alive:
        transport.close()


def _shown_to(headers: Iterable[tuple[bytes, bytes]], origins: tuple[str, ...]) -> bytes:
    """Return the headers by which the page that asks may read the answer, if it may."""
    if not origins:
        return b""
    origin = next((value for name, value in headers if name == b"origin"), None)
    if origin is None:
        return _DIFFERS
    text = origin.decode("latin-1")
    if "*" in origins:
        return b"access-control-allow-origin: *\r\n" + _EXPOSED
    if text not in origins:
        return _DIFFERS
    # One of a list of ours, so nothing that somebody wrote gets into the head.
    return b"access-control-allow-origin: %b\r\n" % origin + _WITH_COOKIE + _EXPOSED + _DIFFERS
