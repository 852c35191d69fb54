"""The refusal of databases that lose what they promised."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import DatabaseNotDurable, DatabaseNotUtf8, DatabaseTooOld
from persistence.postgres.database import connect
from persistence.postgres.durability import assert_durable

# The oldest version we support is tried where the machine has it.
_OLDEST = Path("/usr/lib/postgresql/15/bin")
_BINARIES = [None, *([_OLDEST] if _OLDEST.is_dir() else [])]


class OldServer:
    """Answers the check's one question as a server would that we can't install here."""

    def __init__(self, **differences: object) -> None:
        self._row = {
            "version": 180_004,
            "version_name": "18.4",
            "encoding": "UTF8",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
        } | differences

    async def fetchrow(self, query: str, /) -> dict[str, object]:
        return self._row


@pytest.fixture(params=_BINARIES, ids=lambda binaries: "wheel" if binaries is None else "oldest")
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    server = asyncio.run(EmbeddedPostgres.start(tmp_path / "data", binaries=request.param))
    yield server.superuser_url
    asyncio.run(server.stop())


async def test_accepts_a_durable_server(own_url: str) -> None:
    connection = await connect(own_url)
    await assert_durable(connection)
    await connection.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_refuses_a_server_that_skips_the_disk(own_url: str, setting: str) -> None:
    connection = await connect(own_url)
    folder = Path(await connection.fetchval("SHOW data_directory"))
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"{setting} = off\n")
    await connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(30):
        while await connection.fetchval(f"SHOW {setting}") == "on":
            pass  # the question itself lets the server take the new setting in
    with pytest.raises(DatabaseNotDurable, match=f"the database has {setting} off"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_a_database_that_answers_before_the_disk_does(own_url: str) -> None:
    connection = await connect(own_url)
    await connection.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    await connection.close()
    connection = await connect(own_url)
    with pytest.raises(DatabaseNotDurable, match="synchronous_commit off"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_another_encoding(own_url: str) -> None:
    connection = await connect(own_url)
    await connection.execute(
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    await connection.close()
    connection = await connect(own_url.replace("/postgres?", "/latin?"))
    with pytest.raises(DatabaseNotUtf8, match="LATIN1"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_an_old_server() -> None:
    with pytest.raises(DatabaseTooOld, match=r"PostgreSQL 14\.9: 15 or later"):
        await assert_durable(OldServer(version=140_009, version_name="14.9"))


async def test_names_everything_that_is_off() -> None:
    with pytest.raises(DatabaseNotDurable, match="fsync, synchronous_commit off"):
        await assert_durable(OldServer(fsync="off", synchronous_commit="off"))
