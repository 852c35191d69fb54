"""The orders that docs/trading.md shows are taken as it says."""

import json

from tests.e2e.test_samples import blocks
from tests.gateway.trading_desk import Desk

BODIES = [json.loads(text) for text in blocks("docs/trading.md", "json")]


async def test_they_rest_with_what_they_say(desk: Desk) -> None:
    post_only, ends = [
        (await desk.call("POST", "/orders/rain", "ann", body)).data["order"] for body in BODIES[:2]
    ]
    assert (post_only["status"], post_only["postOnly"], post_only["expiresAt"]) == (
        *("OPEN", True, None),
    )
    assert (ends["status"], ends["postOnly"], ends["expiresAt"]) == (
        *("OPEN", False, "2026-01-30T12:00:00.000Z"),
    )
    assert ends["timeInForce"] == "GTD"


async def test_an_order_becomes_what_the_amend_says(desk: Desk) -> None:
    placed = (await desk.call("POST", "/orders/rain", "ann", BODIES[0])).data["order"]
    path = f"/orders/{placed['id']}"
    order = (await desk.call("PATCH", path, "ann", BODIES[2])).data["order"]
    assert (order["price"], order["quantity"], order["version"]) == ("0.5500", "8.00", 1)
    again = await desk.call("PATCH", path, "ann", BODIES[2])
    assert again.error["code"] == "VERSION_CHANGED"


async def test_what_would_trade_is_refused(desk: Desk) -> None:
    await desk.place("ben", "BUY NO 1 @ 0.46")
    reply = await desk.call("POST", "/orders/rain", "ann", BODIES[0])
    assert (reply.status, reply.error["code"]) == (422, "POST_ONLY_WOULD_CROSS")


async def test_a_market_order_stops_at_its_worst_price(desk: Desk) -> None:
    for price in ("0.40", "0.39"):
        await desk.place("ben", f"BUY NO 3 @ {price}")
    body = next(body for body in BODIES if "worstPrice" in body)
    data = (await desk.call("POST", "/orders/rain", "ann", body)).data
    order = data["order"]
    assert (order["status"], order["cancelReason"], order["worstPrice"], order["filled"]) == (
        *("CANCELLED", "WORST_PRICE", "0.6000", "3.00"),
    )
    assert [trade["price"] for trade in data["trades"]] == ["0.6000"]


async def test_no_more_is_sold_than_there_is(desk: Desk) -> None:
    body = next(body for body in BODIES if "reduceOnly" in body)
    refused = await desk.call("POST", "/orders/rain", "ann", body)
    assert (refused.error["code"], refused.error["transient"]) == ("REDUCE_ONLY", True)
    await desk.place("ben", "BUY NO 3 @ 0.40")
    await desk.place("ann", "BUY YES 3 @ 0.60")
    await desk.place("ben", "BUY YES 9 @ 0.50")
    order = (await desk.call("POST", "/orders/rain", "ann", body)).data["order"]
    assert (order["status"], order["cancelReason"], order["reduceOnly"]) == (
        *("CANCELLED", "REDUCE_ONLY", True),
    )
    assert (order["quantity"], order["filled"]) == ("1000.00", "3.00")


async def test_a_heartbeat_sets_the_deadline(desk: Desk) -> None:
    (body,) = [body for body in BODIES if "timeoutMs" in body]
    reply = await desk.call("POST", "/orders/heartbeat", "ann", body)
    assert reply.status == 200
    account = desk.engine.view.accounts[2]
    assert account.dead_man == desk.engine.view.now + body["timeoutMs"] * 1_000


async def test_a_batch_replaces_quotes(desk: Desk) -> None:
    body = next(body for body in BODIES if "operations" in body)
    for name, text in (("bid-16", "BUY YES 10 @ 0.54"), ("ask-16", "BUY NO 10 @ 0.42")):
        await desk.rest("ann", text, clientOrderId=name)
    data = (await desk.call("POST", "/orders/batch", "ann", body)).data
    assert [result["ok"] for result in data["results"]] == [True] * 4
    statuses = [result["data"]["order"]["status"] for result in data["results"]]
    assert statuses == ["CANCELLED", "CANCELLED", "OPEN", "OPEN"]
    again = (await desk.call("POST", "/orders/batch", "ann", body)).data
    assert again == data | {"replayed": True}


