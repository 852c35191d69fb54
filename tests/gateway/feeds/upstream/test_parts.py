"""The parts of the way to a venue, each by itself: limits, breaker, bodies, validators."""

import gzip
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.feeds.upstream.bodies import BadBody, unpacked
from gateway.feeds.upstream.bounds import Bounds, Rate
from gateway.feeds.upstream.breaker import BreakerOpen, BreakerState, CircuitBreaker
from gateway.feeds.upstream.bucket import TokenBucket, TooManyWaiting
from gateway.feeds.upstream.validators import Validators

SMALL = Bounds(body_bytes=1_000, remembered_bytes=100, remembered_body_bytes=60, failures=3)


class Hands:
    """A clock that moves when somebody sleeps, or by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_in_any_minute_no_more_go_than_the_limit_says() -> None:
    clock = Hands()
    rate = Rate(per_minute=60, burst=40)
    bucket = TokenBucket(rate, clock)
    went = []
    for _ in range(400):
        await bucket.take(10_000)
        went.append(clock.now)
    for begin in went:
        assert sum(begin <= at < begin + 60 for at in went) <= rate.burst + rate.per_minute


async def test_nobody_waits_longer_than_they_said() -> None:
    clock = Hands()
    bucket = TokenBucket(Rate(per_minute=6, burst=1), clock)
    await bucket.take(0)
    assert bucket.left == 0
    with pytest.raises(TooManyWaiting) as told:
        await bucket.take(9)
    assert told.value.seconds == pytest.approx(10)
    begun = clock.now
    await bucket.take(10.001)
    assert clock.now - begun == pytest.approx(10)


async def test_a_hold_is_for_everybody() -> None:
    clock = Hands()
    bucket = TokenBucket(Rate(per_minute=600, burst=10), clock)
    bucket.hold(30)
    bucket.hold(5)
    assert bucket.left == 0
    with pytest.raises(TooManyWaiting):
        await bucket.take(29)
    await bucket.take(31)
    assert clock.now == 130
    assert bucket.left == 10


def state_of(breaker: CircuitBreaker) -> BreakerState:
    return breaker.state


def test_the_breaker_opens_after_failures_in_a_row_and_doubles_its_pause() -> None:
    clock = Hands()
    breaker = CircuitBreaker(SMALL, clock)
    for _ in range(2):
        breaker.enter()
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        breaker.enter()
        breaker.failed()
    pauses = []
    for _ in range(5):
        assert state_of(breaker) is BreakerState.OPEN
        with pytest.raises(BreakerOpen):
            breaker.enter()
        pauses.append(breaker.seconds_left())
        clock.now += breaker.seconds_left()
        assert state_of(breaker) is BreakerState.HALF_OPEN
        breaker.enter()
        with pytest.raises(BreakerOpen):
            breaker.enter()
        breaker.failed()
    assert pauses == [15, 30, 60, 120, 120]
    clock.now += 120
    breaker.enter()
    breaker.left()
    breaker.enter()
    breaker.succeeded()
    assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, 0)


@given(st.binary(max_size=999), st.sampled_from(["gzip", "deflate"]))
def test_what_was_packed_is_unpacked(body: bytes, encoding: str) -> None:
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    assert unpacked(packed, encoding, SMALL) == body
    with pytest.raises(BadBody):
        unpacked(packed[:-1], encoding, SMALL)


def test_a_body_is_bounded_as_it_is_unpacked() -> None:
    assert unpacked(gzip.compress(b"x" * 1_000), "gzip", SMALL) == b"x" * 1_000
    with pytest.raises(BadBody) as told:
        unpacked(gzip.compress(b"x" * 1_001), "gzip", SMALL)
    assert told.value.result == "too_large"
    for encoding in ("br", "gzip, gzip", "zstd"):
        with pytest.raises(BadBody):
            unpacked(b"", encoding, SMALL)


def test_what_is_remembered_is_bounded() -> None:
    known = Validators(SMALL)
    known.keep("a", {"etag": '"1"'}, b"x" * 50)
    known.keep("b", {"last-modified": "Thu"}, b"x" * 50)
    assert known.get("a") is not None
    known.keep("c", {"etag": '"3"'}, b"x" * 50)
    assert (known.get("b"), known.bytes) == (None, 100)
    found = known.get("a")
    assert found is not None
    assert found.headers == {"if-none-match": '"1"'}
    known.keep("a", {}, b"y")
    assert (known.get("a"), known.bytes) == (None, 50)
    known.keep("d", {"etag": '"4"'}, b"x" * 61)
    known.keep("e", {"etag": "x" * 500}, b"x")
    assert (known.get("d"), known.get("e"), known.bytes) == (None, None, 50)


def test_bounds_can_be_changed_one_by_one() -> None:
    assert msgspec.structs.replace(SMALL, tries=1).body_bytes == 1_000
