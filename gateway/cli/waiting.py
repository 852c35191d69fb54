"""A process whose database isn't there waits for it, and says so meanwhile.

    open everything ──> up
        └─ the database is away ──> /health says so, everything else is 503 ──> look again

Laws: what is away may stay away for as long as it likes; whoever asks gets an answer all the time,
on the port of the process; each look is short, so that a database that is back is seen at once; an
operator's signal ends the wait. A process that follows one whose database went away waits without
end, and so does one that was followed by another engine: it says that this one leads. A first start
waits for `DATABASE_WAIT_SECONDS` (containers come up in any order) and only for a database that is
given by its address, then it ends and says what is wrong.
"""

import asyncio
import http
import math
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.bootstrap.server import BACKLOG, StopSignal, make_server
from gateway.bootstrap.settings import Settings
from gateway.cli.stand_in import relieve
from gateway.engine_side.readiness import Readiness
from gateway.http.responses import JSON, encode_error, encode_result, send_error, send_json
from gateway.http.routing import Shape
from gateway.observability.logs import Logger
from gateway.operations.health_routes import WAITING, Health, SilenceView
from gateway.wire.errors import Unavailable
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us
from persistence.errors import EngineRunning, PersistenceError, PoolerInTheWay
from persistence.postgres.database import connect, is_absence

LOOK_S: Final = 0.25
"""How long after a look in vain the next one comes."""
_PATIENCE_S: Final = 1.5
"""How long one look may take: a machine that is back answers sooner, one that is away never."""
_SAID_S: Final = 30.0
"""At most one line about the wait in so many seconds."""
_REQUEST_ID: Final = "waiting"
_STARTING_ID: Final = "starting"
_TRY_LATER: Final = 1_013
_AWAY: Final = "The exchange waits for its database"
_LED: Final = "Another engine leads the exchange, and this one waits for the lead"

T = TypeVar("T")


class EndedWaiting(PersistenceError):
    """The operator ended the wait for a database that is away, or for the lead."""


class Start:
    """The start of one process."""

    def __init__(
        self,
        settings: Settings,
        logger: Logger,
        listening: socket.socket,
        stop: StopSignal,
        *,
        waits: bool,
    ) -> None:
        """Prepare to open what listens on `listening`; with `waits` it waits without end."""
        store = settings.store
        is_given = store.database_url is not None
        self._is_again = waits
        self._patience_s = math.inf if waits else store.wait_seconds if is_given else 0
        self._settings = settings
        self._logger = logger
        self._listening = listening
        self._stop = stop

    @asynccontextmanager
    async def opened(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
        """Yield what `make` opens, and close it at the end.

        Raises:
            EndedWaiting: an operator's signal came first.
            PersistenceError: what was waited for didn't come in time, or something else is wrong.
        """
        async with AsyncExitStack() as stack:
            opened = await self._open(stack, make)
            # Whoever reads that it is open may come at once, and waits until it is served.
            self._listening.listen(BACKLOG)
            yield opened

    async def _open(
        self, stack: AsyncExitStack, make: Callable[[], AbstractAsyncContextManager[T]]
    ) -> T:
        if not self._is_again:
            try:
                return await stack.enter_async_context(make())
            except Exception as error:
                if not self._patience_s or not self._may_pass(error):
                    raise
        page, ends_at = WaitingPage(self._logger), time.monotonic() + self._patience_s
        async with self._answering(page), self._ended_by_a_signal(page):
            while True:
                try:
                    await self._look()
                    return await stack.enter_async_context(make())
                except Exception as error:
                    if not self._may_pass(error) or time.monotonic() > ends_at:
                        raise
                    page.note(error)
                await asyncio.sleep(LOOK_S)

    def _may_pass(self, error: Exception) -> bool:
        if isinstance(error, PoolerInTheWay) and not self._is_again:
            return False
        # A session that was given up holds the lead until its server hears of it.
        return is_absence(error) or (self._is_again and isinstance(error, EngineRunning))

    @asynccontextmanager
    async def _ended_by_a_signal(self, page: "WaitingPage") -> AsyncIterator[None]:
        """Cancel the block at an operator's signal, wherever it waits; raises EndedWaiting."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a start is a task")
        self._stop.on_signal = task.cancel
        try:
            if self._stop.is_set:
                raise EndedWaiting(page.ended)
            yield
        except asyncio.CancelledError:
            if not self._stop.is_set:
                raise
            task.uncancel()
            raise EndedWaiting(page.ended) from None
        finally:
            self._stop.on_signal = None

    async def _look(self) -> None:
        """Ask a given database for a connection; raises DatabaseUnavailable."""
        store = self._settings.store
        url = store.direct_url or store.database_url
        if url is not None:
            await (await connect(url, timeout_s=_PATIENCE_S)).close(timeout=_PATIENCE_S)

    @asynccontextmanager
    async def _answering(self, page: "WaitingPage") -> AsyncIterator[None]:
        """Answer on the port while the block runs; what comes at its end waits for the next."""
        server = make_server(page, self._settings, Readiness(), [], _uncounted)
        # The server closes what it is given; the port stays ours.
        task = asyncio.create_task(server.serve([self._listening.dup()]))
        relieve()
        try:
            yield
        finally:
            server.end()
            await task


def _uncounted(_reason: str) -> None:
    """Hear why a connection was ended early, before there is anything to count it."""


def answers_of_a_start() -> tuple[bytes, bytes]:
    """Return what a stand-in answers to `GET /health`, and to everything else, as HTTP."""
    health = encode_result(Health(WAITING), Shape.ONE, _STARTING_ID)
    error = Unavailable("The exchange starts again; nothing happened, try again")
    away = encode_error(error, _STARTING_ID)
    return _whole_answer(200, health), _whole_answer(error.status, away, error.headers)


def _whole_answer(status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    phrase = http.HTTPStatus(status).phrase.encode("ascii")
    lines = [
        (b"content-type", JSON),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *headers,
    ]
    head = [b"HTTP/1.1 %d %s" % (status, phrase), *[b"%s: %s" % line for line in lines]]
    return b"\r\n".join([*head, b"", body])


class WaitingPage:
    """An ASGI application that says what is waited for: the database, or the lead."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._since = now_us()
        self._is_led = False
        """Whether the database answers, and another engine leads."""
        self._said_at = {False: -math.inf, True: -math.inf}
        """When each of the two was said last."""

    @property
    def ended(self) -> str:
        """What is said of a wait that is ended now."""
        return f"ended while waiting for the {'lead' if self._is_led else 'database'}"

    def note(self, error: Exception) -> None:
        """Note why a look was in vain, and say so now and then."""
        is_led = isinstance(error, EngineRunning)
        if is_led is not self._is_led:
            self._is_led, self._since = is_led, now_us()
        if time.monotonic() - self._said_at[is_led] > _SAID_S:
            self._said_at[is_led] = time.monotonic()
            if is_led:
                self._logger.warning("waiting for the lead", reason=str(error))
            else:
                self._logger.warning("waiting for the database", reason=str(error))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _TRY_LATER})
        elif scope["path"] == "/health":
            health = Health(WAITING, silence=self._silence())
            await send_json(send, 200, encode_result(health, Shape.ONE, _REQUEST_ID))
        else:
            why = _LED if self._is_led else _AWAY
            await send_error(send, Unavailable(f"{why}; nothing happened, try again"), _REQUEST_ID)

    def _silence(self) -> SilenceView | msgspec.UnsetType:
        if self._is_led:
            return msgspec.UNSET
        silent_ms = (now_us() - self._since) // 1_000
        return SilenceView("database", iso_millis(self._since), silent_ms)
