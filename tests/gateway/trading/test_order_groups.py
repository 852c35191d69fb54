"""Order groups over REST: making, changing, listing, resetting; and what their orders show."""

import json
from typing import Any

import pytest

from exchange.messages.group_commands import SetOrderGroup
from tests.e2e.test_samples import blocks
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, order

MM = {"groupId": "mm", "maxFilled": "10", "windowSeconds": 60}


async def made(desk: Desk, who: str = "ann", **more: Any) -> dict[str, Any]:
    reply = await desk.call("POST", "/order-groups", who, MM | more)
    assert reply.status == 200, reply.error
    shown: dict[str, Any] = reply.data
    return shown


async def test_a_group_is_made_and_shown(desk: Desk) -> None:
    assert await made(desk, maxNet="5.5") == {
        "groupId": "mm",
        "status": "ACTIVE",
        "maxFilled": "10.00",
        "maxNet": "5.50",
        "windowSeconds": 60,
        "filled": "0.00",
        "net": "0.00",
        "openOrders": 0,
    }
    changed = await made(desk, maxFilled=20, windowSeconds=3600)
    assert (changed["maxFilled"], changed["maxNet"], changed["windowSeconds"]) == (
        *("20.00", None, 3600),
    )
    assert await desk.get("/order-groups", "ann") == [changed]
    assert await desk.get("/order-groups", "ben") == []


async def test_the_list_has_parts(desk: Desk) -> None:
    for name in ("b", "A", "c", "a"):
        await made(desk, groupId=name)
    first = await desk.call("GET", "/order-groups?limit=3", "ann")
    assert [one["groupId"] for one in first.data] == ["A", "a", "b"]
    assert first.body["meta"]["asOfSeq"] == desk.engine.view.seq
    cursor = first.body["nextCursor"]
    rest = await desk.call("GET", f"/order-groups?limit=3&cursor={cursor}", "ann")
    assert [one["groupId"] for one in rest.data] == ["c"]
    assert rest.body["nextCursor"] is None


async def test_its_orders_end_at_the_limit_and_it_takes_none_until_it_is_reset(desk: Desk) -> None:
    await made(desk, maxNet="100")
    orders = [await desk.rest("ann", f"BUY YES 6 @ 0.5{n}", groupId="mm") for n in (2, 1, 0)]
    assert (await desk.get("/order-groups", "ann"))[0]["openOrders"] == 3
    await desk.rest("ben", "BUY NO 12 @ 0.49")
    ended = await desk.get(f"/orders/{orders[2]}", "ann")
    assert (ended["status"], ended["cancelReason"], ended["groupId"], ended["locked"]) == (
        *("CANCELLED", "GROUP_LIMIT", "mm", "0.000000"),
    )
    (shown,) = await desk.get("/order-groups", "ann")
    assert (shown["status"], shown["filled"], shown["net"], shown["openOrders"]) == (
        *("TRIGGERED", "12.00", "12.00", 0),
    )
    refused = await desk.place("ann", "BUY YES 1 @ 0.10", groupId="mm")
    assert (refused.status, refused.error["code"], refused.fields) == (
        *(422, "GROUP_LIMIT", ["groupId"]),
    )
    for number in ("12.00 of 10.00 filled", "12.00 of 100.00 net", "60 s"):
        assert number in refused.error["message"]
    reset = (await desk.call("POST", "/order-groups/mm/reset", "ann")).data
    assert (reset["status"], reset["filled"], reset["net"]) == ("ACTIVE", "0.00", "0.00")
    await desk.rest("ann", "BUY YES 1 @ 0.10", groupId="mm")


