"""Orders that wait for a price, and pairs, over REST: what is told, listed, amended and refused."""

from typing import Any

import pytest

from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, open_desk, order

STOP = {"type": "STOP", "triggerPrice": "0.45"}
BUY_STOP = {"type": "STOP_LIMIT", "triggerPrice": "0.6"}


@pytest.fixture
async def held(desk: Desk) -> Desk:
    """Ann holds 100 YES, Ben 100 NO; the last price is 0.50."""
    await desk.rest("ann", "BUY YES 100 @ 0.50")
    await desk.rest("ben", "BUY NO 100 @ 0.50")
    return desk


async def test_it_waits_unseen_and_is_told_to_its_owner(held: Desk) -> None:
    market = held.engine.view.market_by_slug["rain"]
    seq = market.seq
    reply = await held.place("ann", "SELL YES 10", **STOP, triggerBy="BEST")
    placed = reply.data["order"]
    assert (reply.status, placed["status"], placed["type"]) == (201, "PENDING", "STOP")
    assert (placed["triggerPrice"], placed["triggerBy"], placed["timeInForce"]) == (
        *("0.4500", "BEST", "IOC"),
    )
    assert (placed["price"], placed["locked"], placed["ocoOrderId"]) == (None, "10.00", None)
    assert market.seq == seq
    assert (await held.get("/markets/rain/orderbook"))["asks"] == []


async def test_it_is_among_what_is_open(held: Desk) -> None:
    waiting = await held.rest("ann", "SELL YES 10", **STOP)
    resting = await held.rest("ann", "SELL YES 10 @ 0.60")
    for query, expected in {
        "open": [resting, waiting],
        "PENDING": [waiting],
        "OPEN,PARTIAL": [resting],
        "open,FILLED": [resting, waiting],
    }.items():
        found = await held.get(f"/orders?status={query}", "ann")
        assert [one["id"] for one in found if one["id"] in (waiting, resting)] == expected, query
    assert (await held.get(f"/orders/{waiting}", "ann"))["status"] == "PENDING"
    gone = await held.call("DELETE", f"/orders/{waiting}", "ann")
    assert (gone.data["order"]["status"], gone.data["order"]["cancelReason"]) == (
        *("CANCELLED", "USER"),
    )


async def test_it_is_triggered_and_says_what_came_of_it(held: Desk) -> None:
    waiting = await held.rest("ann", "SELL YES 10", **STOP)
    await held.rest("cat", "BUY YES 4 @ 0.40")
    await held.rest("cat", "BUY YES 1 @ 0.45")
    await held.rest("ben", "BUY NO 1 @ 0.55")
    sold = await held.get(f"/orders/{waiting}", "ann")
    assert (sold["status"], sold["filled"], sold["cancelReason"]) == (
        *("CANCELLED", "4.00", "NO_LIQUIDITY"),
    )
    assert (sold["type"], sold["triggerPrice"], sold["averagePrice"]) == (
        "STOP",
        "0.4500",
        "0.4000",
    )


async def test_what_is_there_already_is_refused(held: Desk) -> None:
    reply = await held.place("ann", "SELL YES 10", type="STOP", triggerPrice="0.5")
    assert (reply.status, reply.error["code"], reply.fields) == (
        *(422, "TRIGGER_REACHED", ["triggerPrice"]),
    )


async def test_other_terms_while_it_waits(held: Desk) -> None:
    waiting = await held.rest("ann", "SELL YES 10 @ 0.40", **(STOP | {"type": "STOP_LIMIT"}))
    change = {"triggerPrice": "0.42", "price": "0.41", "quantity": "5", "expectedVersion": 0}
    amended = (await held.call("PATCH", f"/orders/{waiting}", "ann", change)).data["order"]
    assert (amended["triggerPrice"], amended["price"], amended["quantity"]) == (
        *("0.4200", "0.4100", "5.00"),
    )
    assert (amended["status"], amended["version"], amended["locked"]) == ("PENDING", 1, "5.00")
    # Only the difference must be there, and the refusal says that it is one.
    reply = await held.call("PATCH", f"/orders/{waiting}", "ann", {"quantity": "101"})
    assert (reply.status, reply.error["code"]) == (422, "INSUFFICIENT_SHARES")
    assert "needs 96.00 more free shares, has 95.00" in reply.error["message"]
    resting = await held.rest("ann", "SELL YES 5 @ 0.90")
    reply = await held.call("PATCH", f"/orders/{resting}", "ann", {"triggerPrice": "0.3"})
    assert (reply.status, reply.fields) == (400, ["triggerPrice"])


