"""Bring a database's schema to a version, or take it back.

Laws: all steps of one call run in one transaction that first takes an advisory lock, so that two
processes that start together don't race and a failed upgrade leaves nothing behind; a database
newer than this code is refused, never touched. The steps themselves live in `migrations`.

Alembic keeps the step that runs in module-level state, so one process runs one migration at a
time, in a thread of its own; the caller's event loop stays free.
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
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import migrations
from persistence.errors import SchemaError, SchemaTooNew
from persistence.postgres.database import Fetching, connect

_LOCK_KEY: Final = 0x70726F_62697479  # "probity"
_LOCK_TIMEOUT_MS: Final = 60_000
_ONE_AT_A_TIME: Final = threading.Lock()


async def upgrade(url: str, target: str = "head") -> None:
    """Apply every step up to ``target``; do nothing where there is none to apply.

    Raises:
        SchemaTooNew: the database has a step that this version doesn't know.
        SchemaError: a step failed, or the lock was not free within a minute.
        DatabaseUnavailable: no connection.
    """
    await asyncio.to_thread(_run, url, lambda config: command.upgrade(config, target))


async def downgrade(url: str, target: str) -> None:
    """Take steps back until ``target`` is the last one applied ("base": none).

    Raises as :func:`upgrade` does.
    """
    await asyncio.to_thread(_run, url, lambda config: command.downgrade(config, target))


async def current(url: str) -> str | None:
    """Name the last step applied to the database, or None where there is none."""
    connection = await connect(url)
    try:
        return await current_of(connection)
    finally:
        await connection.close()


async def require_newest(url: str) -> None:
    """Refuse a database whose schema isn't this version's; raises SchemaError."""
    found, needed = await current(url), head()
    if found != needed:
        raise SchemaError(
            f"the database's schema is at {found or 'nothing'}, {needed} is needed: start the"
            " engine of this version first, or run `probity migrate`"
        )


async def current_of(connection: Fetching) -> str | None:
    """Do what :func:`current` does on a connection that is open."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


def head() -> str | None:
    """Name the newest step this version of Probity knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def known() -> frozenset[str]:
    """Name every step this version of Probity knows."""
    return _steps(_config())


def _steps(config: Config) -> frozenset[str]:
    script = ScriptDirectory.from_config(config)
    return frozenset(revision.revision for revision in script.walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def _run(url: str, step: Callable[[Config], None]) -> None:
    def migrate(connection: Connection) -> None:
        connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))
        config = _config()
        _refuse_newer(config, connection)
        config.attributes["connection"] = connection
        step(config)

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


def _refuse_newer(config: Config, connection: Connection) -> None:
    steps = _steps(config)
    for applied in MigrationContext.configure(connection).get_current_heads():
        if applied not in steps:
            raise SchemaTooNew(
                f"the database is at version {applied}, which this Probity (up to {head()})"
                " doesn't know: run the newer Probity"
            )