async def test_a_taker_is_told_why_it_ended_and_has_its_money_back(desk: Desk) -> None:
    await made(desk)
    await desk.rest("ben", "BUY NO 10 @ 0.50")
    resting = await desk.rest("ann", "BUY YES 1 @ 0.10", groupId="mm")
    reply = await desk.place("ann", "BUY YES 30 @ 0.50", groupId="mm")
    taker = reply.data["order"]
    assert (taker["status"], taker["cancelReason"], taker["filled"], taker["locked"]) == (
        *("CANCELLED", "GROUP_LIMIT", "10.00", "0.000000"),
    )
    assert reply.data["balance"] == await desk.get("/user/balance", "ann")
    assert reply.data["balance"]["locked"] == "0.000000"
    assert (await desk.get(f"/orders/{resting}", "ann"))["cancelReason"] == "GROUP_LIMIT"
    events = await desk.get(f"/orders/{resting}/events", "ann")
    assert [(one["type"], one.get("reason")) for one in events][-1] == ("CANCELLED", "GROUP_LIMIT")


async def test_what_was_sold_is_below_zero(desk: Desk) -> None:
    await made(desk)
    await desk.rest("ben", "BUY YES 5 @ 0.50")
    await desk.rest("ann", "BUY NO 4 @ 0.50", groupId="mm")
    (shown,) = await desk.get("/order-groups", "ann")
    assert (shown["filled"], shown["net"]) == ("4.00", "-4.00")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"groupId": None}, "groupId"),
        ({"groupId": ""}, "groupId"),
        ({"groupId": "a b"}, "groupId"),
        ({"groupId": "x" * 65}, "groupId"),
        ({"groupId": 7}, "groupId"),
        ({"maxFilled": "0"}, "maxFilled"),
        ({"maxFilled": "-1"}, "maxFilled"),
        ({"maxFilled": "1.005"}, "maxFilled"),
        ({"maxFilled": "100000000.01"}, "maxFilled"),
        ({"maxFilled": None}, "maxFilled"),
        ({"maxFilled": "1e2"}, "maxFilled"),
        ({"maxNet": "0"}, "maxNet"),
        ({"maxNet": "many"}, "maxNet"),
        ({"windowSeconds": 0}, "windowSeconds"),
        ({"windowSeconds": 3_601}, "windowSeconds"),
        ({"windowSeconds": 1.5}, "windowSeconds"),
        ({"windowSeconds": "60"}, "windowSeconds"),
        ({"window": 60}, "window"),
    ],
)
async def test_a_group_that_is_none(desk: Desk, changes: dict[str, Any], field: str) -> None:
    reply = await desk.call("POST", "/order-groups", "ann", MM | changes)
    assert (reply.status, reply.error["code"], reply.fields) == (400, "VALIDATION_ERROR", [field])
    assert await desk.get("/order-groups", "ann") == []


async def test_what_is_not_there_is_404(desk: Desk) -> None:
    await made(desk, "ben")
    for reply in (
        await desk.call("POST", "/order-groups/mm/reset", "ann"),
        await desk.place("ann", "BUY YES 1 @ 0.50", groupId="mm"),
        await desk.call("DELETE", "/orders?groupId=mm", "ann"),
    ):
        assert (reply.status, reply.error["code"], reply.fields) == (
            *(404, "GROUP_NOT_FOUND", ["groupId"]),
        )
    for reply in (
        await desk.call("POST", "/order-groups/a%20b/reset", "ann"),
        await desk.place("ann", "BUY YES 1 @ 0.50", groupId="a b"),
        await desk.call("DELETE", "/orders?groupId=a%20b", "ann"),
    ):
        assert (reply.status, reply.fields) == (400, ["groupId"])
    assert (await desk.call("GET", "/order-groups", None)).status == 401


async def test_a_hundred_and_no_more(desk: Desk) -> None:
    for number in range(100):
        await made(desk, groupId=f"g{number}")
    reply = await desk.call("POST", "/order-groups", "ann", MM)
    assert (reply.status, reply.error["code"], reply.error["transient"]) == (
        *(422, "TOO_MANY_GROUPS", False),
    )
    await made(desk, groupId="g7", maxFilled="11")


