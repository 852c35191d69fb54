"""Limits that several processes count: what one takes the others have less, over a real Redis."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.access import budgets
from gateway.access.rate_limits import RateLimits
from gateway.access.shared_limits import KEYS_MAX, SharedLimits, Taken
from gateway.access.socket_limits import SocketLimits
from gateway.access.token_buckets import Bucket
from gateway.bootstrap.settings import load_settings
from gateway.wire.errors import RateLimited
from persistence.relay.messages import make_client
from tests.redis_process import RedisProcess
from tests.server_process import until

SECRET = bytes(range(32))
USER = 7
FEW = 5
LIMITS = load_settings(
    {
        "RATE_LIMIT_USER_MAX_WRITES": "20",
        "RATE_LIMIT_MAX_REQUESTS": str(FEW),
        "RATE_LIMIT_SOCKETS_PER_ADDRESS": str(FEW),
        "RATE_LIMIT_SOCKETS_PER_USER": str(FEW),
    }
).limits


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    made = RedisProcess(tmp_path)
    made.start()
    yield made
    made.clean_up()


def left(limits: RateLimits) -> int:
    """How many writes a user has left."""
    return limits._write.level(USER).remaining


def write(limits: RateLimits) -> None:
    limits.spend(budgets.Budget.WRITE, USER, "192.0.2.1")


@contextlib.asynccontextmanager
async def process(redis: RedisProcess, secret: bytes = SECRET) -> AsyncIterator[RateLimits]:
    """The limits of one process, which tells and hears."""
    limits = RateLimits(LIMITS)
    shared = SharedLimits(redis.url, "a-database", secret, limits.shared())
    heard = 0

    def note() -> None:
        nonlocal heard
        heard += 1

    works = [asyncio.create_task(one(note)) for one in (shared.run, shared.hear)]
    channel = shared._channel.name
    await until(lambda: redis.command("PUBSUB", "NUMSUB", channel)[-4:-2] != b":0")
    try:
        yield limits
    finally:
        for work in works:
            work.cancel()
        await asyncio.wait(works)
    assert heard


async def test_what_one_takes_the_others_have_less(redis: RedisProcess) -> None:
    async with process(redis) as one, process(redis) as two, process(redis, bytes(32)) as stranger:
        for _ in range(5):
            write(one)
        write(two)
        await until(lambda: left(two) <= 14 and left(one) <= 14)
        assert left(one) == left(two) == 14
        assert left(stranger) == 20


async def test_windows_are_counted_together(redis: RedisProcess) -> None:
    """What is counted by address, and new sockets, of which a proved one is given back."""
    here, forger = "192.0.2.1", "192.0.2.66"
    async with process(redis) as one, process(redis) as two:
        near, far = SocketLimits(one), SocketLimits(two)
        for _ in range(FEW):
            one.spend(budgets.Budget.RENEWAL, None, here)
            one.count_wrong_token(forger)
            near.opened(here)
        await until(lambda: two.new_sockets.seconds_left(here) > 0)
        assert far.opened(here) is not None
        with pytest.raises(RateLimited):
            two.spend(budgets.Budget.RENEWAL, None, here)
        with pytest.raises(RateLimited):
            two.check_token(forger)
        two.check_token(here)
        for _ in range(FEW):
            near.proved(here, USER)
        await until(lambda: two.new_sockets_of_user.seconds_left(USER) > 0)
        with pytest.raises(RateLimited, match="sockets-user"):
            far.proved(here, USER)
        assert far.opened(here) is None


def test_what_is_given_back_is_never_less_than_nothing() -> None:
    limits = RateLimits(LIMITS)
    limits.shared()
    limits.new_sockets.taken_elsewhere("192.0.2.1", -3)
    assert limits.new_sockets.spend("192.0.2.1").hits == 1
    # What comes and goes within one word is none.
    assert limits.new_sockets.drain(10) == [("192.0.2.1", 1)]
    limits.new_sockets.spend("192.0.2.1")
    limits.new_sockets.give_back("192.0.2.1")
    assert limits.new_sockets.drain(10) == []


async def test_what_is_owed_has_a_bound_and_fills_again(redis: RedisProcess) -> None:
    bucket = Bucket[int](budgets.WRITE, LIMITS)
    bucket.taken_elsewhere(USER, 1_000_000)
    assert bucket.level(USER).remaining <= 0
    assert not bucket.try_take(USER)
    assert bucket._full_at[USER] <= time.monotonic() + 2 * bucket.window_s
    other = Bucket[int](budgets.WRITE, LIMITS)
    other.taken_elsewhere(USER, 3)
    assert other.level(USER).remaining == 17


def test_what_is_told_has_a_bound() -> None:
    limits = RateLimits(LIMITS)
    shared = SharedLimits("redis://127.0.0.1:1/0", "a-database", SECRET, limits.shared())
    for user in range(1, KEYS_MAX + 11):
        limits.spend(budgets.Budget.WRITE, user, "192.0.2.1")
    assert len(shared._drained()) == KEYS_MAX
    assert len(shared._drained()) == 10
    assert not shared._drained()
    # One's own word, and that of a limit which isn't there, change nothing.
    before = left(limits)
    shared.take(Taken(shared._sender, [(2, USER, 5)]))
    shared.take(Taken(b"another.", [(99, USER, 5)]))
    shared.take(None)
    assert left(limits) == before


async def test_without_redis_each_counts_by_itself(redis: RedisProcess) -> None:
    async with process(redis) as one, process(redis) as two:
        redis.kill()
        for _ in range(5):
            write(one)
        await asyncio.sleep(1)
        assert (left(one), left(two)) == (15, 20)
        redis.start()
        client = make_client(redis.url)
        await client.aclose()

        def told() -> bool:
            write(one)
            return left(two) < 20

        one._write._full_at.clear()
        await until(told)
