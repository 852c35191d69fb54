"""The keys that sign access tokens: which one signs now, and which still hold.

    DATA_DIR/jwt_key.pem                        the first, made at the first start
    DATA_DIR/jwt_keys/{seconds}-{kid}.pem       those that `probity keys rotate` made, by time
    DATA_DIR/jwt_keys/{seconds}-{kid}-only.pem  one that lets none of before it hold
    JWT_PRIVATE_KEY                             in their place: PEMs; the first signs, all hold

Laws: the newest key signs; one that has a successor holds as long as a token lives, and a little
longer, so nobody is signed out. Processes that share the folder notice a new key by themselves,
with the next token, and one that another process takes away while they read. A `kid` is the key's
thumbprint (RFC 7638). The first key is also what the processes of one exchange share
(`shared_secret`), and that it stays when it has long stopped to sign; of several in JWT_PRIVATE_KEY
it is the last.
"""

import base64
import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.settings.reader import SettingsError

KEY_FILE: Final = "jwt_key.pem"
KEY_FOLDER: Final = "jwt_keys"
SLACK_S: Final = 60
"""How much longer than a token lives its key holds: clocks differ."""
_FILE: Final = re.compile(r"([0-9]{1,12})-([A-Za-z0-9_-]{43})(-only)?\.pem", re.ASCII)
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key; `born_at` in seconds since the epoch, None where it holds as long as it is named."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    born_at: int | None = None
    is_only: bool = False
    """Whether no key of before it holds."""

    @classmethod
    def of(
        cls, private: Ed25519PrivateKey, born_at: int | None = None, *, is_only: bool = False
    ) -> "SigningKey":
        """Return a key by its name."""
        public = private.public_key()
        return cls(thumbprint(public), private, public, born_at, is_only)

    @property
    def x(self) -> str:
        """Return the public key as JWKs write it."""
        return _base64(self.public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def thumbprint(public: Ed25519PublicKey) -> str:
    """Return a key's thumbprint (RFC 7638, 8037)."""
    x = _base64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _base64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class KeyRing:
    """The keys as they are now, the newest first."""

    def __init__(
        self,
        first: tuple[SigningKey, ...],
        folder: Path | None = None,
        lives_s: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know the keys that are there from the start, and those of a folder, now and later.

        `lives_s` is how long a token lives; `clock` is for tests.
        """
        self._first = first
        self._folder = folder
        self._overlap_s = lives_s + SLACK_S
        self._clock = clock
        self._names: tuple[str, ...] = ()
        self._keys = first

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "KeyRing":
        """Return the ring of one key."""
        return cls((SigningKey.of(private),))

    def signing(self) -> SigningKey:
        """Return the key that signs now."""
        self._look()
        return self._keys[0]

    def find(self, kid: object) -> SigningKey | None:
        """Return the key of this name if it holds now; None names the first one."""
        held = self.holding()
        if kid is None:
            return self._first[-1] if self._first[-1] in held else None
        return next((key for key in held if key.kid == kid), None)

    def holding(self) -> tuple[SigningKey, ...]:
        """Return the keys that hold now, the newest first."""
        self._look()
        return self._held(self._clock())

    def ran_out(self, kid: str) -> bool:
        """Say whether a key holds no longer for its time being over, and for nothing else."""
        now = self._clock()
        return any(
            key.kid == kid and not successor.is_only and self._ends(successor, now)
            for successor, key in pairwise(self._keys)
        )

    def over(self) -> list[Path]:
        """Return the files of keys that hold no longer."""
        self._look()
        held = {key.kid for key in self._held(self._clock())}
        folder = self._folder or Path()
        found = ((name, _FILE.fullmatch(name)) for name in self._names)
        return [folder / name for name, match in found if match and match[2] not in held]

    def _held(self, now: float) -> tuple[SigningKey, ...]:
        held = []
        successor: SigningKey | None = None
        for key in self._keys:
            if successor is not None and self._ends(successor, now):
                break
            held.append(key)
            successor = key
        return tuple(held)

    def _ends(self, successor: SigningKey, now: float) -> bool:
        """Say whether the key before `successor` holds no longer."""
        born_at = successor.born_at
        return born_at is not None and (successor.is_only or now > born_at + self._overlap_s)

    def _look(self) -> None:
        """Read the folder if it isn't as it was.  A few microseconds if it is."""
        if self._folder is None:
            return
        try:
            names = tuple(sorted(os.listdir(self._folder)))  # noqa: PTH208 - on each token, so quick
        except FileNotFoundError:
            names = ()
        except OSError:
            return  # what is known goes on
        if names == self._names:
            return
        made = []
        for name in names:
            match = _FILE.fullmatch(name)
            if match is None:
                continue
            path = self._folder / name
            try:
                private = _read_key(path)
            except FileNotFoundError:
                continue  # taken away since: it holds no longer
            key = SigningKey.of(private, int(match[1]), is_only=match[3] is not None)
            if key.kid != match[2]:
                raise SettingsError(f"DATA_DIR: {path} holds another key than it is named after")
            made.append(key)
        made.sort(key=lambda key: key.born_at or 0, reverse=True)
        self._keys = (*made, *self._first)
        self._names = names


def key_ring(
    pem: str | None, data_dir: Path, lives_s: int, clock: Callable[[], float] = time.time
) -> KeyRing:
    """Return the keys of JWT_PRIVATE_KEY, else those kept in `data_dir`; raises SettingsError."""
    if pem is not None:
        return KeyRing(tuple(SigningKey.of(key) for key in _parse_keys(pem)))
    ring = KeyRing(
        (SigningKey.of(load_key(None, data_dir)),), data_dir / KEY_FOLDER, lives_s, clock
    )
    ring.signing()
    return ring


def rotate(
    data_dir: Path,
    lives_s: int,
    *,
    at_once: bool = False,
    clock: Callable[[], float] = time.time,
) -> tuple[SigningKey, int]:
    """Make a new key, which signs from now on, and take away those that hold no longer.

    Returns the key and how many files went. `at_once` lets no other key hold, either: every access
    token of now is refused, and renewed by its session. Raises SettingsError.
    """
    ring = key_ring(None, data_dir, lives_s, clock)
    newest = ring.signing().born_at or 0
    born_at = max(int(clock()), newest + 1)
    key = SigningKey.of(Ed25519PrivateKey.generate(), born_at, is_only=at_once)
    folder = data_dir / KEY_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{born_at}-{key.kid}{'-only' if at_once else ''}.pem"
    _write_key(folder / name, key.private)
    over = ring.over()
    for path in over:
        path.unlink(missing_ok=True)
    return key, len(over)


def key_files(data_dir: Path) -> list[Path]:
    """Return the files of keys that are there."""
    first = data_dir / KEY_FILE
    return [*([first] if first.exists() else []), *sorted((data_dir / KEY_FOLDER).glob("*.pem"))]


def load_key(pem: str | None, data_dir: Path) -> Ed25519PrivateKey:
    """Return the first key: of JWT_PRIVATE_KEY, else the one kept in `data_dir`, made on first use.

    Raises SettingsError if what is there is no Ed25519 key.
    """
    return find_key(pem, data_dir) or _make_key(data_dir / KEY_FILE)


def find_key(pem: str | None, data_dir: Path) -> Ed25519PrivateKey | None:
    """Return the key as `load_key` does, but None where it would make one."""
    if pem is not None:
        return _parse_keys(pem)[-1]
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


def _parse_keys(pem: str) -> list[Ed25519PrivateKey]:
    """Return the keys of JWT_PRIVATE_KEY, one or more; raises SettingsError."""
    text = pem.replace("\\n", "\n")
    blocks = _PEM.findall(text) or [text]
    return [_parse_key(block.encode("utf-8"), "JWT_PRIVATE_KEY") for block in blocks]


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        return _parse_key(path.read_bytes(), f"DATA_DIR: {path}")
    except FileNotFoundError:
        raise
    except OSError:
        raise SettingsError(f"DATA_DIR: {path} can't be read") from None


def _make_key(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    try:
        _write_key(path, key)
    except FileExistsError:
        return _parse_key(path.read_bytes(), f"DATA_DIR: {path}")
    return key


def _write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key that nobody else may read, whole or not at all; raises FileExistsError."""
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
        raise
    except OSError as error:
        raise SettingsError(f"DATA_DIR: {path} can't be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
