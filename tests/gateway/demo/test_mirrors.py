"""The demonstration mirrors sample markets, so many, and gives the house its credits once."""

import time
from typing import Any

from exchange.messages.bounds import MONEY_SCALE
from exchange.model.system_accounts import HOUSE
from gateway.bootstrap.credits.mirrors import demo_mirrors
from gateway.demo.mirrors import MOST
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.sample.venue import SampleVenue
from persistence.repositories.economy.mirrors import Mirrors
from tests.gateway.conftest import MakeWeb, Web


def mirrors_of(web: Web) -> Any:
    parts = web.parts
    return demo_mirrors(
        parts.settings, parts.feeds, parts.pool, parts.engine, parts.people, parts.logger
    )


async def test_it_mirrors_so_many_and_no_more(make_web: MakeWeb) -> None:
    venue = SampleVenue(time.time)
    web = await make_web(venues={"sample": venue})
    feeds = web.parts.feeds
    rounds = Rounds({"sample": venue}, feeds.state, web.parts.logger)
    await Ingestion(rounds, feeds.catalogue, feeds.markets, 1_000).run()
    playing = mirrors_of(web)
    for _ in range(2):
        await playing.look()
        standing = await Mirrors(web.parts.pool).standing()
        assert [one.status for one in standing] == ["OPEN"] * MOST
        house = web.engine.view.accounts[HOUSE]
        assert house.available == 100_000 * MONEY_SCALE
        slugs = {market.slug for market in web.engine.view.markets.values()}
        assert slugs == {one.slug for one in standing}


async def test_there_are_none_without_the_sample_venue(make_web: MakeWeb) -> None:
    assert mirrors_of(await make_web()) is None
