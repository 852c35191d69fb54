"""The database's clock between two readings, and without any."""

import asyncio

import asyncpg
import pytest

from persistence.relay.commands.shared_clock import SharedClock


async def test_what_it_may_be_holds_how_long_the_reading_took() -> None:
    async def slow() -> int:
        await asyncio.sleep(0.05)
        return 1_000_000

    clock = SharedClock(slow)
    assert (clock.is_known, clock.latest()) == (False, 1 << 62)
    assert await clock.read() == 1_000_000
    assert clock.is_known
    assert clock.earliest() >= 999_990  # rounded
    assert clock.latest() - clock.earliest() >= 40_000


@pytest.mark.parametrize("error", [ConnectionResetError(), asyncpg.DiskFullError("full")], ids=repr)
async def test_a_database_that_is_away_or_has_no_room_leaves_it_as_it_was(
    error: Exception,
) -> None:
    async def fails() -> int:
        raise error

    clock = SharedClock(fails)
    await clock.look()
    assert not clock.is_known
