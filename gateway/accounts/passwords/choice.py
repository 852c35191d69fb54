"""Which password somebody may choose: at registration, for another one, and when it is set anew.

Laws (NIST SP 800-63B, 3.1.1.2): long enough, whatever it is made of; none of those that are tried
first; not the exchange's name, nor the owner's own address and names, nor one of these with hardly
anything beside. What is refused is told with the reason, and never repeated. Passwords of before
stay.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from gateway.accounts.fields import PASSWORD_LENGTH, new_password
from gateway.accounts.passwords.hashing import normalised
from gateway.accounts.passwords.tried_first import is_common
from gateway.wire.errors import ValidationFailed
from persistence.repositories.people.users import User

PasswordText = Annotated[
    str,
    msgspec.Meta(
        min_length=PASSWORD_LENGTH[0],
        max_length=PASSWORD_LENGTH[1],
        description="none that many people have, nor one's own name or address",
    ),
]
COMMON: Final = "is one of the passwords that are tried first; choose another one"
TOO_PLAIN: Final = "is the same few characters over and over, or in a row; choose another one"
TOO_NEAR: Final = (
    "is little more than your e-mail address, your name or the exchange's; choose another one"
)
OURS: Final = "probity"
_WORD_LENGTH: Final = 4
"""Of a name that is looked for in a password; a shorter one stands in too many."""
_BESIDE: Final = 4
"""So many characters beside such a name don't make a password of it."""
_UNIT: Final = re.compile(r"(.{1,4})\1+", re.DOTALL)


class PasswordChoice:
    """Says which may be; `name` is what the exchange is called."""

    def __init__(self, name: str) -> None:
        self._names = (OURS, name)

    def require(self, text: str, field: str, *own: str | None) -> str:
        """Return a password that may be chosen by whom `own` names: addresses and names.

        Raises ValidationFailed naming `field`.
        """
        try:
            password = new_password(text)
        except ValueError as error:
            raise ValidationFailed.of(field, str(error)) from None
        if refusal := self.refusal(password, own):
            raise ValidationFailed.of(field, refusal)
        return password

    def require_of(self, user: User | None, text: str, field: str) -> str:
        """Return a password that a user may choose; raises ValidationFailed naming `field`."""
        if user is None:
            return self.require(text, field)
        return self.require(text, field, user.email, user.username, user.display_name)

    def refusal(self, password: str, own: Iterable[str | None] = ()) -> str | None:
        """Return why a password of an allowed length may not be; None: it may."""
        plain = normalised(password).lower()
        if is_common(plain):
            return COMMON
        if _UNIT.fullmatch(plain) or _is_row(plain):
            return TOO_PLAIN
        words = (word for name in (*self._names, *own) if name for word in _words(name))
        return TOO_NEAR if any(_is_near(plain, word) for word in words) else None


def _words(name: str) -> tuple[str, ...]:
    """Return what is looked for of a name; of an address also what stands before the "@"."""
    plain = normalised(name).lower()
    return plain, plain.partition("@")[0], plain.replace(" ", "")


def _is_near(password: str, word: str) -> bool:
    if len(word) < _WORD_LENGTH:
        return False
    beside = len(password) - len(word)
    return beside <= _BESIDE and (word in password or word[::-1] in password)


def _is_row(password: str) -> bool:
    """Say whether each character follows the one before, up or down."""
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return steps in ({1}, {-1})
