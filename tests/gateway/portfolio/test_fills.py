"""One's own fills and settlements over REST, and how far a read of an account reaches."""

from typing import Any

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import Resolution
from tests.gateway.trading_desk import NEWCOMER, Desk


async def test_each_side_of_a_trade_is_told_as_its_own_order(desk: Desk) -> None:
    desk.list_market("hail", maker_fee=100, taker_fee=200)
    bid = await desk.rest("ann", "BUY YES 10 @ 0.6", "hail", clientOrderId="a-1")
    no = await desk.rest("ben", "BUY NO 4 @ 0.4", "hail")
    (made,) = await desk.get("/user/fills", "ann")
    assert made == {
        "id": "2-1",
        "tradeNo": 1,
        "marketId": "2",
        "slug": "hail",
        "outcome": "YES",
        "side": "BUY",
        "price": "0.6000",
        "yesPrice": "0.6000",
        "quantity": "4.00",
        "kind": "MINT",
        "seq": made["seq"],
        "createdAt": made["createdAt"],
        "orderId": bid,
        "role": "MAKER",
        "fee": "0.024000",
        "clientOrderId": "a-1",
        "tradeId": "2-1",
    }
    (taken,) = await desk.get("/user/fills", "ben")
    mine = {"outcome": "NO", "price": "0.4000", "orderId": no, "role": "TAKER", "fee": "0.032000"}
    assert taken == made | mine | {"clientOrderId": None}
    sell = await desk.rest("ann", "SELL YES 1 @ 0.7", "hail")
    await desk.rest("cat", "BUY YES 1 @ 0.7", "hail")
    (sold, _) = await desk.get("/user/fills", "ann")
    own = {"side": "SELL", "outcome": "YES", "price": "0.7000", "kind": "TRANSFER"}
    assert {name: sold[name] for name in own} == own
    assert await desk.get(f"/user/fills?orderId={sell}", "ann") == [sold]
    assert await desk.get("/user/fills?market=rain", "ann") == []
    assert await desk.get("/user/fills?market=hail&limit=1", "ann") == [sold]
    assert await desk.get("/user/fills", NEWCOMER) == []


async def test_fills_of_an_order_that_is_not_ones_own(desk: Desk) -> None:
    bid = await desk.rest("ann", "BUY YES 10 @ 0.6")
    for query, status, code in (
        (f"orderId={bid}", 403, "NOT_ORDER_OWNER"),
        ("orderId=99", 404, "ORDER_NOT_FOUND"),
        ("orderId=x", 404, "ORDER_NOT_FOUND"),
        ("market=snow", 404, "MARKET_NOT_FOUND"),
    ):
        reply = await desk.call("GET", f"/user/fills?{query}", "ben")
        assert (reply.status, reply.error["code"]) == (status, code)


async def test_a_position_that_paid_nothing_is_in_the_list(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.6")
    await desk.rest("ben", "BUY NO 10 @ 0.4")
    desk.run(ResolveMarket(1, Resolution.NO, None, ""))
    (lost,) = await desk.get("/user/settlements", "ann")
    assert lost == {
        "id": str(lost["seq"]),
        "seq": lost["seq"],
        "marketId": "1",
        "slug": "rain",
        "resolution": "NO",
        "yesPayout": "0.0000",
        "yesQuantity": "10.00",
        "noQuantity": "0.00",
        "payout": "0.000000",
        "realisedProfit": "-6.000000",
        "createdAt": lost["createdAt"],
    }
    (won,) = await desk.get("/user/settlements?slug=rain", "ben")
    assert (won["payout"], won["noQuantity"]) == ("10.000000", "10.00")
    assert await desk.get("/user/settlements", "cat") == []
    assert await desk.get("/user/settlements", NEWCOMER) == []


READS = (
    "/user/balance",
    "/user/positions",
    "/user/portfolio",
    "/user/escrow",
    "/user/ledger",
    "/user/fills",
    "/user/settlements",
    "/orders",
    "/orders?status=OPEN",
    "/orders/1",
    "/orders/by-client-id/a-1",
)


def marks(body: dict[str, Any]) -> tuple[int, int]:
    return body["meta"]["asOfSeq"], body["meta"]["accountSeq"]


@pytest.mark.parametrize("path", READS)
async def test_every_read_of_an_account_says_how_far_it_reaches(desk: Desk, path: str) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.6", clientOrderId="a-1")
    for _ in range(2):
        view = desk.engine.view
        reply = await desk.call("GET", path, "ann")
        assert reply.status == 200
        assert marks(reply.body) == (view.seq, view.accounts[2].seq)
        await desk.rest("ben", "BUY NO 1 @ 0.4")
    public = await desk.call("GET", "/markets", "ann")
    assert public.body["meta"]["asOfSeq"] == desk.engine.view.seq
    assert "accountSeq" not in public.body["meta"]


async def test_the_reason_of_a_credit_is_in_the_ledger(desk: Desk) -> None:
    body = {"amount": "5", "reason": "for cafe\u0301 talk"}
    assert (await desk.call("POST", "/admin/users/2/credit", "root", body)).status == 200
    await desk.rest("ann", "BUY YES 1 @ 0.6")
    entries = await desk.get("/user/ledger", "ann")
    assert [entry["reason"] for entry in entries] == [
        None,
        "for caf\u00e9 talk",
        "starting credits",
    ]
