"""When the exchange was backed up last, as its audit log says (`probity backup` notes it there)."""

from typing import Final

from persistence.postgres.database import Fetching

MADE: Final = "backup.made"
RESTORED: Final = "backup.restored"
# Read backwards along `audit_log_backups`.
_LAST: Final = "SELECT at FROM audit_log WHERE action = 'backup.made' ORDER BY at DESC LIMIT 1"


async def last_backup_at(source: Fetching) -> int:
    """Return the microseconds since the Unix epoch; 0: never."""
    at: int | None = await source.fetchval(_LAST)
    return at or 0
