"""Make an exchange of a backup, in a database that holds none.

Laws: nothing is touched before the whole file was read and every hash in it held; rows go in within
one transaction, after the migrations have made the tables as they were at the backup, so a restore
that fails leaves no row behind and can be tried again; the exchange keeps its id, its chain and its
audit log as they were, triggers that would number lines anew being off meanwhile. Whether the
result is right is `probity verify`'s word, not this module's.
"""

import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from persistence.backups import tables
from persistence.backups.archive import Member, read_members
from persistence.backups.manifest import FORMAT, File, Manifest, Table
from persistence.backups.tables import quoted
from persistence.errors import BackupDamaged, NotEmpty, SchemaTooNew
from persistence.postgres import migrate
from persistence.postgres.database import Connection, affected, connect

# What a partition's bounds may be made of: they go into SQL as they stand.
_BOUNDS: Final = re.compile(r"FOR VALUES FROM \('[0-9 :+-]+'\) TO \('[0-9 :+-]+'\)")
_FOREIGN_KEYS: Final = """
SELECT conrelid::regclass::text AS place, quote_ident(conname) AS name,
       pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = ANY (
       SELECT oid FROM pg_namespace WHERE nspname = ANY ($1::text[])) AND conparentid = 0
"""
_TRIGGERS: Final = """
SELECT t.tgrelid::regclass::text AS place, quote_ident(t.tgname) AS name,
       CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA'
                        ELSE 'ENABLE' END AS back
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname = ANY ($1::text[])
   AND t.tgparentid = 0
"""
_OTHERS: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1::text[])
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
 LIMIT 1
