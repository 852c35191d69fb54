"""`probity backup` and `probity restore` as a person runs them."""

import asyncio
import base64
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.backups.backup import throw_away_old
from gateway.cli.main import main
from persistence.backups.noted import noted
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import connect
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()


def probity(folder: Path, url: str, *arguments: str, **settings: str) -> Result:
    environment = {"DATABASE_URL": url, "DATA_DIR": str(folder / "data"), **settings}
    return CliRunner(env=environment).invoke(main, list(arguments))


async def trade(url: str) -> None:
    async with running(url) as engine:
        for command in (*opening(), *commands(5, 50)):
            await engine.send(command)


async def audited(url: str) -> tuple[list[tuple[str, str, str]], int]:
    connection = await connect(url)
    try:
        rows = await connection.fetch(
            "SELECT action, target, outcome FROM audit_log WHERE request_id = 'cli' ORDER BY id"
        )
        return [tuple(row) for row in rows], (await noted(connection)).backup_at
    finally:
        await connection.close()


def test_a_backup_is_made_checked_and_restored(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    asyncio.run(trade(database_url))
    made = probity(tmp_path, database_url, "backup", BACKUP_KEY=KEY)
    assert made.exit_code == 0, made.output
    [path] = (tmp_path / "data" / "backups").iterdir()
    seq = path.stem.rpartition("-")[2]
    assert made.stdout.startswith(f"{path}: up to command {seq}, ")
    assert made.stdout.endswith("bytes, sealed\n")
    lines, at = asyncio.run(audited(database_url))
    assert lines == [("backup.made", f"seq:{seq}", "ok")]
    assert now_us() - 60 * MICROSECONDS < at <= now_us()

    settings = {"BACKUP_KEY": f"{OTHER},{KEY}"}
    checked = probity(tmp_path, empty_database_url, "restore", str(path), "--check", **settings)
    assert checked.exit_code == 0
    assert checked.stdout.startswith("A whole backup of ")
    assert asyncio.run(_is_empty(empty_database_url))
    restored = probity(tmp_path, empty_database_url, "restore", str(path), **settings)
    assert restored.exit_code == 0, restored.output
    assert "\nok    laws        every invariant holds\n" in restored.stdout
    assert f"\nRestored up to command {seq}.\n" in restored.stdout
    assert "Bring JWT_PRIVATE_KEY of the old exchange" in restored.stdout
    assert asyncio.run(audited(empty_database_url))[0] == [("backup.restored", f"seq:{seq}", "ok")]
    again = probity(tmp_path, empty_database_url, "restore", str(path), **settings)
    assert again.exit_code == 1
    assert "the database isn't empty: it holds an exchange" in again.stderr


async def _is_empty(url: str) -> bool:
    connection = await connect(url)
    try:
        return await connection.fetchval("SELECT to_regclass('alembic_version')") is None
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({}, 1, "it is sealed: set BACKUP_KEY"),
        ({"BACKUP_KEY": OTHER}, 1, "none of the keys opens it"),
        ({"BACKUP_KEY": "abc"}, 2, "BACKUP_KEY: must be the base64 of 32 bytes"),
    ],
)
def test_without_the_key_nothing_is_restored(
    database_url: str, tmp_path: Path, settings: dict[str, str], code: int, said: str
) -> None:
    made = probity(tmp_path, database_url, "backup", "--folder", str(tmp_path), BACKUP_KEY=KEY)
    assert made.exit_code == 0, made.output
    [path] = tmp_path.glob("*.backup")
    refused = probity(tmp_path, database_url, "restore", str(path), **settings)
    assert refused.exit_code == code
    assert said in refused.stderr


@pytest.mark.parametrize("key", [{}, {"BACKUP_KEY": KEY}], ids=["open", "sealed"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    database_url: str, empty_database_url: str, tmp_path: Path, key: dict[str, str]
) -> None:
    """Its end is what is wrong: all before it could have been put back by then."""
    asyncio.run(trade(database_url))
    made = probity(tmp_path, database_url, "backup", "--folder", str(tmp_path), **key)
    assert made.exit_code == 0, made.output
    [path] = tmp_path.glob("*.backup")
    whole = path.read_bytes()
    at = len(whole) - 100 if key else whole.rindex(b"\x1f\x8b") + 20  # of the last rows
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    refused = probity(tmp_path, empty_database_url, "restore", str(path), **key)
    assert refused.exit_code == 1, refused.output
    assert refused.stderr.startswith(f"probity: {path}: ")
    assert asyncio.run(_is_empty(empty_database_url))
    assert not (tmp_path / "data" / "journal").exists()


def test_a_backup_that_lies_open_says_so(database_url: str, tmp_path: Path) -> None:
    made = probity(tmp_path, database_url, "backup")
    assert made.stdout.endswith("bytes, not sealed: set BACKUP_KEY\n")


def test_where_there_is_no_exchange_nothing_is_made(tmp_path: Path) -> None:
    refused = CliRunner(env={"DATA_DIR": str(tmp_path / "data")}).invoke(main, ["backup"])
    assert refused.exit_code == 1
    assert "there is no database in" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_fails_takes_no_older_one_away(tmp_path: Path) -> None:
    old = tmp_path / "kept" / "probity-20200101T000000Z-5.backup"
    old.parent.mkdir()
    for path in (old, old.with_name("probity-20200102T000000Z-6.backup")):
        path.write_bytes(b"")
    away = "postgresql://probity@127.0.0.1:1/none"
    failed = probity(tmp_path, away, "backup", "--folder", str(old.parent))
    assert failed.exit_code == 1, failed.output
    assert len(list(old.parent.iterdir())) == 2


def test_old_backups_go_and_the_newest_stays(tmp_path: Path) -> None:
    names = [
        "probity-20260101T000000Z-5.backup",
        "probity-20260131T000000Z-6.backup",
        "probity-20260210T000000Z-7.backup",
        "another-20260101T000000Z-5.backup",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert throw_away_old(tmp_path, 30, datetime(2026, 2, 15, tzinfo=UTC)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
    assert throw_away_old(tmp_path, 1, datetime(2028, 2, 15, tzinfo=UTC)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[2:])


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("key", [{}, {"BACKUP_KEY": KEY}], ids=["open", "sealed"])
@pytest.mark.parametrize("size", [0, 40_000])
def test_a_full_disk_is_called_one(
    database_url: str, tmp_path: Path, size: int, key: dict[str, str]
) -> None:
    """At the first byte and in the middle; the database is well, and nothing is left behind."""
    asyncio.run(trade(database_url))
    folder = tmp_path / "backups"
    with full_after(size):
        made = probity(tmp_path, database_url, "backup", BACKUP_FOLDER=str(folder), **key)
    assert made.exit_code == 1
    assert f"probity: the backup can't be written to {folder}: File too large:" in made.stderr
    assert "went away" not in made.stderr
    assert list(folder.iterdir()) == []
    assert asyncio.run(audited(database_url))[0] == []


def test_a_folder_that_cannot_be_is_named(database_url: str, tmp_path: Path) -> None:
    asyncio.run(trade(database_url))
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "backups"
    made = probity(tmp_path, database_url, "backup", BACKUP_FOLDER=str(folder))
    assert made.exit_code == 1
    assert f"probity: the backup can't be written to {folder}: Not a directory:" in made.stderr
