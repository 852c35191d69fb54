"""Every step of the schema's history goes up, and back down to the very schema it found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.lengths import IS_LONG

_FOLDER = Path(migrations.__file__).parent
_STEPS = sorted((_FOLDER / "versions").glob("[0-9]*.py"))
# All that a step can make: columns, constraints, indexes, functions, triggers, types, sequences.
# Steps that set rows right and leave the schema: each has a test of its own for what it does.
_ROWS_ALONE = frozenset({"0051"})
_BY_THE_DAY = 12
_OURS = "ARRAY['public'::regnamespace, to_regnamespace('jobs')]"
_SCHEMA = f"""
SELECT 'column', format('%s.%s %s %s %s %s %s', c.relname, a.attname, c.relkind,
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = ANY({_OURS}) AND a.attnum > 0 AND NOT a.attisdropped
   AND c.relname !~ '^alembic_version'
UNION ALL
SELECT 'relation', format('%s %s %s %s', relname, relkind, relpersistence, reloptions)
  FROM pg_class WHERE relnamespace = ANY({_OURS}) AND relname !~ '^alembic_version'
UNION ALL
SELECT 'constraint', format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint
 WHERE connamespace = ANY({_OURS}) AND conname !~ '^alembic_version'
UNION ALL
SELECT 'index', indexdef FROM pg_indexes
 WHERE schemaname IN ('public', 'jobs') AND indexname !~ '^alembic_version'
UNION ALL
SELECT 'function', pg_get_functiondef(oid) FROM pg_proc
 WHERE pronamespace = ANY({_OURS}) AND prokind IN ('f', 'p')
UNION ALL
SELECT 'trigger', pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT tgisinternal AND c.relnamespace = ANY({_OURS})
UNION ALL
SELECT 'type', format('%s %s', t.typname,
       (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum
         WHERE enumtypid = t.oid))
  FROM pg_type t WHERE typnamespace = ANY({_OURS}) AND typtype IN ('e', 'd')
 ORDER BY 1, 2
"""


def revisions() -> Iterator[str]:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    for revision in reversed(list(script.walk_revisions())):
        yield revision.revision


async def schema(url: str) -> list[tuple[str, str]]:
    connection = await connect(url)
    rows = await connection.fetch(_SCHEMA)
    await connection.close()
    return [(row[0], row[1]) for row in rows]


async def test_every_step_goes_back_to_the_schema_it_found(empty_database_url: str) -> None:
    before = await schema(empty_database_url)
    assert before == []
    steps = list(revisions())
    # By the day those that may still change; what was released is as it was.
    first = 0 if IS_LONG else len(steps) - _BY_THE_DAY
    if first:
        await migrate.upgrade(empty_database_url, steps[first - 1])
        before = await schema(empty_database_url)
    for revision in steps[first:]:
        await migrate.upgrade(empty_database_url, revision)
        after = await schema(empty_database_url)
        assert (after == before) == (revision in _ROWS_ALONE), (
            f"{revision} changes nothing, or not rows alone"
        )
        await migrate.downgrade(empty_database_url, "-1")
        assert await schema(empty_database_url) == before, f"{revision} does not go back"
        await migrate.upgrade(empty_database_url, revision)
        assert await schema(empty_database_url) == after, f"{revision} goes up differently"
        before = after


async def test_the_whole_history_goes_back_to_nothing(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url)
    await migrate.downgrade(empty_database_url, "base")
    assert await schema(empty_database_url) == []


def test_steps_follow_one_another_and_are_named_by_their_number() -> None:
    names = [path.name for path in _STEPS]
    numbers = [name.split("_")[0] for name in names]
    assert numbers == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert list(revisions()) == numbers


@pytest.mark.parametrize(
    "path", sorted((_FOLDER / "versions").glob("[0-9]*.py")), ids=lambda path: path.stem
)
def test_a_step_sends_plain_sql(path: Path) -> None:
    assert "op.execute(" not in path.read_text(encoding="utf-8"), "use execute_script"
