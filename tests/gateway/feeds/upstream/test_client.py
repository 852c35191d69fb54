"""How a venue is asked: every fault of the other side is bounded, counted, told, and gets over."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.feeds.upstream.askers import for_a_reader
from gateway.feeds.upstream.bounds import Bounds, Rate
from gateway.feeds.upstream.client import Upstream
from gateway.feeds.venue import VenueRefused, VenueUnavailable
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.venues.stand_in import Fault, StandIn, answer

QUICK = Bounds(
    connect_s=1.0,
    read_s=0.2,
    whole_s=0.5,
    tries=3,
    first_wait_s=0.01,
    longest_wait_s=0.02,
    jitter_s=0.01,
    all_tries_s=5.0,
    failures=4,
    open_s=0.2,
    open_max_s=0.4,
)
PLENTY = Rate(per_minute=60_000, burst=1_000)


async def numbers(request: Request) -> Response:
    return answer(b"[1,2,3]")


async def named(request: Request) -> Response:
    return answer(msgspec.json.encode(request.path_params["name"]))


async def echo(request: Request) -> Response:
    return answer(await request.body())


def parse_numbers(text: bytes) -> list[int]:
    return msgspec.json.decode(text, type=list[int])


def anything(text: bytes) -> Any:
    return msgspec.json.decode(text)


class Desk:
    """A stand-in and a client that asks it."""

    def __init__(self, venue: StandIn, bounds: Bounds = QUICK, rate: Rate = PLENTY) -> None:
        self.venue = venue
        self.metrics = Metrics()
        self.log = io.StringIO()
        self.client = Upstream(
            "test",
            venue.url,
            ("/numbers", "/named/{name}", "/echo"),
            rate,
            self.metrics.upstream,
            configure_logs("info", self.log),
            bounds=bounds,
        )

    async def ask(self) -> list[int]:
        return await self.client.ask("/numbers", parse_numbers)

    def counted(self, result: str, endpoint: str = "/numbers") -> float:
        labels = {"platform": "test", "endpoint": endpoint, "result": result}
        found = self.metrics.registry.get_sample_value("upstream_requests_total", labels)
        return found or 0.0


@asynccontextmanager
async def desk(bounds: Bounds = QUICK, rate: Rate = PLENTY, **how: Any) -> AsyncIterator[Desk]:
    paths = {"/numbers": numbers, "/named/{name}": named, "/echo": echo}
    async with StandIn(paths, **how).running() as venue:
        made = Desk(venue, bounds, rate)
        try:
            yield made
        finally:
            await made.client.close()


async def test_an_answer_is_parsed_counted_and_told() -> None:
    async with desk() as d:
        assert await d.ask() == [1, 2, 3]
        condition = d.client.condition()
        assert (condition.name, condition.breaker, condition.failures) == ("127.0.0.1", "closed", 0)
        assert condition.last_success_at is not None
        assert condition.last_error is None
        assert condition.counts == {"ok": 1}
        assert d.counted("ok") == 1
        shown = d.metrics.registry.get_sample_value(
            "upstream_last_success_timestamp_seconds", {"platform": "test"}
        )
        assert shown == pytest.approx(condition.last_success_at / 1e6)


async def test_a_venue_that_was_never_heard_is_told_as_such() -> None:
    """Without a figure no alert can tell that it has been away since before the start."""
    async with desk() as d:
        labels = {"platform": "test"}
        name = "upstream_last_success_timestamp_seconds"
        assert d.metrics.registry.get_sample_value(name, labels) == 0


async def test_a_path_is_filled_and_a_label_stays_a_template() -> None:
    async with desk() as d:
        name = "a/../b?c=%00 é"
        assert await d.client.ask("/named/{name}", anything, path={"name": name}) == name
        assert d.counted("ok", "/named/{name}") == 1


async def test_a_query_may_name_one_thing_twice_and_a_body_is_posted() -> None:
    async with desk() as d:
        await d.client.ask("/numbers", parse_numbers, query=[("id", "1"), ("id", "2&x")])
        assert d.venue.seen[0].query == (("id", "1"), ("id", "2&x"))
        assert await d.client.ask("/echo", anything, body=b'{"a":[1]}') == {"a": [1]}
        assert d.venue.seen[1].method == "POST"
        assert d.venue.seen[1].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (Fault.RATE_LIMITED, "rate_limited"),
        (Fault.SERVER_ERROR, "server_error"),
        (Fault.SILENCE, "timeout"),
        (Fault.DRIPPING, "timeout"),
        (Fault.HALF_BODY, "connection"),
        (Fault.WRONG_TYPE, "wrong_type"),
        (Fault.NOT_JSON, "malformed"),
        (Fault.NOT_UTF8, "malformed"),
        (Fault.TORN_GZIP, "malformed"),
        (Fault.UNKNOWN_PACKING, "wrong_type"),
    ],
)
async def test_what_may_come_right_is_asked_again(fault: Fault, result: str) -> None:
    async with desk() as d:
        d.venue.fail(fault, times=2)
        assert await d.ask() == [1, 2, 3]
        assert (d.counted(result), d.counted("ok")) == (2, 1)
        condition = d.client.condition()
        assert (condition.failures, condition.breaker) == (0, "closed")
        assert condition.last_error is not None
        assert condition.last_error.startswith("/numbers: ")
        d.venue.fail(fault, times=None)
        with pytest.raises(VenueUnavailable):
            await d.ask()
        assert d.counted(result) == 5
        d.venue.mend()
        assert await d.ask() == [1, 2, 3]


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (Fault.TOO_DEEP, "malformed"),
        (Fault.TOO_LARGE, "too_large"),
        (Fault.GZIP_BOMB, "too_large"),
        (Fault.REDIRECT, "wrong_status"),
    ],
)
async def test_what_stays_wrong_is_asked_once(fault: Fault, result: str) -> None:
    async with desk(msgspec.structs.replace(QUICK, whole_s=5.0)) as d:
        d.venue.fail(fault)
        with pytest.raises(VenueUnavailable):
            await d.ask()
        assert (d.counted(result), len(d.venue.seen)) == (1, 1)
        assert await d.ask() == [1, 2, 3]


async def test_a_refusal_is_no_failure_of_the_venue() -> None:
    async with desk() as d:
        for _ in range(QUICK.failures + 1):
            d.venue.fail(Fault.REFUSED)
            with pytest.raises(VenueRefused) as told:
                await d.ask()
            assert told.value.status == 404
        condition = d.client.condition()
        assert (condition.breaker, condition.failures) == ("closed", 0)
        assert condition.counts == {"refused": QUICK.failures + 1}


async def test_another_shape_is_an_answer_that_cant_be_used() -> None:
    async with desk() as d:
        d.venue.alter["/numbers"] = lambda _: b'[1,"two"]'
        with pytest.raises(VenueUnavailable, match="another shape"):
            await d.ask()
        assert (d.counted("wrong_shape"), len(d.venue.seen)) == (1, 1)


async def test_what_a_parser_raises_of_its_own_passes_through() -> None:
    def refuse(_: bytes) -> int:
        raise LookupError("mine")

    async with desk() as d:
        with pytest.raises(LookupError):
            await d.client.ask("/numbers", refuse)
        assert d.client.condition().counts == {"unfit": 1}


async def test_retry_after_is_kept_and_holds_everybody_back() -> None:
    async with desk() as d:
        d.venue.fail(Fault.RATE_LIMITED_WITH_RETRY_AFTER)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        first = asyncio.create_task(d.ask())
        while not d.venue.seen:  # noqa: ASYNC110 - a condition
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert d.client.condition().rate_left == 0
        assert await d.ask() == [1, 2, 3]
        assert await first == [1, 2, 3]
        assert 0.9 < loop.time() - begun < 3


async def test_a_venue_that_wants_a_day_is_told_to_the_caller() -> None:
    bounds = msgspec.structs.replace(QUICK, queue_s=0.1)
    async with desk(bounds) as d:
        d.venue.fail(Fault.RATE_LIMITED_FOR_LONG)
        with pytest.raises(VenueUnavailable) as told:
            await d.ask()
        assert told.value.retry_after_s == bounds.retry_after_max_s
        with pytest.raises(VenueUnavailable, match="our own limit"):
            await d.ask()
        assert len(d.venue.seen) == 1
        assert d.client.condition().counts == {"rate_limited": 1, "over_limit": 1}


async def test_a_venue_that_fails_is_left_alone_and_tried_again() -> None:
    async with desk() as d:
        d.venue.fail(Fault.SERVER_ERROR, times=None)
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                await d.ask()
        assert len(d.venue.seen) == QUICK.failures
        condition = d.client.condition()
        assert condition.breaker == "open"
        assert condition.retry_in_s is not None
        assert 0 < condition.retry_in_s <= QUICK.open_s
        with pytest.raises(VenueUnavailable, match="left alone") as told:
            await d.ask()
        assert told.value.retry_after_s is not None
        assert len(d.venue.seen) == QUICK.failures
        await asyncio.sleep(QUICK.open_s)
        assert d.client.condition().breaker == "half_open"
        with pytest.raises(VenueUnavailable):
            await d.ask()
        assert len(d.venue.seen) == QUICK.failures + 1
        assert d.client.condition().breaker == "open"
        d.venue.mend()
        await asyncio.sleep(2 * QUICK.open_s)
        assert await d.ask() == [1, 2, 3]
        assert d.client.condition().breaker == "closed"
        assert d.log.getvalue().count("venue left alone") == 1
        assert d.log.getvalue().count("venue answers again") == 1


async def test_a_half_open_breaker_lets_one_trial_through() -> None:
    async with desk() as d:
        d.venue.fail(Fault.SERVER_ERROR, times=QUICK.failures)
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                await d.ask()
        await asyncio.sleep(QUICK.open_s)
        d.venue.fail(Fault.DRIPPING)
        outcomes = await asyncio.gather(*(d.ask() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, VenueUnavailable) for outcome in outcomes)
        assert len(d.venue.seen) == QUICK.failures + 1


async def test_a_caller_that_goes_away_leaves_the_trial_to_the_next() -> None:
    async with desk() as d:
        d.venue.fail(Fault.SERVER_ERROR, times=QUICK.failures)
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                await d.ask()
        await asyncio.sleep(QUICK.open_s)
        d.venue.fail(Fault.SILENCE)
        trial = asyncio.create_task(d.ask())
        await asyncio.sleep(0.05)
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        assert await d.ask() == [1, 2, 3]


async def test_our_own_limit_is_below_the_venues() -> None:
    async with desk(rate=Rate(per_minute=1_200, burst=5), per_second=40) as d:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.gather(*(d.ask() for _ in range(15)))
        assert loop.time() - begun >= 0.45
        assert {seen.status for seen in d.venue.seen} == {200}
        assert d.client.condition().rate_left == 0


async def test_nothing_that_did_not_change_is_sent_again() -> None:
    async with desk(validators=True) as d:
        for _ in range(3):
            assert await d.ask() == [1, 2, 3]
        assert [seen.status for seen in d.venue.seen] == [200, 304, 304]
        assert (d.counted("ok"), d.counted("not_modified")) == (1, 2)
        d.venue.alter["/numbers"] = lambda _: b"[4]"
        assert await d.ask() == [4]
        assert [seen.status for seen in d.venue.seen] == [200, 304, 304, 200]


async def test_a_packed_answer_is_unpacked() -> None:
    async with desk(packed=True) as d:
        assert await d.ask() == [1, 2, 3]
        assert "gzip" in d.venue.seen[0].headers["accept-encoding"]


async def test_a_clock_that_is_off_is_told() -> None:
    async with desk(clock_ahead_s=90) as d:
        await d.ask()
        assert d.client.condition().clock_skew_s in {89, 90, 91}


async def test_a_large_answer_keeps_the_loop_free() -> None:
    async with desk(msgspec.structs.replace(QUICK, whole_s=10.0, read_s=10.0), packed=True) as d:
        element = b'{"id":"1","a":"' + b"x" * 500 + b'"}'
        d.venue.alter["/numbers"] = lambda _: b"[" + b",".join([element] * 4_000) + b"]"
        ran_in: list[bool] = []

        def look(text: bytes) -> int:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                ran_in.append(True)
            return len(text)

        assert await d.client.ask("/numbers", look) == (len(element) + 1) * 4_000 + 1
        assert ran_in == [True]


async def test_readers_use_up_no_more_than_their_share() -> None:
    impatient = msgspec.structs.replace(QUICK, readers_queue_s=0.05)
    rate = Rate(per_minute=0.1, burst=10)
    async with desk(impatient, rate) as d:
        for _ in range(5):
            with for_a_reader():
                assert await d.ask() == [1, 2, 3]
        for _ in range(20):
            with for_a_reader(), pytest.raises(VenueUnavailable, match="our own limit"):
                await d.ask()
        assert d.counted("over_limit") == 20
        # What is left is for whoever isn't a reader.
        for _ in range(5):
            assert await d.ask() == [1, 2, 3]
        assert d.venue.asked("/numbers") == 10
        condition = d.client.condition()
        assert (condition.rate_left, condition.failures) == (0, 0)
