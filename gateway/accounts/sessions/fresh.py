"""A fresh login: what is dear is done only by somebody who has proved lately who they are.

Laws: whoever changes by what an account can be signed in to, where its mail goes or whether it
exists asks here first; a token that was stolen, or a page left open, doesn't do. A sign-in counts
for a while, in its own session alone; so does proving it again without leaving (`POST
/auth/step-up`). Who proves it in another way (a second factor, a wallet) calls `prove`.
"""

from gateway.access.principals import Principal
from gateway.wire.errors import FreshLoginRequired
from persistence.clock import MICROSECONDS
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import Sessions


class FreshLogin:
    """Knows who has proved lately who they are."""

    def __init__(self, sessions: Sessions, audit: AuditLog, lasts_s: int) -> None:
        self._sessions = sessions
        self._audit = audit
        self._lasts_us = lasts_s * MICROSECONDS

    async def require(self, caller: Principal) -> None:
        """Raise FreshLoginRequired if the caller's session was proved too long ago."""
        proved_at = await self._sessions.proved_at(caller.session_id)
        now = await self._sessions.now()
        if proved_at is None or now - proved_at > self._lasts_us:
            raise FreshLoginRequired

    async def prove(self, caller: Principal, request_id: str) -> int:
        """Note that the caller has just proved who they are, in the audit log as well; return until
        when that counts (us).
        """
        now = await self._sessions.now()
        await self._sessions.prove(caller.session_id, now)
        trail = AuditTrail(self._audit, request_id)
        await trail.note(caller.user_id, "auth.step-up", f"session:{caller.session_id}", "ok")
        return now + self._lasts_us
