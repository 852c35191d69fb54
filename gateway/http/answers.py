"""Sending a whole answer as ASGI messages; the security headers are the edge's."""

from typing import Final

from starlette.types import Send

from gateway.http.responses import encode_error
from gateway.wire.errors import ApiError

JSON: Final = b"application/json"


async def send_body(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Send a whole answer."""
    start_headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start_headers})
    await send({"type": "http.response.body", "body": body})


async def send_json(
    send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Send JSON that is encoded already."""
    await send_body(send, status, JSON, body, headers)


async def send_error(send: Send, error: ApiError, request_id: str) -> None:
    """Send the envelope of a failure."""
    await send_json(send, error.status, encode_error(error, request_id), error.headers)
