"""Tokens that are mailed: 256 random bits, of which we keep the hash alone."""

import hashlib
import re
import secrets
from typing import Annotated, Final

import msgspec

from gateway.wire.errors import ValidationFailed

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_BYTES: Final = 32

MailTokenText = Annotated[
    str, msgspec.Meta(max_length=200, description="the token that was mailed, good once")
]


def new_token() -> tuple[str, bytes]:
    """Return a token and its hash."""
    token = secrets.token_urlsafe(_BYTES)
    return token, _digest(token)


def token_hash(text: str, field: str = "token") -> bytes:
    """Return the hash of a token that came back; raises `no_token` for what can't be one."""
    if _TOKEN.fullmatch(text) is None:
        raise no_token(field)
    return _digest(text)


def no_token(field: str = "token") -> ValidationFailed:
    """Return the refusal of a token: made up, used, expired, or of an address of before."""
    return ValidationFailed.of(field, "doesn't hold, or no longer: ask for another mail")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
