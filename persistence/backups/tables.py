"""Which tables and sequences an exchange has, asked of the database itself.

Laws: everything in the schemas of the migrations, so that a new table is in the next backup without
a word; what belongs to an extension isn't ours. Names come from the catalogue and are quoted.
"""

from typing import Any, Final, NamedTuple

from persistence.backups.manifest import Sequence
from persistence.postgres.database import Fetching

SCHEMAS: Final = ("public", "jobs")

# Partitions come after what they are parts of has been made by a migration: they are made anew.
_TABLES: Final = """
SELECT n.nspname AS schema, c.relname AS name,
       coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = ''), '{}') AS columns,
       (SELECT parent.relname FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent
         WHERE i.inhrelid = c.oid AND c.relispartition) AS partition_of,
       pg_get_expr(c.relpartbound, c.oid) AS bounds
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = ANY ($1::text[])
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname
"""
_SEQUENCES: Final = """
SELECT n.nspname AS schema, c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname = ANY ($1::text[])
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname
"""


class StoredTable(NamedTuple):
    """A table with rows of its own: a plain one, or a partition of `partition_of`."""

    schema: str
    name: str
    columns: list[str]
    partition_of: str | None
    bounds: str | None

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


async def tables(source: Fetching) -> list[StoredTable]:
    """Return every table that holds rows."""
    return [StoredTable(*row.values()) for row in await source.fetch(_TABLES, SCHEMAS)]


async def sequences(source: Fetching) -> list[Sequence]:
    """Return every sequence and where it stands, which no snapshot holds still: it may be ahead."""
    found = []
    for row in await source.fetch(_SEQUENCES, SCHEMAS):
        name = quoted(row["schema"], row["name"])
        at: Any = await source.fetchrow(f"SELECT last_value, is_called FROM {name}")  # noqa: S608 - quoted, from the catalogue
        found.append(
            Sequence(
                schema=row["schema"],
                name=row["name"],
                value=at["last_value"],
                is_called=at["is_called"],
            )
        )
    return found


def quoted(*parts: str) -> str:
    """Return a name of SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