def pair(**more: Any) -> dict[str, Any]:
    """Take the profit at 0.70, or stop the loss at 0.40."""
    legs = [order("SELL YES 100 @ 0.70"), order("SELL YES 100", type="STOP", triggerPrice="0.40")]
    return {"market": "rain", "orders": legs} | more


async def test_a_pair_is_told_in_the_order_in_which_it_was_sent(held: Desk) -> None:
    for swapped in (False, True):
        body = pair()
        if swapped:
            body["orders"].reverse()
        reply = await held.call("POST", "/orders/oco", "ann", body)
        assert reply.status == 201
        limit, stop = reply.data["orders"][:: -1 if swapped else 1]
        assert (limit["type"], limit["status"], limit["locked"]) == ("LIMIT", "OPEN", "0.00")
        assert (stop["type"], stop["status"], stop["locked"]) == ("STOP", "PENDING", "100.00")
        assert (limit["ocoOrderId"], stop["ocoOrderId"]) == (stop["id"], limit["id"])
        for shown in (limit, stop):
            assert shown.items() <= (await held.get(f"/orders/{shown['id']}", "ann")).items()
        await held.call("DELETE", "/orders", "ann")


async def test_the_rulebooks_own_example(held: Desk) -> None:
    limit, stop = (await held.call("POST", "/orders/oco", "ann", pair())).data["orders"]
    await held.rest("cat", "BUY YES 30 @ 0.70")
    ended = await held.get(f"/orders/{stop['id']}", "ann")
    assert (ended["status"], ended["cancelReason"]) == ("CANCELLED", "OCO")
    left = await held.get(f"/orders/{limit['id']}", "ann")
    assert (left["filled"], left["locked"]) == ("30.00", "70.00")


async def test_one_that_trades_at_once_tells_its_trades(held: Desk) -> None:
    await held.rest("cat", "BUY YES 20 @ 0.70")
    reply = await held.call("POST", "/orders/oco", "ann", pair())
    limit, stop = reply.data["orders"]
    assert [(trade["quantity"], trade["orderId"]) for trade in reply.data["trades"]] == [
        ("20.00", limit["id"])
    ]
    assert (limit["status"], limit["locked"], stop["cancelReason"]) == ("PARTIAL", "80.00", "OCO")
    for shown in (limit, stop):
        assert shown.items() <= (await held.get(f"/orders/{shown['id']}", "ann")).items()


async def test_a_pairs_request_takes_effect_once(held: Desk) -> None:
    first = await held.call("POST", "/orders/oco", "ann", pair(requestId="r-1"))
    again = await held.call("POST", "/orders/oco", "ann", pair(requestId="r-1"))
    assert again.data == first.data | {"replayed": True}
    other = pair(requestId="r-1")
    other["orders"][0]["price"] = "0.71"
    reply = await held.call("POST", "/orders/oco", "ann", other)
    assert (reply.status, reply.fields) == (409, ["requestId"])
    assert len(await held.get("/orders?status=open", "ann")) == 2


async def test_an_order_in_a_group_that_nobody_has_uses_its_id_up(held: Desk) -> None:
    """By that the terminal sees to it that what it has lost can't come any more."""
    path, lone = "/orders/rain", order("SELL YES 1 @ 0.70", clientOrderId="o-1")
    both = pair(requestId="r-1")
    legs = [leg | {"groupId": "r-1"} for leg in both["orders"]]
    for where, body, grouped in (
        (path, lone, lone | {"groupId": "o-1"}),
        ("/orders/oco", both, both | {"orders": legs}),
    ):
        replies = [await held.call("POST", where, "ann", one) for one in (grouped, body)]
        codes = [reply.error["code"] for reply in replies]
        assert codes == ["GROUP_NOT_FOUND", "CONFLICT"], where
    assert await held.get("/orders?status=open", "ann") == []
    await held.call("POST", path, "ann", lone | {"clientOrderId": "o-2"})
    late = lone | {"clientOrderId": "o-2", "groupId": "o-2"}
    assert (await held.call("POST", path, "ann", late)).error["code"] == "CONFLICT"
    assert len(await held.get("/orders?status=open", "ann")) == 1


