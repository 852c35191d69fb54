"""What a stranger's bytes reach before anybody knows who sent them: one function a door.

A target takes any bytes and returns, or raises one of `REFUSALS`; whatever else it raises is a
fault, and so is taking longer than `TOO_LONG_S` of the processor's time. Where there is one, it
also says what must hold of what was taken. A new target is a line in `TARGETS` and a folder of
small files in `corpus/`; `make fuzz` and the tests find it there.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.messages.errors import MalformedNumber
from exchange.messages.units import (
    format_money,
    format_price,
    format_quantity,
    parse_money,
    parse_price,
    parse_quantity,
)
from gateway.access.api_keys.signed_call import HEADERS, signature_of_fields, signature_of_headers
from gateway.access.client_address import ClientAddresses
from gateway.accounts.api_keys.fields import allow_list
from gateway.accounts.api_keys.signing import public_key_bytes
from gateway.accounts.fields import (
    avatar_url,
    display_name,
    email_address,
    new_password,
    username,
)
from gateway.accounts.sessions.cookies import read_refresh_cookie
from gateway.accounts.sessions.keys import KeyRing
from gateway.accounts.sessions.tokens import Tokens
from gateway.accounts.wallets.messages import MESSAGE_LENGTH, parse, written
from gateway.http.reading.query_strings import (
    parse_query,
    query_decoder,
    refuse_query,
    take_min_seq,
)
from gateway.http.routing import RouteTable
from gateway.settings.values import networks
from gateway.sockets.framing.client_frames import ClientFrames
from gateway.sockets.framing.protocol import EventFrame, read_frame
from gateway.wire import strict_json
from gateway.wire.errors import ApiError
from gateway.wire.scalars import parse_id, parse_time
from gateway.wire.strict_json import decode
from tests.gateway.trading_desk import all_tables

REFUSALS: Final = (ApiError, MalformedNumber)
TOO_LONG_S: Final = 0.05
LONGEST: Final = 65_536
"""Bytes of a body; nothing longer comes in."""
_NUMBER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FRAME_MAX: Final = 32_768
_NUMBERS: Final = (
    (parse_price, format_price),
    (parse_quantity, format_quantity),
    (parse_money, format_money),
)


def _key(text: str) -> None:
    with suppress(ValueError):
        public_key_bytes(text)


_FIELDS: Final[tuple[Callable[[str], Any], ...]] = (
    email_address,
    display_name,
    username,
    avatar_url,
    lambda text: parse_time(text, "at"),
    parse_id,
    _key,
    lambda text: allow_list(text.split(",")),
)


@cache
def _table() -> RouteTable:
    return all_tables()[0]


@cache
def _bodies() -> list[Any]:
    rows = [row.body for row in _table().routes if row.body is not None]
    return [msgspec.json.Decoder(body) for body in dict.fromkeys(rows)]


@cache
def _queries() -> list[Any]:
    rows = [row.query for row in _table().routes if row.query is not None]
    return [query_decoder(query) for query in dict.fromkeys(rows)]


@cache
def _tokens() -> Tokens:
    return Tokens(KeyRing.of(Ed25519PrivateKey.from_private_bytes(b"k" * 32)), 60)


def rest_body(data: bytes) -> None:
    """A body of any route: the first byte says of which."""
    decoders = _bodies()
    if data:
        decode(data[1:], decoders[data[0] % len(decoders)])


def query_string(data: bytes) -> None:
    """A query string of any route."""
    if not data:
        return
    parameters = parse_query(data[1:])
    take_min_seq(parameters)
    decoders = _queries()
    number = data[0] % (len(decoders) + 1)
    if number == len(decoders):
        refuse_query(parameters)
    else:
        decoders[number].decode(parameters)


def path(data: bytes) -> None:
    """A path: a route, or none."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW")
    if data:
        text = "/" + data[1:].decode("utf-8", "replace")
        _table().find(methods[data[0] % len(methods)], text)


def headers(data: bytes) -> None:
    """What comes in a head: a cookie, a token, where it says it comes from."""
    found = read_refresh_cookie(data)
    assert found is None or len(found) == 43
    proxies = ClientAddresses(networks("192.0.2.0/24"))
    scope = {"client": ("192.0.2.1", 1), "headers": [(b"x-forwarded-for", data)]}
    address, _ = proxies.find(scope, {b"x-forwarded-for": data})
    assert address
    _tokens().verify(data)


def signed_request(data: bytes) -> None:
    """The headers of a call that is signed, one a line, and its body behind them."""
    head, _, body = data.partition(b"\n\n")
    names = list(HEADERS)
    lines = [(names[at % len(names)], line) for at, line in enumerate(head.split(b"\n"))]
    call = signature_of_headers(lines).of("POST", b"/api/v1/orders", b"", body)
    assert call.text("ed25519").count(b"\n") >= len(names)


def signed_socket(data: bytes) -> None:
    """The fields by which a socket is signed in with a key."""
    try:
        auth = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if isinstance(auth, dict):
        signature_of_fields(auth)


def socket_frame(data: bytes) -> None:
    """A text frame of a socket, and the payload of its event."""
    frame = read_frame(data.decode("utf-8", "replace"))
    if isinstance(frame, EventFrame):
        decoders = _bodies()
        decode(frame.text.encode("utf-8"), decoders[len(data) % len(decoders)])


def socket_bytes(data: bytes) -> None:
    """Bytes of a WebSocket, in two parts: nothing gets lost, and nothing is longer than allowed."""
    if not data:
        return
    at = data[0] % len(data)
    frames = ClientFrames(_FRAME_MAX)
    seen = b"".join(
        frame for part in (data[1:at], data[max(1, at) :]) for frame, _ in frames.cut(part)
    )
    assert data[1:].startswith(seen)


def wire_number(data: bytes) -> None:
    """A price, a quantity or money: what is taken comes out as the same."""
    if not data:
        return
    parse, write = _NUMBERS[data[0] % len(_NUMBERS)]
    with suppress(*REFUSALS):
        number = decode(b'{"n":' + data[1:] + b"}", _NUMBER)["n"]
        for read in (strict_json.price, strict_json.quantity, strict_json.money):
            _refused(read, number)
    units = parse(data[1:].decode("latin-1"))
    assert units >= 0
    assert parse(write(units)) == units


def field(data: bytes) -> None:
    """A field of a person or a key: an address, a name, a picture, a time, a password."""
    if not data:
        return
    text = data[1:].decode("utf-8", "replace")
    check = _FIELDS[data[0] % len(_FIELDS)]
    with suppress(ValueError):
        new_password(text)
    check(text)


def wallet_message(data: bytes) -> None:
    """What a wallet signs: what is taken says the same when it is written anew."""
    message = parse(data.decode("utf-8", "replace"))
    text = written(message)
    # Times are written to the millisecond, which may be longer than they came.
    if len(text) <= MESSAGE_LENGTH:
        assert parse(text) == message


def _refused(read: Callable[[msgspec.Raw], int], raw: msgspec.Raw) -> None:
    with suppress(*REFUSALS):
        read(raw)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "field": field,
    "headers": headers,
    "path": path,
    "query_string": query_string,
    "rest_body": rest_body,
    "signed_request": signed_request,
    "signed_socket": signed_socket,
    "socket_bytes": socket_bytes,
    "socket_frame": socket_frame,
    "wallet_message": wallet_message,
    "wire_number": wire_number,
}
