"""Write all of an exchange into one file, beside whatever it does meanwhile.

Laws: one snapshot of the database, so that the backup is an exchange that there was: as of its last
command, whose hash is the head of the chain; only reads; files of the journal are copied last, as
the table in the snapshot names them, and only if they are what it says; a file gets its name when
it is whole and on the disk, and no two backups write to one. Keys that lie in DATA_DIR are left
out: who has the backup of an exchange must not have them too.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, Self, cast

import asyncpg
import msgspec

from persistence.backups import tables
from persistence.backups.archive import MANIFEST, PART_BYTES, ArchiveWriter, written
from persistence.backups.manifest import FORMAT, File, Manifest, Table
from persistence.errors import (
    BackupNotWritten,
    DatabaseUnavailable,
    SchemaError,
    SegmentUnreadable,
)
from persistence.postgres import migrate
from persistence.postgres.database import OUTAGES, Connection, affected

SUFFIX: Final = ".backup"
_PART: Final = f"{SUFFIX}.part"
_LEFT_SECONDS: Final = 86_400
# Not by `read_head`: a database that is yet to be migrated is backed up first.
_HEAD: Final = "SELECT database_id::text AS id, last_seq, chain_hash FROM engine_state"
_FILES: Final = "SELECT file, bytes, sha256 FROM journal_segments ORDER BY first_seq"


class Made(msgspec.Struct, frozen=True):
    """A backup that is there."""

    path: Path
    bytes: int
    manifest: Manifest


async def make_backup(
    connection: Connection, segments_folder: Path, folder: Path, key: bytes | None
) -> Made:
    """Write a backup into a folder, which is made if it is missing.

    Args:
        connection: to the database, past any pooler, with no transaction open.
        segments_folder: where files with old parts of the journal lie.
        folder: where it goes, under a name made of the time and the last command.
        key: 32 bytes that seal it; None leaves it open.

    Raises:
        DatabaseUnavailable: the database went away.
        SchemaError: there is no exchange in it.
        SegmentUnreadable: a file of the journal is missing, or another than the database says.
        BackupNotWritten: the folder can't be written to, or its disk is full.
    """
    with _written_to(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # noqa: ASYNC240 - nobody else waits
        _sweep(folder)
        descriptor, part = _new_part(folder)
    try:
        with _Sink(descriptor, folder) as sink:
            with written(cast("BinaryIO", sink), key) as archive:
                manifest = await _write(connection, segments_folder, archive)
            size = sink.finish()
        with _written_to(folder):
            path = folder / _name(manifest)
            part.replace(path)
            _sync(folder)
    except (*OUTAGES, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(f"the database went away: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return Made(path, size, manifest)


@contextlib.contextmanager
def _written_to(folder: Path) -> Iterator[None]:
    """Say of what fails in the block that it is the file: the database has such errors, too."""
    try:
        yield
    except OSError as error:
        raise BackupNotWritten(
            f"the backup can't be written to {folder}: {error.strerror or error}: make room there,"
            " or name another folder (BACKUP_FOLDER)"
        ) from error


class _Sink:
    """The file of a backup: whatever it can't take is said to be its own fault."""

    def __init__(self, descriptor: int, folder: Path) -> None:
        self._file = os.fdopen(descriptor, "wb")
        self._folder = folder

    def write(self, data: bytes) -> int:
        """Append some bytes; raises BackupNotWritten."""
        with _written_to(self._folder):
            return self._file.write(data)

    def finish(self) -> int:
        """Put all on the disk and return how many bytes it is; raises BackupNotWritten."""
        with _written_to(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What couldn't be written is tried once more here, and was said before.
        with contextlib.suppress(OSError):
            self._file.close()


def _new_part(folder: Path) -> tuple[int, Path]:
    # Not by the process id: every container has the same, and others may be at it, too.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="probity-", suffix=_PART)
    return descriptor, Path(name)


def _sweep(folder: Path) -> None:
    """Remove what killed backups left; one that is being written is younger by its last write."""
    end = time.time() - _LEFT_SECONDS
    for part in folder.glob(f"*{_PART}"):
        with contextlib.suppress(FileNotFoundError):  # Another one sweeps as well.
            if part.stat().st_mtime < end:
                part.unlink()


def _name(manifest: Manifest) -> str:
    stamp = manifest.made_at.replace("-", "").replace(":", "")
    return f"probity-{stamp}-{manifest.last_seq}{SUFFIX}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _write(connection: Connection, segments_folder: Path, archive: ArchiveWriter) -> Manifest:
    made_at = datetime.now(UTC)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        schema = await migrate.current_of(connection)
        if schema is None:
            raise SchemaError("there is no exchange in the database")
        head: Any = await connection.fetchrow(_HEAD)
        sequences = await tables.sequences(connection)
        has_files = await connection.fetchval("SELECT to_regclass('journal_segments')")
        segments = await connection.fetch(_FILES) if has_files else []
        copied = [
            await _copy(connection, archive, table) for table in await tables.tables(connection)
        ]
    files = [_file(archive, segments_folder, row) for row in segments]
    manifest = Manifest(
        format=FORMAT,
        probity=version("probity"),
        made_at=made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        schema=schema,
        postgres=".".join(map(str, connection.get_server_version()[:2])),
        exchange=head["id"],
        last_seq=head["last_seq"],
        chain_hash=head["chain_hash"].hex(),
        tables=copied,
        sequences=sequences,
        files=files,
    )
    archive.add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


async def _copy(connection: Connection, archive: ArchiveWriter, table: tables.StoredTable) -> Table:
    digest, waiting, total, parts = hashlib.sha256(), bytearray(), 0, 0

    async def take(data: bytes) -> None:
        nonlocal total, parts
        digest.update(data)
        total += len(data)
        waiting.extend(data)
        while len(waiting) >= PART_BYTES:
            parts += 1
            archive.add_part(table.full_name, parts, bytes(waiting[:PART_BYTES]))
            del waiting[:PART_BYTES]

    # asyncpg's timeout is None here: a large table takes as long as it takes.
    status: Any = await connection.copy_from_table(
        table.name, schema_name=table.schema, columns=table.columns, output=take
    )
    if waiting:
        parts += 1
        archive.add_part(table.full_name, parts, bytes(waiting))
    return Table(
        schema=table.schema,
        name=table.name,
        columns=table.columns,
        rows=affected(status),
        bytes=total,
        parts=parts,
        sha256=digest.hexdigest(),
        partition_of=table.partition_of,
        bounds=table.bounds,
    )


def _file(archive: ArchiveWriter, folder: Path, row: asyncpg.Record) -> File:
    name, size, sha256 = row["file"], row["bytes"], row["sha256"].hex()
    try:
        found = archive.add_file(name, folder / name)
    except OSError as error:
        raise SegmentUnreadable(f"{folder / name} can't be read: {error.strerror}") from error
    if found != (size, sha256):
        raise SegmentUnreadable(f"{folder / name} isn't the file that the database says: damaged")
    return File(name=name, bytes=size, sha256=sha256)
