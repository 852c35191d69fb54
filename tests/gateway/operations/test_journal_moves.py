"""The job that moves the journal: what it shows of what there is, what it says when it fails."""

import io
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.observability.logs import configure_logs
from gateway.operations.journal_moves import JournalMoves, MoveFailed
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.journal_segments import SegmentTotals
from tests.persistence.journal.segments.moving import move_all, trade
from tests.persistence.random_orders import opening
from tests.persistence.running import running


def moves(
    pool: DeadlinePool, folder: Path, kept_us: int, registry: CollectorRegistry | None = None
) -> JournalMoves:
    return JournalMoves(
        lambda: pool.url,
        SegmentTotals(pool),
        registry or CollectorRegistry(),
        configure_logs("info", io.StringIO()),
        folder=folder,
        kept_us=kept_us,
        behind_projector=True,
    )


async def test_it_shows_what_lies_in_files(database_url: str, tmp_path: Path) -> None:
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 11)
    moved = await move_all(database_url, tmp_path, behind_projector=False)
    pool = await create_pool(database_url, size=1)
    registry = CollectorRegistry()
    job = moves(pool, tmp_path / "nowhere", 0, registry)
    assert registry.get_sample_value("journal_segments") is None, "nothing is known yet"
    for _ in range(2):
        await job.run({})
        shown = {one.name: one.samples[0].value for one in registry.collect()}
        assert shown == {
            "journal_segments": len(moved),
            "journal_segment_bytes": sum(one.size for one in moved),
            "journal_last_move_timestamp_seconds": moved[-1].moved_at / 1_000_000,
        }
    assert not (tmp_path / "nowhere").exists(), "without JOURNAL_KEPT_DAYS nothing is touched"
    await pool.close()


async def test_a_process_of_its_own_moves_and_says_what_is_wrong(
    database_url: str, tmp_path: Path
) -> None:
    pool = await create_pool(database_url, size=1)
    await moves(pool, tmp_path / "journal", 1).run({})
    assert (tmp_path / "journal").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(MoveFailed, match=r"File exists.*file"):
        await moves(pool, tmp_path / "file", 1).run({})
    await pool.close()
