"""When the exchange was backed up and proved last, as lines of its audit log say.

`probity backup` and `probity verify --note` write them; whoever else backs up leaves none.
"""

from typing import Final

import msgspec

from persistence.postgres.database import Fetching

MADE: Final = "backup.made"
RESTORED: Final = "backup.restored"
VERIFIED: Final = "exchange.verified"
# Along `audit_log_safekeeping`, backwards.
_LAST: Final = (
    "SELECT at, outcome FROM audit_log WHERE action = $1"
    " AND action IN ('backup.made', 'exchange.verified') ORDER BY at DESC LIMIT 1"
)
_LAST_PASSED: Final = (
    "SELECT at FROM audit_log WHERE action = 'exchange.verified' AND outcome = 'ok'"
    " ORDER BY at DESC LIMIT 1"
)


class Noted(msgspec.Struct, frozen=True):
    """Times in microseconds since the Unix epoch, 0: never."""

    backup_at: int
    verified_at: int
    """When everything was found right last."""
    is_wrong: bool
    """Whether the last `probity verify --note` found something wrong."""


async def noted(source: Fetching) -> Noted:
    """Return what the audit log says."""
    backup = await source.fetchrow(_LAST, MADE)
    verified = await source.fetchrow(_LAST, VERIFIED)
    passed = await source.fetchval(_LAST_PASSED)
    return Noted(
        backup_at=backup["at"] if backup else 0,
        verified_at=passed or 0,
        is_wrong=verified is not None and verified["outcome"] != "ok",
    )
