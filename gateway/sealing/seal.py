"""Sealing: AES-256-GCM under a key that the database never sees.

    sealed = 1 (version) | id of the key (4 bytes) | nonce (12) | ciphertext | tag (16)

Laws: the first key seals, every key opens what it has sealed, so that keys can be changed while
everything goes on (docs/api-keys.md). `place` says where the sealed bytes belong, e.g.
"api_keys.secret:pk_...": it is authenticated, so that nobody who can write to a table can put the
secret of one row into another. A nonce is random: a key seals far fewer than 2^32 texts here.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES
_TAG_BYTES: Final = 16


class NotOpened(Exception):
    """What was sealed can't be opened: by none of the keys, not in this place, or it was changed.

    The message says which of the first and the others it was, and holds nothing of the text.
    """


class Seal:
    """Seals and opens under one or more keys; safe to share."""

    __slots__ = ("_current", "_keys")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take keys of 32 bytes each; the first one seals.

        Raises ValueError for none, or for one of another length.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"one key at least, each of {KEY_BYTES} bytes")
        self._keys = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    def seal(self, text: bytes, place: str) -> bytes:
        """Return `text` sealed for a place."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _VERSION + self._current
        sealed = self._keys[self._current].encrypt(nonce, text, head + place.encode("utf-8"))
        return head + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed for a place; raises NotOpened."""
        head, nonce = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        if len(sealed) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES or head[:1] != _VERSION:
            raise NotOpened("it is nothing that was sealed here")
        key = self._keys.get(head[1:])
        if key is None:
            raise NotOpened("ENCRYPTION_KEY lacks the key it was sealed with")
        try:
            rest = sealed[_HEAD_BYTES + _NONCE_BYTES :]
            return key.decrypt(nonce, rest, head + place.encode("utf-8"))
        except InvalidTag:
            raise NotOpened("it was changed, or belongs elsewhere") from None

    def is_current(self, sealed: bytes) -> bool:
        """Say whether the first key sealed it; what an older one did is to be sealed anew."""
        return sealed[:_HEAD_BYTES] == _VERSION + self._current


def _id_of(key: bytes) -> bytes:
    """Return what tells a key from others, and nothing of it."""
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b"seal's key id").digest()
