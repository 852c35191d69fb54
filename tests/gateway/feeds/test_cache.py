"""The cache over memory and over Redis: bounds, outages, and what is never done."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import ANY

import msgspec
import pytest

from gateway.feeds import cache as module
from gateway.feeds.cache import BODY_MAX_BYTES, Cache, Policy, SharedRedis, open_cache
from gateway.feeds.venue import VenueUnavailable
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.redis_process import RedisProcess

POLICY = Policy(name="books", fresh_s=60, lends_s=60, kept_s=600, entries=3)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@asynccontextmanager
async def opened(
    url: str | None = None, identity: str = "1.2.3", secret: bytes = b"s" * 32
) -> AsyncIterator[Cache]:
    logger = configure_logs("info", io.StringIO())
    shared = None if url is None else SharedRedis(url=url, identity=identity, secret=secret)
    async with open_cache((POLICY,), shared, Metrics().cache, logger) as cache:
        yield cache


class Source:
    """Counts how often it is asked."""

    def __init__(self, body: bytes = b"body") -> None:
        self.body = body
        self.asked = 0
        self.failure: Exception | None = None

    async def __call__(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.body


async def test_that_nothing_is_there_is_known_for_a_moment_only() -> None:
    policy = msgspec.structs.replace(POLICY, nothing=frozenset((b"none",)))
    async with opened() as cache:
        now, source = 1_000_000_000, Source(b"none")
        cache._clock = lambda: now
        for age_s, asked in ((0, 1), (1, 1), (2, 1), (3, 2), (4, 2)):
            now = 1_000_000_000 + age_s * 1_000_000
            assert (await cache.get(policy, "k", source)).body == b"none"
            assert source.asked == asked
        source.body = b"one"
        now += 2_000_000
        assert (await cache.get(policy, "k", source)).body == b"one"
        now += 59_000_000
        assert (await cache.get(policy, "k", source)).body == b"one"
        assert source.asked == 3
        # One that can't be asked for anew is given, as of before.
        now += 600_000_000
        source.body = b"none"
        await cache.get(policy, "k", source)
        now, source.failure = now + 3_000_000, VenueUnavailable("fake", "is down")
        assert (await cache.get(policy, "k", source)).failed


async def test_memory_holds_no_more_than_its_bound() -> None:
    async with opened() as cache:
        source = Source()
        for number in range(10):
            await cache.get(POLICY, str(number), source)
        assert len(cache._memory["books"].store) == 3
        for number in range(10):
            await cache.get(POLICY, str(number), source)
        assert source.asked > 10


async def test_what_is_too_large_is_given_and_not_kept() -> None:
    async with opened() as cache:
        source = Source(b"x" * (BODY_MAX_BYTES + 1))
        for _ in range(2):
            assert (await cache.get(POLICY, "large", source)).body == source.body
        assert source.asked == 2


async def test_a_failure_with_nothing_known_is_the_answer_of_all_who_wait() -> None:
    async with opened() as cache:
        source = Source()
        source.failure = VenueUnavailable("fake", "down")
        asking = [cache.get(POLICY, "key", source) for _ in range(5)]
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(one) for one in found] == [VenueUnavailable] * 5
        assert source.asked == 1
        assert not cache._under_way


async def test_questions_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCHES_MAX", 2)
    async with opened() as cache:
        hold = asyncio.Event()

        async def slow() -> bytes:
            await hold.wait()
            return b""

        asking = [asyncio.create_task(cache.get(POLICY, str(n), slow)) for n in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(VenueUnavailable, match="too many"):
            await cache.get(POLICY, "third", slow)
        hold.set()
        await asyncio.gather(*asking)


async def test_a_question_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_S", 0.02)
    async with opened() as cache:

        async def never() -> bytes:
            await asyncio.Event().wait()
            return b""

        with pytest.raises(VenueUnavailable, match="no answer within"):
            await cache.get(POLICY, "key", never)


async def test_processes_share_what_redis_has(redis: RedisProcess) -> None:
    source = Source(b"\x00\xff 12345")
    async with opened(redis.url) as one, opened(redis.url) as other:
        first = await one.get(POLICY, "key", source)
        second = await other.get(POLICY, "key", source)
        assert first == second
        assert source.asked == 1
        assert not one._memory["books"].store
        await other.forget(POLICY, "key")
        await one.get(POLICY, "key", source)
        assert source.asked == 2


async def test_a_redis_that_is_away_costs_one_wait_and_memory_serves(tmp_path: Path) -> None:
    source = Source()
    async with opened(f"unix://{tmp_path}/nobody.sock?db=0") as cache:
        for _ in range(50):
            assert (await cache.get(POLICY, "key", source)).body == b"body"
        assert source.asked == 1


async def test_what_somebody_else_wrote_is_no_answer(redis: RedisProcess) -> None:
    """Neither what is no entry, nor one of ours under another name, nor one that was changed."""
    source = Source()
    async with opened(redis.url) as cache:
        await cache.get(POLICY, "key", source)
        await cache.get(POLICY, "other", Source(b"another body"))
        assert cache._redis is not None
        name = f"{cache._prefix}books:key"
        kept = await cache._redis.get(name)
        moved = await cache._redis.get(f"{cache._prefix}books:other")
        changed = kept[:-1] + b"Y"
        for poison in (b"\x80\x04N.", b"not msgpack", b"1", kept[32:], moved, changed):
            assert poison
            await cache._redis.set(name, poison)
            assert (await cache.get(POLICY, "key", source)).body == b"body"
        assert source.asked == 7


async def test_what_redis_kept_through_an_outage_hides_nothing_younger(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(redis.url) as cache:
        now = [cache._clock()]
        cache._clock = lambda: now[0]
        await cache.put(POLICY, "key", b"before", now[0])
        redis.freeze()
        monkeypatch.setattr(module, "REST_S", 0.0)
        now[0] += 10_000_000
        await cache.put(POLICY, "key", b"meanwhile", now[0])
        redis.thaw()
        now[0] += 1_000_000
        source = Source(b"anew")
        assert (await cache.get(POLICY, "key", source)).body == b"meanwhile"
        assert source.asked == 0
        await cache.put(POLICY, "key", b"after", now[0])
        assert not cache._memory["books"].store, "what Redis has needs no second place"
        assert (await cache.get(POLICY, "key", source)).body == b"after"
        # A clock that was ahead makes nothing younger.
        await cache._memory["books"].set(
            f"{cache._prefix}books:key", module._encode(module.Entry(now[0] + 10**10, b"ahead"))
        )
        assert (await cache.get(POLICY, "key", source)).body == b"after"


async def test_what_cannot_be_read_is_asked_for_anew(redis: RedisProcess) -> None:
    """As of a process of the same version whose entries have another form."""
    for url in (None, redis.url):
        async with opened(url) as cache:
            await cache.forget(POLICY, "key")
            full = f"{cache._prefix}books:key"
            for poison in (b"\xc1", b"\x93\x01", b"\xa1x"):
                sealed = poison if cache._shared is None else cache._shared.seal(full, poison)
                store = cache._memory["books"] if cache._redis is None else cache._redis
                await store.set(full, sealed)
                source = Source(b"12")
                assert await cache.read(POLICY, "key", source, int) == (12, ANY)
                assert source.asked == 1
            await cache.put(POLICY, "key", b"no number", cache._clock())
            source = Source(b"13")
            for _ in range(2):
                assert await cache.read(POLICY, "key", source, int) == (13, ANY)
            assert source.asked == 1
            with pytest.raises(ValueError, match="invalid literal"):
                await cache.read(POLICY, "other", Source(b"never a number"), int)


async def test_exchanges_on_one_redis_know_nothing_of_each_other(redis: RedisProcess) -> None:
    """A copy of the database numbers other markets alike, and has its own of ours."""
    ours, copies, strangers = Source(b"ours"), Source(b"the copy's"), Source(b"a stranger's")
    async with (
        opened(redis.url) as here,
        opened(redis.url, identity="1.2.4") as copy,
        opened(redis.url, secret=b"t" * 32) as stranger,
    ):
        assert (await here.get(POLICY, "key", ours)).body == b"ours"
        assert (await copy.get(POLICY, "key", copies)).body == b"the copy's"
        assert (await here.get(POLICY, "key", ours)).body == b"ours"
        assert ours.asked == 1
        assert (await stranger.get(POLICY, "key", strangers)).body == b"a stranger's"


async def test_a_clock_that_was_ahead_makes_nothing_young_for_long() -> None:
    source, now = Source(), [1_000_000_000_000]
    logger = configure_logs("info", io.StringIO())
    cache = Cache((POLICY,), None, Metrics().cache, logger, clock=lambda: now[0])
    await cache.start()
    now[0] += 3_600_000_000
    await cache.get(POLICY, "key", source)
    now[0] -= 3_600_000_000
    await cache.get(POLICY, "key", source)
    assert source.asked == 2, "an hour ahead is an hour away"
    await cache.close()


async def test_a_policy_bounds_its_own_entries() -> None:
    small = Policy(name="books", fresh_s=60, lends_s=0, kept_s=60, entries=3, body_max=3)
    async with opened() as cache:
        source = Source(b"four")
        for _ in range(2):
            assert (await cache.get(small, "key", source)).body == b"four"
        assert source.asked == 2
