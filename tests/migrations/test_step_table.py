"""The page about steps tells of each what it locks: that is asked of PostgreSQL, not of us."""

import asyncio

from tests.migrations import step_table


def test_each_step_has_its_row_and_the_locks_it_holds(empty_database_url: str) -> None:
    found = asyncio.run(step_table.locks_of_steps(empty_database_url))
    assert set(found) == set(step_table.steps())
    # So that it can fail: what is known to lock is found.
    assert "AccessExclusiveLock" in found["0004"]["orders"]
    assert "ShareLock" in found["0040"]["audit_log"]
    assert "ShareRowExclusiveLock" in found["0041"]["users"]
    assert step_table.PAGE.read_text("utf-8") == step_table.page(found), (
        "python -m tests.migrations.step_table > docs/operations/migrations.md"
    )
