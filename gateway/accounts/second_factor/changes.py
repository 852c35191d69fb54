"""What follows when somebody's second factors change: sessions, the audit log, a mail.

Laws: sessions that were opened without a factor that is there now, or perhaps with one that was
lost, end; the one that made the change goes on. Whether an admin lacks a factor is asked anew at
once.
"""

from gateway.access.principals import Principal
from gateway.accounts.mail.notices import Notices
from gateway.accounts.sessions.live import LiveSessions
from persistence.repositories.audit import AuditLog, AuditTrail


class FactorChanges:
    """Sees to it."""

    def __init__(self, audit: AuditLog, live: LiveSessions, notices: Notices) -> None:
        self._audit = audit
        self._live = live
        self._notices = notices

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
        self._notices.tell(caller.user_id, what)
