"""What became of an order, and where it stands: told to its owner alone, whole and in order."""

import json
import random
from typing import Any

from exchange.messages.commands import SetMarketStatus
from exchange.messages.terms import MarketStatus
from exchange.model.order_book import Order
from gateway.trading import views
from gateway.trading.views import queue_position
from gateway.wire.scalars import quantity_text
from tests.e2e.test_samples import blocks
from tests.gateway.trading_desk import Desk

DAY_AHEAD = "2026-01-02T00:00:00Z"


async def life(desk: Desk, order_id: str, who: str = "ann") -> list[dict[str, Any]]:
    """The events, without what is null."""
    told = await desk.get(f"/orders/{order_id}/events", who)
    return [{name: value for name, value in one.items() if value is not None} for one in told]


async def test_an_order_tells_its_life_from_its_placing_to_its_end(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55", clientOrderId="mine")
    await desk.rest("ben", "BUY NO 4 @ 0.45")
    for body in ({"price": "0.56", "quantity": "9"}, {"quantity": "8"}):
        assert (await desk.call("PATCH", f"/orders/{order_id}", "ann", body)).status == 200
    assert (await desk.call("DELETE", f"/orders/{order_id}", "ann")).status == 200
    told = await life(desk, order_id)
    assert [one.pop("type") for one in told] == [
        "PLACED",
        "FILL",
        "AMENDED",
        "AMENDED",
        "CANCELLED",
    ]
    seqs = [one.pop("seq") for one in told]
    assert seqs == sorted(set(seqs))
    assert all(one.pop("createdAt") for one in told)
    placed, filled, first, second, ended = told
    assert placed == {"price": "0.5500", "quantity": "10.00"}
    assert first == {"price": "0.5600", "quantity": "9.00", "keepsPlace": False}
    assert second == {"price": "0.5600", "quantity": "8.00", "keepsPlace": True}
    assert ended == {"reason": "USER"}
    (fill,) = await desk.get(f"/user/fills?orderId={order_id}", "ann")
    assert filled == {"fill": fill}
    assert (fill["role"], fill["clientOrderId"]) == ("MAKER", "mine")


async def test_every_end_is_told(desk: Desk) -> None:
    filled = await desk.rest("ann", "BUY YES 4 @ 0.55")
    await desk.rest("ben", "BUY NO 4 @ 0.45")
    taken = await desk.rest("ann", "BUY YES 4 @ 0.55", timeInForce="IOC")
    expiring = await desk.rest("ann", "BUY YES 4 @ 0.20", timeInForce="GTD", expiresAt=DAY_AHEAD)
    closed = await desk.rest("ann", "BUY YES 4 @ 0.20")
    spent = await desk.call(
        "POST",
        "/orders/rain",
        "ann",
        {"side": "BUY", "outcome": "YES", "type": "MARKET", "maxCost": "1"},
    )
    desk.engine.now += 2 * 86_400_000_000
    market = desk.engine.view.market_by_slug["rain"]
    desk.run(SetMarketStatus(market.id, MarketStatus.CLOSED))
    ends = [(await life(desk, one))[-1] for one in (filled, taken, expiring, closed)]
    assert [(one["type"], one.get("reason")) for one in ends] == [
        ("FILLED", None),
        ("CANCELLED", "NO_LIQUIDITY"),
        ("EXPIRED", "EXPIRED"),
        ("CANCELLED", "MARKET_CLOSED"),
    ]
    for order_id in (filled, taken, expiring, closed, spent.data["order"]["id"]):
        shown = await desk.get(f"/orders/{order_id}", "ann")
        assert shown["status"] in {"FILLED", "CANCELLED", "EXPIRED"}
        assert (shown["cancelReason"] is None) is (shown["status"] == "FILLED")
        assert "queuePosition" not in shown


async def test_a_life_is_read_page_by_page(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    for _ in range(3):
        await desk.rest("ben", "BUY NO 1 @ 0.45")
    await desk.rest("ben", "BUY NO 7 @ 0.45")
    whole = await desk.get(f"/orders/{order_id}/events", "ann")
    assert [one["type"] for one in whole] == ["PLACED", *["FILL"] * 4, "FILLED"]
    found: list[Any] = []
    cursor = ""
    while True:
        path = f"/orders/{order_id}/events?limit=2{cursor}"
        reply = await desk.call("GET", path, "ann")
        found += reply.data
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    assert found == whole


async def test_it_is_the_owners_alone_and_takes_no_nonsense(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.55")
    for path, who, status, code, field in (
        (f"/orders/{order_id}/events", "ben", 403, "NOT_ORDER_OWNER", "orderId"),
        (f"/orders/{order_id}/events", None, 401, "UNAUTHORIZED", None),
        ("/orders/999/events", "ann", 404, "ORDER_NOT_FOUND", "orderId"),
        ("/orders/none/events", "ann", 404, "ORDER_NOT_FOUND", "orderId"),
        (f"/orders/{order_id}/events?limit=0", "ann", 400, "VALIDATION_ERROR", "limit"),
        (f"/orders/{order_id}/events?limit=1e3", "ann", 400, "VALIDATION_ERROR", "limit"),
        (f"/orders/{order_id}/events?cursor=x", "ann", 400, "VALIDATION_ERROR", "cursor"),
        (f"/orders/{order_id}/events?cursor=-1", "ann", 400, "VALIDATION_ERROR", "cursor"),
        (f"/orders/{order_id}/events?after=1", "ann", 400, "VALIDATION_ERROR", "after"),
    ):
        reply = await desk.call("GET", path, who)
        assert (reply.status, reply.error["code"]) == (status, code), path
        assert reply.fields == ([] if field is None else [field]), path


def naive_position(order: Order) -> tuple[int, str]:
    assert order.level is not None
    orders = list(order.level.orders())
    before = orders[: orders.index(order)]
    return len(before), quantity_text(sum(one.remaining for one in before))


async def test_the_place_in_the_queue_is_what_stands_before(desk: Desk, monkeypatch: Any) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    ids: list[str] = []
    for _ in range(60):
        who, quantity = chance.choice(("ann", "ben", "cat")), chance.randint(1, 9)
        outcome, price = chance.choice((("YES", "0.40"), ("YES", "0.41"), ("NO", "0.50")))
        ids.append(await desk.rest(who, f"BUY {outcome} {quantity} @ {price}"))
        if chance.random() < 0.3:
            order = desk.engine.view.orders.get(int(chance.choice(ids)))
            if order is not None:
                owner = {2: "ann", 3: "ben", 4: "cat"}[order.account_id]
                body = {"quantity": quantity_text(order.filled + chance.randint(1, 900))}
                await desk.call("PATCH", f"/orders/{order.id}", owner, body)
    for order in desk.engine.view.orders.values():
        told = queue_position(order)
        assert told is not None
        assert (told.orders, told.quantity) == naive_position(order)
    first = next(iter(desk.engine.view.accounts[2].orders.values()))
    shown = await desk.get(f"/orders/{first.id}", "ann")
    orders, before = naive_position(first)
    assert shown["queuePosition"] == {"orders": orders, "quantity": before}
    monkeypatch.setattr(views, "QUEUE_STEPS", 2)
    found = [queue_position(order) for order in desk.engine.view.orders.values()]
    assert None in found, "in the middle of a long queue nothing is told"


async def test_every_locked_unit_is_some_orders(desk: Desk) -> None:
    """What is locked is, to the last unit, what the list of reservations says."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for slug, fee in (("hail", 100), ("snow", 0)):
        desk.list_market(slug, maker_fee=fee, taker_fee=2 * fee)
    for turn in range(120):
        who, slug = chance.choice(("ann", "ben", "cat")), chance.choice(("rain", "hail", "snow"))
        side, outcome = chance.choice(("BUY", "BUY", "SELL")), chance.choice(("YES", "NO"))
        price = f"0.{chance.randint(40, 60)}"
        text = f"{side} {outcome} {chance.randint(1, 9)} @ {price}"
        reply = await desk.place(who, text, slug, timeInForce=chance.choice(("GTC", "IOC")))
        if reply.status == 201 and chance.random() < 0.2:
            order_id = reply.data["order"]["id"]
            await desk.call("PATCH", f"/orders/{order_id}", who, {"price": "0.39"})
        if turn % 20 == 19:
            for name in ("ann", "ben", "cat"):
                await compare_escrow(desk, name)


async def compare_escrow(desk: Desk, who: str) -> None:
    escrow: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = await desk.call("GET", f"/user/escrow?limit=7{cursor}", who)
        escrow += reply.data
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    balance = await desk.get("/user/balance", who)
    cash = sum(units(one["lockedCredits"]) for one in escrow)
    assert cash == units(balance["locked"])
    shares: dict[tuple[str, str], int] = {}
    for one in escrow:
        if units(one["lockedShares"]):
            key = one["slug"], one["outcome"]
            shares[key] = shares.get(key, 0) + units(one["lockedShares"])
    held = await desk.get("/user/positions?limit=200", who)
    assert shares == {
        (one["slug"], one["outcome"]): units(one["locked"]) for one in held if units(one["locked"])
    }


def units(text: str) -> int:
    return int(text.replace(".", ""))


async def test_what_the_document_shows_is_told_so(desk: Desk) -> None:
    shown = [json.loads(text) for text in blocks("docs/trading.md", "json")]
    await desk.rest("ben", "BUY YES 5 @ 0.40")
    order_id = await desk.rest("ann", "BUY YES 5 @ 0.40")
    told = await desk.get(f"/orders/{order_id}", "ann")
    assert told["queuePosition"] in shown
    await desk.call("PATCH", f"/orders/{order_id}", "ann", {"quantity": "4"})
    await desk.call("DELETE", f"/orders/{order_id}", "ann")
    assert [one["type"] for one in await life(desk, order_id)] in shown
