"""Step 0005: the job queue's schema is the installed library's, and its own."""

from importlib.metadata import version

from procrastinate.schema import SchemaManager

from persistence.postgres import migrate
from persistence.postgres.database import connect
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
