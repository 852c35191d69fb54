"""A receiver of webhooks, and what sends to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.postgres.database import create_pool
from tests.gateway.alerts.webhooks.sent import Sent
from tests.gateway.outbound.receiver import Receiver, receiving


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    async with receiving(tmp_path) as made:
        yield made


@pytest.fixture
async def sent(database_url: str, receiver: Receiver) -> AsyncIterator[Sent]:
    pool = await create_pool(database_url, size=4)
    yield Sent(pool, receiver)
    await pool.close()
