"""A venue that stands in for the real one on loopback: its paths, its limits, and faults on demand.

    async with StandIn({"/markets": list_markets}).running() as venue:
        venue.fail(Fault.RATE_LIMITED, times=2)
        ...                                     # the client asks `venue.url`

Laws: it only listens on 127.0.0.1; a fault is what the next requests meet (or all until `mend`), on
one path or on any; what was asked is kept in `seen`. A venue's own paths are handlers that its
module hands in; its socket is a `SocketStandIn` (`socket_stand_in.py`).
"""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum, auto
from hashlib import sha1
from urllib.parse import unquote

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]
"""Answers a path; what its template names is in `request.path_params`."""
Alter = Callable[[bytes], bytes]
LARGE: int = 17 << 20


class Fault(Enum):
    """What a request meets instead of its answer."""

    RATE_LIMITED = auto()
    RATE_LIMITED_WITH_RETRY_AFTER = auto()
    RATE_LIMITED_FOR_LONG = auto()
    SERVER_ERROR = auto()
    SILENCE = auto()
    """No answer at all, until the client gives up."""
    DRIPPING = auto()
    """A byte now and then, for ever."""
    HALF_BODY = auto()
    WRONG_TYPE = auto()
    NOT_JSON = auto()
    NOT_UTF8 = auto()
    TOO_DEEP = auto()
    TOO_LARGE = auto()
    GZIP_BOMB = auto()
    TORN_GZIP = auto()
    UNKNOWN_PACKING = auto()
    REDIRECT = auto()
    REFUSED = auto()


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    """A JSON answer; a header's name has "_" for "-"."""
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(body, status, {"content-type": "application/json", **told})


_PLAIN: Mapping[Fault, Callable[[], Response]] = {
    Fault.RATE_LIMITED: lambda: answer(b'{"error":"slow down"}', 429),
    Fault.RATE_LIMITED_WITH_RETRY_AFTER: lambda: answer(b"{}", 429, retry_after="1"),
    Fault.RATE_LIMITED_FOR_LONG: lambda: answer(b"{}", 429, retry_after="86400"),
    Fault.SERVER_ERROR: lambda: answer(b"oops", 503),
    Fault.WRONG_TYPE: lambda: answer(b"<html>", content_type="text/html"),
    Fault.NOT_JSON: lambda: answer(b"[1,2,3"),
    Fault.NOT_UTF8: lambda: answer(b'["\xff\xfe"]'),
    Fault.TOO_DEEP: lambda: answer(b"[" * 50_000 + b"]" * 50_000),
    Fault.TOO_LARGE: lambda: answer(b"[" + b" " * LARGE + b"]"),
    Fault.GZIP_BOMB: lambda: answer(
        gzip.compress(b"[" + b" " * LARGE + b"]"), content_encoding="gzip"
    ),
    Fault.TORN_GZIP: lambda: answer(gzip.compress(b"[1,2,3]")[:-9], content_encoding="gzip"),
    Fault.UNKNOWN_PACKING: lambda: answer(b"[]", content_encoding="br"),
    Fault.REDIRECT: lambda: answer(b"", 302, location="http://192.0.2.1/"),
    Fault.REFUSED: lambda: answer(b'{"error":"no such thing"}', 404),
}


def patience_s(request: pytest.FixtureRequest) -> int:
    """Return how long a test waits for a stand-in: longer than a busy machine takes, unless the
    `fault` that the test is about never ends.
    """
    call = getattr(request.node, "callspec", None)
    fault = call.params.get("fault") if call is not None else None
    return 2 if fault in {Fault.SILENCE, Fault.DRIPPING} else 60


@dataclass
class _Planned:
    fault: Fault
    path: str | None
    left: int | None


