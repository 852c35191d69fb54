"""Each fault of a venue, in a real server that trades meanwhile: the feed degrades and says so,
what is known stays, marked with its age, and it comes back by itself.

A round has a fault at each venue, so both are down at once; a long run tries every fault at both.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import pytest
from msgspec.json import decode, encode

from tests.faults.venues.conftest import (
    EVENTS,
    NEVER_ASKED,
    TICKERS,
    Venues,
    account_settings,
    asked_venues,
    key_settings,
)
from tests.lengths import length
from tests.measured import Try, tries
from tests.venues.kalshi import API
from tests.venues.polymarket import condition_id
from tests.venues.stand_in import Fault

ROOT: Final = Path(__file__).parents[3]
ORDERS_A_SECOND: Final = 50
CALM_S: Final = length(4, long=60)
AT_MOST_TIMES: Final = 3.0
OR_MORE_MS: Final = 20.0
"""The p99 of acks with faults is at most so many times the one without, or so much more: of a few
hundred orders it is that of the four slowest."""
RESULTS: Final = {
    Fault.RATE_LIMITED: "rate_limited",
    Fault.RATE_LIMITED_WITH_RETRY_AFTER: "rate_limited",
    Fault.SERVER_ERROR: "server_error",
    Fault.SILENCE: "timeout",
    Fault.HALF_BODY: "connection",
    Fault.WRONG_TYPE: "wrong_type",
}
_SOME: Final = (
    (Fault.RATE_LIMITED, Fault.SERVER_ERROR),
    (Fault.RATE_LIMITED_WITH_RETRY_AFTER, Fault.SILENCE),
    (Fault.HALF_BODY, Fault.WRONG_TYPE),
)
_ALL: Final = tuple(itertools.permutations(RESULTS, 2))
ROUNDS: Final = (*_SOME, *_ALL[: length(0, long=len(_ALL))])

Name = Callable[[int], str]
"""Gives the id of the market of a number."""


def polymarket_id(number: int) -> str:
    return f"polymarket:{condition_id(number)}"


def kalshi_id(number: int) -> str:
    return f"kalshi:RAIN-{number}-NYC"


@dataclass
class Acks:
    """How long orders waited, with faults and the ways back from them, and without, in one run."""

    file: Path
    calm: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of each time without."""

    async def calmly(self) -> None:
        """Let a time without faults go by: lists are read in it as ever."""
        begun = time.monotonic()
        await asyncio.sleep(CALM_S)
        self.calm.append((begun, time.monotonic()))

    def hold(self, attempt: Try) -> None:
        """Hold the p99 with faults to the one without, of what was measured since the last time."""
        calm: list[float] = []
        among: list[float] = []
        begun, ended = self.calm[0][0], self.calm[-1][1]
        for line in self.file.read_text("utf-8").splitlines():
            due, waited = map(float, line.split())
            if begun <= due < ended:
                is_calm = any(begin <= due < end for begin, end in self.calm)
                (calm if is_calm else among).append(1_000 * waited)
        without, with_faults = (quantiles(found, n=100)[98] for found in (calm, among))
        print(f"{len(calm)} orders without faults, {len(among)} with: {with_faults / without:.2f}")
        most = max(AT_MOST_TIMES * without, without + OR_MORE_MS)
        attempt.takes("p99 of acks with faults, ms", with_faults, most)
        self.calm.clear()


@asynccontextmanager
async def ordering(venues: Venues, folder: Path) -> AsyncIterator[Acks]:
    """Place orders beside the block; every one of them must be taken."""
    server = venues.server
    await asyncio.to_thread(server.market, "rain")
    _, token = await asyncio.to_thread(server.trader)
    acks = Acks(folder / "acks.txt")
    arguments = (server.url, token, "rain", str(ORDERS_A_SECOND), str(acks.file))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.venues.order_probe", *arguments],
        cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as probe:  # fmt: skip
        try:
            yield acks
        finally:
            _, said = await asyncio.to_thread(probe.communicate)
    assert probe.returncode == 0, said.decode()


