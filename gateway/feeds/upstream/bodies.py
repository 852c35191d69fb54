"""What stands in an answer: read, unpacked and parsed within bounds.

Laws: no byte more is kept than the bound allows, packed or unpacked (a kilobyte of gzip can hold a
megabyte); the text is UTF-8 and its brackets are nested no deeper than the bound before anybody
parses it; what is large is worked on in a thread. `BadBody.again` says whether asking once more may
help: a torn answer is a matter of luck, one of another shape isn't.

A thread and the event loop share one interpreter: the loop waits for at most one call of a C
function. So a parser reads the outer array first (`elements`), then each element by itself.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

import msgspec

from gateway.feeds.upstream.bounds import Bounds
from gateway.wire.nesting import deeper_than

T = TypeVar("T")
Parse = Callable[[bytes], T]

_JSON_TYPE: Final = re.compile(r"application/(?:json|[a-z.+-]+\+json)\s*(?:;.*)?", re.ASCII)
_SLICE: Final = 1 << 16
_GZIP: Final = 16 + zlib.MAX_WBITS
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}
ACCEPT_ENCODING: Final = "gzip, deflate"

elements: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
"""The elements of a JSON array, unread."""


class BadBody(Exception):
    """It isn't what was asked for; `result` is a label, `again` whether to try once more."""

    def __init__(self, result: str, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.result = result
        self.again = again


async def collect(pieces: AsyncIterator[bytes], bounds: Bounds) -> bytes:
    """Return all of an answer's bytes as they came; raises BadBody beyond the bound."""
    held, size = [], 0
    async for piece in pieces:
        size += len(piece)
        if size > bounds.body_bytes:
            raise _too_large(bounds)
        held.append(piece)
    return b"".join(held)


def check_type(content_type: str) -> None:
    """Raise BadBody unless an answer says that it is JSON."""
    if _JSON_TYPE.fullmatch(content_type.strip().lower()) is None:
        shown = "".join(c if c.isprintable() else "?" for c in content_type[:60])
        raise BadBody("wrong_type", f'says it is "{shown}", not JSON', again=True)


async def opened(packed: bytes, encoding: str, bounds: Bounds, parse: Parse[T]) -> tuple[bytes, T]:
    """Return a body as text and what `parse` makes of it; raises BadBody, and what `parse` raises
    beyond msgspec's and UTF-8's complaints.
    """
    if len(packed) < bounds.inline_bytes and encoding in {"", "identity"}:
        return _open(packed, encoding, bounds, parse)
    return await asyncio.to_thread(_open, packed, encoding, bounds, parse)


def _open(packed: bytes, encoding: str, bounds: Bounds, parse: Parse[T]) -> tuple[bytes, T]:
    body = unpacked(packed, encoding, bounds)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadBody("malformed", "is not UTF-8", again=True) from None
    if deeper_than(body, bounds.depth):
        raise BadBody("malformed", "is nested too deeply", again=False)
    try:
        return body, parse(body)
    except msgspec.ValidationError as error:
        raise BadBody("wrong_shape", f"has another shape: {error}", again=False) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadBody("malformed", "is not JSON", again=True) from None


def unpacked(packed: bytes, encoding: str, bounds: Bounds) -> bytes:
    """Return a body without its content encoding; raises BadBody."""
    if encoding in {"", "identity"}:
        return packed
    if encoding not in _WINDOWS:
        raise BadBody("wrong_type", "is packed in a way that wasn't asked for", again=True)
    unpacker = zlib.decompressobj(_WINDOWS[encoding])
    held, left = [], bounds.body_bytes + 1
    source = packed
    try:
        while source and left > 0:
            piece = unpacker.decompress(source, min(left, _SLICE))
            left -= len(piece)
            held.append(piece)
            source = unpacker.unconsumed_tail
    except zlib.error:
        raise BadBody("malformed", "can't be unpacked", again=True) from None
    if left <= 0:
        raise _too_large(bounds)
    if not unpacker.eof:
        raise BadBody("malformed", "ends in the middle", again=True)
    return b"".join(held)


def _too_large(bounds: Bounds) -> BadBody:
    return BadBody("too_large", f"has more than {bounds.body_bytes} bytes", again=False)
