"""Watchlists over REST and a real PostgreSQL: lists, items, bounds, races, other people."""

import asyncio
from typing import Any

import pytest

from persistence.clock import now_us
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import VenueFake, caller, venue_market
from tests.persistence.running import listing

KALSHI = VenueFake(venue_market("KXRAIN-26"), venue_market("KXSNOW-26", yes_price=None))


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    made = await make_web(catalogues=[KALSHI], WATCHLISTS_MAX=5, WATCHLIST_ITEMS_MAX=4)
    made.engine.run(listing())
    return made


async def test_a_list_is_made_renamed_and_deleted(web: Web) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": "  Weathe\u0301r "})
    assert made["name"] == "Weath\u00e9r", "trimmed, and composed"
    assert made["itemCount"] == 0
    path = f"/watchlists/{made['id']}"
    assert (await ann.call("GET", path)).json()["data"] == made | {"items": []}
    renamed = await ann.data("PATCH", path, {"name": "Rain"})
    assert renamed["name"] == "Rain"
    assert renamed["createdAt"] == made["createdAt"]
    assert renamed["updatedAt"] >= made["updatedAt"]
    assert [one["name"] for one in await ann.data("GET", "/watchlists")] == ["Rain"]
    assert await ann.data("DELETE", path) is None
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await ann.call(method, path, body)).status_code == 404
    assert await ann.data("GET", "/watchlists") == []


async def test_markets_of_all_platforms_are_shown_as_they_are_now(web: Web) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": "all"})
    items = f"/watchlists/{made['id']}/items"
    ours = await ann.data("POST", items, {"marketId": "rain"})
    theirs = await ann.data("POST", items, {"marketId": "kalshi:KXRAIN-26", "platform": "kalshi"})
    await ann.data("POST", items, {"marketId": "KXSNOW-26", "platform": "kalshi"})
    assert (ours["marketId"], ours["externalId"], ours["platform"]) == ("1", "1", "exchange")
    assert (ours["slug"], ours["question"], ours["yesPrice"]) == ("rain", "Will it rain?", None)
    assert theirs == {
        "id": theirs["id"],
        "marketId": "kalshi:KXRAIN-26",
        "platform": "kalshi",
        "externalId": "KXRAIN-26",
        "slug": None,
        "question": "Will KXRAIN-26 happen?",
        "category": "politics",
        "status": "OPEN",
        "closeTime": None,
        "yesPrice": "0.4000",
        "noPrice": "0.6000",
        "asOf": "2026-01-31T12:00:00.000Z",
        "stale": True,
        "addedAt": theirs["addedAt"],
    }
    KALSHI.change("KXRAIN-26", yes_price=4_500, as_of=now_us())
    gone = KALSHI.markets.pop(venue_market("KXSNOW-26").ref)
    try:
        whole = await ann.data("GET", f"/watchlists/{made['id']}")
    finally:
        KALSHI.markets[gone.ref] = gone
        KALSHI.change("KXRAIN-26", yes_price=4_000, as_of=venue_market("KXRAIN-26").as_of)
    assert whole["itemCount"] == 3
    assert [one["yesPrice"] for one in whole["items"]] == [None, "0.4500", None]
    assert [one["stale"] for one in whole["items"]] == [False, False, False]
    assert [one["question"] for one in whole["items"]][2] is None, "no longer listed"
    before = whole["updatedAt"]
    assert await ann.data("DELETE", f"{items}/{theirs['id']}") is None
    assert (await ann.call("DELETE", f"{items}/{theirs['id']}")).status_code == 404
    whole = await ann.data("GET", f"/watchlists/{made['id']}")
    assert whole["updatedAt"] > before, "what was taken off is a change, too"
    assert [one["marketId"] for one in whole["items"]] == ["1", "kalshi:KXSNOW-26"]


