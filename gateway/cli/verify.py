"""`probity verify`: the checks of `persistence.proof.verification`, one line each.

Laws: nothing is written, so a running exchange may be verified; if none runs, the embedded database
is started for it and stopped again. Tips are read before the database is: they may only lag.
"""

from collections.abc import Callable
from typing import Final

from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings
from persistence.errors import SchemaError
from persistence.journal import tables
from persistence.journal.segments.segments import Segments
from persistence.journal.tip import AUDIT_TIP, TipFile
from persistence.postgres import migrate
from persistence.postgres.database import connect
from persistence.proof.verification import CheckResult, verify

_NAME_WIDTH: Final = 11


async def verify_exchange(settings: Settings, say: Callable[[str], None]) -> bool:
    """Say the result of each check up to the first that fails; return whether all passed.

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
    return passed


def line(result: CheckResult) -> str:
    """Return what is said of a check."""
    return f"{'ok  ' if result.passed else 'FAIL'}  {result.name:{_NAME_WIDTH}} {result.detail}"
