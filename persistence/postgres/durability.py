"""Refuse a database that may lose what it said it had committed, or that can't hold our text.

Laws: questions only; asked of the very connection that will write, before anything is written.
"""

from typing import Final

from persistence.errors import DatabaseNotDurable, DatabaseNotUtf8, DatabaseTooOld
from persistence.postgres.database import Queryable

_OLDEST_SERVER: Final = 150_000


async def assert_durable(connection: Queryable) -> None:
    """Refuse a database that may lose what it said it had committed, or can't hold our text.

    Ask on the very connection that will write: `synchronous_commit` can differ by user, database
    and session. (RULEBOOK 11.)

    Raises:
        DatabaseTooOld: below PostgreSQL 15.
        DatabaseNotUtf8: another encoding.
        DatabaseNotDurable: fsync, full_page_writes or synchronous_commit is off.
    """
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int AS version,"
        " current_setting('server_version') AS version_name,"
        " current_setting('server_encoding') AS encoding,"
        " current_setting('fsync') AS fsync,"
        " current_setting('full_page_writes') AS full_page_writes,"
        " current_setting('synchronous_commit') AS synchronous_commit"
    )
    if row["version"] < _OLDEST_SERVER:
        raise DatabaseTooOld(f"PostgreSQL {row['version_name']}: 15 or later is needed")
    if row["encoding"] != "UTF8":
        raise DatabaseNotUtf8(f"the database's encoding is {row['encoding']}: UTF8 is needed")
    off = [
        name for name in ("fsync", "full_page_writes", "synchronous_commit") if row[name] == "off"
    ]
    if off:
        raise DatabaseNotDurable(
            f"the database has {', '.join(off)} off and may lose committed trades: switch it on"
        )
