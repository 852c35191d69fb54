"""What was refused that only an attack, or a client that is broken, sends: told to the audit log.

Laws: a line at most once a minute for each reason, a closed list, so that a flood writes nothing
more than a single one does; how often it happens is in the metrics of answers. Who has sent it may
be anybody, so no line names anybody. A line that can't be written keeps no refusal from being one.
"""

import contextlib
import enum
import time
from typing import Final

from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail

EACH_S: Final = 60.0


class Refusal(enum.Enum):
    """Why, by the action and the outcome that the audit log has."""

    FORGED = "auth.token", "forged"
    """A token that isn't ours, or that was altered."""
    EXPIRED = "auth.token", "expired"
    FOREIGN_ORIGIN = "auth.cookie", "foreign origin"
    """Another site's page, with our cookie."""
    NO_HEADER = "auth.cookie", "no header"
    """Our cookie, without what no other site's page could send with it."""


class Refusals:
    """Tells the audit log; of one process."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._noted: dict[Refusal, float] = {}

    async def note(self, refusal: Refusal) -> None:
        """Note what is being refused, unless the minute has such a line already."""
        now = time.monotonic()
        if now - self._noted.get(refusal, -EACH_S) < EACH_S:
            return
        self._noted[refusal] = now  # before the write, or many would write at once
        action, outcome, is_written = *refusal.value, False
        try:
            with contextlib.suppress(*OUTAGES):
                await AuditTrail(self._audit, "refused").note(None, action, None, outcome)
                is_written = True
        finally:
            if not is_written:  # then the next one does it
                self._noted.pop(refusal, None)
