"""Run one migration's SQL exactly as it is written.

``op.execute`` prepares each statement, so it takes only one at a time and reads ``:name`` as a
parameter. A migration is a script: it goes to PostgreSQL whole, inside the upgrade's transaction.
Nothing else than the running of scripts belongs here.
"""

from typing import Any

from alembic import op


def execute_script(sql: str) -> None:
    """Send ``sql``, one or many statements, untouched to the database being migrated.

    Runs in the transaction of the upgrade, which :func:`persistence.postgres.migrate.upgrade` has
    begun by taking its lock. Raises asyncpg's error of the first statement that fails.
    """

    async def send(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's adapter is untyped here
        await connection.execute(sql)

    op.get_bind().connection.dbapi_connection.run_async(send)  # type: ignore[union-attr]
