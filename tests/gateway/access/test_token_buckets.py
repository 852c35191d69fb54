"""Token buckets: against a naive one that is filled by a clock, their bounds, and what they say."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.budgets import READ, WRITE, Budget, Tier
from gateway.access.rate_limits import RateLimits
from gateway.access.settings import LimitSettings
from gateway.access.spared_cancels import SparedCancels
from gateway.access.token_buckets import Bucket, Level
from gateway.bootstrap.settings import load_settings
from gateway.wire.errors import RateLimited
from tests.e2e.test_samples import blocks

CLOCK = "gateway.access.token_buckets.time.monotonic"


def sized(limit: int, window_ms: int, keys: int = 100) -> LimitSettings:
    settings = {
        "RATE_LIMIT_USER_MAX_REQUESTS": str(limit),
        "RATE_LIMIT_USER_WINDOW_MS": str(window_ms),
        "RATE_LIMIT_TRACKED_KEYS": str(keys),
    }
    return load_settings(settings).limits


class Naive:
    """A bucket that somebody fills drop by drop; in millionths of a token."""

    def __init__(self, limit: int, window_ms: int) -> None:
        self.limit, self.window_ms = limit, window_ms
        self.drops = limit * window_ms

    def wait(self, ms: int) -> None:
        self.drops = min(self.limit * self.window_ms, self.drops + ms * self.limit)

    def take(self, cost: int) -> bool:
        if self.drops < cost * self.window_ms:
            return False
        self.drops -= cost * self.window_ms
        return True


def told(level: Level) -> bytes:
    return b'"read";r=%d;t=%d' % (level.remaining, math.ceil(level.next_s - 1e-6))


@given(
    limit=st.integers(1, 50),
    window_ms=st.sampled_from([1_000, 2_000, 7_000, 60_000]),
    factor=st.sampled_from([1, 4, 20]),
    steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 12)), max_size=80),
)
def test_a_bucket_is_as_full_as_one_that_is_filled_drop_by_drop(
    limit: int, window_ms: int, factor: int, steps: list[tuple[int, int]]
) -> None:
    naive = Naive(limit * factor, window_ms)
    now = 10_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CLOCK, lambda: now / 1_000)
        bucket = Bucket[int](READ, sized(limit, window_ms), {7: factor})
        for wait_ms, cost in steps:
            now += wait_ms
            naive.wait(wait_ms)
            assert bucket.level(7).remaining == naive.drops // window_ms
            taken = naive.take(cost)
            assert bucket.try_take(7, cost) is taken
            level = bucket.level(7)
            assert (level.size, level.remaining) == (naive.limit, naive.drops // window_ms)
            if level.remaining < level.size:
                missing = window_ms - naive.drops % window_ms
                assert level.next_s == pytest.approx(missing / naive.limit / 1_000, abs=1e-6)
            assert dict(bucket.headers(7))[b"ratelimit"] == told(level)
            if bucket.level(7).remaining:
                naive.take(1)
                assert dict(bucket.spend(7))[b"ratelimit"] == told(bucket.level(7))
            if not taken and not naive.take(cost):
                with pytest.raises(RateLimited) as refused:
                    bucket.take(7, cost)
                # Coming back when told is enough, if it can ever be.
                if cost <= naive.limit:
                    now += 1_000 * int(refused.value.retry_after_seconds or 0)
                    naive.wait(1_000 * int(refused.value.retry_after_seconds or 0))
                    assert bucket.try_take(7, cost)
                    assert naive.take(cost)


def test_a_refusal_takes_nothing_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(CLOCK, lambda: now)
    bucket = Bucket[int](WRITE, sized(10, 60_000))
    assert bucket.take(1, 8) == pytest.approx(48)
    with pytest.raises(RateLimited) as refused:
        bucket.take(1, 5)
    assert bucket.level(1).remaining == 2
    body = refused.value.body()
    assert body.message == (
        "The limit `write` is used up (10 in 60 s, filled by and by, 2 are left and this costs 5);"
        " try again in 18 s"
    )
    assert {one.field: one.message for one in body.details} == {
        "limit": "write",
        "size": "10",
        "refill": "10 in 60 s",
    }
    assert body.retry_after == 18
    assert dict(refused.value.headers) == {
        b"retry-after": b"18",
        b"ratelimit-policy": b'"write";q=10;w=60',
        b"ratelimit": b'"write";r=2;t=6',
    }


def test_memory_is_bounded_and_what_is_full_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(CLOCK, lambda: now)
    bucket = Bucket[int](READ, sized(1, 60_000, keys=100))
    for number in range(5_000):
        assert bucket.try_take(number)
        assert len(bucket) == min(number + 1, 100)
    assert [bucket.level(number).remaining for number in (4_899, 4_900, 4_999)] == [1, 0, 0]
    now = 1_061.0
    assert bucket.try_take(1)
    assert len(bucket) == 1
    spared = SparedCancels(60, 10, lambda _: 1)
    for number in range(50):
        assert spared.take(number, 0)
        assert not spared.take(number, 0)
    assert len(spared) == 10


def test_a_tier_makes_all_buckets_of_a_user_larger() -> None:
    limits = RateLimits(load_settings({"RATE_LIMIT_USER_MAX_REQUESTS": "3"}).limits)
    budgets = (Budget.STANDARD, Budget.WRITE, Budget.SESSION)

    def taken(user_id: int) -> list[int]:
        found = []
        for budget in budgets:
            count = 0
            try:
                while True:
                    limits.count(budget, user_id, "192.0.2.1")
                    count += 1
            except RateLimited:
                found.append(count)
        return found

    limits.set_tier(1, Tier.ADVANCED)
    assert taken(1) == [12, 12, 12]
    assert taken(2) == [3, 3, 3]
    limits.set_tiers({3: Tier.MAKER})
    assert taken(3) == [60, 60, 60]
    assert [limits.tier_of(n) for n in (1, 3)] == [Tier.STANDARD, Tier.MAKER]
    limits.set_tier(3, Tier.STANDARD)
    assert {policy.name: level.size for policy, level, _ in limits.buckets_of(3)} == {
        "read": 3,
        "write": 3,
        "cancel": 20,
        "session": 3,
    }


def test_a_batch_counts_as_its_operations_or_not_at_all() -> None:
    limits = RateLimits(load_settings({"RATE_LIMIT_USER_MAX_WRITES": "50"}).limits)

    def left() -> int:
        return {p.name: level.remaining for p, level, _ in limits.buckets_of(1)}["write"]

    limits.spend(Budget.WRITE, 1, "192.0.2.1")
    limits.charge_operations(1, 1)
    assert left() == 49
    limits.spend(Budget.WRITE, 1, "192.0.2.1")
    limits.charge_operations(1, 20)
    assert left() == 29
    limits.spend(Budget.WRITE, 1, "192.0.2.1")
    with pytest.raises(RateLimited, match="28 are left and this costs 50"):
        limits.charge_operations(1, 50)
    assert left() == 28
    limits.charge_operations(1, 25, 22)
    assert left() == 25


def test_what_a_read_comes_to_is_counted_or_refused() -> None:
    limits = RateLimits(load_settings({"RATE_LIMIT_USER_MAX_REQUESTS": "50"}).limits)

    def left() -> int:
        return {p.name: level.remaining for p, level, _ in limits.buckets_of(1)}["read"]

    limits.charge_reads(1, 0)
    limits.charge_reads(1, 40)
    assert left() == 10
    with pytest.raises(RateLimited, match="10 are left and this costs 11"):
        limits.charge_reads(1, 11)
    assert left() == 10


def test_who_waits_as_long_as_a_batch_is_told_to_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(CLOCK, lambda: now)
    settings = {"RATE_LIMIT_USER_MAX_WRITES": "60", "RATE_LIMIT_USER_WINDOW_MS": "60000"}
    limits = RateLimits(load_settings(settings).limits)
    limits.spend(Budget.WRITE, 1, "192.0.2.1", 60)
    now += 1
    limits.spend(Budget.WRITE, 1, "192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        limits.charge_operations(1, 20)
    assert refused.value.retry_after_seconds == 20
    now += 20
    limits.spend(Budget.WRITE, 1, "192.0.2.1")
    limits.charge_operations(1, 20)


def test_the_document_shows_a_refusal_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(CLOCK, lambda: now)
    limits = RateLimits(load_settings({}).limits)
    for _ in range(1_000):
        limits.count(Budget.WRITE, 1, "192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        limits.count(Budget.WRITE, 1, "192.0.2.1")
    _, shown = (json.loads(text) for text in blocks("docs/limits.md", "json"))
    assert json.loads(msgspec.json.encode(refused.value.body())) == shown
