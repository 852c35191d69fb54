"""What a database says of itself, where it depends on what our role may do in it."""

from urllib.parse import urlsplit

import pytest

from persistence.postgres.database import connect
from persistence.postgres.examination import examine
from tests.conftest import Postgres


async def test_a_schema_for_jobs_must_let_us_in(
    postgres: Postgres, empty_database_url: str
) -> None:
    if postgres.superuser_url == postgres.user_url:
        pytest.skip("the tests' only role may do anything")
    name = urlsplit(empty_database_url).path
    somebody = await connect(urlsplit(postgres.superuser_url)._replace(path=name).geturl())
    assert (await examine(empty_database_url)).may_create, "it makes the schema itself"
    await somebody.execute("CREATE SCHEMA jobs")
    assert not (await examine(empty_database_url)).may_create
    await somebody.execute(f'GRANT CREATE ON SCHEMA jobs TO "{postgres.user}"')
    assert not (await examine(empty_database_url)).may_create
    await somebody.execute(f'GRANT USAGE ON SCHEMA jobs TO "{postgres.user}"')
    assert (await examine(empty_database_url)).may_create
    await somebody.close()
