"""Look at a database the exchange may run on, and say what is found, without changing anything.

Laws: questions only, in a transaction that is read-only, through a pooler too; everything the
exchange needs of a server is asked here in one go, so that an operator sees all that is wrong and
not only the first refusal of a start. What is good or bad, and what to do about it, is judged by
the caller.
"""

from typing import Any, Final

import asyncpg
import msgspec

from persistence.errors import DatabaseUnavailable, DatabaseUnsuitable
from persistence.postgres import migrate
from persistence.postgres.clocks import compare_clocks
from persistence.postgres.database import (
    Connection,
    connect_plainly,
    is_pooled,
)
from persistence.postgres.durability import assert_durable

_FACTS: Final = """
SELECT current_setting('server_version') AS version_name,
       pg_is_in_recovery() AS is_standby,
       current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int AS connections,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
           AND coalesce(has_schema_privilege(to_regnamespace('jobs')::oid, 'CREATE')
                            AND has_schema_privilege(to_regnamespace('jobs')::oid, 'USAGE'),
                        has_database_privilege(current_database(), 'CREATE')) AS may_create
"""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What a database says of itself."""

    version: str
    unsuitable: str | None
    """Why the exchange would refuse it: its age, its encoding, its durability."""
    is_standby: bool
    connections: int
    """That it lends to ordinary roles."""
    may_create: bool
    """Whether our role may make tables, also in the schema `jobs`, or that if it's missing."""
    schema: str | None
    """The last step of the schema; None where there is none."""
    schema_known: bool
    """Whether this version of Probity knows that step."""
    clock_ahead_us: int
    """How far its clock is ahead of ours; the error is at most half the way there and back."""
    clock_error_us: int
    last_at: int | None
    """The time of the last command; None without a schema."""
    identity: str | None
    """Of the exchange in it; None without a schema."""
    is_pooled: bool = False
    """Whether a pooler stands between."""


async def examine(url: str) -> Examination:
    """Ask the database of `url`.

    Raises:
        DatabaseUnavailable: it can't be reached, refuses us, or doesn't let us look.
    """
    # The settings of the engine's session would hide what the server does by itself.
    connection = await connect_plainly(url)
    try:
        pooled = await is_pooled(connection)
        async with connection.transaction(readonly=True):
            return await _ask(connection, pooled=pooled)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise DatabaseUnavailable(f"the database doesn't let us look: {error}") from error
    finally:
        await connection.close()


async def _ask(connection: Connection, *, pooled: bool) -> Examination:
    unsuitable = None
    try:
        await assert_durable(connection)
    except DatabaseUnsuitable as error:
        unsuitable = str(error)
    facts: Any = await connection.fetchrow(_FACTS)
    ahead, error_us = await compare_clocks(connection)
    schema = await migrate.current_of(connection)
    at, identity = await _exchange(connection)
    return Examination(
        version=facts["version_name"],
        unsuitable=unsuitable,
        is_standby=facts["is_standby"],
        connections=facts["connections"],
        may_create=facts["may_create"],
        schema=schema,
        schema_known=schema is None or schema in migrate.known(),
        clock_ahead_us=ahead,
        clock_error_us=error_us,
        last_at=at,
        identity=identity,
        is_pooled=pooled,
    )


async def _exchange(connection: Connection) -> tuple[int | None, str | None]:
    if await connection.fetchval("SELECT to_regclass('engine_state')") is None:
        return None, None
    row = await connection.fetchrow("SELECT now, database_id FROM engine_state")
    return (None, None) if row is None else (row["now"] or None, str(row["database_id"]))
