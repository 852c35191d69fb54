"""The file of a backup: a tar archive, sealed if there is a key.

    tables/public.users/000001.gz    a table's rows (COPY, text), one table behind the other
    journal/00000001-….seg           files of the journal
    manifest.json                    the last

Without a key it is read by `tar` and `zcat`. Laws: it is written and read from its beginning to its
end, in bounded memory; what an archive names that a backup never holds is refused.
"""

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from persistence.backups.sealed_stream import MAGIC, SealedReader, SealingWriter
from persistence.errors import BackupDamaged

PART_BYTES: Final = 4 * 2**20
"""Of a table's text."""
_GZIP: Final = 31
_LEVEL: Final = 4
_READ_BYTES: Final = 2**20
_MEMBER_MAX: Final = 2 * PART_BYTES
"""Of one that is read at once; files of the journal go by in pieces."""
MANIFEST: Final = "manifest.json"
_PART: Final = re.compile(r"tables/([a-z_]+\.[a-z0-9_]+)/[0-9]{6}\.gz")
_JOURNAL: Final = re.compile(r"journal/([A-Za-z0-9._-]+)")


class Member(NamedTuple):
    """One thing of an archive: part of a `table`, a `file` of the journal, or the `manifest`."""

    kind: str
    name: str
    pieces: Iterable[bytes]
    """Its bytes; a table's are unpacked."""


class ArchiveWriter:
    """Writes members, and hashes what it is given."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, content: bytes) -> None:
        """Append a member that is in memory."""
        self._tar.addfile(_info(name, len(content)), io.BytesIO(content))

    def add_part(self, table: str, number: int, text: bytes) -> None:
        """Append a part of a table's text."""
        packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self.add(f"tables/{table}/{number:06}.gz", packing.compress(text) + packing.flush())

    def add_file(self, name: str, path: Path) -> tuple[int, str]:
        """Append a file of the journal; return how many bytes it has, and its SHA-256.

        Raises:
            OSError: it isn't there, or changes meanwhile.
        """
        with path.open("rb") as file:
            size = path.stat().st_size
            hashing = _HashingReader(file)
            self._tar.addfile(_info(f"journal/{name}", size), cast("BinaryIO", hashing))
        return size, hashing.digest.hexdigest()


class _HashingReader:
    """A file that hashes what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        found = self._file.read(size)
        self.digest.update(found)
        return found


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


@contextmanager
def written(file: BinaryIO, key: bytes | None) -> Iterator[ArchiveWriter]:
    """Yield a writer into a file; the archive is whole only if the block ends without an error."""
    sink: Any = file if key is None else SealingWriter(file, key)
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        yield ArchiveWriter(tar)
    if key is not None:
        sink.close()


def is_sealed(path: Path) -> bool:
    """Say whether a key is needed; raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_members(path: Path, keys: Sequence[bytes]) -> Iterator[Member]:
    """Yield what lies in an archive, in its order; a file's pieces have to be taken at once.

    Raises:
        BackupDamaged: it is no backup, not whole, or no key opens it.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        source: Any = file
        if file.read(len(MAGIC)) == MAGIC:
            if not keys:
                raise BackupDamaged("it is sealed: set BACKUP_KEY to the key it was made with")
            source = SealedReader(file, keys)
        else:
            file.seek(0)
        try:
            with tarfile.open(fileobj=source, mode="r|") as tar:
                for info in tar:
                    yield _member(tar, info)
        except (tarfile.TarError, zlib.error, EOFError) as error:
            raise BackupDamaged(f"it isn't whole, or no backup: {error}") from None
        # What stands behind the end belongs to what is sealed, and has to be proved as well.
        while source.read(_READ_BYTES):
            pass


def _member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    content = tar.extractfile(info) if info.isreg() else None
    if content is None:
        raise BackupDamaged("it holds something else than a backup does")
    if found := _JOURNAL.fullmatch(info.name):
        return Member("file", found[1], iter(lambda: content.read(_READ_BYTES), b""))
    if info.size > _MEMBER_MAX:
        raise BackupDamaged(f"{info.name}: is larger than a backup's parts are")
    if info.name == MANIFEST:
        return Member("manifest", MANIFEST, (content.read(),))
    if found := _PART.fullmatch(info.name):
        unpacking = zlib.decompressobj(_GZIP)
        text = unpacking.decompress(content.read(), PART_BYTES + 1)
        if not unpacking.eof:
            raise BackupDamaged(f"{info.name}: isn't whole")
        return Member("table", found[1], (text,))
    raise BackupDamaged("it holds something else than a backup does")
