"""The rows of the route table under /auth that concern one's own password, signed in.

Laws: what was proved is to hold when the password changes, not only when it was looked at: if the
account got another one meanwhile, or the session ended, nothing changes.
"""

from typing import Annotated, Final

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.accounts.fields import TRIED_PASSWORD_LENGTH
from gateway.accounts.passwords.choice import PasswordChoice, PasswordText
from gateway.accounts.passwords.guard import PasswordGuard
from gateway.accounts.passwords.hashing import Passwords
from gateway.accounts.passwords.recovery import Recovery
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.accounts.sessions.live import LiveSessions
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, Forbidden, FreshLoginRequired, ValidationFailed
from gateway.wire.strict_json import BodyStruct
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.users import Users
from persistence.repositories.second_factor.factors import FactorRows

OVERTAKEN: Final = "The password was changed elsewhere meanwhile, or the session has ended"
TriedPasswordText = Annotated[str, msgspec.Meta(max_length=TRIED_PASSWORD_LENGTH)]


class ChangePasswordBody(BodyStruct, frozen=True):
    """The password and the one in its place; `currentPassword` is unset for an account without."""

    new_password: PasswordText
    current_password: TriedPasswordText | None = None


class PasswordRoutes:
    """Changes passwords."""

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        audit: AuditLog,
        passwords: Passwords,
        choice: PasswordChoice,
        guard: PasswordGuard,
        live: LiveSessions,
        fresh: FreshLogin,
        recovery: Recovery,
        factors: FactorRows,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._audit = audit
        self._passwords = passwords
        self._choice = choice
        self._guard = guard
        self._live = live
        self._fresh = fresh
        self._recovery = recovery
        self._factors = factors

    async def change(self, request: Request[ChangePasswordBody, None]) -> None:
        """Set another password and end every other session."""
        caller, address = request.principal, request.address
        user = await self._users.by_id(caller.user_id)
        password = self._choice.require_of(user, request.body.new_password, "newPassword")
        current = request.body.current_password
        # Somebody's second factor is asked for here, too: the password alone changes none.
        if await self._factors.has(caller.user_id):
            await self._fresh.require(caller)
        before = None
        if current is not None:
            before = await self._guard.require(
                caller.user_id, current, address, request.request_id, "currentPassword"
            )
        elif await self._users.password_hash(caller.user_id) is not None:
            raise ValidationFailed.of("currentPassword", "is required")
        else:
            await self._fresh.require(caller)
        password_hash = await self._passwords.hash(password, address)
        at = await self._sessions.now()
        ended = await self._users.change_password(
            caller.user_id, before, password_hash, at, caller.session_id
        )
        trail = AuditTrail(self._audit, request.request_id)
        if ended is None:
            await trail.note(caller.user_id, "user.password", f"user:{caller.user_id}", "overtaken")
            raise Conflict(OVERTAKEN)
        self._live.ended(caller.user_id, ended)
        await trail.note(caller.user_id, "user.password", f"user:{caller.user_id}", "ok")
        self._recovery.tell_changed(caller.user_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/password/change",
                handler=self.change,
                access=Access.USER,
                scope=Scope.OWNER,
                body=ChangePasswordBody,
                answer=None,
                errors=(Conflict, Forbidden, FreshLoginRequired),
                summary="Change one's password and end every other session",
                tag="auth",
            ),
        )