@dataclass(frozen=True)
class Seen:
    """One request that came; status 0: it wasn't answered."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    status: int


@dataclass
class StandIn:
    """One base URL of a venue."""

    paths: Mapping[str, Handler]
    validators: bool = False
    """Whether answers have an ETag, and a repeat gets 304."""
    packed: bool = False
    """Whether answers come as gzip."""
    per_second: int | None = None
    """More requests in a second get 429."""
    clock_ahead_s: float = 0.0
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    alter: dict[str, Alter] = field(default_factory=dict)
    """What is done to the bodies of a path: a venue that changes its shapes."""
    _planned: list[_Planned] = field(default_factory=list)
    _recent: list[float] = field(default_factory=list)

    def fail(self, fault: Fault, *, path: str | None = None, times: int | None = 1) -> None:
        """Plan a fault for the next requests (None: for all), on `path` alone if it is given."""
        self._planned.append(_Planned(fault, path, times))

    def mend(self) -> None:
        """Drop all that is planned."""
        self._planned.clear()

    def asked(self, path: str) -> int:
        """How often a path was asked."""
        return sum(1 for seen in self.seen if seen.path == path)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StandIn"]:
        """Listen until the block's end; `url` is set."""
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            port=0,
            lifespan="off",
            log_config=None,
            log_level="critical",
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            yield self
        finally:
            await _end(server)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        fault = self._meets(request.url.path)
        if fault in {Fault.SILENCE, Fault.DRIPPING, Fault.HALF_BODY}:
            self._note(request, 0)
            await _broken(fault, receive, send)
            return
        told = _PLAIN[fault]() if fault is not None else await self._answer(request)
        told.headers["date"] = formatdate(time.time() + self.clock_ahead_s, usegmt=True)
        self._note(request, told.status_code)
        await told(scope, receive, send)

    def _note(self, request: Request, status: int) -> None:
        pairs = tuple((name, text) for name, text in request.query_params.multi_items())
        headers = dict(request.headers)
        self.seen.append(Seen(request.method, request.url.path, pairs, headers, status))

    def _meets(self, path: str) -> Fault | None:
        for planned in self._planned:
            if planned.path in {None, path}:
                if planned.left is not None:
                    planned.left -= 1
                    if planned.left == 0:
                        self._planned.remove(planned)
                return planned.fault
        now = time.monotonic()
        self._recent = [at for at in self._recent if now - at < 1]
        if self.per_second is not None and len(self._recent) >= self.per_second:
            return Fault.RATE_LIMITED
        self._recent.append(now)
        return None

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        told = answer(b'{"error":"no such path"}', 404)
        raw = request.scope["raw_path"].decode("ascii")
        for template, handler in self.paths.items():
            if found := compile_path(template)[0].fullmatch(raw):
                named = {name: unquote(text) for name, text in found.groupdict().items()}
                request.scope["path_params"] = named
                told = await handler(request)
                break
        body = bytes(told.body)
        if (alter := self.alter.get(path)) is not None:
            body = alter(body)
        kept = ("content-type", "location", "retry-after")
        headers = {name: told.headers[name] for name in kept if name in told.headers}
        if self.validators and told.status_code == 200:
            headers["etag"] = etag = f'"{sha1(body, usedforsecurity=False).hexdigest()}"'
            if request.headers.get("if-none-match") == etag:
                return Response(status_code=304, headers=headers)
        if self.packed:
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
        return Response(body, told.status_code, headers)


async def _end(server: uvicorn.Server) -> None:
    """End without waiting for anybody: uvicorn's own end takes a tenth of a second at least."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    # What is closed is told so in the loop's next turns.
    for _ in range(3):
        await asyncio.sleep(0)


async def _broken(fault: Fault | None, receive: Receive, send: Send) -> None:
    """Don't answer, or not to the end."""
    gone = asyncio.create_task(_until_gone(receive))
    if fault is not Fault.SILENCE:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'[{"id":', "more_body": True})
    while fault is Fault.DRIPPING and not gone.done():
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.02)
    if fault is Fault.HALF_BODY:
        gone.cancel()
        raise ConnectionAbortedError
    await gone


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