def changed(number: int, **terms: object) -> dict[str, Any]:
    body = pair()
    body["orders"][number] |= terms
    return body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (pair(orders=[]), "orders"),
        (pair(orders=pair()["orders"][:1]), "orders"),
        (pair(orders=pair()["orders"] * 2), "orders"),
        (pair(market=None), "orders[0].market"),
        (pair(requestId="a b"), "requestId"),
        (pair(size=1), "size"),
        (changed(0, price="0"), "orders[0].price"),
        (changed(0, price=None), "orders[0].price"),
        (changed(1, triggerPrice=None), "orders[1].triggerPrice"),
        (changed(1, triggerPrice="1"), "orders[1].triggerPrice"),
        (changed(1, side="BUY", worstPrice="0.9"), "orders[1].side"),
        (changed(1, outcome="NO"), "orders[1].outcome"),
        (changed(1, market="snow"), "orders[1].market"),
        (changed(1, clientOrderId="mine"), "orders[1].clientOrderId"),
        (changed(0, timeInForce="IOC"), "orders[0].type"),
        (changed(0, type="MARKET", price=None), "orders[0].type"),
        (pair(orders=[order("SELL YES 1 @ 0.7"), order("SELL YES 1 @ 0.8")]), "orders"),
    ],
)
async def test_what_is_no_pair_names_its_field(
    held: Desk, body: dict[str, Any], field: str
) -> None:
    held.list_market("snow")
    before = held.engine.state_hash()
    reply = await held.call("POST", "/orders/oco", "ann", body)
    assert (reply.status, reply.fields) == (400, [field])
    assert held.engine.state_hash() == before


async def test_the_engine_names_the_order_too(held: Desk) -> None:
    for number, terms, reason in (
        (0, {"price": "0.705"}, "OFF_TICK"),
        (1, {"triggerPrice": "0.405"}, "OFF_TICK"),
    ):
        reply = await held.call("POST", "/orders/oco", "ann", changed(number, **terms))
        assert (reply.status, reply.error["code"]) == (422, reason)
        assert reply.fields[0].startswith(f"orders[{number}].")


async def test_a_market_may_be_named_by_each(held: Desk) -> None:
    body = pair(market=None)
    body["orders"][0]["market"] = "rain"
    body["orders"][1]["marketId"] = "1"
    assert (await held.call("POST", "/orders/oco", "ann", body)).status == 201


# -- with what else there is ------------------------------------------------------------------


def place(text: str, **more: Any) -> dict[str, Any]:
    return {"op": "place"} | order(text, **more)


async def test_a_batch_places_amends_and_cancels_what_waits(held: Desk) -> None:
    before = await held.rest("ann", "SELL YES 5", **STOP)
    limit, stop = (await held.call("POST", "/orders/oco", "ann", pair_of(10))).data["orders"]
    body: dict[str, Any] = {
        "market": "rain",
        "operations": [
            place("SELL YES 10", **STOP, clientOrderId="mine"),
            {"op": "amend", "clientOrderId": "mine", "triggerPrice": "0.44"},
            {"op": "amend", "orderId": before, "quantity": "6"},
            {"op": "cancel", "orderId": stop["id"]},
            place("SELL YES 10", type="STOP", triggerPrice="0.60"),
        ],
    }
    whole = await held.call("POST", "/orders/batch", "ann", body | {"allOrNone": True})
    assert (whole.error["code"], whole.fields) == (
        *("TRIGGER_REACHED", ["operations[4].triggerPrice"]),
    )
    assert (await held.get(f"/orders/{stop['id']}", "ann"))["status"] == "PENDING"
    preview = (await held.call("POST", "/orders/preview", "ann", body)).data
    done = (await held.call("POST", "/orders/batch", "ann", body)).data
    shown = [result["data"]["order"] for result in done["results"][:4]]
    assert [one["status"] for one in shown] == ["PENDING"] * 3 + ["CANCELLED"]
    assert [one["triggerPrice"] for one in shown] == ["0.4500", "0.4400", "0.4500", "0.4000"]
    assert (shown[2]["quantity"], shown[2]["version"]) == ("6.00", 1)
    assert done["results"][4]["error"]["code"] == "TRIGGER_REACHED"
    assert preview["balance"] == done["balance"]
    kept = ("id", "status", "triggerPrice", "locked", "quantity", "version")
    for one, told in zip(shown, preview["results"], strict=False):
        assert [told["data"]["order"][name] for name in kept] == [one[name] for name in kept]
    # What the pair had locked passed to the one that is left.
    assert (await held.get(f"/orders/{limit['id']}", "ann"))["locked"] == "10.00"