async def test_cancelling_a_group_leaves_the_others(desk: Desk) -> None:
    await made(desk)
    mine = await desk.rest("ann", "BUY YES 1 @ 0.50", groupId="mm")
    await desk.rest("ann", "BUY YES 1 @ 0.50")
    data = (await desk.call("DELETE", "/orders?groupId=mm", "ann")).data
    assert data["orderIds"] == [mine]


async def test_a_preview_ends_groups_like_the_order_itself(desk: Desk) -> None:
    await made(desk, maxFilled="6")
    for price in ("0.52", "0.51"):
        await desk.rest("ann", f"BUY YES 6 @ {price}", groupId="mm")
    await desk.rest("cat", "BUY YES 6 @ 0.50")
    sent = order("BUY NO 12 @ 0.50")
    shown = (await desk.call("POST", "/orders/preview", "ben", sent | {"market": "rain"})).data
    fills = [trade["yesPrice"] for trade in shown["results"][0]["data"]["trades"]]
    assert fills == ["0.5200", "0.5000"]
    (group,) = await desk.get("/order-groups", "ann")
    assert (group["status"], group["openOrders"]) == ("ACTIVE", 2)
    done = (await desk.call("POST", "/orders/rain", "ben", sent)).data
    assert [trade["yesPrice"] for trade in done["trades"]] == fills


async def test_a_preview_shows_what_ones_own_group_frees(desk: Desk) -> None:
    await made(desk, maxFilled="6")
    await desk.rest("ann", "BUY YES 10 @ 0.10", groupId="mm")
    await desk.rest("ben", "BUY NO 6 @ 0.50")
    body = {"market": "rain"} | order("BUY YES 6 @ 0.50", groupId="mm")
    shown = (await desk.call("POST", "/orders/preview", "ann", body)).data
    assert shown["balance"] == {
        "available": "997.000000",
        "locked": "0.000000",
        "total": "997.000000",
    }


async def test_over_a_socket() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        desk.engine.run(SetOrderGroup(1, "mm", 1_000, 60))
        for size in ("9", "4"):
            body = {"market": "rain"} | order(f"BUY YES {size} @ 0.50", groupId="mm")
            assert (await ann.ok("order:place", body))["order"]["groupId"] == "mm"
        data = await ann.ok("order:cancel_all", {"groupId": "mm"})
        assert data["cancelled"] == 2
        for name, code in (("nn", "GROUP_NOT_FOUND"), ("a b", "VALIDATION_ERROR")):
            assert (await ann.refusal("order:cancel_all", {"groupId": name}))["code"] == code


async def test_the_owner_hears_of_each_order_that_its_group_ends() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        desk.engine.run(SetOrderGroup(1, "mm", 1_000, 60))
        for market in ("rain", "snow"):
            body = {"market": market} | order("BUY YES 10 @ 0.50", groupId="mm")
            await ann.ok("order:place", body)
        async with socket_client(desk.port, "2") as ben:
            await ben.ok("order:place", {"market": "rain"} | order("BUY NO 10 @ 0.50"))
        await ann.until(lambda: ann.heard("order_cancelled"))
        (ended,) = ann.heard("order_cancelled")
        assert (ended["slug"], ended["cancelReason"]) == ("snow", "GROUP_LIMIT")


async def test_the_documented_group(desk: Desk) -> None:
    bodies = [json.loads(text) for text in blocks("docs/trading.md", "json")]
    (body,) = [body for body in bodies if "maxFilled" in body]
    reply = await desk.call("POST", "/order-groups", "ann", body)
    assert (reply.status, reply.data["groupId"], reply.data["status"]) == (200, "quotes", "ACTIVE")
    await desk.rest("ann", "BUY YES 60 @ 0.50", groupId="quotes")
    await desk.rest("ann", "BUY YES 60 @ 0.49", groupId="quotes")
    await desk.rest("ben", "BUY NO 50 @ 0.50")
    (shown,) = await desk.get("/order-groups", "ann")
    assert (shown["status"], shown["net"], shown["openOrders"]) == ("TRIGGERED", "50.00", 0)
