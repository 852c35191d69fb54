r"""A stream of bytes sealed in pieces by AES-256-GCM, so that none is believed before it is proved.

    "probity-sealed 1\n" | salt, 16 bytes | pieces of 64 KiB, each with 16 bytes of tag behind it

Laws: each file has a key of its own, made by HKDF-SHA256 of the operator's key and the salt, so no
nonce is used twice under one key; a piece's nonce is its number and whether it is the last, so that
none can be moved, left out or cut off at the end unseen (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizar, 2015). A last piece is always there, and may be empty.
"""

import os
from collections.abc import Sequence
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from persistence.errors import BackupDamaged

MAGIC: Final = b"probity-sealed 1\n"
PIECE_BYTES: Final = 64 * 1024
_SALT_BYTES: Final = 16
_SEALED_BYTES: Final = PIECE_BYTES + 16
_KEY_BYTES: Final = 32
_LAST: Final = b"\x01"
_MORE: Final = b"\x00"


class SealingWriter:
    """A file that seals what is written to it; `close` writes the last piece, and must be called.

    The file below stays open.
    """

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        salt = os.urandom(_SALT_BYTES)
        self._file = file
        self._cipher = _cipher(key, salt)
        self._number = 0
        self._waiting = bytearray()
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        """Take bytes; whole pieces go on to the file."""
        self._waiting += data
        # One byte more: what is the last piece is known at the end only.
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), _MORE)
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Seal what is left as the last piece."""
        self._seal(bytes(self._waiting), _LAST)
        self._waiting.clear()

    def _seal(self, piece: bytes, last: bytes) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), piece, MAGIC))
        self._number += 1


class SealedReader:
    """What was sealed, read from its beginning on."""

    def __init__(self, file: BinaryIO, keys: Sequence[bytes]) -> None:
        """Read a file that stands behind its magic; whichever of `keys` opens it is used.

        Raises:
            BackupDamaged: none of them opens it, or its beginning isn't as it was written.
        """
        self._file = file
        salt = file.read(_SALT_BYTES)
        first = file.read(_SEALED_BYTES)
        self._next = file.read(_SEALED_BYTES)
        self._number = 1
        for key in keys:
            self._cipher = _cipher(key, salt)
            opened = self._unsealed(0, first)
            if opened is not None:
                self._opened = bytearray(opened)
                self._is_over = not self._next
                return
        raise BackupDamaged(
            "none of the keys opens it, or its beginning is damaged: set BACKUP_KEY"
        )

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end.

        Raises:
            BackupDamaged: a piece isn't what was written there, or the end is missing.
        """
        while len(self._opened) < size and not self._is_over:
            self._open()
        found = bytes(self._opened[:size])
        del self._opened[:size]
        return found

    def _open(self) -> None:
        piece, self._next = self._next, self._file.read(_SEALED_BYTES)
        opened = self._unsealed(self._number, piece)
        self._number += 1
        if opened is None:
            raise BackupDamaged(
                f"piece {self._number} isn't what was sealed there, or it ends too early"
            )
        self._opened += opened
        self._is_over = not self._next

    def _unsealed(self, number: int, piece: bytes) -> bytes | None:
        try:
            nonce = _nonce(number, _MORE if self._next else _LAST)
            return self._cipher.decrypt(nonce, piece, MAGIC)
        except (InvalidTag, ValueError):
            return None


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    derived = HKDF(SHA256(), _KEY_BYTES, salt, b"probity backup").derive(key)
    return AESGCM(derived)


def _nonce(number: int, last: bytes) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + last
