"""Step 0005: the job queue's schema is the installed library's, and its own."""

from importlib.metadata import version
from urllib.parse import urlsplit

import pytest
from procrastinate.schema import SchemaManager

from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect
from tests.conftest import Postgres
from tests.migrations.test_steps import schema

_MADE_FOR = "3.10."


async def test_the_queues_schema_is_what_the_installed_library_wants(
    empty_database_url: str, database_url: str
) -> None:
    """Fails after an upgrade of Procrastinate until a step carries its scripts over."""
    connection = await connect(empty_database_url)
    await connection.execute("CREATE SCHEMA jobs; SET search_path TO jobs")
    await connection.execute(SchemaManager.get_schema())
    await connection.close()
    wanted = await schema(empty_database_url)
    found = await schema(database_url)
    assert wanted
    assert [row for row in found if "procrastinate" in row[1]] == wanted
    assert version("procrastinate").startswith(_MADE_FOR)


async def test_a_schema_made_by_somebody_else_is_taken(empty_database_url: str) -> None:
    connection = await connect(empty_database_url)
    await connection.execute("CREATE SCHEMA jobs")
    await migrate.upgrade(empty_database_url)
    assert await connection.fetchval("SELECT to_regclass('jobs.procrastinate_jobs')") is not None
    assert await connection.fetchval("SELECT to_regclass('public.job_outcomes')") is not None
    await connection.close()


async def test_the_way_back_leaves_a_schema_that_somebody_else_made(
    postgres: Postgres, empty_database_url: str
) -> None:
    name = urlsplit(empty_database_url).path
    somebody = await connect(urlsplit(postgres.superuser_url)._replace(path=name).geturl())
    await somebody.execute(
        "CREATE SCHEMA jobs; CREATE TABLE jobs.theirs ();"
        f'GRANT ALL ON SCHEMA jobs TO "{postgres.user}"'
    )
    for _ in range(2):
        await migrate.upgrade(empty_database_url)
        await migrate.downgrade(empty_database_url, "0004")
        assert await _named(somebody) == ["theirs"]
    await somebody.close()


@pytest.mark.parametrize(
    ("theirs", "stays"), [("SELECT 1", False), ("CREATE TABLE jobs.theirs ()", True)]
)
async def test_the_schema_goes_with_the_queue_if_it_is_ours_and_empty(
    empty_database_url: str, theirs: str, stays: bool
) -> None:
    await migrate.upgrade(empty_database_url)
    connection = await connect(empty_database_url)
    await connection.execute(theirs)
    await migrate.downgrade(empty_database_url, "0004")
    found = await connection.fetchval("SELECT to_regnamespace('jobs') IS NOT NULL")
    assert found is stays
    assert await _named(connection) == (["theirs"] if stays else [])
    await connection.close()


async def _named(connection: Connection) -> list[str]:
    """All that is in the schema `jobs`, by name."""
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('jobs')"
        " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace('jobs')"
        " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace('jobs')"
        "    AND typrelid = 0 AND typelem = 0"
    )
    return [row[0] for row in rows]
