"""Asking services that an operator has set: who somebody is, nodes of chains, and their like.

Laws: a question is bounded in time, its answer in size, and so is how many are asked at once;
nothing is followed that an answer names (no redirects) and nothing is unpacked. Whatever goes wrong
on the way is `OutboundFailed`; what a service answers is the asker's to judge. Sign-ins are rare,
so each question has a connection of its own and nothing is left open.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import msgspec

AT_ONCE: Final = 16
ANSWER_BYTES: Final = 256 * 1_024
_GOOD: Final = range(200, 300)
_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; making it reads no certificates."""


class OutboundFailed(Exception):
    """There is no answer: the message says what failed, and nothing of what was asked."""


class NotReached(OutboundFailed):
    """Nothing was sent: whoever is asked knows nothing of it, for certain."""


class TooLarge(OutboundFailed):
    """There is an answer, of more bytes than are read of one."""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    max_age_s: int = 0
    """How long the service says that it may be kept."""
    wait_s: float = 0.0
    """How long it asks to be left alone (`Retry-After`): its word, which whoever waits bounds."""

    @property
    def is_good(self) -> bool:
        """Say whether the status is one of success."""
        return self.status in _GOOD


class Outbound:
    """Asks; of one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(AT_ONCE)
        self._trust: ssl.SSLContext | None = None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,  # noqa: ANN401 - any JSON
        most: int = ANSWER_BYTES,
    ) -> Answer:
        """Return the answer of at most `most` bytes, whatever its status; raises OutboundFailed.

        The wait for a place is within the time that a question may take.
        """
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._places,
                self._asked(method, url, headers, auth, form, json) as answer,
            ):
                body = bytearray()
                async for piece in _pieces(answer, most):
                    body += piece
                age = _max_age(answer.headers.get("cache-control", ""))
                wait_s = wait_of(answer.headers.get("retry-after", ""), time.time())
                return Answer(answer.status_code, bytes(body), age, wait_s)
        except TimeoutError:
            raise OutboundFailed("takes too long") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise _failed(error) from None

    @asynccontextmanager
    async def reading(
        self, url: str, *, headers: Mapping[str, str] | None = None, most: int
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Read an answer as it comes, at most `most` bytes of it: its status, and its pieces.

        It has no place and no end of its own: whoever reads bounds how many there are, and in time
        all together. Raises OutboundFailed, also where a piece takes too long.
        """
        try:
            async with self._asked("GET", url, headers, None, None, None) as answer:
                yield answer.status_code, _pieces(answer, most)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise _failed(error) from None

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
        form: Mapping[str, str] | None,
        json: Any,  # noqa: ANN401 - any JSON
    ) -> AsyncIterator[httpx.Response]:
        is_secure = url.startswith("https://")
        if is_secure and self._trust is None:
            # Reading the certificates takes tens of milliseconds.
            self._trust = await asyncio.to_thread(ssl.create_default_context)
        sent = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
        async with (
            httpx.AsyncClient(
                timeout=self._timeout_s,
                # A proxy of the environment is for the world outside, not for a stand-in beside us.
                trust_env=is_secure,
                verify=self._trust if self._trust is not None and is_secure else _NOBODY,
            ) as client,
            client.stream(method, url, headers=sent, auth=auth, data=form, json=json) as answer,
        ):
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise OutboundFailed("is packed")
            yield answer


async def _pieces(answer: httpx.Response, most: int) -> AsyncIterator[bytes]:
    read = 0
    async for piece in answer.aiter_raw():
        read += len(piece)
        if read > most:
            raise TooLarge("is too large")
        yield piece


def _failed(error: Exception) -> OutboundFailed:
    is_unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL))
    return (NotReached if is_unsent else OutboundFailed)(type(error).__name__)


def _max_age(header: str) -> int:
    """Return the seconds of `max-age`, 0 for none."""
    for part in header.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "max-age" and value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004
            return int(value)
    return 0


def wait_of(header: str, now: float) -> float:
    """Return how many seconds a `Retry-After` asks for, by their number or as a date; 0 for none
    or nonsense.
    """
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0
