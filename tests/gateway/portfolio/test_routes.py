"""The caller's money and shares over REST."""

from typing import Any

import pytest

from exchange.messages.units import parse_money, parse_quantity
from tests.gateway.trading_desk import NEWCOMER, Desk


async def test_the_balance_of_somebody_whose_account_is_not_open_yet(desk: Desk) -> None:
    nothing = {"available": "0.000000", "locked": "0.000000", "total": "0.000000"}
    assert await desk.get("/user/balance", NEWCOMER) == nothing
    for path in ("/user/positions", "/user/escrow", "/user/ledger", "/orders?status=OPEN"):
        assert await desk.get(path, NEWCOMER) == []
    assert (await desk.get("/user/portfolio", NEWCOMER))["equity"] == "0.000000"
    reply = await desk.place(NEWCOMER, "BUY YES 1 @ 0.5")
    assert (reply.status, reply.error["code"]) == (404, "ACCOUNT_NOT_FOUND")
    assert reply.error["transient"] is True


async def test_positions_and_portfolio_at_the_last_price(desk: Desk) -> None:
    desk.list_market("hail")
    await desk.rest("ann", "BUY YES 10 @ 0.6")
    await desk.rest("ben", "BUY NO 10 @ 0.4")
    await desk.rest("ann", "SELL YES 4 @ 0.7")
    await desk.rest("cat", "BUY YES 1 @ 0.7")
    await desk.rest("ann", "BUY NO 2 @ 0.2", "hail")
    await desk.rest("ben", "BUY YES 2 @ 0.8", "hail")
    positions = await desk.get("/user/positions", "ann")
    assert positions == [
        {
            "marketId": "1",
            "slug": "rain",
            "outcome": "YES",
            "quantity": "9.00",
            "free": "6.00",
            "locked": "3.00",
            "averagePrice": "0.6000",
            "cost": "5.400000",
            "realisedProfit": "0.100000",
            "markPrice": "0.7000",
            "value": "6.300000",
            "unrealisedProfit": "0.900000",
        },
        {
            "marketId": "2",
            "slug": "hail",
            "outcome": "NO",
            "quantity": "2.00",
            "free": "2.00",
            "locked": "0.00",
            "averagePrice": "0.2000",
            "cost": "0.400000",
            "realisedProfit": "0.000000",
            "markPrice": "0.2000",
            "value": "0.400000",
            "unrealisedProfit": "0.000000",
        },
    ]
    assert await desk.get("/user/positions?market=hail", "ann") == positions[1:]
    assert await desk.get("/user/positions?limit=1&offset=1", "ann") == positions[1:]
    assert (await desk.call("GET", "/user/positions?market=snow", "ann")).status == 404
    assert await desk.get("/user/portfolio", "ann") == {
        "balance": {"available": "994.300000", "locked": "0.000000", "total": "994.300000"},
        "positions": 2,
        "positionsCost": "5.800000",
        "positionsValue": "6.700000",
        "unrealisedProfit": "0.900000",
        "realisedProfit": "0.100000",
        "equity": "1001.000000",
    }


async def test_a_position_back_at_nothing_is_gone(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 1 @ 0.6")
    await desk.rest("ben", "BUY NO 1 @ 0.4")
    await desk.rest("ann", "SELL YES 1 @ 0.6")
    await desk.rest("cat", "BUY YES 1 @ 0.6")
    assert await desk.get("/user/positions", "ann") == []


async def test_every_locked_unit_is_named(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.6")
    await desk.rest("ben", "BUY NO 10 @ 0.4")
    sell = await desk.rest("ann", "SELL YES 4 @ 0.7", clientOrderId="s")
    buy = await desk.rest("ann", "BUY YES 5 @ 0.5")
    escrow = await desk.get("/user/escrow", "ann")
    assert escrow[0] == {
        "orderId": sell,
        "clientOrderId": "s",
        "marketId": "1",
        "slug": "rain",
        "side": "SELL",
        "outcome": "YES",
        "price": "0.7000",
        "remaining": "4.00",
        "lockedCredits": "0.000000",
        "lockedShares": "4.00",
    }
    assert escrow[1]["orderId"] == buy
    locked = (await desk.get("/user/balance", "ann"))["locked"]
    assert parse_money(locked) == sum(int(e["lockedCredits"].replace(".", "")) for e in escrow)
    (position,) = await desk.get("/user/positions", "ann")
    shares = sum(int(e["lockedShares"].replace(".", "")) for e in escrow)
    assert parse_quantity(position["locked"]) == shares
    page = await desk.call("GET", "/user/escrow?limit=1&offset=1", "ann")
    assert page.data == escrow[1:]
    assert page.body["pagination"] == {"total": 2, "limit": 1, "offset": 1, "hasMore": False}


async def test_the_ledger_explains_the_balance(desk: Desk) -> None:
    desk.list_market("hail", maker_fee=100, taker_fee=200)
    await desk.rest("ann", "BUY YES 10 @ 0.6", "hail")
    await desk.rest("ben", "BUY NO 10 @ 0.4", "hail")
    entries: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = await desk.call("GET", f"/user/ledger?limit=2{cursor}", "ann")
        entries += reply.data
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    assert [entry["kind"] for entry in entries] == ["FEE", "TRADE", "RESERVE", "CREDIT"]
    assert len({entry["id"] for entry in entries}) == 4
    trade = entries[1]
    expected = {"slug": "hail", "orderId": "1", "tradeId": "2-1", "locked": "-6.060000"}
    assert {field: trade[field] for field in expected} == expected
    balance = await desk.get("/user/balance", "ann")
    for kind in ("available", "locked"):
        total = sum(int(entry[kind].replace(".", "")) for entry in entries)
        assert f"{total // 10**6}.{total % 10**6:06}" == balance[kind]
        assert entries[0][f"{kind}After"] == balance[kind]
    credit = entries[-1]
    assert (credit["available"], credit["marketId"], credit["tradeId"]) == (
        "1000.000000",
        None,
        None,
    )
    assert await desk.get("/user/ledger", "cat") != []


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1-", "-1", "1-x", "0-0", "1-1-1", "1-01", f"1-{2**31}"]
)
async def test_a_cursor_that_was_never_given(desk: Desk, cursor: str) -> None:
    reply = await desk.call("GET", f"/user/ledger?cursor={cursor}", "ann")
    assert (reply.status, reply.fields) == (400, ["cursor"])


@pytest.mark.parametrize("path", ["balance", "positions", "portfolio", "escrow", "ledger"])
async def test_nobody_has_nothing(desk: Desk, path: str) -> None:
    assert (await desk.call("GET", f"/user/{path}")).status == 401
