"""A backup put back is the exchange it was made of: every row, sequence, trigger and key of it."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from persistence.backups import archive
from persistence.backups.backup import Made, make_backup
from persistence.backups.restore import check_backup, restore
from persistence.errors import (
    BackupDamaged,
    DatabaseUnavailable,
    NotEmpty,
    SchemaError,
    SchemaTooNew,
    SegmentUnreadable,
)
from persistence.journal.segments.segments import Segments
from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect
from persistence.proof.verification import verify
from tests.conftest import Postgres
from tests.persistence.journal.segments.moving import move_all
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

KEY = bytes(range(32))
_USER = (
    "INSERT INTO users (email, password_hash, role, created_at)"
    " VALUES ('a@b.example', 'x', 'USER', 1)"
)
_CATALOGUE = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace IN ('public'::regnamespace, 'jobs'::regnamespace)
UNION ALL SELECT tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger
 WHERE NOT tgisinternal
UNION ALL SELECT schemaname || '.' || tablename, indexname, indexdef FROM pg_indexes
 WHERE schemaname IN ('public', 'jobs')
UNION ALL SELECT sequencename, schemaname, last_value::text FROM pg_sequences
ORDER BY 1, 2, 3
"""


async def everything(url: str) -> dict[str, list[Any]]:
    """Every row of every table, and what the catalogue says of them."""
    connection = await connect(url)
    try:
        names = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('public', 'jobs')"
        )
        found: dict[str, list[Any]] = {}
        for (name,) in names:
            rows = await connection.fetch(f"SELECT x::text FROM {name} x ORDER BY 1")
            found[name] = [row[0] for row in rows]
        found["catalogue"] = [tuple(row) for row in await connection.fetch(_CATALOGUE)]
        return found
    finally:
        await connection.close()


async def fill(url: str, segments: Path | None = None) -> None:
    """A past of all kinds of rows, the beginning of its journal in files."""
    async with running(url) as engine:
        for command in (*opening(), *commands(7, 400)):
            await engine.send(command)
    connection = await connect(url)
    try:
        await connection.execute(_USER)
        await connection.execute(
            "INSERT INTO audit_log (at, action, outcome, request_id)"
            " SELECT n, 'tested', E'tab\\t, \\\\ and new\\nline', 'r' FROM generate_series(1, 50) n"
        )
        await connection.execute(
            "CREATE TABLE market_snapshots_19800101 PARTITION OF market_snapshots"
            " FOR VALUES FROM ('1980-01-01') TO ('1980-01-02')"
        )
    finally:
        await connection.close()
    if segments is not None:
        assert await move_all(url, segments, behind_projector=False)


async def back_up(
    url: str, folder: Path, segments: Path | None = None, key: bytes | None = None
) -> Made:
    connection = await connect(url)
    try:
        return await make_backup(connection, segments or folder / "none", folder, key)
    finally:
        await connection.close()


async def put_back(url: str, made: Made, keys: Sequence[bytes], segments: Path) -> None:
    await restore(url, made.path, keys, check_backup(made.path, keys), segments)


async def assert_verified(url: str, segments: Path) -> None:
    connection = await connect(url)
    try:
        results = [r async for r in verify(connection, segments=Segments(segments))]
        assert results[-1].name == "audit"
        assert all(result.passed for result in results), results
    finally:
        await connection.close()


@pytest.mark.parametrize("key", [None, KEY], ids=["open", "sealed"])
async def test_all_of_an_exchange_comes_back(
    database_url: str, empty_database_url: str, tmp_path: Path, key: bytes | None
) -> None:
    await fill(database_url, tmp_path / "segments")
    made = await back_up(database_url, tmp_path / "backups", tmp_path / "segments", key)
    keys = [key] if key else []
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.bytes == made.path.stat().st_size
    assert made.manifest.files
    assert made.manifest.last_seq > 400
    assert check_backup(made.path, keys) == made.manifest
    await put_back(empty_database_url, made, keys, tmp_path / "restored")
    before, after = await everything(database_url), await everything(empty_database_url)
    assert before.keys() == after.keys()
    for name, rows in before.items():
        assert after[name] == rows, name
    await assert_verified(empty_database_url, tmp_path / "restored")
    assert not list(tmp_path.rglob("*.part"))


