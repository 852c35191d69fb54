"""Bring a database's schema to a version, or take it back.

Laws: all steps of one call run in one transaction that first takes an advisory lock, so that two
processes that start together don't race and a failed upgrade leaves nothing behind; whoever leads
when a step is applied commits nothing more, since it knows the tables of before; a database newer
than this code is refused, never touched. The steps themselves live in `migrations`, each in a
file that begins with its name. Most starts find nothing to do, and say so from these names alone:
Alembic and SQLAlchemy (`steps.py`), which take as long to load as the whole rest, aren't.
"""

import asyncio
from pathlib import Path
from types import ModuleType

import migrations
from persistence.errors import SchemaError
from persistence.postgres.database import Fetching, connect


async def upgrade(url: str, target: str = "head") -> None:
    """Apply every step up to ``target``; do nothing where there is none to apply.

    Raises:
        SchemaTooNew: the database has a step that this version doesn't know.
        SchemaError: a step failed, or the lock was not free within a minute.
        DatabaseUnavailable: no connection.
    """
    if target != "head" or await current(url) != head():
        await asyncio.to_thread(lambda: _steps().upgrade(url, target, known()))


async def downgrade(url: str, target: str) -> None:
    """Take steps back until ``target`` is the last one applied ("base": none).

    Raises as :func:`upgrade` does.
    """
    await asyncio.to_thread(lambda: _steps().downgrade(url, target, known()))


async def current(url: str) -> str | None:
    """Name the last step applied to the database, or None where there is none."""
    connection = await connect(url)
    try:
        return await current_of(connection)
    finally:
        await connection.close()


async def require_newest(url: str) -> None:
    """Refuse a database whose schema isn't this version's; raises SchemaError."""
    connection = await connect(url)
    try:
        await require_newest_of(connection)
    finally:
        await connection.close()


async def require_newest_of(connection: Fetching) -> None:
    """Do what :func:`require_newest` does on a connection that is open."""
    found, needed = await current_of(connection), head()
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
    return max(known(), default=None)


def known() -> frozenset[str]:
    """Name every step this version of Probity knows."""
    versions = Path(str(migrations.__file__)).parent / "versions"
    return frozenset(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))


def _steps() -> ModuleType:
    from persistence.postgres import steps  # noqa: PLC0415 - half a second, and rarely anything to do

    return steps
