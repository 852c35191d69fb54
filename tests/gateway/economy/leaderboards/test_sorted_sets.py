"""Boards from Redis are those from PostgreSQL, whatever happens to Redis."""

from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import pytest

from gateway.economy.leaderboards import reading, sorted_sets
from gateway.economy.leaderboards.reading import Reading
from gateway.economy.leaderboards.sorted_sets import SortedSets, open_sorted_sets
from gateway.feeds.cache import SharedRedis
from gateway.observability.metrics import Metrics
from persistence.relay.messages import make_client
from persistence.repositories.leaderboards.boards import Leaderboards, Place
from persistence.repositories.leaderboards.words import Board, Span
from tests.gateway.conftest import Web
from tests.gateway.economy.leaderboards.boards import MADE_AT, put_board
from tests.redis_process import RedisProcess

PEOPLE = 30


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path_factory.mktemp("redis"))
    process.start()
    yield process
    process.clean_up()


@pytest.fixture
def shared(redis: RedisProcess) -> SharedRedis:
    return SharedRedis(url=redis.url, identity=f"test-{Random().random()}", secret=b"s" * 32)


@pytest.fixture
async def sets(shared: SharedRedis) -> AsyncIterator[SortedSets]:
    async with open_sorted_sets(shared) as opened:
        assert opened is not None
        yield opened


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FRESH_S", 0.0)


async def people(web: Web) -> list[int]:
    rows = await web.parts.pool.fetch(
        "INSERT INTO users (email, role, password_hash, created_at, preferences)"
        " SELECT i || '@example.org', 'USER', '', 1, CASE WHEN i % 7 = 0 THEN"
        ' \'{"profile": {"leaderboards": false}}\'::jsonb END'
        " FROM generate_series(1, $1::bigint) AS i RETURNING id",
        PEOPLE,
    )
    return [row["id"] for row in rows]


async def test_both_give_the_same_places(web: Web, sets: SortedSets) -> None:
    rng, ids = Random(7), await people(web)
    rows, pool = Leaderboards(web.parts.pool), web.parts.pool
    from_redis, from_rows = (Reading(rows, one, Metrics().cache) for one in (sets, None))
    for made_at in range(MADE_AT, MADE_AT + 3):
        for board in Board:
            for span in Span:
                ranked = rng.sample(ids, rng.randint(0, PEOPLE))
                scores = [(one, rng.randint(-5, 2**61)) for one in ranked]
                await put_board(pool, board, span, scores, made_at=made_at)
        for _ in range(60):
            asked = (
                rng.choice(tuple(Board)),
                rng.choice(tuple(Span)),
                rng.randint(0, 35),
                rng.randint(1, 40),
            )
            assert await from_redis.page(*asked) == await from_rows.page(*asked), asked


async def test_what_isnt_whole_or_isnt_ours_isnt_there(
    sets: SortedSets, shared: SharedRedis
) -> None:
    asked = Board.PNL, Span.DAY, MADE_AT
    places = [Place(rank, rank + 10, 5, 0) for rank in (1, 2, 3)]
    assert await sets.places(*asked, 0, 2) is None
    await sets.fill(*asked, places)
    assert await sets.places(*asked, 0, 2) == places[:2]
    assert await sets.places(*asked, 1, 2) == places[1:]
    assert await sets.places(*asked, 2, 2) is None
    assert await sets.places(Board.PNL, Span.DAY, MADE_AT + 1, 0, 2) is None
    name = sets._name(*asked)
    client = make_client(shared.url)
    try:
        assert 0 < await client.ttl(name) <= sorted_sets.KEPT_S
        members: Any = await client.zrangebyscore(name, 2, 2)
        (member,) = members
        forged = member[:-1] + bytes([member[-1] ^ 1])
        await client.zrem(name, member)
        await client.zadd(name, {forged: 2})
    finally:
        await client.aclose()
    assert await sets.places(*asked, 0, 1) == places[:1]
    assert await sets.places(*asked, 0, 2) is None
    await sets.fill(*asked, places)
    assert await sets.places(*asked, 0, 3) == places


async def test_without_redis_postgresql_answers(
    web: Web, redis: RedisProcess, sets: SortedSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await people(web)
    await put_board(web.parts.pool, Board.PNL, Span.ALL, [(one, 5) for one in ids])
    reader = Reading(Leaderboards(web.parts.pool), sets, Metrics().cache)
    whole = await reader.page(Board.PNL, Span.ALL, 0, 50)
    redis.kill()
    try:
        assert await reader.page(Board.PNL, Span.ALL, 0, 50) == whole
        assert sets._rests
    finally:
        redis.start()
    assert await reader.page(Board.PNL, Span.ALL, 0, 50) == whole
    monkeypatch.setattr(sets, "_rests_until", 0.0)
    assert await sets.places(Board.PNL, Span.ALL, MADE_AT, 0, PEOPLE) is None
    assert await reader.page(Board.PNL, Span.ALL, 0, 50) == whole
    found = await sets.places(Board.PNL, Span.ALL, MADE_AT, 0, PEOPLE)
    assert found is not None
    assert len(found) == PEOPLE
