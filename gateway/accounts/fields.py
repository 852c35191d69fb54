"""What may stand in an e-mail address, a display name, a username, a picture's address and a
password.

An address is ASCII and becomes lower case, so that two that look the same are the same. A display
name is public: it holds no "@", so that nobody's address is shown by habit, and nothing invisible.
A username is never a number, which would be somebody's id. A picture is never fetched by us.
"""

import re
import unicodedata
from typing import Final

from gateway.accounts.passwords.hashing import normalised
from gateway.wire.errors import ValidationFailed

EMAIL_LENGTH: Final = 254
PASSWORD_LENGTH: Final = (8, 128)
TRIED_PASSWORD_LENGTH: Final = 512
"""Of what is sent to sign in: a keyboard may send a letter and its accents apart."""
DISPLAY_NAME_LENGTH: Final = 40
_RAW_LENGTH: Final = 4 * DISPLAY_NAME_LENGTH
"""Before accents are joined with their letters."""

USERNAME_LENGTH: Final = (3, 50)
AVATAR_URL_LENGTH: Final = 500
USERNAME_PATTERN: Final = r"^(?=[0-9]*[A-Za-z_])[A-Za-z0-9_]{3,50}$"
AVATAR_URL_PATTERN: Final = (
    r"^https://[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[1-9][0-9]{0,4})?"
    r"(/[A-Za-z0-9._~!$&()*+,;=:@/%-]*)?(\?[A-Za-z0-9._~!$&()*+,;=:@/?%-]*)?$"
)

_USERNAME: Final = re.compile(USERNAME_PATTERN.strip("^$"), re.ASCII)
_AVATAR_URL: Final = re.compile(AVATAR_URL_PATTERN.strip("^$"), re.ASCII)
_ATOM: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL: Final = re.compile(
    rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}", re.ASCII
)


def email_address(text: str, field: str = "email") -> str:
    """Return the normalised address; raises ValidationFailed naming `field`."""
    lowered = text.lower() if text.isascii() and len(text) <= EMAIL_LENGTH else ""
    if _EMAIL.fullmatch(lowered) is None:
        raise ValidationFailed.of(field, "must be an e-mail address such as ada@example.org")
    return lowered


def display_name(text: str | None, field: str = "displayName") -> str | None:
    """Return the name as it will be shown; raises ValidationFailed naming `field`."""
    if text is None:
        return None
    # Putting marks in order takes quadratic time, so what is far too long isn't looked at.
    name = unicodedata.normalize("NFC", text) if len(text) <= _RAW_LENGTH else ""
    if not 1 <= len(name) <= DISPLAY_NAME_LENGTH or name != name.strip():
        raise ValidationFailed.of(
            field, f"must have 1 to {DISPLAY_NAME_LENGTH} characters, no blanks around them"
        )
    if not name.isprintable() or "@" in name:
        raise ValidationFailed.of(field, 'must hold no control characters and no "@"')
    return name


def username(text: str, field: str = "username") -> str:
    """Return the username as it was chosen; raises ValidationFailed naming `field`."""
    if _USERNAME.fullmatch(text) is None:
        raise ValidationFailed.of(
            field, "must have 3 to 50 characters of A-Z, a-z, 0-9 and _, not digits alone"
        )
    return text


def avatar_url(text: str, field: str = "avatarUrl") -> str:
    """Return the address of a picture; raises ValidationFailed naming `field`."""
    if len(text) > AVATAR_URL_LENGTH or _AVATAR_URL.fullmatch(text) is None:
        raise ValidationFailed.of(
            field,
            f"must be an address such as https://example.org/ada.png, at most {AVATAR_URL_LENGTH}"
            " characters of ASCII, without user and fragment",
        )
    return text


def new_password(value: str) -> str:
    """Return a password of an allowed length that a sign-in can send; it is never shown.

    Characters are counted as they are hashed, accents joined with their letters.
    """
    least, most = PASSWORD_LENGTH
    if not (len(value) <= most and least <= len(normalised(value))):
        raise ValueError(f"must have {least} to {most} characters")
    # What isn't UTF-8 comes from a terminal or the environment as lone surrogates.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must be UTF-8 text without NUL")
    return value