async def test_a_preview_tells_what_a_market_order_would_get(desk: Desk) -> None:
    body = next(body for body in BODIES if "maxCost" in body)
    await desk.place("ben", "BUY NO 20 @ 0.50")
    data = (await desk.call("POST", "/orders/preview", "ann", body)).data
    (result,) = data["results"]
    assert (result["data"]["order"]["status"], result["data"]["order"]["filled"]) == (
        *("FILLED", "10.00"),
    )
    assert (data["balance"]["available"], data["positions"][0]["quantity"]) == (
        *("995.000000", "10.00"),
    )
    assert (await desk.get("/user/balance", "ann"))["available"] == "1000.000000"


async def with_shares(desk: Desk) -> None:
    """Ann holds 10 YES; the last price is 0.50."""
    await desk.rest("ann", "BUY YES 10 @ 0.50")
    await desk.rest("ben", "BUY NO 10 @ 0.50")


async def fall(desk: Desk) -> None:
    """Let 1 YES trade at 0.40, with more bid for there."""
    await desk.rest("cat", "BUY YES 5 @ 0.40")
    await desk.rest("ben", "BUY NO 1 @ 0.60")


async def test_a_stop_waits_and_sells(desk: Desk) -> None:
    await with_shares(desk)
    body = next(body for body in BODIES if body.get("type") == "STOP")
    placed = (await desk.call("POST", "/orders/rain", "ann", body)).data["order"]
    assert (placed["status"], placed["triggerBy"]) == ("PENDING", "LAST")
    again = await desk.call("POST", "/orders/rain", "ann", body | {"triggerPrice": "0.50"})
    assert (again.status, again.error["code"]) == (422, "INSUFFICIENT_SHARES")
    await fall(desk)
    sold = await desk.get(f"/orders/{placed['id']}", "ann")
    assert (sold["filled"], sold["cancelReason"]) == ("4.00", "NO_LIQUIDITY")
    again = await desk.call("POST", "/orders/rain", "ann", body | {"quantity": "1"})
    assert (again.status, again.error["code"]) == (422, "TRIGGER_REACHED")


async def test_a_stop_that_reduces_only_locks_nothing(desk: Desk) -> None:
    await with_shares(desk)
    body = next(body for body in BODIES if body.get("reduceOnly") and "triggerPrice" in body)
    placed = (await desk.call("POST", "/orders/rain", "ben", body)).data["order"]
    assert (placed["status"], placed["locked"]) == ("PENDING", "0.000000")
    await desk.rest("ann", "SELL YES 9 @ 0.55")
    await desk.rest("cat", "BUY YES 1 @ 0.55")
    bought = await desk.get(f"/orders/{placed['id']}", "ben")
    assert (bought["filled"], bought["cancelReason"]) == ("8.00", "NO_LIQUIDITY")


async def test_one_cancels_the_other(desk: Desk) -> None:
    await with_shares(desk)
    body = next(body for body in BODIES if "orders" in body)
    limit, stop = (await desk.call("POST", "/orders/oco", "ann", body)).data["orders"]
    assert (limit["status"], stop["status"], limit["ocoOrderId"]) == ("OPEN", "PENDING", stop["id"])
    assert (await desk.call("POST", "/orders/oco", "ann", body)).data["replayed"]
    await desk.rest("cat", "BUY YES 3 @ 0.70")
    stop = await desk.get(f"/orders/{stop['id']}", "ann")
    assert (stop["status"], stop["cancelReason"]) == ("CANCELLED", "OCO")
    limit = await desk.get(f"/orders/{limit['id']}", "ann")
    assert (limit["filled"], limit["locked"]) == ("3.00", "7.00")
