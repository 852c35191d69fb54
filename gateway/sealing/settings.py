"""Which keys seal, and where one is kept if none is set."""

import base64
import binascii
import os
from pathlib import Path
from typing import Annotated, ClassVar, Final

from gateway.sealing.seal import KEY_BYTES, Seal
from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import listed, optional

KEY_FILE: Final = "encryption_key"
_WRONG: Final = (
    f"must be the base64 of {KEY_BYTES} bytes (openssl rand -base64 {KEY_BYTES}), or several of"
    " them with commas between"
)


def encryption_keys(value: str) -> tuple[bytes, ...]:
    """Return the keys that a text lists; each once."""
    try:
        keys = tuple(base64.b64decode(part, validate=True) for part in listed(value))
    except binascii.Error:
        raise ValueError(_WRONG) from None
    if not keys or any(len(key) != KEY_BYTES for key in keys) or len(set(keys)) != len(keys):
        raise ValueError(_WRONG)
    return keys


class SealingSettings(Area, frozen=True, kw_only=True):
    """The keys that seal what is secret in tables."""

    TITLE: ClassVar[str] = "Secrets at rest"

    keys: Annotated[
        tuple[bytes, ...] | None,
        setting(
            "ENCRYPTION_KEY",
            "",
            optional(encryption_keys),
            "base64 of 32 bytes that seal secrets in tables; a new one goes in front, with a comma;"
            " unset: made once in DATA_DIR.",
        ),
    ]


def make_seal(settings: SealingSettings, data_dir: Path) -> Seal:
    """Return the seal of ENCRYPTION_KEY, else of the key kept in `data_dir`, made on first use.

    Raises SettingsError for what is no key there, or can't be read or written.
    """
    return Seal(settings.keys or _kept_keys(data_dir) or _make_key(data_dir / KEY_FILE))


def require_seal(settings: SealingSettings, data_dir: Path) -> None:
    """Refuse to go on where `make_seal` would make a key: others couldn't open what it seals."""
    if settings.keys is None and not (data_dir / KEY_FILE).exists():
        raise SettingsError(
            "ENCRYPTION_KEY: is missing: a gateway opens secrets with the same key as the engine's"
            " process"
        )


def _kept_keys(data_dir: Path) -> tuple[bytes, ...] | None:
    path = data_dir / KEY_FILE
    try:
        return encryption_keys(path.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"DATA_DIR: {path} can't be read") from None
    except ValueError as error:
        raise SettingsError(f"DATA_DIR: {path} {error}") from None


def _make_key(path: Path) -> tuple[bytes, ...]:
    text = base64.b64encode(os.urandom(KEY_BYTES))
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # link() fails if another process was first, whose key then counts.
        os.link(temporary, path)
    except FileExistsError:
        return encryption_keys(path.read_text("ascii").strip())
    except OSError as error:
        raise SettingsError(f"DATA_DIR: {path} can't be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return encryption_keys(text.decode("ascii"))
