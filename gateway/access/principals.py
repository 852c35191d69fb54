"""Who calls: what a verified access token and the database say together."""

from typing import Final

import msgspec

USER: Final = "USER"
ADMIN: Final = "ADMIN"


class Principal(msgspec.Struct, frozen=True):
    """A caller: the user (also the account), the role now, and the session the token belongs to."""

    user_id: int
    role: str
    session_id: int
    expires_at: int
    """When the access token ends, in seconds since the epoch."""

    @property
    def is_admin(self) -> bool:
        """Say whether the role is ADMIN."""
        return self.role == ADMIN
