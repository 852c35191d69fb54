"""Migrations as a machine: up, down, twice at once, from a newer version, and when one fails.

That every step really goes back to the schema it found is in `tests/migrations`.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import migrations
from exchange.messages.commands import OpenAccount
from persistence.errors import (
    DatabaseUnavailable,
    EngineClosed,
    FenceLost,
    OutcomeUnknown,
    SchemaError,
    SchemaTooNew,
)
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.persistence.running import running

_REAL = Path(str(migrations.__file__)).parent
_FIRST = """
from migrations.script import execute_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute_script("CREATE TABLE a (s int[]); INSERT INTO a VALUES ('{1,2,3}');"
                   "CREATE TABLE b AS SELECT s[1:2] AS s, ':name' AS t FROM a;")


def downgrade() -> None:
    execute_script("DROP TABLE b; DROP TABLE a;")
"""
_SECOND = """
from migrations.script import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute_script("CREATE TABLE c (); SELECT 1 / 0;")


def downgrade() -> None:
    execute_script("DROP TABLE c;")
"""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history of our own: the real environment and one first step."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text((_REAL / "env.py").read_text(encoding="utf-8"))
    (tmp_path / "versions" / "0001_first.py").write_text(_FIRST)
    monkeypatch.setattr(migrations, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path / "versions"


async def tables(url: str) -> list[str]:
    connection = await connect(url)
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    await connection.close()
    return [row["tablename"] for row in rows]


async def test_goes_up_and_down(empty_database_url: str, steps: Path) -> None:
    assert await migrate.current(empty_database_url) is None
    await migrate.upgrade(empty_database_url)
    assert await migrate.current(empty_database_url) == migrate.head() == "0001"
    assert await tables(empty_database_url) == ["a", "alembic_version", "b"]
    await migrate.upgrade(empty_database_url)
    await migrate.downgrade(empty_database_url, "base")
    assert await migrate.current(empty_database_url) is None
    assert await tables(empty_database_url) == ["alembic_version"]


async def test_sends_a_script_as_it_is_written(empty_database_url: str, steps: Path) -> None:
    await migrate.upgrade(empty_database_url)
    connection = await connect(empty_database_url)
    assert tuple(await connection.fetchrow("SELECT s, t FROM b") or ()) == ([1, 2], ":name")
    await connection.close()


async def test_a_failed_upgrade_leaves_nothing_behind(empty_database_url: str, steps: Path) -> None:
    (steps / "0002_second.py").write_text(_SECOND)
    with pytest.raises(SchemaError, match="division by zero"):
        await migrate.upgrade(empty_database_url)
    assert await tables(empty_database_url) == []


async def test_refuses_a_database_that_is_newer_than_the_code(
    empty_database_url: str, steps: Path
) -> None:
    newer = _SECOND.replace("SELECT 1 / 0;", "")
    (steps / "0002_second.py").write_text(newer)
    await migrate.upgrade(empty_database_url)
    (steps / "0002_second.py").unlink()
    with pytest.raises(SchemaTooNew, match=r"at version 0002, .* \(up to 0001\)"):
        await migrate.upgrade(empty_database_url)
    assert await tables(empty_database_url) == ["a", "alembic_version", "b", "c"]


async def test_whoever_leads_while_it_is_upgraded_commits_nothing_more(database_url: str) -> None:
    """An engine of the version before, beside which a new one was started."""
    before = sorted(migrate.known())[-2]
    async with running(database_url) as engine:
        await engine.send(OpenAccount(1, 0))
        connection = await connect(database_url)
        await migrate.downgrade(database_url, before)
        assert await connection.fetchval("SELECT epoch FROM engine_state") == 1
        for _ in range(2):
            await migrate.upgrade(database_url)
            assert await connection.fetchval("SELECT epoch FROM engine_state") == 2
        with pytest.raises((OutcomeUnknown, EngineClosed)):
            await engine.send(OpenAccount(2, 0))
        assert isinstance(await engine.sequencer.failed, FenceLost)
        assert await connection.fetchval("SELECT last_seq FROM engine_state") == 1
        await connection.close()


async def test_upgrades_that_start_together_do_not_race(
    empty_database_url: str, steps: Path
) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database_url) for _ in range(4)))
    assert await migrate.current(empty_database_url) == "0001"


async def test_a_start_that_has_nothing_to_do_loads_no_alembic(database_url: str) -> None:
    script = "import asyncio, sys; from persistence.postgres import migrate;"
    script += "asyncio.run(migrate.upgrade(sys.argv[1]));"
    script += "sys.exit('alembic' in sys.modules or 'sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", script, database_url], check=True, timeout=60)


def test_processes_that_start_together_do_not_race(empty_database_url: str) -> None:
    script = "import asyncio, sys; from persistence.postgres import migrate;"
    script += "asyncio.run(migrate.upgrade(sys.argv[1]))"
    together = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", script, empty_database_url])
        for _ in range(3)
    ]
    assert [process.wait(60) for process in together] == [0, 0, 0]
    assert asyncio.run(migrate.current(empty_database_url)) == migrate.head()


async def test_says_that_the_database_cannot_be_reached() -> None:
    with pytest.raises(DatabaseUnavailable):
        await migrate.upgrade("postgresql://probity@127.0.0.1:1/probity")
