"""Access tokens: JWTs signed with one Ed25519 key, and nothing else is ever accepted.

The key is an object, never bytes that could be taken for an HMAC secret; the algorithm is fixed;
every claim we rely on is required. A token says who (`sub`) and which session (`sid`), not what
they may do: the role is read from the database, so that a change takes effect at once.
"""

import hmac
import os
import secrets
import time
from pathlib import Path
from typing import Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.settings.reader import SettingsError
from gateway.wire.errors import Unauthorized
from gateway.wire.scalars import parse_id

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "probity"
AUDIENCE: Final = "probity-api"
TOKEN_LENGTH: Final = 1_024
"""No token of ours is longer; a longer one is not even parsed."""
KEY_FILE: Final = "jwt_key.pem"
_REQUIRED: Final = ["exp", "iat", "sub", "sid", "jti", "aud", "iss"]


class Claims(msgspec.Struct, frozen=True):
    """What a token that holds says."""

    user_id: int
    session_id: int
    expires_at: int
    """Seconds since the epoch."""


class Tokens:
    """Issues and verifies access tokens with one key."""

    __slots__ = ("_private", "_public", "expires_in")

    def __init__(self, key: Ed25519PrivateKey, expires_in: int) -> None:
        self._private = key
        self._public = key.public_key()
        self.expires_in = expires_in
        """Life of a token in seconds, if nothing shorter is asked for."""

    def issue(self, user_id: int, session_id: int, expires_in: int | None = None) -> str:
        """Return a new token of a session, that lives for so many seconds."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + (self.expires_in if expires_in is None else expires_in),
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM)

    def verify(self, token: bytes) -> Claims:
        """Return the claims of a token that holds; raises Unauthorized for any other."""
        if len(token) > TOKEN_LENGTH:
            raise Unauthorized
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _REQUIRED},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Unauthorized from None
        user_id, session_id = parse_id(str(claims["sub"])), parse_id(str(claims["sid"]))
        if user_id is None or session_id is None:
            raise Unauthorized
        return Claims(user_id, session_id, int(claims["exp"]))


def load_key(pem: str | None, data_dir: Path) -> Ed25519PrivateKey:
    """Return the key of JWT_PRIVATE_KEY, else the one kept in `data_dir`, made on first use.

    Raises SettingsError if what is there is no Ed25519 key.
    """
    return find_key(pem, data_dir) or _make_key(data_dir / KEY_FILE)


def find_key(pem: str | None, data_dir: Path) -> Ed25519PrivateKey | None:
    """Return the key as `load_key` does, but None where it would make one."""
    if pem is not None:
        return _parse_key(pem.replace("\\n", "\n").encode("utf-8"), "JWT_PRIVATE_KEY")
    path = data_dir / KEY_FILE
    try:
        return _parse_key(path.read_bytes(), f"DATA_DIR: {path}")
    except FileNotFoundError:
        return None
    except OSError:
        raise SettingsError(f"DATA_DIR: {path} can't be read") from None


def require_key(pem: str | None, data_dir: Path) -> None:
    """Refuse to go on where `load_key` would make a key: others wouldn't know what it signs."""
    if pem is None and not (data_dir / KEY_FILE).exists():
        raise SettingsError(
            "JWT_PRIVATE_KEY: is missing: a gateway signs with the same key as the engine's process"
        )


def shared_secret(key: Ed25519PrivateKey) -> bytes:
    """Return 32 bytes that every process with the key has; of no use for signing tokens."""
    return hmac.digest(key.private_bytes_raw(), b"probity: shared by processes", "sha256")


def _parse_key(pem: bytes, name: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{name}: is not a private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{name}: must be an Ed25519 key")
    return key


def _make_key(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # link() fails if another process was first, whose key then counts.
        os.link(temporary, path)
    except FileExistsError:
        return _parse_key(path.read_bytes(), f"DATA_DIR: {path}")
    except OSError as error:
        raise SettingsError(f"DATA_DIR: {path} can't be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return key
