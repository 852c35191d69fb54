"""Previews over REST and the socket: the same answers as the thing itself, and nothing done."""

import asyncio
import threading
from typing import Any

import pytest

from exchange.rules import preview as rules
from gateway.trading import previews
from tests.conftest import SetBound
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, open_desk, order

RAIN = {"market": "rain"}


async def test_an_order_is_told_with_fills_fees_escrow_and_position(desk: Desk) -> None:
    market = desk.list_market("fees", maker_fee=0, taker_fee=100)
    await desk.rest("ben", "BUY NO 4 @ 0.45", market.slug)
    before, asked = desk.engine.state_hash(), len(desk.engine.submitted)
    body = order("BUY YES 10 @ 0.56", market=market.slug, clientOrderId="a")
    data = (await desk.call("POST", "/orders/preview", "ann", body)).data
    assert (desk.engine.state_hash(), len(desk.engine.submitted)) == (before, asked)
    (result,) = data["results"]
    told = result["data"]
    assert (told["order"]["status"], told["order"]["filled"]) == ("PARTIAL", "4.00")
    assert (told["order"]["fees"], told["order"]["locked"]) == ("0.022000", "3.360000")
    assert [(one["price"], one["fee"]) for one in told["trades"]] == [("0.5500", "0.022000")]
    assert [(one["outcome"], one["quantity"]) for one in data["positions"]] == [("YES", "4.00")]
    placed = (await desk.place("ann", "BUY YES 10 @ 0.56", market.slug, clientOrderId="a")).data
    assert data["balance"] == placed["balance"]
    assert told["trades"][0] | {"createdAt": ""} == placed["trades"][0] | {"createdAt": ""}
    same = ("id", "clientOrderId", "price", "filled", "remaining", "locked", "fees", "status")
    assert [told["order"][name] for name in same] == [placed["order"][name] for name in same]


async def test_a_batch_is_told_as_it_would_be_answered(desk: Desk) -> None:
    old = await desk.rest("ann", "BUY YES 10 @ 0.30")
    body: dict[str, Any] = {
        "market": "rain",
        "operations": [
            {"op": "cancel", "orderId": old},
            {"op": "place"} | order("BUY YES 10 @ 0.555"),
            {"op": "place"} | order("BUY YES 10 @ 0.40", clientOrderId="q"),
            {"op": "amend", "clientOrderId": "q", "quantity": "4"},
        ],
    }
    preview = (await desk.call("POST", "/orders/preview", "ann", body)).data
    whole = await desk.call("POST", "/orders/preview", "ann", body | {"allOrNone": True})
    assert (whole.error["code"], whole.fields) == ("OFF_TICK", ["operations[1].price"])
    assert len(desk.engine.view.orders) == 1
    done = (await desk.call("POST", "/orders/batch", "ann", body)).data
    assert [one["ok"] for one in preview["results"]] == [one["ok"] for one in done["results"]]
    assert preview["results"][1] == done["results"][1]
    assert preview["balance"] == done["balance"]
    assert preview["results"][0]["data"]["order"]["status"] == "CANCELLED"
    assert preview["results"][3]["data"]["order"]["quantity"] == "4.00"


async def test_what_would_be_refused_is_told_in_its_place(desk: Desk) -> None:
    body = RAIN | order("BUY YES 5000 @ 0.5")
    reply = await desk.call("POST", "/orders/preview", "ann", body)
    (result,) = reply.data["results"]
    assert (result["ok"], result["error"]["code"]) == (False, "INSUFFICIENT_BALANCE")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"side": None}, 400, "side"),
        ({"type": None}, 400, "type"),
        ({"price": "0.55555"}, 400, "price"),
        ({"market": None}, 400, "market"),
        ({"market": "nowhere"}, 404, "market"),
        ({"operations": [{"op": "cancel", "orderId": "1"}]}, 400, "side"),
        ({"allOrNone": True}, 400, "allOrNone"),
        ({"requestId": "r"}, 400, "requestId"),
        ({"timeInForce": "GTD"}, 400, "expiresAt"),
    ],
)
async def test_bad_input(desk: Desk, changes: dict[str, Any], status: int, field: str) -> None:
    body = RAIN | order("BUY YES 1 @ 0.5") | changes
    reply = await desk.call("POST", "/orders/preview", "ann", body)
    assert (reply.status, reply.fields) == (status, [field])


