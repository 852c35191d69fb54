"""Who asks Kalshi: signatures that are verified, logins that end, clocks that are off."""

import asyncio
import json

import msgspec
import pytest

from gateway.feeds.kalshi.client import Kalshi
from gateway.feeds.kalshi.sessions import REFRESHED_S
from gateway.feeds.venue import VenueRefused, VenueUnavailable
from tests.venues.kalshi import API
from tests.venues.kalshi_desk import PLENTY, QUICK, desk, market, tickers, world
from tests.venues.stand_in import Fault


async def test_each_request_is_signed_and_the_signature_verified() -> None:
    async with desk(world(needs_account=True), key=True) as d:
        assert len(await d.walk()) == 3
        assert {seen.status for seen in d.venue.rest.seen} == {200}
        signatures = {seen.headers["kalshi-access-signature"] for seen in d.venue.rest.seen}
        assert len(signatures) == len(d.venue.rest.seen)


async def test_nobody_is_refused_where_somebody_is_asked_for() -> None:
    async with desk(world(needs_account=True)) as d:
        with pytest.raises(VenueRefused) as told:
            await d.walk()
        assert told.value.status == 401
        assert len(d.venue.rest.seen) == 1


@pytest.mark.parametrize("ahead", [-3_600.0, 60.0])
async def test_a_clock_that_is_off_is_set_by_the_venues_once(ahead: float) -> None:
    venue = world(needs_account=True)
    venue.rest.clock_ahead_s = ahead
    async with desk(venue, key=True) as d:
        assert len(await d.walk()) == 3
        assert [seen.status for seen in d.venue.rest.seen].count(401) == 1
        assert d.client.conditions()[0].clock_skew_s == pytest.approx(ahead, abs=2)


async def test_a_crowd_that_meets_a_stale_signature_is_helped_by_one_new_time() -> None:
    venue = world(needs_account=True)
    venue.rest.clock_ahead_s = 600.0
    venue.books["NEW"] = {"orderbook_fp": {"yes_dollars": [["0.3700", "1"]], "no_dollars": []}}
    async with desk(venue, key=True) as d:
        books = await asyncio.gather(*(d.client.book(market("NEW")) for _ in range(6)))
        assert len(books) == 6
        assert [seen.status for seen in d.venue.rest.seen].count(200) == 6


async def test_a_key_that_isnt_known_is_refused_without_end_in_view() -> None:
    async with desk(world(needs_account=True), key=True) as d:
        settings = msgspec.structs.replace(d.venue.settings(key=True), key_id="somebody-else")
        other = Kalshi(settings, d.metrics, d.logger, bounds=QUICK, rate=PLENTY)
        with pytest.raises(VenueRefused):
            await other.markets(None, live_only=True)
        await other.close()
        assert len(d.venue.rest.seen) == 1


async def test_a_login_serves_until_it_nears_its_end() -> None:
    async with desk(world(needs_account=True), account=True) as d:
        await d.walk()
        assert d.venue.logins == 1
        d.clock.skipped += REFRESHED_S - 10
        await d.walk()
        assert d.venue.logins == 1
        d.clock.skipped += 20
        await d.walk()
        assert d.venue.logins == 2
        names = [condition.name for condition in d.client.conditions()]
        assert names == ["127.0.0.1", "login"]


async def test_a_login_that_ends_in_mid_page_is_renewed_once() -> None:
    async with desk(world(needs_account=True), account=True) as d:
        pages = [await d.client.markets(None, live_only=True)]
        d.venue.expire()
        pages.append(await d.client.markets(pages[0].next_cursor, live_only=True))
        assert tickers(pages) == [f"RAIN-{number}-NYC" for number in range(4)]
        assert d.venue.logins == 2
        assert [seen.status for seen in d.venue.rest.seen].count(401) == 1
        d.venue.expire()
        await asyncio.gather(*(d.client.some_markets(["RAIN-0-NYC"]) for _ in range(5)))
        assert d.venue.logins == 3


async def test_a_login_that_is_refused_isnt_tried_again_at_once_and_shows_nothing() -> None:
    async with desk(world(needs_account=True), account=True) as d:
        d.venue.rest.fail(Fault.REFUSED, path=API + "/login", times=None)
        for _ in range(3):
            with pytest.raises(VenueRefused) as told:
                await d.walk()
            assert "correct horse" not in str(told.value)
        assert d.venue.asked("/login") == 1
        assert "correct horse" not in d.log.getvalue()
        d.venue.rest.mend()
        d.clock.skipped += 61
        assert len(await d.walk()) == 3


@pytest.mark.parametrize("token", ["", "a\r\nx: y", "é", "t" * 9_000])
async def test_a_token_that_is_unfit_for_a_header_is_none(token: str) -> None:
    async with desk(world(needs_account=True), account=True) as d:
        d.venue.rest.alter[API + "/login"] = lambda _: json.dumps({"token": token}).encode()
        with pytest.raises(VenueUnavailable):
            await d.client.markets(None, live_only=True)
