"""What each step of the schema does and which tables it locks, found by taking it.

    python -m tests.migrations.step_table > docs/operations/migrations.md

Laws: a row is made of the step's own docstring and of PostgreSQL's own `pg_locks` at the end of its
scripts; a table that the step makes itself is in nobody's way and isn't told of.
"""

import asyncio
import importlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import migrations
from migrations import script
from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres import migrate
from persistence.postgres.database import connect

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations" / "migrations.md"
_TABLES: Final = "SELECT oid::bigint FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
_HELD: Final = """
SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
 WHERE l.pid = pg_backend_pid() AND c.oid::bigint = ANY($1::bigint[])
   AND c.relname !~ '^alembic' AND l.mode <> 'AccessShareLock'
"""
_ALL: Final = "AccessExclusiveLock"
# A foreign key to a table, a trigger on it, and an index of it.
_WRITERS: Final = frozenset({"ShareRowExclusiveLock", "ShareLock", "ExclusiveLock"})
# An index of it, or rows that are written.
_ALL_ROWS: Final = frozenset({"ShareLock", "RowExclusiveLock"})
_HEAD: Final = """# What each step of the schema does

`probity doctor` of a new version says from which step to which it goes. All steps of an upgrade run
in one transaction while no engine runs, so what counts is how long it takes, and what gateways that
go on serving reads may not touch until it ends. *Nobody*: reads of these tables wait, too.
*Writers*: reads go on. *As long as*: the step makes an index of that table, or fills something in,
and takes longer the more rows there are. `engine_state` has one row.

How long it takes for your exchange, the [drill](backups.md#the-drill) tells with the new version:
`probity restore` of last night's backup takes the same steps. Going back:
[Roll back](deploy.md#roll-back).

This page is made of the steps and of the locks that PostgreSQL says they hold
(`python -m tests.migrations.step_table`).

| step | what | nobody | writers | as long as |
|---|---|---|---|---|
"""
_ONE_ROW: Final = "engine_state"

Locks = dict[str, set[str]]


async def locks_of_steps(url: str) -> dict[str, Locks]:
    """Take an empty database through all steps; return each one's locks on tables of before."""
    found: dict[str, Locks] = {}
    plain = script.run_with_connection
    for step in steps():
        before = await _tables(url)
        held = found[step] = {}
        script.run_with_connection = _noting(plain, before, held)  # type: ignore[assignment]
        try:
            await migrate.upgrade(url, step)
        finally:
            script.run_with_connection = plain
    return found


Work = Callable[[Any], Awaitable[None]]


def _noting(
    plain: Callable[[Work], None], before: list[int], held: Locks
) -> Callable[[Work], None]:
    """Return what runs a script as `plain` does and notes what is locked after it."""

    def run(work: Work) -> None:
        async def both(connection: Any) -> None:
            await work(connection)
            for name, mode in await connection.fetch(_HELD, before):
                held.setdefault(name, set()).add(mode)

        plain(both)

    return run


async def _tables(url: str) -> list[int]:
    connection = await connect(url)
    try:
        return [row[0] for row in await connection.fetch(_TABLES)]
    finally:
        await connection.close()


def steps() -> dict[str, str]:
    """Return the first sentence of each step, by its number, in order."""
    folder = Path(migrations.__file__).parent / "versions"
    return {
        path.name[:4]: _sentence(importlib.import_module(f"migrations.versions.{path.stem}"))
        for path in sorted(folder.glob("[0-9]*.py"))
    }


def _sentence(module: object) -> str:
    text = " ".join((module.__doc__ or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def page(found: dict[str, Locks]) -> str:
    """Return the page."""
    rows = []
    for step, what in steps().items():
        held = found[step]
        nobody = sorted(name for name, modes in held.items() if _ALL in modes)
        writers = sorted(
            name for name, modes in held.items() if modes & _WRITERS and name not in nobody
        )
        long = sorted(n for n, modes in held.items() if modes & _ALL_ROWS and n != _ONE_ROW)
        cells = (
            " ".join(f"`{name}`" for name in names) or "-" for names in (nobody, writers, long)
        )
        rows.append(f"| {step} | {what} | {' | '.join(cells)} |")
    return _HEAD + "\n".join(rows) + "\n"


async def _main() -> str:
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder) / "data")
        try:
            return page(await locks_of_steps(server.url))
        finally:
            await server.stop()


if __name__ == "__main__":
    print(asyncio.run(_main()), end="")