async def test_what_a_batch_reaches_is_triggered_after_the_whole_of_it(held: Desk) -> None:
    waiting = await held.rest("ann", "SELL YES 4", **STOP)
    await held.rest("cat", "BUY YES 6 @ 0.45")
    operations = [place("BUY NO 1 @ 0.55"), place("BUY NO 3 @ 0.55"), place("BUY NO 1 @ 0.10")]
    body = {"market": "rain", "operations": operations}
    preview = (await held.call("POST", "/orders/preview", "ben", body)).data
    done = (await held.call("POST", "/orders/batch", "ben", body)).data
    for told in (preview, done):
        fills = [len(result["data"]["trades"]) for result in told["results"]]
        assert fills == [1, 1, 0]
    assert preview["balance"] == done["balance"]
    # The first of them reached it; the second had the bid before it.
    sold = await held.get(f"/orders/{waiting}", "ann")
    assert (sold["filled"], sold["cancelReason"]) == ("2.00", "NO_LIQUIDITY")


async def test_a_batch_takes_no_pair(held: Desk) -> None:
    before = held.engine.state_hash()
    body = {"market": "rain", "operations": [{"op": "oco"} | pair()]}
    for path in ("/orders/batch", "/orders/preview"):
        reply = await held.call("POST", path, "ann", body)
        assert (reply.status, reply.fields) == (400, ["operations[0].op"])
    assert held.engine.state_hash() == before


@pytest.mark.parametrize("kind", ["STOP", "STOP_LIMIT", "TAKE_PROFIT"])
async def test_reduce_only_finds_out_at_the_trigger(held: Desk, kind: str) -> None:
    terms = {"type": kind, "triggerPrice": "0.45" if kind == "TAKE_PROFIT" else "0.55"}
    text = "BUY YES 120"
    if kind == "STOP_LIMIT":
        text += " @ 0.60"
        never = await held.place("ben", text, **terms, timeInForce="GTC", reduceOnly=True)
        assert (never.status, never.fields) == (400, ["reduceOnly"])
    else:
        terms["worstPrice"] = "0.60"
    reply = await held.place("ben", text, **terms, timeInForce="IOC", reduceOnly=True)
    placed = reply.data["order"]
    assert (placed["status"], placed["reduceOnly"], placed["locked"]) == (
        "PENDING",
        True,
        "0.000000",
    )
    assert (await held.get("/user/balance", "ben"))["locked"] == "0.000000"
    (listed,) = await held.get("/user/escrow", "ben")
    assert (listed["orderId"], listed["lockedCredits"]) == (placed["id"], "0.000000")
    # Of the 100 NO that Ben had, 90 are offered.
    await held.rest("ben", "SELL NO 90 @ 0.90")
    await held.rest("ann", "SELL YES 30 @ 0.58")
    await held.rest("cat", "BUY YES 1 @ 0.45")
    await held.rest("ann", "SELL YES 1 @ 0.45")
    await held.rest("ann", "SELL YES 1 @ 0.55")
    await held.rest("cat", "BUY YES 1 @ 0.55")
    bought = await held.get(f"/orders/{placed['id']}", "ben")
    assert (bought["filled"], bought["cancelReason"]) == ("10.00", "REDUCE_ONLY")
    assert (await held.get("/user/balance", "ben"))["locked"] == "0.000000"


