"""What the head of a request must be, beyond what the parser asks (RFC 9112, 3.2 and 5).

Laws: pure, and linear in the number of headers. What is judged here could otherwise be read in two
ways by two servers in a row: a request without a Host or with two, a header that may stand once and
stands twice, a version that has no headers at all.
"""

import re
from functools import lru_cache
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.access.connections import HEADERS_MAX
from gateway.http.responses import encode_error
from gateway.wire.errors import ApiError, RateLimited, ValidationFailed

HEAD: Final = "head"
NO_HTTP: Final = ValidationFailed.of(HEAD, "is not HTTP/1.1")
HEAD_TOO_LARGE: Final = ValidationFailed.of(HEAD, "is too large")
HEAD_TOO_LATE: Final = ValidationFailed.of(HEAD, "did not come in time")
TOO_MUCH_FRAMING: Final = ValidationFailed.of("body", "has too much beside its data")
TOO_MANY_WAITING: Final = ValidationFailed.of(HEAD, "came behind too many that wait for an answer")
UPGRADE_TOO_EARLY: Final = ValidationFailed.of(HEAD, "asks to upgrade before the last answer")
TOO_MANY_LIMITED: Final = RateLimited(1, "Too many requests past a limit; the connection is closed")
TOO_MANY_CONNECTIONS: Final = RateLimited(1, "Too many connections from this address")

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_ONCE: Final = (b"host", b"authorization", b"content-type", b"content-length")
_HOST_VALUE: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]{0,255}")


def last_answer(error: ApiError) -> bytes:
    """Return a refusal as the last bytes of a connection."""
    body = encode_error(error, "")
    lines = [
        b"content-type: application/json\r\n",
        b"content-length: %d\r\n" % len(body),
        b"connection: close\r\n",
        *(b"%b: %b\r\n" % header for header in error.headers),
    ]
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", body))


def wrong_head(version: str, headers: list[tuple[bytes, bytes]]) -> ApiError | None:
    """Return why a head can't be served, None if it can.

    `version` as in "1.1"; `headers` with their names in lower case.
    """
    if version not in _VERSIONS:
        return ValidationFailed.of(HEAD, "must be of HTTP/1.1")
    if len(headers) > HEADERS_MAX:
        return ValidationFailed.of(HEAD, f"may have at most {HEADERS_MAX} headers")
    values = dict(headers)
    if len(values) < len(headers):
        names = [name for name, _ in headers]
        for name in _ONCE:
            if names.count(name) > 1:
                return ValidationFailed.of(name.decode(), "must be given once")
    host = values.get(b"host")
    if host is None:
        return None if version == "1.0" else ValidationFailed.of("host", "is missing")
    return None if _names_a_host(host) else ValidationFailed.of("host", "is no name of a host")


@lru_cache(maxsize=1_024)
def _names_a_host(value: bytes) -> bool:
    return _HOST_VALUE.fullmatch(value) is not None
