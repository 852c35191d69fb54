"""A market of another venue is mirrored once, on its own terms, or refused with the reason."""

import asyncio
from typing import Any

import pytest

from exchange.model.market import OPEN
from gateway.economy.mirrors.making import DAY_US, Mirroring, NotMirrored
from gateway.engine_side.refusals import EngineRefused
from gateway.feeds.mirrored import MirroredFrom
from gateway.feeds.model import ListedStatus
from gateway.feeds.venue import VenueUnavailable
from gateway.wire.errors import LimitReached, NotFound, ReadsOnly
from persistence.clock import now_us
from persistence.errors import DatabaseUnavailable
from persistence.repositories.economy.mirrors import Mirrors
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.mirrors.mirror_stories import broken_off, set_stage, source
from tests.persistence.running import listing

HOUR_US = 3_600_000_000


async def test_it_asks_what_its_source_asks(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    market = await stage.mirroring.mirror_of("fake:M1")
    theirs = stage.venue.listed["M1"]
    mirror = await stage.row()
    assert (market.slug, market.status) == (f"mirror-{mirror.id}", OPEN)
    assert (market.question, market.close_time) == (theirs.question, theirs.close_time)
    assert (market.tick_size, market.min_quantity, market.taker_fee) == (100, 1, 0)
    assert market.description.startswith("Resolves as the market of Fake")
    assert (mirror.status, mirror.labels) == ("OPEN", ("Home", "Away"))
    assert await stage.audited("mirror.make") == [(f"market:{market.id} {market.slug}", "ok")]
    noted = stage.web.parts.feeds.mirrored.of(market.id)
    assert noted == MirroredFrom("fake:M1", ("Home", "Away"))
    shown = (await stage.web.client.get(f"/api/v1/markets/{market.slug}")).json()["data"]
    assert (shown["mirrorOf"], shown["outcomes"]) == ("fake:M1", ["Home", "Away"])
    for path in ("/markets/fake:M1", "/markets/fake:M1/live"):
        elsewhere = await stage.admin.data("GET", path)
        assert (elsewhere["id"], elsewhere["mirror"]) == ("fake:M1", shown["slug"])
    assert "mirror" not in shown


async def test_whoever_comes_at_once_gets_the_same(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    one, other = stage.mirroring, stage.mirroring
    asking = [(one, other)[number % 2].mirror_of("fake:M1") for number in range(40)]
    found = await asyncio.gather(*asking)
    assert len({market.id for market in found}) == 1
    assert len(stage.web.engine.view.markets) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": ListedStatus.CLOSED}, "it is CLOSED at its venue"),
        ({"close_time": -1}, "it ends within an hour at its venue"),
        ({"question": " "}, "it asks nothing"),
    ],
)
async def test_what_is_nearly_over_is_not_mirrored(
    make_web: MakeWeb, changes: dict[str, Any], why: str
) -> None:
    if "close_time" in changes:
        changes = {"close_time": now_us() + HOUR_US - 1_000_000}
    stage = await set_stage(make_web, source(1, **changes))
    with pytest.raises(NotMirrored, match=why):
        await stage.mirroring.mirror_of("fake:M1")
    assert await stage.rows.of_source("fake", "M1") is None


