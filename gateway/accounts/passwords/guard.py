"""Whether somebody who is signed in knows the account's password, counted as a sign-in is.

Laws: who holds a stolen token guesses no more often here than at the door; a failure is in the
audit log. An account without a password has none that could be right.
"""

from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.passwords.hashing import Fit, Passwords
from gateway.wire.errors import Detail, Forbidden
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import Users


class PasswordGuard:
    """Asks for the password."""

    def __init__(
        self, users: Users, passwords: Passwords, attempts: Attempts, audit: AuditLog
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._attempts = attempts
        self._audit = audit

    async def require(
        self, user_id: int, password: str, address: str, request_id: str, field: str
    ) -> str | None:
        """Return the hash of the password, which was right.

        Raises Forbidden naming `field` for a wrong password, RateLimited for too many.
        """
        user = await self._users.by_id(user_id)
        email = None if user is None else user.email
        async with self._passwords.place(address) as place:
            attempt = await self._attempts.begin(email or f"user:{user_id}", address)
            stored = await self._users.password_hash(user_id)
            fit = await place.check(stored, password)
        if fit is Fit.NO:
            trail = AuditTrail(self._audit, request_id)
            await trail.note(user_id, "auth.password", f"user:{user_id}", "refused")
            raise Forbidden("The password is wrong", details=(Detail(field, "is wrong"),))
        await self._attempts.succeeded(attempt)
        return stored
