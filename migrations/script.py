"""Run one migration's SQL exactly as it is written.

``op.execute`` prepares each statement, so it takes only one at a time and reads ``:name`` as a
parameter. A migration is a script: it goes to PostgreSQL whole, inside the upgrade's transaction.
Rows that only a program can work out (from the journal's payloads) are filled in beside it.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from alembic import op


def execute_script(sql: str) -> None:
    """Send ``sql``, one or many statements, untouched to the database being migrated.

    Runs in the transaction of the upgrade, which :func:`persistence.postgres.migrate.upgrade` has
    begun by taking its lock. Raises asyncpg's error of the first statement that fails.
    """

    async def send(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's adapter is untyped here
        await connection.execute(sql)

    run_with_connection(send)


def run_with_connection(work: Callable[[Any], Awaitable[None]]) -> None:
    """Do what plain SQL can't, with asyncpg's connection, inside the transaction of the upgrade."""
    op.get_bind().connection.dbapi_connection.run_async(work)  # type: ignore[union-attr]


def changed(script: str, changes: Iterable[tuple[str, str]]) -> str:
    """Return a script of the step before with each (old, new) put in place, in order.

    Raises ValueError where the script has an old text not exactly once: then it isn't what the step
    was written for.
    """
    for old, new in changes:
        if script.count(old) != 1:
            raise ValueError(f"the script of the step before has not one place {old!r}")
        script = script.replace(old, new)
    return script
