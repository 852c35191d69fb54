"""What a backup says of itself: from which exchange, how far it reaches, and what lies in it.

Laws: every byte that is put back stands under a hash here; the manifest is the last thing written,
so that a backup without one was broken off.
"""

from typing import Final

import msgspec

FORMAT: Final = 1


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A table's rows as PostgreSQL's COPY writes them, in text, in parts of some megabytes."""

    schema: str
    name: str
    columns: list[str]
    rows: int
    bytes: int
    """Of the text, before it was compressed."""
    parts: int
    sha256: str
    """Of the text."""
    partition_of: str | None = None
    """The table whose partition it is, in the same schema."""
    bounds: str | None = None
    """Which of its rows, in SQL."""

    @property
    def full_name(self) -> str:
        """The name with its schema, as it stands in the archive."""
        return f"{self.schema}.{self.name}"


class Sequence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a sequence stands."""

    schema: str
    name: str
    value: int
    is_called: bool


class File(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file with an old part of the journal, byte for byte."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole of it; times are ISO 8601 in UTC."""

    format: int
    probity: str
    """The version that made it."""
    made_at: str
    schema: str
    """The step of `migrations` that its tables have."""
    postgres: str
    exchange: str
    """The exchange's own id, which a restored one keeps."""
    last_seq: int
    """The last command that is in it: the head of the journal's chain."""
    chain_hash: str
    tables: list[Table]
    sequences: list[Sequence]
    files: list[File]
