"""What stands beside an exported file, so that whoever has both can tell that it is whole.

Laws: the hash and the count are taken of what was written, while it is written; field names are
those of JSON on the wire. `docs/examples/check_export.py` reads it.
"""

import io
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec

from persistence.exports.kinds import COLUMNS, Column, Export, Format, Kind


class Manifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A file: what it holds, of when, and how it can be checked.

    `from` and `to` are the first and the last microsecond asked for; commands up to `as_of_seq` are
    in it.
    """

    file: str
    kind: str
    format: str
    market_id: str
    slug: str
    begin: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    interval_seconds: int | None
    as_of_seq: int
    rows: int
    bytes: int
    sha256: str
    columns: tuple[Column, ...]


def manifest_text(manifest: msgspec.Struct) -> bytes:
    """Return a manifest as it stands beside its file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


class HashingSink(io.RawIOBase):
    """Passes bytes on, and knows their number and their SHA-256; without a target it only counts
    them.
    """

    def __init__(self, target: BinaryIO | None = None) -> None:
        super().__init__()
        self._target = target
        self._hash = sha256()
        self.bytes = 0

    def writable(self) -> bool:
        """Say that it is."""
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer; Python 3.11 has no name for it
        """Write all of it."""
        part = bytes(data)
        if self._target is not None:
            self._target.write(part)
        self._hash.update(part)
        self.bytes += len(part)
        return len(part)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()


def manifest_of(
    export: Export, slug: str, form: Format, sink: HashingSink, *, rows: int, as_of_seq: int
) -> Manifest:
    """Return the manifest of an export that was written to a sink."""
    return Manifest(
        file=export.file_name(slug, form),
        kind=export.kind.value,
        format=form.value,
        market_id=str(export.market_id),
        slug=slug,
        begin=export.begin,
        end=export.end,
        interval_seconds=export.span if export.kind is Kind.CANDLES else None,
        as_of_seq=as_of_seq,
        rows=rows,
        bytes=sink.bytes,
        sha256=sink.sha256,
        columns=COLUMNS[export.kind],
    )
