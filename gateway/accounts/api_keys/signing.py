"""The two ways to sign: Ed25519 with a key of the owner's, HMAC-SHA-256 with a secret of ours.

Laws: which of them, is the key's own and never the call's, and it stands in the text that is
signed: nothing that was made for one way says anything in the other. A check costs the event loop
4 us for HMAC and about 100 for Ed25519; OpenSSL's binding keeps Python's lock meanwhile (two
threads take twice the time of one), so a thread would only add a hop to it.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from gateway.accounts.api_keys.curve import flaw_of

PUBLIC_KEY_LENGTH: Final = 400
"""Of a PEM with its lines, and some room."""
_PEM: Final = "-----BEGIN"
_NO_KEY: Final = "must be an Ed25519 public key: its PEM, or the base64 of its 32 bytes"
_SECRET_BYTES: Final = 32


class Algorithm(enum.StrEnum):
    """How a key signs."""

    ED25519 = "ed25519"
    HMAC_SHA256 = "hmac-sha256"


Verifies = Callable[[bytes, bytes], bool]
"""Called with (text, signature): whether the key made it."""


def new_name() -> str:
    """Return the name of a new key: nobody can guess one."""
    return f"pk_{secrets.token_urlsafe(16)}"


def new_secret() -> str:
    """Return the secret of a new key; its ASCII characters are the key of the HMAC."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def public_key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a public key; raises ValueError, whose reason is fit to be shown."""
    if text.lstrip().startswith(_PEM):
        try:
            key = load_pem_public_key(text.encode("utf-8"))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError(_NO_KEY) from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(_NO_KEY)
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        try:
            raw = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise ValueError(_NO_KEY) from None
    flaw = flaw_of(raw)
    if flaw is not None:
        raise ValueError(flaw)
    return raw


def verifier_of(algorithm: Algorithm, key: bytes) -> Verifies:
    """Return what verifies by a public key's bytes or by a secret, as the algorithm takes it."""
    if algorithm is Algorithm.HMAC_SHA256:

        def verify_hmac(text: bytes, signature: bytes) -> bool:
            return hmac.compare_digest(hmac.digest(key, text, hashlib.sha256), signature)

        return verify_hmac
    public = Ed25519PublicKey.from_public_bytes(key)

    def verify_ed25519(text: bytes, signature: bytes) -> bool:
        try:
            public.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    return verify_ed25519
