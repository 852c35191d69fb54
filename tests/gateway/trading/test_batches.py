"""Batches of orders over REST and the socket: positional answers, whole refusals, repeats."""

from typing import Any

import pytest

from exchange.messages.commands import BatchOrders
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, open_desk, order


def place(text: str, **more: object) -> dict[str, Any]:
    return {"op": "place"} | order(text, **more)


def cancel(order_id: str) -> dict[str, Any]:
    return {"op": "cancel", "orderId": order_id}


async def test_each_operation_is_answered_in_its_place(desk: Desk) -> None:
    old = await desk.rest("ann", "BUY YES 10 @ 0.30")
    await desk.rest("ben", "BUY NO 4 @ 0.45")
    body = {
        "market": "rain",
        "operations": [
            place("BUY YES 10 @ 0.55", clientOrderId="a"),
            place("BUY YES 10 @ 0.555"),
            cancel(old),
            {"op": "amend", "clientOrderId": "a", "quantity": "9"},
            place("BUY NO 1 @ 0.10", market="1"),
        ],
    }
    reply = await desk.call("POST", "/orders/batch", "ann", body)
    assert reply.status == 200
    results = reply.data["results"]
    assert [result["ok"] for result in results] == [True, False, True, True, True]
    placed, refused, cancelled, amended, last = results
    assert placed["data"]["order"]["status"] == "PARTIAL"
    assert [trade["quantity"] for trade in placed["data"]["trades"]] == ["4.00"]
    # The placing is told as it left the order, the amend as the order is.
    assert (placed["data"]["order"]["quantity"], amended["data"]["order"]["quantity"]) == (
        *("10.00", "9.00"),
    )
    assert (refused["error"]["code"], refused["error"]["transient"]) == ("OFF_TICK", False)
    assert refused["error"]["details"][0]["field"] == "price"
    assert (cancelled["data"]["order"]["id"], cancelled["data"]["order"]["status"]) == (
        *(old, "CANCELLED"),
    )
    assert last["data"]["order"]["marketId"] == "1"
    balance = await desk.get("/user/balance", "ann")
    assert reply.data["balance"] == balance
    assert "replayed" not in reply.data


async def test_all_or_none_names_the_operation_and_changes_nothing(desk: Desk) -> None:
    await desk.rest("ben", "BUY NO 4 @ 0.45")
    before = desk.engine.state_hash()
    operations = [place("BUY YES 4 @ 0.55", clientOrderId="a"), place("BUY YES 5000 @ 0.5")]
    body = {"market": "rain", "operations": operations, "allOrNone": True}
    reply = await desk.call("POST", "/orders/batch", "ann", body)
    assert (reply.status, reply.error["code"]) == (422, "INSUFFICIENT_BALANCE")
    assert reply.fields == ["operations[1]"]
    assert desk.engine.state_hash() == before
    body["operations"] = [operations[0], place("BUY YES 1 @ 0.555")]
    reply = await desk.call("POST", "/orders/batch", "ann", body)
    assert (reply.error["code"], reply.fields) == ("OFF_TICK", ["operations[1].price"])
    assert (await desk.place("ann", "BUY YES 4 @ 0.55", clientOrderId="a")).status == 201


async def test_a_lost_answer_is_given_again(desk: Desk) -> None:
    body = {
        "operations": [
            place("BUY YES 1 @ 0.5", market="rain", clientOrderId="a"),
            place("BUY YES 1 @ 0.555", market="rain", clientOrderId="b"),
        ],
        "requestId": "r-1",
    }
    desk.engine.loses_answers = True
    assert (await desk.call("POST", "/orders/batch", "ann", body)).status == 504
    desk.engine.loses_answers = False
    reply = await desk.call("POST", "/orders/batch", "ann", body)
    assert reply.data["replayed"] is True
    assert [result["ok"] for result in reply.data["results"]] == [True, False]
    assert len(desk.engine.view.orders) == 1
    # Its orders by themselves as well: the ids were used by their operations.
    told = await desk.place("ann", "BUY YES 1 @ 0.5", clientOrderId="a")
    assert (told.data["replayed"], told.data["order"]) == (
        *(True, reply.data["results"][0]["data"]["order"]),
    )
    refused = await desk.place("ann", "BUY YES 1 @ 0.555", clientOrderId="b")
    assert (refused.error["code"], refused.error["replayed"]) == ("OFF_TICK", True)
    # And within another batch.
    both = {"operations": body["operations"], "allOrNone": True}
    results = (await desk.call("POST", "/orders/batch", "ann", both)).data["results"]
    assert results[0]["data"] == {"order": told.data["order"], "trades": [], "replayed": True}
    assert results[1]["error"]["code"] == "OFF_TICK"
    assert results[1]["error"]["replayed"] is True
    other = await desk.call("POST", "/orders/batch", "ann", body | {"allOrNone": True})
    assert (other.status, other.fields) == (409, ["requestId"])


