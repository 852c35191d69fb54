"""The outermost layer of the web: what is true of every answer, whoever gives it.

Each request gets an id, a `Trace` (kept in the scope for the layers below), the security headers,
one log line, its metrics, and an answer even if the code below fails: 500 without internals. Plain
ASGI with one wrapper around `send`, so that the hot path pays for it once; a whole answer may come
as one message (`reading/whole_answers.py`). WebSocket scopes get a Trace and the boundary.
"""

import itertools
import re
import secrets
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from gateway.access.client_address import ClientAddresses
from gateway.http.reading.bodies import ClientGone
from gateway.http.reading.held_flow import ON_LIMITED
from gateway.http.reading.whole_answers import (
    START,
    WHOLE,
    HeaderBlock,
    Headers,
    Sending,
    send_spelled_out,
)
from gateway.http.responses import send_error
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import Logger
from gateway.observability.metrics import HttpMetrics
from gateway.wire.errors import InternalError

TRACE: Final = "probity.trace"
UNMATCHED: Final = "unmatched"
"""The template of a path that no route has, so that metrics and logs stay bounded."""

LOOKED_AT_OFTEN: Final = frozenset({"/metrics", "/health", "/ready"})
"""What machines ask for again and again; of an answer as it should be there is little to tell."""

_OK: Final = 200
_LIMITED: Final = 429
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Nothing here needs a camera, a place or a payment; whatever runs in a page can't ask for one.
_PERMISSIONS: Final = (
    b"permissions-policy",
    (
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
    ),
)
_OF_JSON: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    _PERMISSIONS,
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OF_PAGES: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            b"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
            b"frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    _PERMISSIONS,
    (b"cross-origin-opener-policy", b"same-origin"),
)
_ASKED_ANEW: Final = (b"cache-control", b"no-cache")
_KEPT: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_JSON: Final = HeaderBlock(*_OF_JSON, (b"cache-control", b"no-store"))
_JSON_ASKED_ANEW: Final = HeaderBlock(*_OF_JSON, _ASKED_ANEW)
_PAGE: Final = HeaderBlock(*_OF_PAGES, _ASKED_ANEW)
_PAGE_KEPT: Final = HeaderBlock(*_OF_PAGES, _KEPT)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


def _block_of(trace: "Trace") -> HeaderBlock:
    """Return the headers that all answers of a kind have."""
    if trace.is_page:
        return _PAGE_KEPT if trace.is_immutable else _PAGE
    return _JSON_ASKED_ANEW if trace.is_asked_anew else _JSON


def _added_to(trace: "Trace") -> Headers:
    """Return the headers of one answer.

    None holds a control: an id is of `_REQUEST_ID` or made here, limits are told by the names of
    `access/budgets.py` and numbers.
    """
    by_id = (b"x-request-id", trace.request_id.encode("ascii"))
    if trace.is_https:
        return (by_id, *trace.limit_headers, _HSTS)
    return (by_id, *trace.limit_headers)


def _nobody() -> None:
    """Hear of a refused request under another server than ours."""


class Trace:
    """What is known of one request, filled in on its way down; the log line and metrics read it."""

    __slots__ = (
        "address",
        "headers",
        "is_asked_anew",
        "is_https",
        "is_immutable",
        "is_page",
        "limit_headers",
        "request_id",
        "route",
        "started_ns",
        "status",
        "user_id",
    )

    def __init__(
        self, request_id: str, headers: dict[bytes, bytes], address: str, is_https: bool
    ) -> None:
        self.request_id = request_id
        self.headers = headers
        self.address = address
        self.is_https = is_https
        self.started_ns = time.perf_counter_ns()
        self.route = UNMATCHED
        self.status = 0
        self.user_id: int | None = None
        self.is_page = False
        """Whether the answer is part of a page for people, with the headers that takes."""
        self.is_asked_anew = False
        """Whether an answer that is no page's may be kept by whoever asks anew each time."""
        self.is_immutable = False
        """Whether that part is always the same at its address."""
        self.limit_headers: Headers = ()
        """What the answer says of the limit that the request was counted against."""


class Edge:
    """Wraps the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        addresses: ClientAddresses,
        metrics: HttpMetrics,
        logger: Logger,
        reports: ErrorReports,
    ) -> None:
        self._app = app
        self._addresses = addresses
        self._metrics = metrics
        self._logger = logger
        self._reports = reports
        self._id_prefix = secrets.token_hex(6)
        self._id_numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope; lifespan passes through."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _trace(self, scope: Scope) -> Trace:
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            request_id = given.decode("ascii")
        else:
            request_id = f"{self._id_prefix}-{next(self._id_numbers):x}"
        address, is_https = self._addresses.find(scope, headers)
        trace = Trace(request_id, headers, address, is_https)
        scope[TRACE] = trace
        return trace

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace = self._trace(scope)
        sending = send if isinstance(send, Sending) else None

        async def send_with_headers(message: Message) -> None:
            if message["type"] != START:
                await send(message)
                return
            trace.status = message["status"]
            if trace.status == _LIMITED:
                scope.get("extensions", {}).get(ON_LIMITED, _nobody)()
            added, block = _added_to(trace), _block_of(trace)
            if sending is not None and WHOLE in message and sending.whole(message, added, block):
                return
            await send_spelled_out(send, message, (*added, *block.headers))

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientGone:
            trace.status = 499
        except Exception as error:  # noqa: BLE001 - the outermost boundary
            self._report(error, trace)
            if trace.status == 0:
                await send_error(send_with_headers, InternalError(), trace.request_id)
            # With the answer half sent nothing true can be added; uvicorn closes the connection.
        finally:
            self._finish(trace, scope["method"])

    def _finish(self, trace: Trace, method: str) -> None:
        elapsed_ns = time.perf_counter_ns() - trace.started_ns
        self._metrics.observe(method, trace.route, trace.status, elapsed_ns / 1e9)
        quiet = trace.route in LOOKED_AT_OFTEN and trace.status == _OK
        log = self._logger.debug if quiet else self._logger.info
        log(
            "request",
            request_id=trace.request_id,
            method=method,
            route=trace.route,
            status=trace.status,
            ms=elapsed_ns // 1_000 / 1_000,
            user_id=trace.user_id,
        )

    def _report(self, error: Exception, trace: Trace) -> None:
        self._logger.error(
            "request failed", request_id=trace.request_id, route=trace.route, exc_info=error
        )
        self._reports.capture(error, request_id=trace.request_id, route=trace.route)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace = self._trace(scope)
        trace.route = "websocket"
        try:
            await self._app(scope, receive, send)
        except ClientDisconnected:
            return  # before it was answered; nobody is left to tell
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a socket
            self._report(error, trace)
            await send({"type": "websocket.close", "code": 1011})
