"""`probity doctor` and Redis: a real one, one that is gone, and one that is too old."""

from pathlib import Path

import msgspec
import pytest

from gateway.cli.doctor import database
from gateway.cli.doctor.finding import Finding, Level
from tests.gateway.cli.doctor.test_command import assert_says, settings
from tests.redis_process import RedisProcess


async def examined(tmp_path: Path, url: str | None) -> list[Finding]:
    usual = settings(tmp_path)
    store = msgspec.structs.replace(usual.store, redis_url=url)
    chosen = msgspec.structs.replace(usual, store=store)
    return [finding async for finding in database.redis(chosen)]


async def test_nothing_is_said_where_none_is_set(tmp_path: Path) -> None:
    assert await examined(tmp_path, None) == []


async def test_a_redis_that_answers_and_then_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    try:
        (there,) = await examined(tmp_path, redis.url)
        assert_says(there, Level.OK, "REDIS_URL", "answers")
        monkeypatch.setattr(database, "OLDEST", (99, 0))
        (old,) = await examined(tmp_path, redis.url)
        assert_says(old, Level.FAIL, "REDIS_URL", "99.0 or later")
        redis.kill()
        (gone,) = await examined(tmp_path, redis.url)
        assert_says(gone, Level.FAIL, "REDIS_URL", "see that it runs")
    finally:
        redis.clean_up()