GOOD = place("BUY YES 1 @ 0.5", market="rain")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "operations"),
        ({"operations": []}, "operations"),
        ({"operations": [GOOD] * 51}, "operations"),
        ({"operations": {}}, "operations"),
        ({"operations": [GOOD, 1]}, "operations[1]"),
        ({"operations": [GOOD, {"orderId": "1"}]}, "operations[1].op"),
        ({"operations": [GOOD, {"op": "buy"}]}, "operations[1].op"),
        ({"operations": [GOOD, GOOD | {"price": "0.55555"}]}, "operations[1].price"),
        ({"operations": [GOOD, GOOD | {"price": None}]}, "operations[1].price"),
        ({"operations": [GOOD, GOOD | {"size": 1}]}, "operations[1].size"),
        ({"operations": [GOOD, GOOD | {"clientOrderId": "a b"}]}, "operations[1].clientOrderId"),
        ({"operations": [GOOD, GOOD | {"market": "nowhere"}]}, "operations[1].market"),
        ({"operations": [GOOD, place("BUY YES 1 @ 0.5")]}, "operations[1].market"),
        ({"operations": [GOOD, GOOD | {"slug": "rain"}]}, "operations[1].market"),
        ({"operations": [GOOD], "market": "rain", "marketId": "1"}, "market"),
        ({"operations": [cancel("x")]}, "operations[0].orderId"),
        ({"operations": [{"op": "cancel"}]}, "operations[0].orderId"),
        ({"operations": [cancel("1") | {"clientOrderId": "a"}]}, "operations[0].orderId"),
        ({"operations": [cancel("1") | {"market": "rain"}]}, "operations[0].market"),
        ({"operations": [{"op": "amend", "orderId": "1"}]}, "operations[0]"),
        (
            {"operations": [{"op": "amend", "orderId": "1", "quantity": 0}]},
            "operations[0].quantity",
        ),
        ({"operations": [{"op": "amend", "clientOrderId": ""}]}, "operations[0]"),
        ({"operations": [GOOD], "requestId": "a b"}, "requestId"),
        ({"operations": [GOOD], "allOrNone": 1}, "allOrNone"),
        ({"operations": [GOOD], "atOnce": True}, "atOnce"),
    ],
)
async def test_what_is_wrong_with_one_refuses_all_and_names_it(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    before = desk.engine.state_hash()
    reply = await desk.call("POST", "/orders/batch", "ann", body)
    assert reply.status in {400, 404}
    assert reply.fields == [field]
    assert desk.engine.state_hash() == before
    assert not any(isinstance(command, BatchOrders) for command in desk.engine.submitted)


async def test_each_operation_counts_against_the_limit() -> None:
    async with open_desk(RATE_LIMIT_USER_MAX_REQUESTS="12") as desk:
        desk.open_accounts()
        desk.list_market()
        eight = {"operations": [GOOD] * 8}
        reply = await desk.call("POST", "/orders/batch", "ann", eight)
        assert reply.status == 200
        assert reply.headers["ratelimit"].startswith('"write";r=4;')
        undone = {"operations": [GOOD, cancel("99")], "allOrNone": True}
        reply = await desk.call("POST", "/orders/batch", "ann", undone)
        assert reply.status == 404
        assert reply.headers["ratelimit"].startswith('"write";r=2;')
        reply = await desk.call("POST", "/orders/batch", "ann", eight)
        assert (reply.status, reply.error["code"]) == (429, "RATE_LIMITED")
        assert len(desk.engine.view.orders) == 8
        # What was refused was not counted but as the one request it is.
        assert (await desk.place("ann", "BUY YES 1 @ 0.5")).status == 201


async def test_over_a_socket_with_each_message_once() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        body = {
            "market": "rain",
            "operations": [
                place("BUY YES 10 @ 0.5", clientOrderId="a"),
                {"op": "amend", "clientOrderId": "a", "quantity": "8"},
                {"op": "amend", "clientOrderId": "a", "price": "0.49"},
                place("BUY YES 1 @ 0.3"),
                {"op": "cancel", "clientOrderId": "a"},
            ],
        }
        data = await ann.ok("order:batch", body)
        assert [result["ok"] for result in data["results"]] == [True] * 5
        await ann.until(lambda: len(ann.heard("balance_updated")) == 1)
        assert [m["id"] for m in ann.heard("order_placed")] == ["1", "2"]
        assert ann.heard("order_placed")[0]["status"] == "CANCELLED"
        assert ann.heard("order_updated") == ann.heard("order_cancelled") == []
        refusal = await ann.refusal("order:batch", {"operations": [{"op": "cancel"}]})
        assert refusal["details"][0]["field"] == "operations[0].orderId"
        # Fifty of the longest fit into a frame.
        many = [
            place("BUY YES 1.00 @ 0.0100", clientOrderId="x" * 60 + str(n)) for n in range(10, 60)
        ]
        body = {"market": "rain", "operations": many, "requestId": "y" * 64}
        assert len((await ann.ok("order:batch", body))["results"]) == 50
