"""`probity verify`: the checks of `persistence.proof.verification`, one line each.

Laws: nothing is written but, if that is asked for, one line of the audit log behind it all, so a
running exchange may be verified; if none runs, the embedded database is started for it and stopped
again. Tips are read before the database is: they may only lag.
"""

from collections.abc import Callable
from typing import Final

from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings
from persistence.backups.noted import VERIFIED
from persistence.errors import SchemaError
from persistence.journal import tables
from persistence.journal.segments.segments import Segments
from persistence.journal.tip import AUDIT_TIP, TipFile
from persistence.postgres import migrate
from persistence.postgres.database import connect, create_pool
from persistence.proof.verification import CheckResult, verify
from persistence.repositories.audit import AuditLog, AuditTrail

REQUEST: Final = "cli"
_NAME_WIDTH: Final = 11


async def verify_exchange(
    settings: Settings, say: Callable[[str], None], *, note: bool = False
) -> bool:
    """Say the result of each check up to the first that fails; return whether all passed.

    With `note` the result goes to the audit log, where `/metrics` has it from.

    Raises PersistenceError if there is nothing that could be verified.
    """
    async with open_database(settings, join=True, make=False) as url:
        target = settings.store.direct_url or url
        found, newest = await migrate.current(target), migrate.head()
        if found != newest:
            raise SchemaError(
                f"the schema is at {found}, this version is made for {newest}: there is nothing to"
                " verify before `probity serve` or `probity migrate` has brought it there"
            )
        connection = await connect(target)
        try:
            head = await tables.read_head(connection)
            tip = TipFile(settings.store.data_dir / "tip", head.database_id).read()
            audit_tip = TipFile(settings.store.data_dir / AUDIT_TIP, head.database_id).read()
            segments = Segments(settings.store.segments_folder)
            passed = True
            async for result in verify(connection, tip, segments, audit_tip):
                say(line(result))
                passed = result.passed
        finally:
            await connection.close()
        if note:
            await note_in_audit(target, VERIFIED, head.last_seq, passed=passed)
    return passed


async def note_in_audit(url: str, action: str, seq: int, *, passed: bool) -> None:
    """Write a line about the exchange as of a command; raises PersistenceError."""
    pool = await create_pool(url, size=1)
    try:
        trail = AuditTrail(AuditLog(pool), REQUEST)
        await trail.note(None, action, f"seq:{seq}", "ok" if passed else "failed")
    finally:
        await pool.close()


def line(result: CheckResult) -> str:
    """Return what is said of a check."""
    return f"{'ok  ' if result.passed else 'FAIL'}  {result.name:{_NAME_WIDTH}} {result.detail}"
