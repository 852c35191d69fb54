"""A small client of the exchange's own REST API, for commands that act from outside.

Laws: it blocks; connections stay open between calls and are shared by the threads. What
may pass by itself is tried again: 429 after the time that Retry-After names, 503 and 504 and lost
connections after a growing pause. So callers send only what may be sent twice: reads, commands
under an id of their own, and things whose second sending is refused as already there.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import msgspec

RATE_LIMITED: Final = 429
_TRY_AGAIN: Final = frozenset({502, 503, 504})
_ATTEMPTS: Final = 10
"""For 503, 504 and lost connections, about 11 s; a 429 is waited for as long as it says."""
_ATTEMPTS_ONCE_MET: Final = 40
"""Of an exchange that has answered before, about 70 s: it restarts, the address isn't mistyped."""
_PAUSE_SECONDS: Final = 0.05
_PAUSE_SECONDS_MAX: Final = 2.0
_RETRY_AFTER_MAX: Final = 300
_OK_FROM, _OK_BELOW = 200, 300
_PORT_MAX: Final = 65_535

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
            base = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise ApiUnreachable(wrong) from None
        if base.query or base.fragment or base.userinfo:
            raise ApiUnreachable(wrong)
        if base.scheme not in {"http", "https"} or not base.host or (base.port or 1) > _PORT_MAX:
            raise ApiUnreachable(wrong)
        self._client = httpx.Client(
            base_url=base.copy_with(path=f"{base.path.rstrip('/')}/api/v1"),
            timeout=timeout_seconds,
            # As many as the callers have threads; the exchange bounds what one address may do.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            # What is meant is the exchange at `url`, not a proxy that the environment names.
            trust_env=False,
            # Whom the machine trusts, a private authority too.
            verify=ssl.create_default_context(),
        )
        self._sleep = sleep
        self._on_limit = on_limit
        self._attempts = _ATTEMPTS

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
        while attempt < self._attempts:
            try:
                answer = self._client.request(method, path, content=content, headers=headers)
            except httpx.RequestError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == RATE_LIMITED:
                    retry_after = _seconds(answer.headers.get("retry-after"))
                    self._on_limit(retry_after)
                    self._sleep(retry_after)
                    continue
                if answer.status_code not in _TRY_AGAIN:
                    self._attempts = _ATTEMPTS_ONCE_MET
                    return _open(answer.status_code, answer.content)
                problem = f"status {answer.status_code}"
            attempt += 1
            self._sleep(pause)
            pause = min(2 * pause, _PAUSE_SECONDS_MAX)
        raise ApiUnreachable(f"{method} {path}: no answer after {attempt} attempts ({problem})")

    def close(self) -> None:
        """Close all connections; nobody calls any more."""
        self._client.close()


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
