"""Categories over a real PostgreSQL: counted over all platforms, and listed as they are counted."""

from exchange.messages.commands import SetMarketStatus
from exchange.messages.terms import MarketStatus
from gateway.feeds.model import ListedStatus
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of


async def test_categories_count_all_platforms(make_web: MakeWeb) -> None:
    listed = [market(n) for n in range(9)] + [
        market(10, category="POLITICS ", status=ListedStatus.CLOSED),
        market(13, category="Politics", status=ListedStatus.POST_ONLY),
        market(11, category=""),
    ]
    reader = await reader_of(make_web, FakeVenue(listed))
    reader.list_ours("rain", "Will it rain?", "weather")
    await reader.ingest()
    found = {one["category"]: one for one in await reader.get("/markets/categories")}
    counts = {name: (one["markets"], one["active"]) for name, one in found.items()}
    assert counts == {"politics": (5, 3), "weather": (4, 4), "sports": (3, 3)}
    ours = await reader.get("/markets/categories?platform=exchange")
    assert [one["category"] for one in ours] == ["weather"]


async def test_a_category_that_is_listed_has_what_was_counted(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue([market(1, category="Météo  locale")]))
    reader.list_ours("rain", "Will it rain?", "météo locale")
    await reader.ingest()
    for platform, count in (("all", 2), ("exchange", 1), ("fake", 1)):
        of = f"platform={platform}"
        [found] = await reader.get(f"/markets/categories?{of}")
        assert found["markets"] == count
        assert len(await reader.get(f"/markets/category/{found['category']}?{of}")) == count
        assert len(await reader.get(f"/markets?category={found['category']}&{of}")) == count


async def test_of_ours_only_what_is_open_is_active(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue([]))
    for number, status in enumerate((MarketStatus.POST_ONLY, MarketStatus.HALTED, None), 1):
        reader.list_ours(f"rain-{number}", "Will it rain?", "weather")
        if status is not None:
            reader.web.engine.run(SetMarketStatus(number, status))
    [found] = await reader.get("/markets/categories?platform=exchange")
    assert (found["markets"], found["active"]) == (3, 1)
    assert len(await reader.get("/markets?platform=exchange&status=active")) == 1
