"""What follows when somebody's second factors change: sessions, the audit log, a mail.

Laws: sessions that were opened without a factor that is there now, or perhaps with one that was
lost, end; the one that made the change goes on. Whether an admin lacks a factor is asked anew at
once.
"""

from gateway.access.principals import Principal
from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mail
from gateway.accounts.mail.outbox import Outbox
from gateway.accounts.sessions.live import LiveSessions
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import Users


class FactorChanges:
    """Sees to it."""

    def __init__(self, users: Users, audit: AuditLog, live: LiveSessions, outbox: Outbox) -> None:
        self._users = users
        self._audit = audit
        self._live = live
        self._outbox = outbox

    async def made(
        self,
        caller: Principal,
        request_id: str,
        action: str,
        what: str,
        *,
        subject: str = "",
        ends_others: bool = False,
    ) -> None:
        """Do what follows of a change: `action` for the audit log, of a `subject` where the user
        alone doesn't say it; `what` for the owner, as in "was added".
        """
        self._live.forget(caller.user_id)
        if ends_others:
            await self._live.end_all(caller.user_id, caller.session_id)
        trail = AuditTrail(self._audit, request_id)
        target = f"user:{caller.user_id} {subject}".rstrip()
        await trail.note(caller.user_id, action, target, "ok")
        self.tell(caller.user_id, what)

    def tell(self, user_id: int, what: str) -> None:
        """Write to the owner what happened to the second factor, if that can be."""

        async def write() -> Mail | None:
            user = await self._users.by_id(user_id)
            if user is None or user.email is None:
                return None
            return Letters(None).second_factor(user.email, what)

        self._outbox.put_if_room(write)