@pytest.mark.parametrize(
    "again",
    [
        {"marketId": "rain"},
        {"marketId": "1"},
        {"marketId": "exchange:rain"},
        {"marketId": "1", "platform": "exchange"},
    ],
)
async def test_a_market_is_on_a_list_once_whatever_it_is_called(
    web: Web, again: dict[str, str]
) -> None:
    ann = await caller(web)
    lists = [await ann.data("POST", "/watchlists", {"name": "same"}) for _ in range(2)]
    for one in lists:
        await ann.data("POST", f"/watchlists/{one['id']}/items", {"marketId": "rain"})
    path = f"/watchlists/{lists[0]['id']}/items"
    assert await ann.refused("POST", path, again) == (409, ["marketId"])


async def test_of_requests_that_race_one_wins(web: Web) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": "race"})
    path = f"/watchlists/{made['id']}/items"
    answers = await asyncio.gather(
        *(ann.call("POST", path, {"marketId": "kalshi:KXRAIN-26"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert len((await ann.data("GET", f"/watchlists/{made['id']}"))["items"]) == 1


async def test_those_who_add_take_off_and_delete_wait_in_no_circle(web: Web) -> None:
    ann = await caller(web)
    for _ in range(5):
        made = await ann.data("POST", "/watchlists", {"name": "race"})
        path = f"/watchlists/{made['id']}"
        item = await ann.data("POST", f"{path}/items", {"marketId": "rain"})
        calls: list[tuple[str, str, dict[str, Any] | None]] = [
            ("DELETE", f"{path}/items/{item['id']}", None),
            *[("POST", f"{path}/items", {"marketId": "rain"})] * 4,
            ("DELETE", path, None),
            ("PATCH", path, {"name": "b"}),
        ]
        answers = await asyncio.gather(*(ann.call(*call) for call in calls))
        assert {answer.status_code for answer in answers} <= {200, 201, 404, 409}


async def test_bounds_hold_when_requests_race(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    answers = await asyncio.gather(
        *(ann.call("POST", "/watchlists", {"name": str(n)}) for n in range(9))
    )
    assert sorted(answer.status_code for answer in answers) == [*[201] * 5, *[422] * 4]
    refusal = next(answer for answer in answers if answer.status_code == 422).json()["error"]
    assert refusal["code"] == "LIMIT_REACHED"
    assert "at most 5" in refusal["message"]
    assert (await ben.call("POST", "/watchlists", {"name": "mine"})).status_code == 201
    ids = [one["id"] for one in await ann.data("GET", "/watchlists")]
    bodies = [{"marketId": "rain"}, {"marketId": "kalshi:KXRAIN-26"}]
    answers = await asyncio.gather(
        *(ann.call("POST", f"/watchlists/{n}/items", body) for n in ids[:3] for body in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [*[201] * 4, *[422] * 2]
    counts = [one["itemCount"] for one in await ann.data("GET", "/watchlists")]
    assert sum(counts) == 4, "what was refused left nothing"


async def test_a_list_that_is_deleted_meanwhile_is_a_404(web: Web) -> None:
    ann = await caller(web)
    for _ in range(5):
        made = await ann.data("POST", "/watchlists", {"name": "gone"})
        path = f"/watchlists/{made['id']}"
        added, deleted = await asyncio.gather(
            ann.call("POST", f"{path}/items", {"marketId": "rain"}), ann.call("DELETE", path)
        )
        assert added.status_code in {201, 404}
        assert deleted.status_code == 200
        assert (await ann.call("GET", path)).status_code == 404


async def test_lists_go_on_by_cursor(web: Web) -> None:
    ann = await caller(web)
    names = [f"list {n}" for n in range(5)]
    for name in names:
        await ann.data("POST", "/watchlists", {"name": name})
    found: list[str] = []
    cursor = ""
    while True:
        body = (await ann.call("GET", f"/watchlists?limit=2{cursor}")).json()
        found += [one["name"] for one in body["data"]]
        assert body["pagination"]["total"] == 5
        if body["nextCursor"] is None:
            break
        cursor = f"&cursor={body['nextCursor']}"
    assert found == names
    assert [one["name"] for one in await ann.data("GET", "/watchlists?offset=3")] == names[3:]


async def test_other_peoples_lists_are_as_absent_as_none(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": "ann's"})
    own = await ben.data("POST", "/watchlists", {"name": "ben's"})
    item = await ann.data("POST", f"/watchlists/{made['id']}/items", {"marketId": "rain"})

    async def answers(number: str) -> list[dict[str, Any]]:
        path = f"/watchlists/{number}"
        found = [
            await ben.call("GET", path),
            await ben.call("PATCH", path, {"name": "mine"}),
            await ben.call("DELETE", path),
            await ben.call("POST", f"{path}/items", {"marketId": "rain"}),
            await ben.call("POST", f"{path}/items", {"marketId": "none"}),
            await ben.call("DELETE", f"{path}/items/{item['id']}"),
        ]
        assert {answer.status_code for answer in found} == {404}
        return [answer.json()["error"] for answer in found]

    assert await answers(made["id"]) == await answers("999999")
    path = f"/watchlists/{own['id']}/items/{item['id']}"
    assert (await ben.call("DELETE", path)).status_code == 404, "by way of a list of one's own"
    assert [one["name"] for one in await ben.data("GET", "/watchlists")] == ["ben's"]
    assert len((await ann.data("GET", f"/watchlists/{made['id']}"))["items"]) == 1


@pytest.mark.parametrize("name", ["", " ", "\t\n", "x" * 101, "a\nb", "a\u2028b", None, 7, ["a"]])
async def test_a_name_that_is_none(web: Web, name: object) -> None:
    ann = await caller(web)
    assert await ann.refused("POST", "/watchlists", {"name": name}) == (400, ["name"])


async def test_the_longest_name_with_blanks_around_it(web: Web) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": f"  {'x' * 100}  "})
    assert made["name"] == "x" * 100


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "marketId"),
        ({"marketId": ""}, 400, "marketId"),
        ({"marketId": None}, 400, "marketId"),
        ({"marketId": 1}, 400, "marketId"),
        ({"marketId": "x" * 256}, 400, "marketId"),
        ({"marketId": "x" * 5_000}, 400, "marketId"),
        ({"marketId": "a\x00b"}, 400, "marketId"),
        ({"marketId": "a b"}, 400, "marketId"),
        ({"marketId": "kalshi:"}, 400, "marketId"),
        ({"marketId": "manifold:x"}, 400, "marketId"),
        ({"marketId": "rain", "platform": "x"}, 400, "platform"),
        ({"marketId": "rain", "platform": ""}, 400, "platform"),
        ({"marketId": "kalshi:KXRAIN-26", "platform": "exchange"}, 400, "platform"),
        ({"marketId": "exchange:rain", "platform": "kalshi"}, 400, "platform"),
        ({"marketId": "rain", "note": "x"}, 400, "note"),
        ({"marketId": "hail"}, 404, "marketId"),
        ({"marketId": "0"}, 404, "marketId"),
        ({"marketId": "a/b"}, 404, "marketId"),
        ({"marketId": "' OR 1=1".replace(" ", "")}, 404, "marketId"),
        ({"marketId": "kalshi:rain"}, 404, "marketId"),
        ({"marketId": "rain", "platform": "kalshi"}, 404, "marketId"),
    ],
)
async def test_an_item_that_cannot_be(
    web: Web, body: dict[str, object], status: int, field: str
) -> None:
    ann = await caller(web)
    made = await ann.data("POST", "/watchlists", {"name": "bad"})
    path = f"/watchlists/{made['id']}/items"
    assert await ann.refused("POST", path, body) == (status, [field])
    assert (await ann.data("GET", f"/watchlists/{made['id']}"))["items"] == []


@pytest.mark.parametrize(
    "number", ["0", "-1", "01", "x", "9" * 19, "9" * 30, "%00", "a%2Fb", "1.5"]
)
async def test_an_id_that_is_none(web: Web, number: str) -> None:
    ann = await caller(web)
    for method, path in [
        ("GET", f"/watchlists/{number}"),
        ("DELETE", f"/watchlists/{number}"),
        ("DELETE", f"/watchlists/1/items/{number}"),
    ]:
        assert (await ann.call(method, path)).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
        ("sort=name", "sort"),
    ],
)
async def test_a_page_that_is_none(web: Web, query: str, field: str) -> None:
    ann = await caller(web)
    assert await ann.refused("GET", f"/watchlists?{query}") == (400, [field])
