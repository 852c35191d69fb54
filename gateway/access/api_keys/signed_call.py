r"""What a call that is signed with an API key says, and the text that was signed.

    PROBITY-V1 \n <algorithm> \n <key> \n <timestamp> \n <window> \n <nonce>
        \n <method> \n <path> \n <query> \n <SHA-256 of the body, hex>

The algorithm is the key's, never the call's; path and query are the bytes that were sent, so that
nothing that a proxy or a decoder might see otherwise is left open. A socket signs the method
`SOCKET`, the path `/ws`, no query and no body. Nothing here knows a key.

Laws: each field comes once, in one form, within a length, or the call is refused with the field's
name before anything is looked up. What a sender leaves out is in the text all the same (a window of
`WINDOW_MS`, no query, the hash of no body).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, NoReturn, Protocol

import msgspec

from gateway.access.principals import Principal
from gateway.wire.errors import Detail, Unauthorized

KEY_HEADER: Final = b"probity-key"
HEADERS: Final = {
    KEY_HEADER: "Probity-Key",
    b"probity-timestamp": "Probity-Timestamp",
    b"probity-window": "Probity-Window",
    b"probity-nonce": "Probity-Nonce",
    b"probity-signature": "Probity-Signature",
}
FIELDS: Final = ("apiKey", "timestamp", "window", "nonce", "signature")
"""The same over a socket, in the same order."""
OPTIONAL: Final = frozenset({"Probity-Window", "window"})
WINDOW_MS: Final = 5_000
SOCKET_METHOD: Final = "SOCKET"
SOCKET_PATH: Final = b"/ws"
_VERSION: Final = b"PROBITY-V1"
_VALUE_LENGTH: Final = 128
_NUMBER_MAX: Final = 10**15
_NOTHING: Final = hashlib.sha256(b"").hexdigest().encode("ascii")

KEY_NAME: Final = re.compile(r"pk_[A-Za-z0-9_-]{22}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{11,13}", re.ASCII)
_WINDOW: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9._:-]{8,64}", re.ASCII)
_FORMS: Final = (
    (KEY_NAME, "must be the name of a key, such as pk_ and 22 characters"),
    (_TIMESTAMP, "must be milliseconds since 1970, such as 1767225600000"),
    (_WINDOW, "must be milliseconds, such as 5000"),
    (_NONCE, "must have 8 to 64 of A-Z a-z 0-9 . _ : -"),
)
_NO_BASE64: Final = "must be base64 of the signature"


class SignedCall(msgspec.Struct, frozen=True):
    """A call as its sender signed it, or somebody says so."""

    key: str
    timestamp: int
    """Milliseconds since the epoch."""
    window: int
    """For how many milliseconds from then it may be taken."""
    nonce: str
    signature: bytes
    method: str
    path: bytes
    query: bytes
    body: bytes

    def text(self, algorithm: str) -> bytes:
        """Return what a key of that algorithm signs."""
        digest = _NOTHING
        if self.body:
            digest = hashlib.sha256(self.body).hexdigest().encode("ascii")
        head = f"{algorithm}\n{self.key}\n{self.timestamp}\n{self.window}\n{self.nonce}"
        parts = (
            _VERSION,
            head.encode("ascii"),
            self.method.encode("ascii"),
            self.path,
            self.query,
            digest,
        )
        return b"\n".join(parts)


class Signature(msgspec.Struct, frozen=True):
    """The fields of a call that say who signed it, and when."""

    key: str
    timestamp: int
    window: int
    nonce: str
    signature: bytes

    def of(self, method: str, path: bytes, query: bytes = b"", body: bytes = b"") -> SignedCall:
        """Return the call that they belong to."""
        who = (self.key, self.timestamp, self.window, self.nonce, self.signature)
        return SignedCall(*who, method, path, query, body)


class KeyChecks(Protocol):
    """What transports ask of API keys."""

    async def caller(self, call: SignedCall, address: str) -> Principal:
        """Return who signed a call; raises Unauthorized, Forbidden or RateLimited."""

    async def use_up(self, call: SignedCall, caller: Principal) -> None:
        """Note that a call was taken, so that it is not taken twice.

        Raises Unauthorized if it was, and RateLimited if too many are remembered.
        """


def signature_of_headers(headers: Iterable[tuple[bytes, bytes]]) -> Signature:
    """Return the signature that a request's headers hold; raises Unauthorized naming a header."""
    found: dict[str, str] = {}
    for raw_name, value in headers:
        name = HEADERS.get(raw_name)
        if name is not None:
            if name in found:
                _refuse(name, "is given twice")
            found[name] = value.decode("latin-1")
        elif raw_name == b"authorization":
            _refuse("Authorization", "doesn't go with a signature: send one of the two")
    return _signature(tuple(HEADERS.values()), found)


def signature_of_fields(auth: Mapping[str, object]) -> Signature:
    """Return the signature that a socket's `auth` holds; raises Unauthorized naming a field."""
    for name in auth:
        if name not in FIELDS:
            _refuse(str(name)[:_VALUE_LENGTH], f"is unknown; known are {', '.join(FIELDS)}")
    # A client may write its times as numbers.
    texts = {
        name: str(value) if type(value) is int and 0 < value < _NUMBER_MAX else value
        for name, value in auth.items()
        if value is not None
    }
    return _signature(FIELDS, texts)


def _signature(names: tuple[str, ...], found: Mapping[str, object]) -> Signature:
    values: list[str] = []
    for name in names:
        value = found.get(name, str(WINDOW_MS) if name in OPTIONAL else None)
        if value is None:
            _refuse(name, "is missing")
        if not isinstance(value, str):
            _refuse(name, "must be a string")
        if len(value) > _VALUE_LENGTH:
            _refuse(name, f"has more than {_VALUE_LENGTH} characters")
        values.append(value)
    for name, value, (form, message) in zip(names, values, _FORMS, strict=False):
        if form.fullmatch(value) is None:
            _refuse(name, message)
    key, timestamp, window, nonce, encoded = values
    return Signature(key, int(timestamp), int(window), nonce, _decoded(names[-1], encoded))


def _decoded(name: str, text: str) -> bytes:
    """Return the bytes of a base64 text, which has to be the one such text of them."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        _refuse(name, _NO_BASE64)
    if not raw or base64.b64encode(raw).decode("ascii") != text:
        _refuse(name, _NO_BASE64)
    return raw


def _refuse(field: str, message: str) -> NoReturn:
    raise Unauthorized(f"{field}: {message}", details=(Detail(field, message),))
