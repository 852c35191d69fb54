"""Run steps of `migrations` by Alembic, in one transaction under a lock.

Alembic keeps the step that runs in module-level state, so one process runs one migration at a
time, in a thread of its own; the caller's event loop stays free. Whoever wants a database brought
to a version asks `migrate.py`.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
from persistence.errors import SchemaError, SchemaTooNew
from persistence.postgres.database import connect

_LOCK_KEY: Final = 0x70726F_62697479  # "probity"
_LOCK_TIMEOUT_MS: Final = 60_000
_END_LEAD: Final = "UPDATE engine_state SET epoch = epoch + 1 WHERE epoch > 0"
"""An engine of the version before, which runs on meanwhile, commits nothing more: its fence."""
_ONE_AT_A_TIME: Final = threading.Lock()


def upgrade(url: str, target: str, known: frozenset[str]) -> None:
    """Apply every step up to ``target``, on a database at one of the steps `known` or at none.

    Raises as `migrate.upgrade` does.
    """
    _run(url, known, lambda config: command.upgrade(config, target), ends_lead=True)


def downgrade(url: str, target: str, known: frozenset[str]) -> None:
    """Take steps back until ``target`` is the last one applied; otherwise as :func:`upgrade`."""
    _run(url, known, lambda config: command.downgrade(config, target))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def _run(
    url: str, known: frozenset[str], step: Callable[[Config], None], *, ends_lead: bool = False
) -> None:
    def migrate(connection: Connection) -> None:
        connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))
        before = _heads(connection)
        _refuse_newer(known, before)
        is_led = connection.scalar(text("SELECT to_regclass('engine_state') IS NOT NULL"))
        if is_led:
            # First of all, as a commit does: neither holds what the other waits for.
            connection.execute(text("SELECT 1 FROM engine_state FOR UPDATE"))
        config = _config()
        config.attributes["connection"] = connection
        step(config)
        if is_led and ends_lead and _heads(connection) != before:
            connection.execute(text(_END_LEAD))

    with _ONE_AT_A_TIME:
        try:
            asyncio.run(_in_one_transaction(url, migrate))
        except (DBAPIError, asyncpg.PostgresError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise SchemaError(f"the database's schema can't be changed: {cause}") from error


async def _in_one_transaction(url: str, migrate: Callable[[Connection], None]) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def _heads(connection: Connection) -> tuple[str, ...]:
    return tuple(MigrationContext.configure(connection).get_current_heads())


def _refuse_newer(known: frozenset[str], heads: tuple[str, ...]) -> None:
    for applied in heads:
        if applied not in known:
            newest = max(known, default=None)
            raise SchemaTooNew(
                f"the database is at version {applied}, which this Probity (up to {newest})"
                " doesn't know: run the newer Probity"
            )
