"""What tests of Redis's part share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server that runs."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.clean_up()