async def test_what_it_looks_at_counts(set_bound: SetBound) -> None:
    set_bound(previews, "ORDERS_A_CALL", 2)
    async with open_desk(RATE_LIMIT_USER_MAX_REQUESTS="6") as desk:
        desk.open_accounts()
        desk.list_market()
        for _ in range(5):
            await desk.rest("ben", "BUY NO 1 @ 0.45")
        passive = RAIN | order("BUY YES 5 @ 0.50")
        assert (await desk.call("POST", "/orders/preview", "ann", passive)).status == 200
        taking = RAIN | order("BUY YES 5 @ 0.55")
        assert (await desk.call("POST", "/orders/preview", "ann", taking)).status == 200
        # One for each order and two for the five that the second would take: one is left.
        reply = await desk.call("POST", "/orders/preview", "ann", taking)
        assert (reply.status, reply.error["code"]) == (429, "RATE_LIMITED")
        assert "this costs 3" in reply.error["message"]


async def test_what_is_too_much_counts_as_well(set_bound: SetBound) -> None:
    set_bound(previews, "ORDERS_A_CALL", 2)
    set_bound(rules, "PREVIEW_ORDERS", 4)
    async with open_desk(RATE_LIMIT_USER_MAX_WRITES="5") as desk:
        desk.open_accounts()
        desk.list_market()
        for _ in range(5):
            await desk.rest("ben", "BUY NO 1 @ 0.45")
        taking = RAIN | order("BUY YES 5 @ 0.55")
        reply = await desk.call("POST", "/orders/preview", "ann", taking)
        assert (reply.status, reply.error["code"]) == (422, "PREVIEW_TOO_LARGE")
        assert reply.headers["ratelimit"].startswith('"write";r=2;')
        reply = await desk.call("POST", "/orders/preview", "ann", taking)
        assert (reply.status, reply.error["code"]) == (429, "RATE_LIMITED")


async def test_over_a_socket() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        body = order("BUY YES 10 @ 0.5", market="rain")
        told = await ann.ok("order:preview", body)
        placed = await ann.ok("order:place", body)
        assert told["balance"] == placed["balance"]
        assert (told["results"][0]["data"]["order"]["id"], len(desk.engine.view.orders)) == ("1", 1)


async def large(desk: Desk) -> None:
    """Let five hundred orders rest in the book of "deep"."""
    desk.list_market("deep")
    for _ in range(500):
        await desk.rest("ben", "BUY NO 0.01 @ 0.45", "deep")


async def test_a_large_one_is_told_the_same_beside_the_event_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await large(desk)
    threads, tell = list[int](), previews.Preview.tell

    def noted(preview: previews.Preview) -> previews.PreviewView:
        threads.append(threading.get_ident())
        return tell(preview)

    monkeypatch.setattr(previews.Preview, "tell", noted)
    body = order("BUY YES 4 @ 0.55", market="deep")
    data = (await desk.call("POST", "/orders/preview", "ann", body)).data
    assert len(data["results"][0]["data"]["trades"]) == 400
    placed = (await desk.place("ann", "BUY YES 4 @ 0.55", "deep")).data
    assert data["balance"] == placed["balance"]
    small = order("BUY YES 0.5 @ 0.55", market="deep")
    assert (await desk.call("POST", "/orders/preview", "ann", small)).status == 200
    assert [one == threading.get_ident() for one in threads] == [False, True]


async def test_so_many_large_ones_wait_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "LARGE_WAITING", 2)
    await large(desk)
    gone_on, tell = threading.Event(), previews.Preview.tell

    def held(preview: previews.Preview) -> previews.PreviewView:
        assert gone_on.wait(30)
        return tell(preview)

    monkeypatch.setattr(previews.Preview, "tell", held)
    body = order("BUY YES 4 @ 0.55", market="deep")
    asked = [
        asyncio.create_task(desk.call("POST", "/orders/preview", "ann", body)) for _ in range(3)
    ]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    refused = [await one for one in done]
    assert [(one.status, one.error["code"]) for one in refused] == [(503, "UNAVAILABLE")]
    gone_on.set()
    assert sorted([reply.status for reply in await asyncio.gather(*asked)]) == [200, 200, 503]
    # They are counted off again.
    assert (await desk.call("POST", "/orders/preview", "ann", body)).status == 200


async def test_a_large_one_over_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "ORDERS_AT_ONCE", 0)
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as ben,
    ):
        await ben.ok("order:place", order("BUY NO 5 @ 0.45", market="rain"))
        body = order("BUY YES 4 @ 0.55", market="rain")
        told = await ann.ok("order:preview", body)
        assert told["results"][0]["data"]["order"]["status"] == "FILLED"
        assert told["balance"] == (await ann.ok("order:place", body))["balance"]
