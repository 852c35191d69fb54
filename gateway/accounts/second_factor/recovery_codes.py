"""Recovery codes: ten, each good once, for whoever has lost the second factor.

Laws: a code has 80 random bits, so its hash needs no salt and no slow function; it is kept with its
owner's number in it, so that nobody's code is anybody else's. Letters that look like digits are
taken for them, and neither case nor dashes mean anything: people copy these from paper.
"""

import hashlib
import secrets
from typing import Final

COUNT: Final = 10
LENGTH: Final = 16
GROUP: Final = 4
TEXT_LENGTH: Final = 40
"""Of what is sent, with whatever stands between the groups."""
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter in it is easily read as another one."""
_READ_AS: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", " ": ""})


def new_codes() -> list[str]:
    """Return codes as they are shown, e.g. "7k2m-x0q9-4hdt-v3ze"."""
    return [
        _grouped("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))) for _ in range(COUNT)
    ]


def code_hash(user_id: int, text: str) -> bytes | None:
    """Return the hash of somebody's code; None for what can't be one."""
    code = text.lower().translate(_READ_AS) if text.isascii() else ""
    if len(code) != LENGTH or any(character not in _ALPHABET for character in code):
        return None
    return hashlib.sha256(f"{user_id}:{code}".encode("ascii")).digest()


def code_hashes(user_id: int, codes: list[str]) -> list[bytes]:
    """Return the hashes of codes that were made here."""
    return [digest for code in codes if (digest := code_hash(user_id, code)) is not None]


def _grouped(code: str) -> str:
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))