def set_faults(venues: Venues, one: Fault, other: Fault) -> None:
    """Let all addresses of the venues fail until they are mended."""
    for address in (venues.polymarket.gamma, venues.polymarket.clob, venues.polymarket.data):
        address.fail(one, times=None)
    venues.kalshi.rest.fail(other, times=None)


def mend(venues: Venues) -> None:
    for address in (
        venues.polymarket.gamma, venues.polymarket.clob, venues.polymarket.data, venues.kalshi.rest,
    ):  # fmt: skip
        address.mend()


async def is_degraded(venues: Venues, number: int, one: Fault, other: Fault) -> None:
    """Check what everybody sees while both venues are down; `number` wasn't asked for before."""
    listed = await venues.get("/markets?platform=all&limit=200")
    assert len(listed) == EVENTS + TICKERS + 1, "what is known stays"
    assert await venues.get("/markets/search?q=sample")
    await asyncio.gather(
        _is_down(venues, polymarket_id, number, RESULTS[one]),
        _is_down(venues, kalshi_id, number, RESULTS[other]),
    )


async def _is_down(venues: Venues, name: Name, number: int, result: str) -> None:
    platform = name(0).partition(":")[0]

    async def is_unknown(path: str) -> None:
        status, told = await venues.ask(path)
        assert (status, told["error"]["code"]) == (502, "EXTERNAL_API_ERROR")

    live, known, *_ = await asyncio.gather(
        venues.get(f"/markets/{name(number)}/live"),
        venues.get(f"/markets/{name(0)}/orderbook"),
        is_unknown(f"/markets/{name(number)}/orderbook"),
        is_unknown(f"/markets/{platform}:NOBODY/live"),
    )
    assert live["asOf"]["stale"] is True
    assert live["asOf"]["ageMs"] >= 0
    assert known["bids"], "it was asked for before"
    status = (await venues.status())[platform]
    assert status["lastError"]
    assert any(result in address["counts"] for address in status["addresses"])
    assert await venues.metric("upstream_requests_total", platform=platform, result=result) > 0


async def knows_books(venues: Venues) -> None:
    for name in (polymarket_id(0), kalshi_id(0)):
        assert (await venues.get(f"/markets/{name}/orderbook"))["asOf"]["stale"] is False
        assert (await venues.get(f"/markets/{name}/history")) is not None


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_faults_of_venues_cost_their_news_alone(tmp_path: Path) -> None:
    async with (
        asked_venues(tmp_path, **key_settings()) as venues,
        ordering(venues, tmp_path) as acks,
    ):
        await knows_books(venues)
        never_asked = itertools.count()
        for attempt in tries():
            await acks.calmly()
            for number, (one, other) in enumerate(ROUNDS):
                set_faults(venues, one, other)
                await venues.until(lambda now: not any(venue["ok"] for venue in now.values()))
                await is_degraded(venues, NEVER_ASKED + next(never_asked) % 15, one, other)
                if number == 0:
                    await becomes_stale(venues)
                mend(venues)
                await venues.until(lambda now: all(venue["ok"] for venue in now.values()))
            await lists_that_lie(venues)
            await a_clock_that_is_ahead(venues)
            await venues.well()
            await knows_books(venues)
            await acks.calmly()
            acks.hold(attempt)
    assert {status for _, status in venues.answers} <= {200, 502}


async def becomes_stale(venues: Venues) -> None:
    """A book that was known is shown, and says that it is old, and how old."""
    for name in (polymarket_id(0), kalshi_id(0)):
        path = f"/markets/{name}/orderbook"
        deadline = time.monotonic() + 60
        while not (found := await venues.get(path))["asOf"]["stale"]:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.2)
        assert found["asOf"]["ageMs"] > 5_000
        assert found["bids"]


def rewritten(change: Callable[[int, dict[str, Any]], None], name: str) -> Callable[[bytes], bytes]:
    """Return what changes each market of a list of events; `name` holds them, "" for the top."""

    def alter(body: bytes) -> bytes:
        told = decode(body)
        events = told[name] if name else told
        for number, event in enumerate(events):
            for market in event.get("markets") or []:
                change(number, market)
        return encode(told)

    return alter


