"""A user as its owner and admins see it: what sign-in and the admins' rows both show."""

from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.people.users import User


class UserView(AnswerStruct, frozen=True):
    """A user as its owner and admins see it: what sign-in and the admins' rows both show."""

    id: str
    email: str | None
    display_name: str
    role: str
    created_at: str
    username: str | None
    avatar_url: str | None
    email_verified: bool

    @classmethod
    def of(cls, user: User) -> "UserView":
        """Return the view of a user."""
        created_at = iso_millis(user.created_at)
        return cls(
            str(user.id),
            user.email,
            user.display_name,
            user.role,
            created_at,
            user.username,
            user.avatar_url,
            user.email_verified_at is not None,
        )
