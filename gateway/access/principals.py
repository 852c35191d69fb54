"""Who calls: what a verified access token, or a call signed with an API key, and the database say
together.
"""

import enum
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from gateway.access.api_keys.standing import KeyUse

AUDITORS_READ: Final = "Auditors read, and change nothing"


def nobody(_user_id: int) -> bool:
    """Say of nobody that the account is suspended, where no accounts are."""
    return False


class Role(enum.StrEnum):
    """What a person may do: ADMIN all that USER may and more; MARKET_MAKER what USER may, oftener;
    AUDITOR reads all that ADMIN reads, and changes nothing but by what they sign in themselves.
    """

    USER = "USER"
    MARKET_MAKER = "MARKET_MAKER"
    AUDITOR = "AUDITOR"
    ADMIN = "ADMIN"


class Principal(msgspec.Struct, frozen=True):
    """A caller: the user (also the account), the role now, and the session the token belongs to.

    Or the key that signed the call; then there is no session (0), and the role is USER.
    """

    user_id: int
    role: Role
    session_id: int
    expires_at: int
    """When the access token or the key ends, in seconds since the epoch."""
    key: KeyUse | None = None
    lacks_factor: bool = False
    """Whether it is an admin without the second factor that admins need here."""

    @property
    def counted_as(self) -> int:
        """Return whose buckets calls are counted in: the user's, or the key's own."""
        return self.user_id if self.key is None else self.key.key.counted_as

    @property
    def is_admin(self) -> bool:
        """Say whether it may do what admins do."""
        return self.role is Role.ADMIN and not self.lacks_factor

    @property
    def is_auditor(self) -> bool:
        """Say whether the role is AUDITOR."""
        return self.role is Role.AUDITOR

    @property
    def sees_all(self) -> bool:
        """Say whether whatever admins read may be read."""
        return self.is_admin or self.is_auditor


class Actor(NamedTuple):
    """Who does something, in which request: what a line of the audit log names."""

    user_id: int
    request_id: str


class TokenChecks(Protocol):
    """What transports ask of sign-in: whom a token stands for, and when that ends."""

    on_revoked: list[Callable[[int, int], None]]
    """Called with (user id, session id) when a session ends before its time."""

    def remembered(self, token: bytes) -> Principal | None:
        """Return who a token stands for if it was verified before and still holds; never waits."""

    def is_expected(self, token: bytes) -> bool:
        """Say whether a token was issued here and hasn't come yet: no stranger's, so its look-up is
        refused by no limit; never waits.
        """

    async def verify(self, token: bytes) -> Principal:
        """Return who a token stands for; raises Unauthorized."""
