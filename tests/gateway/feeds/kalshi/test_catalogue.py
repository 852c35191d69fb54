"""All of Kalshi's series: loaded once for all who wait, whoever gives up, and for readers behind
their backs.
"""

import asyncio
from collections.abc import Mapping

import pytest

from gateway.feeds.kalshi.answers import EventAnswer, SeriesAnswer
from gateway.feeds.kalshi.catalogue import SERIES_KEPT_S, Catalogue
from gateway.feeds.upstream.askers import for_a_reader, is_for_a_reader
from gateway.feeds.venue import VenueUnavailable
from tests.venues.kalshi_desk import Skipping


class Slow:
    """A venue that gives its series when it is let."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = 0
        self.is_away = False
        self.clock = Skipping()
        self.catalogue = Catalogue(self._all, self._one, self.clock)

    async def _all(self) -> Mapping[str, SeriesAnswer]:
        assert not is_for_a_reader(), "it isn't for one reader alone"
        self.asked += 1
        number = self.asked
        await self.may.wait()
        if self.is_away:
            raise VenueUnavailable("kalshi", "down")
        return {f"S{number}": SeriesAnswer(ticker=f"S{number}")}

    async def _one(self, ticker: str) -> EventAnswer:
        raise AssertionError(ticker)


async def test_it_goes_on_loading_whoever_gives_up() -> None:
    slow = Slow()
    with for_a_reader():
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await slow.catalogue.series()
        slow.may.set()
        assert list(await slow.catalogue.series()) == ["S1"]
    assert slow.asked == 1


async def test_a_reader_makes_do_with_what_was_known_and_a_job_waits() -> None:
    slow = Slow()
    slow.may.set()
    await slow.catalogue.series()
    slow.may.clear()
    slow.clock.skipped = SERIES_KEPT_S + 1
    with for_a_reader():
        assert list(await slow.catalogue.series()) == ["S1"]
    job = asyncio.create_task(slow.catalogue.series())
    await asyncio.sleep(0)
    assert not job.done()
    slow.may.set()
    assert list(await job) == ["S2"]
    assert slow.asked == 2


async def test_a_failure_that_nobody_waits_for_is_nobodys() -> None:
    slow = Slow()
    slow.is_away = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await slow.catalogue.series()
    slow.may.set()
    with pytest.raises(VenueUnavailable):
        await slow.catalogue.series()
    slow.is_away = False
    assert list(await slow.catalogue.series()) == ["S2"]


async def test_its_end_ends_what_is_under_way() -> None:
    slow = Slow()
    waiting = asyncio.create_task(slow.catalogue.series())
    await asyncio.sleep(0)
    await slow.catalogue.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await slow.catalogue.close()