async def test_an_exchange_that_was_put_back_trades_on(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await fill(database_url)
    made = await back_up(database_url, tmp_path)
    await put_back(empty_database_url, made, [], tmp_path / "journal")
    async with running(empty_database_url) as engine:
        assert engine.recovered.live.seq == made.manifest.last_seq
        for command in commands(8, 100):
            await engine.send(command)
    await assert_verified(empty_database_url, tmp_path / "journal")


async def test_a_backup_is_of_one_moment_whatever_happens_meanwhile(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands go in between one table and the next: none of them is in it."""
    async with running(database_url) as engine:
        for command in (*opening(), *commands(7, 100)):
            await engine.send(command)
        more = iter(commands(8, 2_000))
        copy = Connection.copy_from_table

        async def slow(self: Connection, *args: Any, **kwargs: Any) -> str:
            await engine.send(next(more))
            return await copy(self, *args, **kwargs)

        monkeypatch.setattr(Connection, "copy_from_table", slow)
        made = await back_up(database_url, tmp_path)
        monkeypatch.undo()
    await put_back(empty_database_url, made, [], tmp_path / "journal")
    await assert_verified(empty_database_url, tmp_path / "journal")


async def test_two_backups_at_once_are_both_whole(database_url: str, tmp_path: Path) -> None:
    """From a timer and by hand, of one process id as in containers."""
    await fill(database_url)
    folder = tmp_path / "backups"
    made = await asyncio.gather(back_up(database_url, folder), back_up(database_url, folder))
    for one in made:
        assert check_backup(one.path, []).chain_hash == one.manifest.chain_hash
    assert {path.name for path in folder.iterdir()} == {one.path.name for one in made}


async def test_what_a_killed_backup_left_goes_after_a_day(
    database_url: str, tmp_path: Path
) -> None:
    old, young, theirs = (tmp_path / name for name in ("1.backup.part", "x.backup.part", "x.part"))
    for path in (old, young, theirs):
        path.write_bytes(b"half")
    for path in (old, theirs):
        os.utime(path, (time.time() - 90_000,) * 2)
    made = await back_up(database_url, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([young, theirs, made.path])


async def test_an_older_schema_is_backed_up_and_comes_back_as_the_newest(
    empty_database_url: str, database_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    await migrate.upgrade(empty_database_url, "0030")
    made = await back_up(empty_database_url, tmp_path)
    assert made.manifest.schema == "0030"
    # The other one is as migrated: empty, and newer than the backup.
    await put_back(database_url, made, [], tmp_path / "journal")
    assert await migrate.current(database_url) == migrate.head()
    await assert_verified(database_url, tmp_path / "journal")


async def test_what_holds_something_is_not_restored_into(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await fill(database_url)
    made = await back_up(database_url, tmp_path)
    before = await everything(database_url)
    with pytest.raises(NotEmpty, match="it holds an exchange"):
        await put_back(database_url, made, [], tmp_path / "journal")
    assert await everything(database_url) == before
    connection = await connect(empty_database_url)
    await connection.execute("CREATE TABLE theirs (x int)")
    await connection.close()
    with pytest.raises(NotEmpty, match="it has a table theirs"):
        await put_back(empty_database_url, made, [], tmp_path / "journal")


async def test_a_restore_that_fails_leaves_no_row_and_can_be_tried_again(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, tmp_path / "segments")
    made = await back_up(database_url, tmp_path, tmp_path / "segments")
    target = tmp_path / "restored"
    target.mkdir()
    # The last thing that can go wrong: another file where one of the journal goes.
    (target / made.manifest.files[0].name).write_bytes(b"another")
    with pytest.raises(NotEmpty, match="set JOURNAL_FOLDER"):
        await put_back(empty_database_url, made, [], target)
    assert (await everything(empty_database_url))["public.users"] == []
    shutil.rmtree(target)
    await put_back(empty_database_url, made, [], target)
    await assert_verified(empty_database_url, target)


async def test_what_is_put_back_is_for_the_account_of_the_exchange_alone(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, tmp_path / "segments")
    made = await back_up(database_url, tmp_path, tmp_path / "segments")
    target = tmp_path / "restored"
    target.mkdir()
    # Of a restore that was killed, when nobody looked at modes.
    left = target / f"{made.manifest.files[0].name}.restored"
    left.write_bytes(b"half")
    left.chmod(0o644)
    before = os.umask(0)
    try:
        await put_back(empty_database_url, made, [], target)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in target.iterdir()}
    assert modes == {file.name: 0o600 for file in made.manifest.files}


async def test_a_file_of_the_journal_that_is_not_right_stops_a_backup(
    database_url: str, tmp_path: Path
) -> None:
    segments = tmp_path / "segments"
    await fill(database_url, segments)
    first = min(segments.iterdir())
    content = first.read_bytes()
    first.write_bytes(content[:-1] + b"?")
    with pytest.raises(SegmentUnreadable, match="damaged"):
        await back_up(database_url, tmp_path / "backups", segments)
    first.unlink()
    with pytest.raises(SegmentUnreadable, match="No such file"):
        await back_up(database_url, tmp_path / "backups", segments)
    assert list((tmp_path / "backups").iterdir()) == []


async def test_where_there_is_no_exchange_nothing_is_backed_up(
    empty_database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(SchemaError, match="no exchange"):
        await back_up(empty_database_url, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_database_that_goes_away_leaves_no_half_a_backup(
    database_url: str, tmp_path: Path
) -> None:
    connection = await connect(database_url)
    connection.terminate()
    with pytest.raises(DatabaseUnavailable):
        await make_backup(connection, tmp_path, tmp_path, None)
    assert list(tmp_path.iterdir()) == []


# -- files that aren't what they say ----------------------------------------------------------

Members = list[tuple[str, bytes]]


def members(path: Path) -> Members:
    with tarfile.open(path) as tar:
        return [(info.name, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]


def rewrite(path: Path, content: Members) -> None:
    with path.open("wb") as file, archive.written(file, None) as writer:
        for name, data in content:
            writer.add(name, data)


def with_manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Members], Members]:
    def changed(content: Members) -> Members:
        manifest = json.loads(content[-1][1])
        change(manifest)
        return [*content[:-1], (content[-1][0], json.dumps(manifest).encode())]

    return changed


def rows_changed(content: Members) -> Members:
    name, data = next(one for one in content if "users" in one[0])
    other = gzip.compress(gzip.decompress(data).replace(b"USER", b"ADMIN"))
    return [(n, other if n == name else d) for n, d in content]


BREAKS: dict[str, tuple[Callable[[Members], Members], str]] = {
    "no manifest": (lambda content: content[:-1], "broken off"),
    "rows": (rows_changed, "table public.users isn't what its manifest says"),
    "less": (lambda content: content[1:], "isn't what its manifest says"),
    "more": (
        lambda content: [("tables/public.theirs/000001.gz", gzip.compress(b"1\n")), *content],
        "doesn't know of table public.theirs",
    ),
    "behind": (lambda content: [*content, content[0]], "behind its manifest"),
    "path": (lambda content: [("journal/../../x", b""), *content], "something else"),
    "no gzip": (lambda content: [(content[0][0], b"rows"), *content[1:]], "isn't whole"),
    "bomb": (
        lambda content: [(content[0][0], gzip.compress(bytes(2**24))), *content[1:]],
        "isn't whole",
    ),
    "large": (lambda content: [("manifest.json", bytes(2**24)), *content], "larger"),
    "bounds": (
        with_manifest(lambda m: m["tables"][0].update(bounds="DEFAULT; DROP TABLE users")),
        "bounds",
    ),
    "json": (lambda content: [*content[:-1], ("manifest.json", b"[")], "can't be read"),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_what_was_changed_is_found(database_url: str, tmp_path: Path, name: str) -> None:
    connection = await connect(database_url)
    await connection.execute(_USER)
    await connection.close()
    made = await back_up(database_url, tmp_path)
    change, said = BREAKS[name]
    rewrite(made.path, change(members(made.path)))
    with pytest.raises(BackupDamaged, match=said):
        check_backup(made.path, [])


async def test_a_later_version_is_named(database_url: str, tmp_path: Path) -> None:
    made = await back_up(database_url, tmp_path)
    change = with_manifest(lambda m: m.update(schema="9999", probity="9.9"))
    rewrite(made.path, change(members(made.path)))
    with pytest.raises(SchemaTooNew, match=r"Probity 9\.9 \(schema 9999\)"):
        check_backup(made.path, [])


async def test_what_is_no_backup_is_said_to_be_none(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"", b"no tar", bytes(20_000), io.BytesIO(b"PK" * 10_000).getvalue()):
        path.write_bytes(content)
        with pytest.raises(BackupDamaged):
            check_backup(path, [])
    made = await back_up(database_url, tmp_path, key=KEY)
    with pytest.raises(BackupDamaged, match="it is sealed: set BACKUP_KEY"):
        check_backup(made.path, [])
    cut = made.path.read_bytes()[:-30_000]
    path.write_bytes(cut)
    with pytest.raises(BackupDamaged, match="or its beginning is damaged"):
        check_backup(path, [KEY])


def test_an_open_backup_is_read_by_tar_and_zcat(tmp_path: Path) -> None:
    path = tmp_path / "x"
    rows = b"1\tann\n2\tbob\n"
    with path.open("wb") as file, archive.written(file, None) as writer:
        writer.add_part("public.users", 1, rows)
    [(name, data)] = members(path)
    assert (name, gzip.decompress(data)) == ("tables/public.users/000001.gz", rows)
    assert hashlib.sha256(rows).digest()
