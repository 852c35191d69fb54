"""Those who wait for an engine that leads no more are told, whatever its database can say."""

from types import SimpleNamespace
from typing import Any, cast

import asyncpg

from gateway.engine_side.stream import LifeWatch
from persistence.loop.authority import Place


class Way:
    """As much of a way in as is told of lives."""

    def __init__(self) -> None:
        self.led: str | None = None
        self.ended: list[tuple[str, Place | None]] = []

    def lead(self, life: str | None) -> str | None:
        before, self.led = self.led, life
        return before

    def life_ended(self, life: str, reached: Place | None) -> None:
        self.ended.append((life, reached))


class Store:
    """A database that says where the first engine ended, or what it is short of."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def fetchrow(self, _query: str) -> tuple[str, int, int]:
        if self._error is not None:
            raise self._error
        return "the first", 7, 2


async def _told(error: Exception | None) -> list[tuple[str, Place | None]]:
    way, follower = Way(), SimpleNamespace(stream="the first")
    life = LifeWatch(cast("Any", way), cast("Any", follower), cast("Any", Store(error)))
    await life.look()
    assert way.ended == []
    follower.stream = "the second"
    await life.look()
    assert way.led == "the second"
    return way.ended


async def test_how_far_it_came_is_asked() -> None:
    assert await _told(None) == [("the first", (7, 2))]


async def test_a_database_that_is_away_or_has_no_room_leaves_it_unknown() -> None:
    for error in (ConnectionResetError(), asyncpg.OutOfMemoryError("none left")):
        assert await _told(error) == [("the first", None)]
