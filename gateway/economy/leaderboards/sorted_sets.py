"""The first places of boards in Redis' sorted sets, for the processes of one exchange.

    {prefix}leaderboard:{board}:{span}:{made_at}   rank -> sealed place

Laws: PostgreSQL is the truth, and a set is filled from it by whoever misses it; a set is of one
board as it was made at one moment, so it is right for as long as anybody asks for it, and goes by
itself. What isn't whole, or wasn't sealed by a process of ours, isn't there. A Redis that fails is
left alone for a while, and nobody notices but by waiting a moment once.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from gateway.feeds.cache import REST_S, SharedRedis
from persistence.relay.messages import FAILURES, make_shared_client
from persistence.repositories.leaderboards.boards import Place
from persistence.repositories.leaderboards.words import Board, Span

KEPT_S: Final = 3_600
_CONNECTIONS: Final = 10
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Place).decode


class SortedSets:
    """Keeps and gives places; every question may be answered by None: not known here."""

    def __init__(self, shared: SharedRedis) -> None:
        self._shared = shared
        self._redis = make_shared_client(shared.url, connections=_CONNECTIONS)
        self._rests_until = 0.0

    async def places(
        self, board: Board, span: Span, made_at: int, after: int, count: int
    ) -> list[Place] | None:
        """Return the `count` places below one; None unless all of them are there."""
        name = self._name(board, span, made_at)
        if self._rests:
            return None
        try:
            members = await self._redis.zrangebyscore(name, after + 1, after + count)
        except FAILURES:
            self._rest()
            return None
        found = [self._opened(name, member) for member in members]
        ranks = [place.rank for place in found if place is not None]
        if ranks != list(range(after + 1, after + count + 1)):
            return None
        return [place for place in found if place is not None]

    async def fill(self, board: Board, span: Span, made_at: int, places: Sequence[Place]) -> None:
        """Keep all places of a board."""
        if self._rests or not places:
            return
        name = self._name(board, span, made_at)
        members = {self._shared.seal(name, _encode(place)): place.rank for place in places}
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(name)
                pipe.zadd(name, members)
                pipe.expire(name, KEPT_S)
                await pipe.execute()
        except FAILURES:
            self._rest()

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _rest(self) -> None:
        self._rests_until = time.monotonic() + REST_S

    def _name(self, board: Board, span: Span, made_at: int) -> str:
        return f"{self._shared.prefix}leaderboard:{board.value}:{span.value}:{made_at}"

    def _opened(self, name: str, member: object) -> Place | None:
        raw = self._shared.open(name, member)
        try:
            return None if raw is None else _decode(raw)
        except msgspec.DecodeError:
            return None


@asynccontextmanager
async def open_sorted_sets(shared: SharedRedis | None) -> AsyncIterator[SortedSets | None]:
    """Yield the sets of a shared Redis, None without one; nothing is asked before the first use."""
    if shared is None:
        yield None
        return
    sets = SortedSets(shared)
    try:
        yield sets
    finally:
        await sets.close()
