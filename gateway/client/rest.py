"""A small client of the exchange's own REST API, for commands that act from outside.

Laws: it blocks, and each thread gets a connection of its own, which stays open between calls. What
may pass by itself is tried again: 429 after the time that Retry-After names, 503 and 504 and lost
connections after a growing pause. So callers send only what may be sent twice: reads, commands
under an id of their own, and things whose second sending is refused as already there.
"""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

RATE_LIMITED: Final = 429
_TRY_AGAIN: Final = frozenset({502, 503, 504})
_ATTEMPTS: Final = 10
"""For 503, 504 and lost connections; a 429 is waited for as long as it says."""
_PAUSE_SECONDS: Final = 0.05
_PAUSE_SECONDS_MAX: Final = 2.0
_RETRY_AFTER_MAX: Final = 300
_OK_FROM, _OK_BELOW = 200, 300

Sleep = Callable[[float], None]


class ApiUnreachable(Exception):
    """The exchange didn't answer, or not as itself, however often it was asked."""


class ApiRefused(Exception):
    """The exchange answered with an error envelope; `code` is its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class _Error(msgspec.Struct):
    code: str
    message: str


class Envelope(msgspec.Struct, rename="camel"):
    """What every JSON answer of the API looks like, as far as a client needs it."""

    success: bool
    data: Any = None
    error: _Error | None = None
    next_cursor: str | None = None


_DECODER: Final = msgspec.json.Decoder(Envelope)


class ApiClient:
    """Calls the API at `url`; for many threads at once."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = 30.0,
        sleep: Sleep = time.sleep,
        on_limit: Callable[[int], None] = lambda _seconds: None,
    ) -> None:
        wrong = f"{url} is no address such as http://localhost:8080"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ApiUnreachable(wrong) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ApiUnreachable(wrong)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._prefix = parts.path.rstrip("/") + "/api/v1"
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._on_limit = on_limit
        self._own = threading.local()
        self._open: set[http.client.HTTPConnection] = set()
        self._opening = threading.Lock()

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, token: str = ""
    ) -> Envelope:
        """Return the answer of a call; raises ApiRefused and ApiUnreachable.

        `path` is below /api/v1 and starts with "/"; `token` is an access token, if any.
        """
        headers = {"content-type": "application/json"} if body is not None else {}
        if token:
            headers["authorization"] = f"Bearer {token}"
        content = None if body is None else msgspec.json.encode(body)
        pause, problem = _PAUSE_SECONDS, ""
        attempt = 0
        while attempt < _ATTEMPTS:
            try:
                status, retry_after, answer = self._exchange(method, path, content, headers)
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                problem = f"{type(error).__name__}: {error}"
            else:
                if status == RATE_LIMITED:
                    self._on_limit(retry_after)
                    self._sleep(retry_after)
                    continue
                if status not in _TRY_AGAIN:
                    return _open(status, answer)
                problem = f"status {status}"
            attempt += 1
            self._sleep(pause)
            pause = min(2 * pause, _PAUSE_SECONDS_MAX)
        raise ApiUnreachable(f"{method} {path}: no answer after {_ATTEMPTS} attempts ({problem})")

    def close(self) -> None:
        """Close the connections of all threads, which call no more."""
        with self._opening:
            while self._open:
                self._open.pop().close()

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, int, bytes]:
        """Return (status, Retry-After in seconds, body)."""
        connection = self._connection()
        connection.request(method, self._prefix + path, content, dict(headers))
        response = connection.getresponse()
        answer = response.read()
        return response.status, _seconds(response.getheader("retry-after")), answer

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = kind(self._host, self._port, timeout=self._timeout_seconds)
            self._own.connection = connection
            with self._opening:
                self._open.add(connection)
        return connection

    def _hang_up(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None
            with self._opening:
                self._open.discard(connection)


def _seconds(text: str | None) -> int:
    """Return the seconds of Retry-After, at least 1."""
    if text is None or not (text.isascii() and text.isdigit()):
        return 1
    return max(1, min(int(text[:9]), _RETRY_AFTER_MAX))


def _open(status: int, answer: bytes) -> Envelope:
    try:
        envelope = _DECODER.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ApiUnreachable(f"status {status}, not an answer of the exchange") from None
    if envelope.success and _OK_FROM <= status < _OK_BELOW:
        return envelope
    error = envelope.error or _Error("", "no reason given")
    raise ApiRefused(status, error.code, error.message)
