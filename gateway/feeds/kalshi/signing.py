"""Signed requests: an RSA key says who asks, and when.

What is signed is the time in milliseconds, the method and the path without its query, joined
without anything between (docs.kalshi.com/getting_started/api_keys): RSASSA-PSS with SHA-256 and a
salt as long as its digest. The venue refuses a time too far from its own; how far this machine's
clock is off is learned from the venue's Date headers (`Signer.ahead_s`).
"""

import base64
import time
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIME_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"

HASH: Final = hashes.SHA256()
PADDING: Final = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
_BITS: Final = range(2_048, 8_193)
_NO_KEY: Final = "must be an RSA private key of 2048 to 8192 bits in PEM, its lines joined by \\n"


class Signer:
    """Signs with one key."""

    def __init__(
        self, key_id: str, key: RSAPrivateKey, wall: Callable[[], float] = time.time
    ) -> None:
        """Sign as `key_id`; `wall` gives seconds since the epoch."""
        self._key_id = key_id
        self._key = key
        self._wall = wall
        self.ahead_s = 0
        """How far the venue's clock is ahead of ours."""

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Return the headers of a request to `path` (from the host on, without query), now."""
        at = str(int((self._wall() + self.ahead_s) * 1_000))
        signature = self._key.sign(message(at, method, path), PADDING, HASH)
        return {
            KEY_HEADER: self._key_id,
            TIME_HEADER: at,
            SIGNATURE_HEADER: base64.b64encode(signature).decode("ascii"),
        }


def message(at: str, method: str, path: str) -> bytes:
    """Return what is signed."""
    return f"{at}{method}{path}".encode()


def private_key(value: str) -> RSAPrivateKey:
    """Return the key of a PEM text; raises ValueError, which never shows any of it."""
    try:
        key = load_pem_private_key(value.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(_NO_KEY) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size not in _BITS:
        raise ValueError(_NO_KEY)
    return key