"""


def check_backup(path: Path, keys: Sequence[bytes]) -> Manifest:
    """Read a whole backup and return its manifest; touches no database.

    Raises:
        BackupDamaged: something in it isn't as it was written; says what.
        SchemaTooNew: a later version of Probity made it.
        OSError: it can't be read.
    """
    found: dict[str, _Measure] = {}
    manifest: Manifest | None = None
    for member in read_members(path, keys):
        if manifest is not None:
            raise BackupDamaged("something stands behind its manifest")
        if member.kind == "manifest":
            manifest = _manifest(b"".join(member.pieces))
        else:
            measure = found.setdefault(f"{member.kind} {member.name}", _Measure())
            measure.parts += 1
            for piece in member.pieces:
                measure.take(piece)
    if manifest is None:
        raise BackupDamaged("it was broken off: it has no manifest")
    wanted: list[tuple[str, int, Table | File]] = [
        *((f"table {table.full_name}", table.parts, table) for table in manifest.tables),
        *((f"file {file.name}", 1, file) for file in manifest.files),
    ]
    for name, parts, thing in wanted:
        if not found.pop(name, _Measure()).fits(parts, thing):
            raise BackupDamaged(f"{name} isn't what its manifest says")
    if found:
        raise BackupDamaged(f"its manifest doesn't know of {min(found)}")
    return manifest


class _Measure:
    """What was read of a table or a file."""

    def __init__(self) -> None:
        self.parts = 0
        self._bytes = 0
        self._digest = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        self._bytes += len(piece)
        self._digest.update(piece)

    def fits(self, parts: int, thing: Table | File) -> bool:
        found = self.parts, self._bytes, self._digest.hexdigest()
        return found == (parts, thing.bytes, thing.sha256)


def _manifest(content: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BackupDamaged(f"its manifest can't be read: {error}") from None
    if manifest.format != FORMAT or manifest.schema not in migrate.known():
        raise SchemaTooNew(
            f"the backup was made by Probity {manifest.probity} (schema {manifest.schema}), which"
            " this one doesn't know: restore it with that one or a newer"
        )
    for table in manifest.tables:
        if table.bounds is not None and not _BOUNDS.fullmatch(table.bounds):
            raise BackupDamaged(f"table {table.full_name} has bounds that no Probity makes")
    return manifest


async def require_empty(url: str) -> None:
    """Refuse a database that holds anything but the tables of an exchange that never was.

    Raises:
        NotEmpty: there is something; says what.
        DatabaseUnavailable: no connection.
    """
    connection = await connect(url)
    try:
        if await migrate.current_of(connection) is None:
            other = await connection.fetchval(_OTHERS, tables.SCHEMAS)
            if other is not None:
                raise NotEmpty(f"the database isn't empty: it has a table {other}")
            return
        # A restore that failed has left its tables, empty.
        for name in ("engine_state WHERE last_seq > 0", "users", "journal", "audit_log"):
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):  # noqa: S608 - constants
                place = name.split()[0]
                raise NotEmpty(
                    f"the database isn't empty: it holds an exchange (see its table {place});"
                    " restore into a new one"
                )
    finally:
        await connection.close()


async def restore(
    url: str, path: Path, keys: Sequence[bytes], manifest: Manifest, segments_folder: Path
) -> None:
    """Put a backup that `check_backup` has read into an empty database, and files of the journal
    into their folder; then bring its schema to this version.

    Raises:
        NotEmpty: the database isn't empty, or another file has a name that is needed.
        BackupDamaged: the file isn't the one that was read before.
        DatabaseUnavailable, SchemaError: as their names say; nothing but empty tables is left.
        OSError: a file can't be written.
    """
    await require_empty(url)
    if await migrate.current(url) not in (None, manifest.schema):
        await migrate.downgrade(url, "base")
    await migrate.upgrade(url, manifest.schema)
    connection = await connect(url)
    try:
        async with connection.transaction():
            await _fill(connection, read_members(path, keys), manifest, segments_folder)
        await connection.execute("ANALYZE")
    except asyncpg.PostgresError as error:
        raise BackupDamaged(f"the database refuses what is in it: {error}") from error
    finally:
        await connection.close()
    await migrate.upgrade(url)


async def _fill(
    connection: Connection, members: Iterator[Member], manifest: Manifest, segments_folder: Path
) -> None:
    foreign: Any = await connection.fetch(_FOREIGN_KEYS, tables.SCHEMAS)
    triggers: Any = await connection.fetch(_TRIGGERS, tables.SCHEMAS)
    for row in foreign:
        await connection.execute(f"ALTER TABLE {row['place']} DROP CONSTRAINT {row['name']}")
    for row in triggers:
        await connection.execute(f"ALTER TABLE {row['place']} DISABLE TRIGGER {row['name']}")
    there = {table.full_name for table in await tables.tables(connection)}
    # A migration puts first rows into some.
    for name in there - {_VERSION}:
        await connection.execute(f"TRUNCATE {quoted(*name.split('.', 1))} CASCADE")
    reading = _Members(members)
    for table in manifest.tables:
        if table.partition_of is not None and table.full_name not in there:
            await connection.execute(
                f"CREATE TABLE {quoted(table.schema, table.name)} PARTITION OF"
                f" {quoted(table.schema, table.partition_of)} {table.bounds}"
            )
            there.add(table.full_name)
        await _put(connection, table, reading, wanted=table.full_name in there - {_VERSION})
    for sequence in manifest.sequences:
        await connection.execute(
            "SELECT setval(to_regclass($1), $2, $3)",
            quoted(sequence.schema, sequence.name),
            sequence.value,
            sequence.is_called,
        )
    for row in triggers:
        await connection.execute(f"ALTER TABLE {row['place']} {row['back']} TRIGGER {row['name']}")
    for row in foreign:
        await connection.execute(
            f"ALTER TABLE {row['place']} ADD CONSTRAINT {row['name']} {row['definition']}"
        )
    for file in manifest.files:
        _write(segments_folder / file.name, reading.following("file", file.name), file)


_VERSION: Final = "public.alembic_version"


class _Members:
    """The archive's members, taken one after the other as the manifest names them."""

    def __init__(self, members: Iterator[Member]) -> None:
        self._members = members

    def following(self, kind: str, name: str) -> Iterable[bytes]:
        """Return the next member's pieces; raises BackupDamaged if it is another."""
        member = next(self._members, None)
        if member is None or (member.kind, member.name) != (kind, name):
            raise BackupDamaged(f"{kind} {name} isn't where its manifest says")
        return member.pieces


async def _put(connection: Connection, table: Table, reading: _Members, *, wanted: bool) -> None:
    """Copy a table's rows; those of a table that no migration makes are passed over."""

    async def text() -> AsyncIterator[bytes]:
        for _ in range(table.parts):
            for piece in reading.following("table", table.full_name):
                yield piece

    if not wanted:
        async for _ in text():
            pass
        return
    status = await connection.copy_to_table(
        table.name, schema_name=table.schema, columns=table.columns, source=text()
    )
    if affected(status) != table.rows:
        raise BackupDamaged(
            f"table {table.full_name} has {affected(status)} rows, {table.rows} were written"
        )


def _write(path: Path, pieces: Iterable[bytes], file: File) -> None:
    """Write a file of the journal, whole or not at all; one that is there must be the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part, measure = path.with_name(f"{path.name}.restored"), _Measure()
    # What a restore that was killed has left may be open to others.
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        for piece in pieces:
            measure.take(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    measure.parts = 1
    if not measure.fits(1, file):
        part.unlink()
        raise BackupDamaged(f"file {file.name} isn't what its manifest says")
    if path.exists():
        same = hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        part.unlink()
        if not same:
            raise NotEmpty(f"{path} is there, and another: set JOURNAL_FOLDER to an empty folder")
        return
    part.replace(path)