def other_shape(missing: str, retyped: str) -> Callable[[int, dict[str, Any]], None]:
    """Return a change: one market lacks a field, one has it in another type, all have one more."""

    def change(number: int, market: dict[str, Any]) -> None:
        market["somethingNew"] = {"deeply": [1, 2, {"nested": None}]}
        if number == 3:
            del market[missing]
        if number == 4:
            market[retyped] = {"of": "another type"}

    return change


async def lists_that_lie(venues: Venues) -> None:
    """Circles of cursors, rows that come twice, and shapes that were never promised."""
    first, second = venues.polymarket, venues.kalshi
    first.ignores_offset, second.has_cursor_loop = True, True
    await venues.until(lambda now: not now["polymarket"]["ok"])
    assert "again" in (await venues.status())["polymarket"]["lastError"]
    await venues.until(lambda now: refused(now["kalshi"]).get("cursor_loop", 0) > 0)
    first.ignores_offset, second.has_cursor_loop = False, False
    await venues.until(lambda now: now["polymarket"]["ok"])
    # The last event of the first page is the first of the second, too.
    first.events.insert(100, first.events[99])
    second.overlap = 3
    await venues.well()
    assert len(await venues.get("/markets?platform=all&limit=200")) == EVENTS + TICKERS + 1
    del first.events[100]
    second.overlap = 0
    first.gamma.alter["/events"] = rewritten(other_shape("conditionId", "outcomes"), "")
    second.rest.alter[API + "/events"] = rewritten(other_shape("ticker", "status"), "events")
    await venues.until(lambda now: all(sum(refused(one).values()) >= 2 for one in now.values()))
    now = await venues.status()
    assert all(one["ok"] for one in now.values()), "one market never costs another"
    assert all([await venues.metric("feed_refused_total", platform=name) > 0 for name in now])
    assert len(await venues.get("/markets?platform=all&limit=200")) == EVENTS + TICKERS + 1
    first.gamma.alter.clear()
    second.rest.alter.clear()
    await venues.until(lambda now: not any(sum(refused(one).values()) for one in now.values()))


def refused(venue: dict[str, Any]) -> dict[str, int]:
    """Return what the last reading of a venue's list refused, by the reason."""
    [ingestion] = [one for one in venue["jobs"] if one["job"] == "market-ingest"]
    found: dict[str, int] = ingestion["counts"].get("refused", {})
    return found


async def a_clock_that_is_ahead(venues: Venues) -> None:
    """Signatures of our time are refused; the venue's own clock is taken for them."""
    venues.kalshi.rest.clock_ahead_s = 90.0
    await venues.well()
    [address] = (await venues.status())["kalshi"]["addresses"][:1]
    assert address["clockSkewS"] == pytest.approx(90, abs=2)
    assert venues.kalshi.rest.seen[-1].status == 200
    venues.kalshi.rest.clock_ahead_s = 0.0


@pytest.mark.slow
async def test_a_login_that_ends_between_two_pages_is_renewed(tmp_path: Path) -> None:
    async with asked_venues(tmp_path, **account_settings()) as venues:
        venues.kalshi.needs_account = True
        pages = itertools.count(1)

        def ends_at_the_second(body: bytes) -> bytes:
            if next(pages) % 3 == 2:
                venues.kalshi.expire()
            return body

        venues.kalshi.rest.alter[API + "/events"] = ends_at_the_second
        logins = venues.kalshi.logins
        await venues.well()
        await venues.until(lambda _: venues.kalshi.logins > logins)
        await venues.well()
        found = await venues.get("/markets?platform=kalshi&limit=100")
        assert len(found) == TICKERS
        assert {seen.status for seen in venues.kalshi.rest.seen} >= {200, 401}
        kalshi = (await venues.status())["kalshi"]
        assert [address["name"] for address in kalshi["addresses"]] == ["127.0.0.1", "login"]
    assert {status for _, status in venues.answers} == {200}
