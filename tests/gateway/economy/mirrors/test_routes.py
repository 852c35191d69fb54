"""What admins see of mirrors and the house, and what they change."""

from typing import Any

import pytest

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from exchange.model.system_accounts import HOUSE
from persistence.repositories.economy.mirrors import Mirror, Mirrors
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.mirrors.mirror_stories import set_stage


async def test_one_is_made_shown_changed_and_listed(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    made = await stage.mirror(1, spread="0.03", size="25", exposure="500")
    mirror = await stage.row()
    market = stage.ours(mirror)
    assert made["marketId"] == "fake:M1"
    assert (made["market"], made["slug"]) == (str(market.id), market.slug)
    assert (made["spread"], made["size"], made["exposure"]) == ("0.0300", "25.00", "500.000000")
    assert (made["outcomes"], made["status"], made["idle"]) == (
        ["Home", "Away"],
        "OPEN",
        "NO_SOURCE",
    )
    path = f"/admin/mirrors/{mirror.id}"
    changed = await stage.admin.data("PATCH", path, {"spread": "0.05", "quotes": False})
    assert (changed["spread"], changed["size"]) == ("0.0500", "25.00")
    assert (changed["quotes"], changed["idle"]) == (False, "PAUSED")
    assert await stage.audited("mirror.change") == [
        (f"{market.slug} 500 2500 500000000 paused", "ok")
    ]
    # The same again changes nothing.
    await stage.admin.data("PATCH", path, {"spread": "0.05"})
    assert len(await stage.audited("mirror.change")) == 1
    await stage.mirror(2)
    await stage.mirror(3)
    listed = await stage.admin.data("GET", "/admin/mirrors?limit=2")
    assert [one["marketId"] for one in listed] == ["fake:M3", "fake:M2"]
    answer = (await stage.admin.call("GET", "/admin/mirrors?limit=2")).json()
    rest = await stage.admin.data("GET", f"/admin/mirrors?cursor={answer['nextCursor']}")
    assert [one["marketId"] for one in rest] == ["fake:M1"]
    assert await stage.admin.data("GET", "/admin/mirrors?status=RESOLVED") == []
    assert (await stage.admin.data("GET", path)) == rest[0]


async def test_what_the_house_has_at_stake(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    house = await stage.admin.data("GET", "/admin/house")
    assert (house["atStake"], house["mirrors"], house["orders"]) == ("0.000000", 0, 0)
    assert house["exposure"] == "100000.000000"
    await stage.mirror(1)
    market = stage.ours(await stage.row())
    stage.fund("100")
    stage.web.engine.run(PlaceOrder(HOUSE, market.id, BUY, YES, LIMIT, 4_000, 1_000, GTC))
    shown = await stage.admin.data("GET", f"/admin/mirrors/{(await stage.row()).id}")
    assert (shown["atStake"], shown["bid"], shown["ask"]) == ("4.000000", "0.4000", None)
    house = await stage.admin.data("GET", "/admin/house")
    assert (house["available"], house["locked"]) == ("96.000000", "4.000000")
    assert (house["atStake"], house["mirrors"], house["quoted"]) == ("4.000000", 1, 1)
    assert house["accountId"] == str(HOUSE)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "marketId"),
        ({"marketId": ""}, "marketId"),
        ({"marketId": 7}, "marketId"),
        ({"marketId": "fake:M1", "spread": "0"}, "spread"),
        ({"marketId": "fake:M1", "spread": "1"}, "spread"),
        ({"marketId": "fake:M1", "spread": "NaN"}, "spread"),
        ({"marketId": "fake:M1", "spread": "0.00001"}, "spread"),
        ({"marketId": "fake:M1", "size": "0"}, "size"),
        ({"marketId": "fake:M1", "size": "-5"}, "size"),
        ({"marketId": "fake:M1", "size": "1e9"}, "size"),
        ({"marketId": "fake:M1", "exposure": "0"}, "exposure"),
        ({"marketId": "fake:M1", "exposure": "0.0000001"}, "exposure"),
        ({"marketId": "fake:M1", "exposure": True}, "exposure"),
        ({"marketId": "fake:M1", "quotes": True}, "quotes"),
    ],
)
async def test_bad_terms_are_named(make_web: MakeWeb, body: dict[str, Any], field: str) -> None:
    stage = await set_stage(make_web)
    assert await stage.admin.refused("POST", "/admin/mirrors", body) == (400, [field])
    assert await stage.rows.standing() == []


async def test_a_change_does_not_undo_another_that_came_between(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    await stage.mirror(1)
    mirror, read = await stage.row(), Mirrors.by_id
    path = f"/admin/mirrors/{mirror.id}"

    async def overtaken(rows: Mirrors, mirror_id: int) -> Mirror | None:
        """Another admin takes the house out right after this one has read the mirror."""
        found = await read(rows, mirror_id)
        monkeypatch.setattr(Mirrors, "by_id", read)
        await stage.admin.data("PATCH", path, {"quotes": False})
        return found

    monkeypatch.setattr(Mirrors, "by_id", overtaken)
    answer = await stage.admin.call("PATCH", path, {"spread": "0.05"})
    assert answer.status_code == 409
    mirror = await stage.row()
    assert (mirror.quotes, mirror.spread) == (False, 100)
    assert len(await stage.audited("mirror.change")) == 1
    await stage.admin.data("PATCH", path, {"spread": "0.05"})
    mirror = await stage.row()
    assert (mirror.quotes, mirror.spread) == (False, 500)


async def test_what_cannot_be(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    body = {"marketId": "fake:M9"}
    assert (await stage.admin.call("POST", "/admin/mirrors", body)).status_code == 404
    await stage.mirror(1)
    body = {"marketId": "fake:M1"}
    assert (await stage.admin.call("POST", "/admin/mirrors", body)).status_code == 409
    path = f"/admin/mirrors/{(await stage.row()).id}"
    for change in ({"disputed": True}, {"spread": "2"}, {"size": "0"}, {"quotes": "yes"}):
        status, fields = await stage.admin.refused("PATCH", path, change)
        assert (status, fields) == (400, [*change])
    for method in ("GET", "PATCH", "DELETE"):
        sent: object = {} if method == "PATCH" else None
        assert (await stage.admin.call(method, "/admin/mirrors/999", sent)).status_code == 404
    await stage.admin.data("DELETE", path)
    assert (await stage.admin.call("PATCH", path, {"quotes": True})).status_code == 409
