"""Who has which role, changed by admins; it takes effect at once."""

from typing import Final

from gateway.access.principals import Actor
from gateway.accounts.sessions.live import LiveSessions
from gateway.wire.errors import Forbidden, NotFound, UnknownOutcome
from persistence.errors import LastAdmin
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import User, Users

_LAST_ADMIN: Final = "last admin"
_CHANGED: Final = "ok"
_LAST: Final = (
    "The last admin can't be demoted",
    "Two admins have to be left while TWO_PERSON_RULE is on",
)


class Roles:
    """Changes roles."""

    def __init__(
        self, users: Users, audit: AuditLog, live: LiveSessions, *, least_admins: int = 1
    ) -> None:
        """Change roles; `least_admins` are left, since who could administer else."""
        self._least_admins = least_admins
        self._users = users
        self._audit = audit
        self._live = live

    async def set_role(
        self,
        actor: Actor,
        user_id: int,
        role: str,
        *,
        note: str = "",
        done: tuple[str, int, str, str] | None = None,
    ) -> User:
        """Change a role at once; raises NotFound, or Forbidden to demote the last admin.

        Raises UnknownOutcome where the change or its audit line may be lost. `note` is told in that
        line; `done` is as in `Users.set_role`.
        """
        trail = AuditTrail(self._audit, actor.request_id)
        target = f"user:{user_id} {role}{note}"
        outcome = ""
        try:
            user, outcome = await self._change_role(user_id, role, done)
            await trail.note(actor.user_id, "user.role", target, outcome)
        except OUTAGES as outage:
            if outcome not in ("", _CHANGED):
                raise  # nothing was changed, for certain
            # The change may be committed: whoever was known by the old role is asked for anew.
            self._live.forget(user_id)
            raise UnknownOutcome(
                "Whether the role was changed is not known; look at it"
            ) from outage
        if outcome == _LAST_ADMIN:
            raise Forbidden(_LAST[self._least_admins > 1])
        if user is None:
            raise NotFound("There is no such user")
        return user

    async def _change_role(
        self, user_id: int, role: str, done: tuple[str, int, str, str] | None
    ) -> tuple[User | None, str]:
        """Return the user as changed, or None, and what came of it in the audit log's words."""
        try:
            user = await self._users.set_role(user_id, role, least=self._least_admins, done=done)
        except LastAdmin:
            return None, _LAST_ADMIN
        if user is None:
            return None, "not found"
        self._live.role_changed(user_id, role)
        return user, _CHANGED
