"""Lists that are long: what of them is looked up again, and what a search finds of very many."""

from decimal import Decimal

import msgspec

from gateway.feeds.api.shown import ShownRows
from gateway.feeds.api.views import row_view
from gateway.feeds.model import ListedStatus, VenueEvent
from persistence.repositories.feeds.words import RANKED_MAX
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of


async def test_of_very_many_matches_the_most_traded_are_found(make_web: MakeWeb) -> None:
    count = RANKED_MAX + 40
    listed = [market(n, question="Will rain fall?", volume_total=Decimal(n)) for n in range(count)]
    reader = await reader_of(make_web, FakeVenue(listed))
    await reader.ingest()
    for text in ("rain", "r", "rian"):
        offset, found = 0, []
        while True:
            answer = await reader.ask(f"/markets/search?q={text}&limit=200&offset={offset}")
            body = answer.json()
            assert body["pagination"]["total"] == RANKED_MAX
            found += [one["externalId"] for one in body["data"]]
            offset = len(found)
            if body["nextCursor"] is None:
                break
        assert found == [f"M{n}" for n in reversed(range(40, count))], text


async def test_lists_are_asked_of_the_database_once_a_minute(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue([market(n) for n in range(20)]))
    await reader.ingest()
    for _ in range(5):
        await reader.get("/markets?platform=fake")
        await reader.get("/markets/search?q=will")
    assert reader.metric('cache_requests_total{cache="lists",result="miss"}') == 2
    assert reader.metric('cache_requests_total{cache="lists",result="hit"}') == 8


async def test_a_list_is_counted_once_whichever_of_its_pages_are_read(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue([market(n) for n in range(30)]))
    await reader.ingest()
    for path in (
        "limit=5",
        "limit=5&offset=5",
        "limit=60",
        "sort=closing",
        "sort=volume&order=asc",
    ):
        answer = await reader.ask(f"/markets?platform=fake&{path}")
        assert answer.json()["pagination"]["total"] == 30
    await reader.get("/markets?platform=fake&status=active")
    assert reader.metric('cache_requests_total{cache="totals",result="miss"}') == 2
    assert reader.metric('cache_requests_total{cache="totals",result="hit"}') == 4
    # Long pages are large, so few of them are kept, and they push out no short ones.
    assert reader.metric('cache_requests_total{cache="long_lists",result="miss"}') == 1


async def test_events_are_counted_once_whichever_of_their_pages_are_read(
    make_web: MakeWeb,
) -> None:
    venue = FakeVenue([market(1)])
    venue.events = [
        VenueEvent(platform="fake", external_id=f"E{n}", title="Who?", category="AB"[n % 2])
        for n in range(7)
    ]
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    for path, total in (("", 7), ("?limit=2", 7), ("?offset=6", 7), ("?category=b", 3)):
        answer = await reader.ask(f"/events{path}")
        assert answer.json()["pagination"]["total"] == total
    assert reader.metric('cache_requests_total{cache="totals",result="miss"}') == 2
    assert reader.metric('cache_requests_total{cache="totals",result="hit"}') == 2


async def test_active_is_open_in_figures_and_filters_alike(make_web: MakeWeb) -> None:
    listed = [market(n, status=status) for n, status in enumerate(ListedStatus)]
    reader = await reader_of(make_web, FakeVenue(listed))
    await reader.ingest()
    active = await reader.get("/markets?platform=fake&status=active")
    assert [one["status"] for one in active] == ["OPEN"]
    (status,) = await reader.get("/feed/status")
    assert (status["markets"], status["active"]) == (len(listed), 1)
    categories = await reader.get("/markets/categories?platform=fake")
    assert sum(one["active"] for one in categories) == 1
    assert (await reader.get("/markets/random?platform=fake"))["id"] == active[0]["id"]


async def test_a_row_is_shown_as_it_is_though_its_like_was_shown_before(store: Store) -> None:
    venue, shown = FakeVenue([market(1), market(2)]), ShownRows()
    for changes in ({}, {"yes_price": 77}, {"status": ListedStatus.RESOLVED}, {}):
        venue.listed["M1"] = market(1, **changes)
        await store.ingest(venue)
        for name in ("M1", "M2", "M1"):
            row = await store.markets.find("fake", name)
            assert row is not None
            for later_us in (0, 5_000_000, 10**10):
                now = row.as_of + later_us
                assert shown.view(row, now) == row_view(row, now)
                # It was seen again, unchanged.
                again = msgspec.structs.replace(row, seen_at=row.as_of + 1_000_000)
                assert shown.view(again, now + 1_000_000) == row_view(again, now + 1_000_000)
