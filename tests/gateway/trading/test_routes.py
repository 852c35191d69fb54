"""Placing, cancelling and reading orders over REST."""

import asyncio
import json

import pytest

from exchange.messages.commands import Command
from persistence.loop.ports import Answer
from tests.gateway.trading_desk import PEOPLE, Desk, order


async def test_an_order_rests(desk: Desk) -> None:
    reply = await desk.place("ann", "BUY YES 10 @ 0.55", clientOrderId="mine")
    assert reply.status == 201
    market = desk.engine.view.market_by_slug["rain"]
    assert reply.data == {
        "order": {
            "id": "1",
            "clientOrderId": "mine",
            "marketId": str(market.id),
            "slug": "rain",
            "side": "BUY",
            "outcome": "YES",
            "type": "LIMIT",
            "price": "0.5500",
            "quantity": "10.00",
            "maxCost": None,
            "filled": "0.00",
            "remaining": "10.00",
            "averagePrice": None,
            "fees": "0.000000",
            "locked": "5.500000",
            "status": "OPEN",
            "cancelReason": None,
            "timeInForce": "GTC",
            "selfTradePrevention": "CANCEL_TAKER",
            "expiresAt": None,
            "postOnly": False,
            "worstPrice": None,
            "reduceOnly": False,
            "triggerPrice": None,
            "triggerBy": None,
            "ocoOrderId": None,
            "groupId": None,
            "version": 0,
            "createdAt": "2026-01-01T00:00:00.006Z",
            "updatedAt": "2026-01-01T00:00:00.006Z",
            "seq": 6,
        },
        "trades": [],
        "balance": {"available": "994.500000", "locked": "5.500000", "total": "1000.000000"},
    }


async def test_an_order_trades_and_tells_its_fills(desk: Desk) -> None:
    desk.list_market("hail", maker_fee=100, taker_fee=200)
    await desk.rest("ben", "BUY NO 4 @ 0.45", "hail")
    reply = await desk.place("ann", "BUY YES 10 @ 0.60", "hail")
    placed, (trade,) = reply.data["order"], reply.data["trades"]
    assert (placed["status"], placed["filled"], placed["remaining"]) == ("PARTIAL", "4.00", "6.00")
    assert (placed["averagePrice"], placed["fees"]) == ("0.5500", "0.044000")
    # What rests reserves its limit and the maker's fee: 6 x 0.60 x 1.01.
    assert placed["locked"] == reply.data["balance"]["locked"] == "3.636000"
    assert reply.data["balance"]["total"] == "997.756000"
    assert trade == {
        "id": "2-1",
        "tradeNo": 1,
        "marketId": "2",
        "slug": "hail",
        "outcome": "YES",
        "side": "BUY",
        "price": "0.5500",
        "yesPrice": "0.5500",
        "quantity": "4.00",
        "kind": "MINT",
        "seq": 3,
        "createdAt": placed["createdAt"],
        "orderId": placed["id"],
        "role": "TAKER",
        "fee": "0.044000",
    }


