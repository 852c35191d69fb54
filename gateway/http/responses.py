"""What an answer is: one of two envelopes, encoded once and sent whole.

    {"success":true,"data":...,"meta":{"timestamp","requestId","asOfSeq"}}
    lists                              + "pagination", "nextCursor"
    reads of an account                + "accountSeq" in the meta
    lists that another place told      + "asOf" in the meta
    {"success":false,"error":{"code","message","details"},"meta":...}

The security headers are the edge's.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.types import Message, Receive, Send

from gateway.http.reading.whole_answers import send_spelled_out, whole_answer
from gateway.http.request import AsOf, AsOfView, Page, Slice, Stream, Told, UpTo
from gateway.http.routing import Shape
from gateway.wire.errors import ApiError, ErrorBody
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """When it was answered, and the id under which the logs know it."""

    timestamp: str
    request_id: str


class AnswerMeta(Meta, frozen=True, rename="camel"):
    """The same of a success: it holds all that the commands up to `asOfSeq` did.

    What comes from the store or from elsewhere may hold more, never less.
    """

    as_of_seq: int | msgspec.UnsetType
    """Unset in a process without a view of the exchange."""


class AccountMeta(AnswerMeta, frozen=True, rename="camel"):
    """The same of an account's read; `accountSeq` is that of the last private message in it."""

    account_seq: int


class ToldMeta(AnswerMeta, frozen=True, rename="camel"):
    """The same of a list that may be another place's, whose age is told then."""

    as_of: AsOfView | msgspec.UnsetType = msgspec.UNSET


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    """Where a page lies in its list."""

    total: int
    limit: int
    offset: int
    has_more: bool


class One(msgspec.Struct, frozen=True):
    """The answer of a route with Shape.ONE."""

    success: bool
    data: Any
    meta: AnswerMeta


class Paged(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of a route with Shape.PAGE."""

    success: bool
    data: list[Any]
    pagination: Pagination
    next_cursor: str | None
    meta: AnswerMeta


class Sliced(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of a route with Shape.SLICE."""

    success: bool
    data: list[Any]
    next_cursor: str | None
    meta: AnswerMeta


class Failure(msgspec.Struct, frozen=True):
    """The answer of everything that failed."""

    success: bool
    error: ErrorBody
    meta: Meta


_ONE: Final = Shape.ONE
"""An enumeration's members cost a look-up each time, on some Pythons a dear one."""
_ENCODE: Final = msgspec.json.Encoder().encode


def encode_result(
    result: object, shape: Shape, request_id: str, seq: int | msgspec.UnsetType = msgspec.UNSET
) -> bytes:
    """Return the envelope of a handler's result, which holds all that commands up to `seq` did."""
    if isinstance(result, UpTo):
        seq, result = result.seq, result.result
    # Of the answers of one millisecond the text is made once.
    meta = AnswerMeta(iso_millis(now_us() // 1_000 * 1_000), request_id, seq)
    if isinstance(result, AsOf):
        meta = AccountMeta(meta.timestamp, request_id, result.seq, result.account_seq)
        result = result.result
    if isinstance(result, Told):
        meta = ToldMeta(meta.timestamp, request_id, meta.as_of_seq, result.as_of)
        result = result.result
    if shape is _ONE:
        return _ENCODE(One(True, result, meta))
    if isinstance(result, Page):
        pagination = Pagination(result.total, result.limit, result.offset, result.has_more)
        return _ENCODE(Paged(True, result.items, pagination, result.next_cursor, meta))
    if isinstance(result, Slice):
        return _ENCODE(Sliced(True, result.items, result.next_cursor, meta))
    raise TypeError(f"a {shape.value} route returned {type(result).__name__}")


def encode_error(error: ApiError, request_id: str) -> bytes:
    """Return the envelope of a failure."""
    return _ENCODE(Failure(False, error.body(), Meta(iso_millis(now_us()), request_id)))


JSON: Final = b"application/json"
AS_OF_SEQ: Final = "X-As-Of-Seq"
"""What a stream has in the place of `meta.asOfSeq`."""


async def send_body(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Send a whole answer to any server, without the edge's help."""
    await send_spelled_out(send, whole_answer(status, content_type, body, headers))


async def send_unchanged(send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """Say that the caller has what was asked for already."""
    await send({"type": "http.response.start", "status": 304, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b""})


async def send_stream(
    receive: Receive, send: Send, status: int, stream: Stream, goes_on: Callable[[], None]
) -> None:
    """Send an answer while it is made, until the client has it or has gone.

    `goes_on` is called for each part that went out. What fails on the way ends the connection, so
    that nobody takes a part for the whole.
    """
    gone = asyncio.ensure_future(_until_gone(receive))
    gone.add_done_callback(lambda _gone: stream.stop())
    headers = [
        (b"content-type", stream.content_type.encode("ascii")),
        (b"content-disposition", f'attachment; filename="{stream.name}"'.encode("ascii")),
    ]
    if stream.as_of_seq is not None:
        headers.append((AS_OF_SEQ.lower().encode("ascii"), b"%d" % stream.as_of_seq))
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for chunk in stream.chunks:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            goes_on()
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await stream.close()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_json(
    send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Send JSON that is encoded already."""
    await send_body(send, status, JSON, body, headers)


async def send_error(send: Send, error: ApiError, request_id: str) -> None:
    """Send the envelope of a failure to any server."""
    await send_spelled_out(send, whole_error(error, request_id))


def whole_error(error: ApiError, request_id: str) -> Message:
    """Return the envelope of a failure as one message, which the edge takes."""
    return whole_answer(error.status, JSON, encode_error(error, request_id), error.headers)
