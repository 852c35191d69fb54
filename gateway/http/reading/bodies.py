"""Reading a body: declared as JSON, counted as it arrives, not waited for without end."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Receive

from gateway.wire.errors import Detail, PayloadTooLarge, UnsupportedMediaType, ValidationFailed
from gateway.wire.strict_json import BODY_FIELD

BODY_HAS_COME: Final = "probity.body_has_come"
"""The scope's extension that is there once nothing of the request is awaited any more: the body."""
_PLAIN: Final = b"application/json"


class ClientGone(Exception):
    """The client closed the connection before its request was whole; nobody is left to answer."""


class BodyReader:
    """Reads bodies up to `max_bytes` (counted on what is received) within `timeout_seconds`."""

    __slots__ = ("_max_bytes", "_timeout_seconds")

    def __init__(self, max_bytes: int, timeout_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    def whole(self, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        """Return a body that has come whole; raises UnsupportedMediaType or PayloadTooLarge."""
        self._check(headers)
        if len(body) > self._max_bytes:
            raise PayloadTooLarge(self._max_bytes)
        return body

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """Wait for the body and return it.

        Raises UnsupportedMediaType, PayloadTooLarge, ValidationFailed (too slow) or ClientGone.
        """
        self._check(headers)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._receive_all(receive)
        except TimeoutError:
            # What is left of it would be taken for the next request.
            raise ValidationFailed(
                "The body did not arrive in time",
                details=(Detail(BODY_FIELD, "did not arrive in time"),),
                headers=((b"connection", b"close"),),
            ) from None

    def _check(self, headers: Mapping[bytes, bytes]) -> None:
        """Judge what is said of the body: what a header says is only good for refusing early."""
        content_type = headers.get(b"content-type", b"")
        if content_type != _PLAIN and not _is_json(content_type):
            raise UnsupportedMediaType
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise UnsupportedMediaType("The body must not be compressed")
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > self._max_bytes:
            raise PayloadTooLarge(self._max_bytes)

    async def _receive_all(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        if len(body) > self._max_bytes:
            raise PayloadTooLarge(self._max_bytes)
        if not message.get("more_body", False):
            return body
        received = bytearray(body)
        while message.get("more_body", False):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            received += message.get("body", b"")
            if len(received) > self._max_bytes:
                raise PayloadTooLarge(self._max_bytes)
        return bytes(received)


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the headers announce a body."""
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _is_json(content_type: bytes) -> bool:
    media_type, _, parameters = content_type.partition(b";")
    if media_type.strip().lower() != _PLAIN:
        return False
    charset = parameters.strip().lower().replace(b'"', b"")
    return charset in {b"", b"charset=utf-8", b"charset=utf8"}