async def test_the_market_is_named_by_slug_or_id(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 1 @ 0.5", "rain")
    await desk.rest("ann", "BUY YES 1 @ 0.5", "1")
    assert len(await desk.get("/orders?market=1", "ann")) == 2
    assert len(await desk.get("/orders?market=rain", "ann")) == 2


async def test_a_repeat_tells_the_first_answer_though_the_order_went_on(desk: Desk) -> None:
    first = await desk.place("ann", "BUY YES 10 @ 0.55", clientOrderId="a")
    await desk.place("ben", "BUY NO 4 @ 0.45")
    again = await desk.place("ann", "BUY YES 10.00 @ 0.5500", clientOrderId="a")
    assert again.status == 201
    assert again.data == first.data | {"replayed": True}
    now = await desk.get("/orders/by-client-id/a", "ann")
    assert (now["status"], now["filled"]) == ("PARTIAL", "4.00")


async def test_amend(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    await desk.rest("ben", "BUY NO 4 @ 0.42")
    body = {"price": "0.58", "quantity": "12", "expectedVersion": 0}
    reply = await desk.call("PATCH", f"/orders/{order_id}", "ann", body)
    assert reply.status == 200
    amended = reply.data["order"]
    assert (amended["id"], amended["status"], amended["version"]) == (order_id, "PARTIAL", 1)
    assert (amended["price"], amended["quantity"], amended["remaining"]) == (
        *("0.5800", "12.00", "8.00"),
    )
    assert [(trade["quantity"], trade["role"]) for trade in reply.data["trades"]] == [
        ("4.00", "TAKER")
    ]
    assert reply.data["balance"]["locked"] == amended["locked"] == "4.640000"
    shown = await desk.get(f"/orders/{order_id}", "ann")
    assert shown == amended | {"queuePosition": {"orders": 0, "quantity": "0.00"}}
    for wrong, field in (
        ({}, "body"),
        ({"price": None}, "body"),
        ({"price": "0.555", "side": "BUY"}, "side"),
        ({"price": "0"}, "price"),
        ({"quantity": "0.001"}, "quantity"),
        ({"quantity": "4"}, "quantity"),
        ({"expiresAt": "2026-01-30T12:00:00Z"}, "expiresAt"),
        ({"expiresAt": 5}, "expiresAt"),
        ({"price": "0.5", "expectedVersion": 1.5}, "expectedVersion"),
    ):
        refused = await desk.call("PATCH", f"/orders/{order_id}", "ann", wrong)
        assert (refused.status, refused.fields) == (400, [field])
    assert await desk.get(f"/orders/{order_id}", "ann") == shown
    for who, path, code in (
        ("ben", f"/orders/{order_id}", "NOT_ORDER_OWNER"),
        ("ann", "/orders/99", "ORDER_NOT_FOUND"),
        ("ann", "/orders/x", "ORDER_NOT_FOUND"),
    ):
        refused = await desk.call("PATCH", path, who, {"price": "0.5"})
        assert refused.error["code"] == code


async def test_amending_to_the_end_tells_how_it_ended(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 4 @ 0.55")
    await desk.rest("ben", "BUY NO 4 @ 0.42")
    reply = await desk.call("PATCH", f"/orders/{order_id}", "ann", {"price": "0.60"})
    amended = reply.data["order"]
    assert (amended["status"], amended["averagePrice"]) == ("FILLED", "0.5800")
    assert await desk.get(f"/orders/{order_id}", "ann") == amended


async def test_amending_an_order_that_the_view_did_not_show_yet(desk: Desk) -> None:
    """Its placing may be committed and on its way to the view when the amend comes in."""
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    hidden = desk.engine.view.orders.pop(int(order_id))
    submit = desk.engine.submit

    def show_and_submit(command: Command) -> asyncio.Future[Answer]:
        desk.engine.view.orders[hidden.id] = hidden
        return submit(command)

    desk.engine.submit = show_and_submit  # type: ignore[method-assign]
    reply = await desk.call("PATCH", f"/orders/{order_id}", "ann", {"quantity": "9"})
    assert (reply.status, reply.data["order"]["quantity"]) == (200, "9.00")


async def test_cancel(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    await desk.place("ben", "BUY NO 4 @ 0.45")
    reply = await desk.call("DELETE", f"/orders/{order_id}", "ann")
    assert reply.status == 200
    ended = reply.data["order"]
    assert (ended["status"], ended["cancelReason"]) == ("CANCELLED", "USER")
    assert (ended["filled"], ended["remaining"], ended["locked"]) == ("4.00", "6.00", "0.000000")
    assert reply.data["balance"] == {
        "available": "997.800000",
        "locked": "0.000000",
        "total": "997.800000",
    }
    assert await desk.get(f"/orders/{order_id}", "ann") == ended


async def test_cancelling_an_order_that_the_view_did_not_show_yet(desk: Desk) -> None:
    """Its placing may be committed and on its way to the view when the cancel comes in."""
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    hidden = desk.engine.view.orders.pop(int(order_id))
    submit = desk.engine.submit

    def show_and_submit(command: Command) -> asyncio.Future[Answer]:
        desk.engine.view.orders[hidden.id] = hidden
        return submit(command)

    desk.engine.submit = show_and_submit  # type: ignore[method-assign]
    reply = await desk.call("DELETE", f"/orders/{order_id}", "ann")
    assert (reply.status, reply.data["order"]["status"]) == (200, "CANCELLED")


async def test_an_outage_after_a_cancel_is_not_told_as_if_nothing_happened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    hidden = desk.engine.view.orders.pop(int(order_id))
    submit = desk.engine.submit

    def show_and_submit(command: Command) -> asyncio.Future[Answer]:
        desk.engine.view.orders[hidden.id] = hidden
        return submit(command)

    async def away(_order_id: int) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(desk.engine, "submit", show_and_submit)
    monkeypatch.setattr(desk.engine.history, "order", away)
    reply = await desk.call("DELETE", f"/orders/{order_id}", "ann")
    assert (reply.status, reply.error["code"]) == (504, "UNKNOWN_OUTCOME")
    monkeypatch.undo()
    assert (await desk.get(f"/orders/{order_id}", "ann"))["status"] == "CANCELLED"


@pytest.mark.parametrize("order_id", ["0", "-1", "x", "１", "9" * 19, "9" * 40, "1.0", "%31%0A"])
async def test_what_is_no_order_id_is_not_found(desk: Desk, order_id: str) -> None:
    for method in ("GET", "DELETE"):
        reply = await desk.call(method, f"/orders/{order_id}", "ann")
        assert reply.status == 404, (method, reply)


async def test_others_orders_are_neither_shown_nor_cancelled(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55", clientOrderId="a")
    before = desk.engine.state_hash()
    for who in ("ben", "root"):
        for method in ("GET", "DELETE"):
            reply = await desk.call(method, f"/orders/{order_id}", who)
            assert (reply.status, reply.error["code"]) == (403, "NOT_ORDER_OWNER")
        reply = await desk.call("GET", "/orders/by-client-id/a", who)
        assert (reply.status, reply.error["code"]) == (404, "ORDER_NOT_FOUND")
        for path in ("/orders", "/orders?status=OPEN", "/orders/user/orders"):
            assert await desk.get(path, who) == []
        assert (await desk.call("DELETE", "/orders", who)).data["cancelled"] == 0
    assert desk.engine.state_hash() == before
    await desk.call("DELETE", f"/orders/{order_id}", "ann")
    reply = await desk.call("GET", f"/orders/{order_id}", "ben")
    assert (reply.status, reply.error["code"]) == (403, "NOT_ORDER_OWNER")


async def test_cancel_all(desk: Desk) -> None:
    desk.list_market("hail")
    rain = [await desk.rest("ann", f"BUY YES 1 @ 0.{n}0") for n in (1, 2)]
    hail = await desk.rest("ann", "BUY NO 1 @ 0.1", "hail")
    await desk.rest("ben", "BUY YES 1 @ 0.1")
    reply = await desk.call("DELETE", "/orders?market=rain", "ann")
    assert reply.data["cancelled"] == 2
    assert reply.data["orderIds"] == rain
    assert reply.data["balance"]["locked"] == "0.100000"
    reply = await desk.call("DELETE", "/orders", "ann")
    assert reply.data["orderIds"] == [hail]
    assert reply.data["balance"]["locked"] == "0.000000"
    assert (await desk.call("DELETE", "/orders?market=snow", "ann")).status == 404
    assert len(desk.engine.view.orders) == 1


async def test_orders_are_listed_newest_first_slice_by_slice(desk: Desk) -> None:
    placed = [await desk.rest("ann", f"BUY YES 1 @ 0.{n:02}") for n in range(1, 8)]
    await desk.call("DELETE", f"/orders/{placed[3]}", "ann")
    still_open = [order_id for order_id in placed if order_id != placed[3]]
    for path, expected in (
        ("/orders?limit=3", placed),
        ("/orders/user/orders?limit=3", placed),
        ("/orders?limit=3&status=OPEN", still_open),
        ("/orders?limit=3&status=OPEN,PARTIAL&market=rain", still_open),
        ("/orders?status=CANCELLED", [placed[3]]),
        ("/orders?limit=7", placed),
        ("/orders?status=FILLED", []),
    ):
        found: list[str] = []
        cursor: str | None = None
        while True:
            reply = await desk.call("GET", path + (f"&cursor={cursor}" if cursor else ""), "ann")
            assert len(reply.data) <= 7
            found += [item["id"] for item in reply.data]
            cursor = reply.body["nextCursor"]
            if cursor is None:
                break
        assert found == expected[::-1], path


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=WAITING", "status"),
        ("status=OPEN,", "status"),
        ("status=Open", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=0", "cursor"),
        ("offset=1", "offset"),
        ("status=OPEN&status=FILLED", "status"),
    ],
)
async def test_a_wrong_parameter_is_named(desk: Desk, query: str, field: str) -> None:
    reply = await desk.call("GET", f"/orders?{query}", "ann")
    assert (reply.status, reply.fields) == (400, [field])


async def test_a_full_queue_is_told_and_nothing_happens(desk: Desk) -> None:
    before = desk.engine.state_hash()
    desk.engine.is_open = False
    reply = await desk.place("ann", "BUY YES 1 @ 0.5")
    assert (reply.status, reply.error["code"]) == (503, "UNAVAILABLE")
    assert int(reply.headers["retry-after"]) >= 1
    assert desk.engine.state_hash() == before


async def test_a_lost_answer_is_unknown_and_a_retry_tells(desk: Desk) -> None:
    desk.engine.loses_answers = True
    reply = await desk.place("ann", "BUY YES 1 @ 0.5", clientOrderId="a")
    assert (reply.status, reply.error["code"]) == (504, "UNKNOWN_OUTCOME")
    desk.engine.loses_answers = False
    again = await desk.place("ann", "BUY YES 1 @ 0.5", clientOrderId="a")
    assert again.status == 201
    assert again.data["replayed"] is True
    assert len(desk.engine.view.orders) == 1


async def test_a_client_that_goes_away_cancels_nothing(desk: Desk) -> None:
    """The command is queued before the first wait; a handler that is torn down leaves it there."""
    never: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    taken = asyncio.Event()
    run = desk.engine.run

    def submit_and_hang(command: Command) -> asyncio.Future[Answer]:
        run(command)
        taken.set()
        return never

    desk.engine.submit = submit_and_hang  # type: ignore[method-assign]
    placing = asyncio.create_task(desk.place("ann", "BUY YES 1 @ 0.5"))
    await taken.wait()
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    assert [o.account_id for o in desk.engine.view.orders.values()] == [PEOPLE["ann"][0]]


async def test_orders_of_nobody(desk: Desk) -> None:
    body = json.dumps(order("BUY YES 1 @ 0.5")).encode()
    for who in (None, "mallory"):
        assert (await desk.call("POST", "/orders/rain", who, content=body)).status == 401
        assert (await desk.call("GET", "/orders", who)).status == 401
