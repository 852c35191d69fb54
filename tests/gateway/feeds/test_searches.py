"""Searches: by words over all platforms, ranked, and within a list."""

import pytest

from gateway.feeds.model import ListedStatus
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of
from tests.gateway.feeds.test_lists import pages

SEARCHED = (
    market(1, question="Will Bitcoin reach $150k?", description="By the end of the year."),
    market(2, question="Will the bitcoins of Satoshi move?", description=""),
    market(3, question="Does gold fall?", description="Measured against bitcoin."),
    market(4, question="Präsidentschaftswahl: gewinnt Müller?", description="", tags=("élection",)),
    market(5, question="Who wins the election?", description="", status=ListedStatus.RESOLVED),
)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("bitcoin", ["fake:M1", "fake:M2", "fake:M3"]),
        ("BITCOINS", ["fake:M2"]),
        ("bitco", ["fake:M2", "fake:M1", "fake:M3"]),
        ("will bitcoin", ["fake:M1", "fake:M2"]),
        ("bitcion", ["fake:M1", "fake:M3"]),
        ("bitconi 150k", ["fake:M1"]),
        ("satoshl", ["fake:M2"]),
        ("prasidentschaftswahl", ["fake:M4"]),
        ("MÜLLER", ["fake:M4"]),
        ("mueller", ["fake:M4"]),
        ("election", ["fake:M5", "fake:M4"]),
        ("elections", ["fake:M5", "fake:M4"]),
        ("150", ["fake:M1"]),
        ("' OR 1=1", []),
        ("'; DROP TABLE venue_markets; --", []),
        ("a & !b | (c)", []),
        ("zzzzzz", []),
    ],
)
async def test_search(make_web: MakeWeb, q: str, found: list[str]) -> None:
    reader = await reader_of(make_web, FakeVenue(SEARCHED))
    await reader.ingest()
    answer = await reader.web.client.get("/api/v1/markets/search", params={"q": q})
    assert answer.status_code == 200, answer.text
    assert [one["id"] for one in answer.json()["data"]] == found
    assert answer.json()["pagination"]["total"] == len(found)


async def test_a_lists_search_is_text_of_ours_and_words_of_theirs(make_web: MakeWeb) -> None:
    """As docs/markets.md has it."""
    about = {"description": "By the café's word.", "slug": "x-1"}
    reader = await reader_of(make_web, FakeVenue([market(1, question="Rain in 2026?", **about)]))
    reader.list_ours("rain-2026", "Rain in 2026?")
    await reader.ingest()
    for text, found in (
        ("in 20", ["1", "fake:M1"]),
        ("IN 2026?", ["1", "fake:M1"]),
        ("ain in", ["1"]),
        ("2026 rain", ["fake:M1"]),
        ("ain-20", ["1"]),
        ("CAFE", ["fake:M1"]),
        ("rian", []),
    ):
        listed = await reader.get(f"/markets?platform=all&search={text}&sort=created&order=desc")
        assert {one["id"] for one in listed} == set(found), text
        ours = [one["id"] for one in await reader.get(f"/markets?search={text}")]
        assert ours == [name for name in found if name == "1"]


async def test_ours_are_found_with_theirs_and_first_among_equals(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue(SEARCHED))
    reader.list_ours("btc-up", "Will Bitcoin rise?", "Crypto")
    reader.list_ours("moon", "Will the moon landing be repeated?", "Space")
    await reader.ingest()
    found = await reader.get("/markets/search?q=bitcoin")
    assert [one["id"] for one in found] == ["1", "fake:M1", "fake:M2", "fake:M3"]
    assert [one["id"] for one in await reader.get("/markets/search?q=landnig")] == ["2"]
    assert [one["id"] for one in await reader.get("/markets/search?q=btc")] == ["1"]
    assert await reader.get("/markets/search?q=moon&platform=fake") == []
    assert await reader.get("/markets/search?q=moon&status=resolved") == []
    by_status = await reader.get("/markets/search?q=election&status=resolved")
    assert [one["id"] for one in by_status] == ["fake:M5"]


async def test_search_goes_on_by_cursor_and_offset(make_web: MakeWeb) -> None:
    listed = [market(n, question=f"Will rain fall on day {n}?") for n in range(30)]
    reader = await reader_of(make_web, FakeVenue(listed))
    reader.list_ours("rain", "Will it rain?")
    await reader.ingest()
    for by in ("offset", "cursor"):
        found = await pages(reader, "/markets/search?q=rain", by)
        assert len({one["id"] for one in found}) == 31
        assert found[0]["id"] == "1"
    assert await reader.get("/markets/search?q=rain&offset=5000") == []


async def test_texts_of_ours_that_were_edited_are_found_as_they_are_now(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue())
    reader.list_ours("rain", "Will it rain?", "Weather")
    market_of_ours = reader.web.engine.view.markets[1]
    search = "/markets/search?platform=exchange&q="
    for field, text in (
        ("question", "Does thunder come?"),
        ("description", "By the observatory."),
        ("category", "Lightning"),
    ):
        word = text.split()[-1].strip("?.")
        assert await reader.get(search + word) == []
        setattr(market_of_ours, field, text)
        assert [one["id"] for one in await reader.get(search + word)] == ["1"], field
