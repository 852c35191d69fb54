"""Who calls: what a verified access token and the database say together."""

import enum

import msgspec


class Role(enum.StrEnum):
    """What a person may do; ADMIN may do all that USER may."""

    USER = "USER"
    ADMIN = "ADMIN"


class Principal(msgspec.Struct, frozen=True):
    """A caller: the user (also the account), the role now, and the session the token belongs to."""

    user_id: int
    role: Role
    session_id: int
    expires_at: int
    """When the access token ends, in seconds since the epoch."""

    @property
    def is_admin(self) -> bool:
        """Say whether the role is ADMIN."""
        return self.role is Role.ADMIN
