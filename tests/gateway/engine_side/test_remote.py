"""A process that follows the engine: what it looks at goes on whatever something else waits for."""

import asyncio
import io
from pathlib import Path

import pytest

from gateway.bootstrap.settings import load_settings
from gateway.engine_side.remote import RemoteFeed, follow_engine
from gateway.engine_side.stream import LifeWatch
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import create_pool
from persistence.relay.follower import Follower
from tests.server_process import until


async def test_a_database_that_is_silent_about_lives_makes_no_stale_view_seem_fresh(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, looks = asyncio.Event(), 0

    async def hangs(_watch: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    def look(_feed: RemoteFeed, _follower: Follower) -> None:
        nonlocal looks
        looks += 1

    monkeypatch.setattr(LifeWatch, "look", hangs)
    monkeypatch.setattr(RemoteFeed, "look", look)
    metrics, logger = Metrics(), configure_logs("info", io.StringIO())
    pool = await create_pool(database_url, size=2)
    async with follow_engine(
        "redis://127.0.0.1:1",
        database_url,
        pool,
        [],
        metrics,
        logger,
        Supervisor(metrics.jobs, logger),
        secret=bytes(32),
        segments=Segments(tmp_path),
        settings=load_settings({}).engine,
    ):
        await asked.wait()
        seen = looks
        await until(lambda: looks > seen + 1)
    await pool.close()
