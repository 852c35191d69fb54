"""What is kept beside the database of how far the audit log reaches."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.observability.logs import configure_logs
from gateway.operations.audit.tip_watch import AuditTipWatch
from persistence.journal.tip import AUDIT_TIP, Tip, TipFile
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.audit import AuditLog

CUT = """
ALTER TABLE audit_log DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER;
DELETE FROM audit_log WHERE id > 1;
UPDATE audit_head SET (last_id, hash) = (SELECT id, hash FROM audit_log WHERE id = 1);
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_chain;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_moves;
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=2)
    yield pool
    await pool.close()


async def test_the_file_follows_the_log_and_stays_where_it_was_cut(
    pool: DeadlinePool, tmp_path: Path
) -> None:
    text = io.StringIO()
    logger = configure_logs("info", text)
    log, file = AuditLog(pool), TipFile(tmp_path / AUDIT_TIP, "one")

    async def line() -> Tip:
        await log.write(1, 7, "a", None, "ok", "r")
        return Tip(*await log.head())

    watch = AuditTipWatch(log, tmp_path, "one", logger)
    assert await watch.note()
    assert file.read() is None
    first = await line()
    assert await watch.note()
    assert file.read() == first
    await line()
    third = await line()
    # Another process goes on from the file.
    watch = AuditTipWatch(log, tmp_path, "one", logger)
    assert await watch.note()
    assert file.read() == third
    await pool.execute(CUT)
    await line()
    for _ in range(2):
        assert not await watch.note()
    assert file.read() == third
    (said,) = [json.loads(line) for line in text.getvalue().splitlines()]
    assert (said["noted"], said["found"]) == (3, 2)
    # A restore that was meant.
    accepted = AuditTipWatch(log, tmp_path, "one", logger, accept_tip=True)
    assert await accepted.note()
    assert file.read() == Tip(*await log.head())