async def test_with_nothing_to_reduce_it_ends(held: Desk) -> None:
    terms: dict[str, Any]
    terms = {"type": "STOP", "triggerPrice": "0.55", "worstPrice": "0.60", "reduceOnly": True}
    waiting = await held.rest("cat", "BUY YES 5", **terms)
    await held.rest("ann", "SELL YES 9 @ 0.55")
    await held.rest("cat", "BUY YES 1 @ 0.55")
    ended = await held.get(f"/orders/{waiting}", "cat")
    assert (ended["status"], ended["cancelReason"]) == ("CANCELLED", "REDUCE_ONLY")
    told = await held.get(f"/orders/{waiting}/events", "cat")
    assert [one["type"] for one in told] == ["PLACED", "CANCELLED"]


def pair_of(shares: int) -> dict[str, Any]:
    body = pair()
    for leg in body["orders"]:
        leg["quantity"] = str(shares)
    return body


async def test_a_pair_counts_as_two_against_the_limit() -> None:
    async with open_desk(RATE_LIMIT_USER_MAX_REQUESTS="6") as desk:
        desk.open_accounts()
        desk.list_market()
        legs = [order("BUY YES 1 @ 0.1"), order("BUY YES 1 @ 0.7", **BUY_STOP)]
        body = {"market": "rain", "orders": legs}
        for _ in range(3):
            assert (await desk.call("POST", "/orders/oco", "ann", body)).status == 201
        reply = await desk.call("POST", "/orders/oco", "ann", body)
        assert (reply.status, reply.error["code"]) == (429, "RATE_LIMITED")
        assert len(desk.engine.view.orders) == 6


async def test_its_life_tells_when_it_was_triggered(held: Desk) -> None:
    waiting = await held.rest("ann", "SELL YES 10", **STOP)
    change = {"triggerPrice": "0.44", "quantity": "8"}
    assert (await held.call("PATCH", f"/orders/{waiting}", "ann", change)).status == 200
    await held.rest("cat", "BUY YES 5 @ 0.40")
    await held.rest("cat", "BUY YES 1 @ 0.44")
    await held.rest("ben", "BUY NO 1 @ 0.56")
    told = await held.get(f"/orders/{waiting}/events", "ann")
    assert [one["type"] for one in told] == ["PLACED", "AMENDED", "TRIGGERED", "FILL", "CANCELLED"]
    assert [one["triggerPrice"] for one in told] == ["0.4500", "0.4400", None, None, None]
    assert [one["quantity"] for one in told] == ["10.00", "8.00", None, None, None]
    assert [one["keepsPlace"] for one in told] == [None] * 5


async def test_what_waits_ends_with_its_connection() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as other:
        stop = order("BUY YES 1 @ 0.7", **BUY_STOP) | {"market": "rain"}
        by_cost = stop | {"type": "STOP", "maxCost": "1", "price": None, "quantity": None}
        async with socket_client(desk.port, "1") as ann:
            await ann.ok("session:cancel_on_disconnect", {"enabled": True})
            await ann.ok("order:place", by_cost)
            legs = [order("BUY YES 1 @ 0.1"), order("BUY YES 1 @ 0.7", **BUY_STOP)]
            await ann.ok("order:oco", {"market": "rain", "orders": legs, "requestId": "r"})
            operations = [{"op": "place"} | stop]
            await ann.ok("order:batch", {"operations": operations})
            (elsewhere,) = (await other.ok("order:place", stop))["order"]["id"]
            assert len(desk.engine.view.orders) == 5
        await other.until(lambda: len(other.heard("order_cancelled")) == 4)
        assert desk.engine.view.orders.keys() == {int(elsewhere)}
        assert {m["cancelReason"] for m in other.heard("order_cancelled")} == {"DISCONNECTED"}
        # The same request from elsewhere is the same request.
        again = await other.ok("order:oco", {"market": "rain", "orders": legs, "requestId": "r"})
        assert again["replayed"] is True