async def test_what_its_venue_does_not_confirm_is_not_mirrored(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    stage.venue.failure = VenueUnavailable("fake", "is down")
    with pytest.raises(NotMirrored, match="doesn't answer"):
        await stage.mirroring.mirror_of("fake:M1")


async def test_bets_mirror_nothing_where_that_is_off(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, MIRROR_ON_BET="off")
    with pytest.raises(NotMirrored):
        await stage.mirroring.mirror_of("fake:M1")
    await stage.mirror(1)
    market = await stage.mirroring.mirror_of("fake:M1")
    assert market.slug == (await stage.row()).slug


async def test_there_are_so_many_at_most(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, *map(source, range(1, 6)), MIRRORS_MAX=3)
    asking = [stage.mirroring.mirror_of(f"fake:M{number}") for number in range(1, 6)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found].count(LimitReached) == 2
    assert len(stage.web.engine.view.markets) == 3
    # One that is there is found all the same.
    assert len([one for one in await stage.rows.standing() if one.status == "OPEN"]) == 3


async def test_one_person_takes_no_more_than_some_places_a_day(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, *map(source, range(1, 6)), MIRRORS_PER_PERSON=2)
    making = stage.mirroring
    asking = [making.mirror_of(f"fake:M{number}", person=7) for number in range(1, 5)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found].count(LimitReached) == 2
    assert len(stage.web.engine.view.markets) == 2
    # What is there, what others and admins ask for, and the next day: all of that goes.
    standing = await stage.rows.standing()
    await making.mirror_of(standing[0].source, person=7)
    await making.mirror_of("fake:M5", person=8)
    left = {f"fake:M{number}" for number in range(1, 6)} - {one.source for one in standing}
    first, last = sorted(left - {"fake:M5"})
    await making.mirror_of(first)
    with pytest.raises(LimitReached):
        await making.mirror_of(last, person=7)
    await stage.web.parts.pool.execute("UPDATE mirrors SET made_at = made_at - $1", DAY_US)
    await making.mirror_of(last, person=7)


async def test_a_persons_places_are_counted_over_processes(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, *map(source, range(1, 4)), MIRRORS_PER_PERSON=2)
    # Each of them counts for itself, and is there no longer than its process.
    for number in (1, 2):
        await stage.mirroring.mirror_of(f"fake:M{number}", person=7)
    with pytest.raises(LimitReached, match="you began 2 such in a day"):
        await stage.mirroring.mirror_of("fake:M3", person=7)
    await stage.mirroring.mirror_of("fake:M3", person=8)


async def test_who_comes_second_to_a_market_uses_no_place(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web, MIRRORS_PER_PERSON=1)
    one, other = stage.mirroring, stage.mirroring
    of_source, both_looked = Mirrors.of_source, asyncio.Barrier(2)

    async def together(self: Mirrors, platform: str, external_id: str) -> Any:
        found = await of_source(self, platform, external_id)
        await both_looked.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Mirrors, "of_source", together)
        asking = (making.mirror_of("fake:M1", person=at) for making, at in ((one, 7), (other, 8)))
        first, second = await asyncio.gather(*asking)
    assert first.id == second.id
    found = []
    for number, person in ((2, 7), (3, 8)):
        try:
            await stage.mirroring.mirror_of(f"fake:M{number}", person=person)
        except LimitReached:
            continue
        found.append(person)
    # Whose it is has had its one; for the other it is the first.
    assert len(found) == 1


async def test_one_that_is_not_made_takes_no_place(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, source(1), source(2), MIRRORS_PER_PERSON=1, MIRRORS_MAX=1)
    await stage.mirroring.mirror_of("fake:M1", person=8)
    for _ in range(2):
        with pytest.raises(LimitReached, match="mirrors: "):
            await stage.mirroring.mirror_of("fake:M2", person=7)


async def test_a_database_that_is_away_takes_no_place(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web, MIRRORS_PER_PERSON=1)
    making = stage.mirroring
    with monkeypatch.context() as patch:
        patch.setattr(Mirrors, "add", away)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await making.mirror_of("fake:M1", person=7)
    await making.mirror_of("fake:M1", person=7)
    with pytest.raises(LimitReached):
        await making.mirror_of("fake:M2", person=7)


async def away(*_: Any) -> Any:
    raise DatabaseUnavailable("away")


async def test_nothing_is_there(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    for name in ("fake:M9", "other:M1", "no-such-slug"):
        with pytest.raises(NotFound):
            await stage.mirroring.mirror_of(name)


async def test_what_broke_off_finds_its_own_market(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had died before the answer came."""
    stage = await set_stage(make_web)
    await broken_off(stage, monkeypatch)
    assert (await stage.row()).status == "MAKING"
    assert await stage.mirroring.finish_left() == 1
    market = stage.ours(await stage.row())
    assert (len(stage.web.engine.view.markets), market.slug) == (1, (await stage.row()).slug)


async def test_a_slug_that_is_somebody_elses_refuses(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    first = await stage.mirroring.mirror_of("fake:M1")
    mirror = await stage.row()
    taken = f"mirror-{mirror.id + 1}"
    stage.web.engine.run(listing(taken))
    with pytest.raises(EngineRefused):
        await stage.mirroring.mirror_of("fake:M2")
    # The next try has another id.
    second = await stage.mirroring.mirror_of("fake:M2")
    assert (first.slug, second.slug) == (mirror.slug, f"mirror-{mirror.id + 2}")


async def test_admins_list_nothing_under_such_a_slug(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    body = {"slug": "mirror-7", "question": "Why?", "closeTime": "2099-01-01T00:00:00Z"}
    refused = await stage.admin.call("POST", "/markets", body)
    assert refused.status_code == 400
    assert refused.json()["error"]["details"][0]["field"] == "slug"
    body["slug"] = "mirror-lake"
    assert (await stage.admin.call("POST", "/markets", body)).status_code == 201


async def test_a_process_without_an_engine_makes_none(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    mirroring: Mirroring = stage.mirroring
    mirroring._takes_commands = False
    with pytest.raises(ReadsOnly):
        await mirroring.mirror_of("fake:M1")
