"""Limits before the trade over REST: set, shown, audited, and felt."""

import json
from typing import Any

import pytest

from tests.e2e.test_samples import blocks
from tests.gateway.trading_desk import Desk

RAIN = "/admin/markets/rain/limits"
ANN = "/admin/users/2/limits"
BAND = "0.1"
HALT = {"move": "0.2", "windowSeconds": 60, "haltSeconds": 300, "postOnlySeconds": 60}
SHOWN_HALT = HALT | {"move": "0.2000"}
ALL = {"orderQuantity": "5", "orderNotional": "2.5", "openOrders": 2, "position": "20"}
SHOWN = {
    "orderQuantity": "5.00",
    "orderNotional": "2.500000",
    "openOrders": 2,
    "position": "20.00",
}
NONE = dict.fromkeys(SHOWN)
OF_MARKET = {"priceBand": None, "volatilityHalt": None, "marketId": "1", "slug": "rain"}
IN_UNITS = json.dumps(
    {
        "order_quantity": 500,
        "order_notional": 2_500_000,
        "open_orders": 2,
        "position": 2_000,
        "price_band": 1_000,
    },
    separators=(",", ":"),
)


def json_of(document: str, **values: str) -> dict[str, Any]:
    """Return the document's sample that says this."""
    bodies = [json.loads(text) for text in blocks(document, "json")]
    objects = [body for body in bodies if isinstance(body, dict)]
    (found,) = [body for body in objects if values.items() <= body.items()]
    return dict(found)


async def test_a_market_has_limits_and_an_account_its_own(desk: Desk) -> None:
    reply = await desk.call("PUT", RAIN, "root", ALL | {"priceBand": BAND})
    assert reply.data == SHOWN | OF_MARKET | {"priceBand": "0.1000"}
    assert await desk.get("/admin/markets/1/limits", "root") == reply.data
    own = await desk.call("PUT", ANN, "root", {"orderQuantity": "6"})
    assert own.data == NONE | {"orderQuantity": "6.00", "userId": "2"}
    assert await desk.get(ANN, "root") == own.data
    # What isn't named is lifted.
    reply = await desk.call("PUT", RAIN, "root", {"openOrders": 2, "position": None})
    assert reply.data == NONE | OF_MARKET | {"openOrders": 2}
    assert (await desk.call("PUT", ANN, "root", {})).data == NONE | {"userId": "2"}
    assert desk.engine.view.accounts[2].limits is None
    assert [line[1:] for line in desk.audit.lines] == [
        (
            "market.limits",
            f"market:1 {IN_UNITS}",
            "ok",
        ),
        ("user.limits", 'user:2 {"order_quantity":600}', "ok"),
        ("market.limits", 'market:1 {"open_orders":2}', "ok"),
        ("user.limits", "user:2 {}", "ok"),
    ]


async def test_a_trader_sees_what_binds_him(desk: Desk) -> None:
    await desk.call("PUT", RAIN, "root", ALL | {"priceBand": BAND})
    await desk.call("PUT", ANN, "root", {"orderQuantity": "6"})

    async def shown(query: str) -> object:
        return (await desk.get(f"/user/limits{query}", "ann"))["trading"]

    own = {"orderQuantity": "6.00", "priceBand": None, "volatilityHalt": None}
    assert await shown("") == NONE | own
    assert await shown("?market=rain") == SHOWN | own | {"priceBand": "0.1000"}
    assert (await desk.call("GET", "/user/limits?market=snow", "ann")).status == 404
    both = await desk.call("GET", "/user/limits?market=rain&slug=rain", "ann")
    assert (both.status, both.fields) == (400, ["market"])


async def test_refusals_and_previews_have_the_numbers(desk: Desk) -> None:
    await desk.call("PUT", RAIN, "root", ALL)
    for text, code, numbers in (
        ("BUY YES 5.01 @ 0.10", "ORDER_TOO_LARGE", ("5.01", "5.00")),
        ("BUY YES 5 @ 0.51", "ORDER_TOO_LARGE", ("2.550000", "2.500000")),
    ):
        reply = await desk.place("ann", text)
        assert (reply.status, reply.error["code"], reply.fields) == (422, code, ["quantity"])
        assert reply.error["transient"] is False
        assert all(number in reply.error["message"] for number in numbers)
    await desk.call("PUT", RAIN, "root", ALL | {"position": "5"})
    await desk.rest("ann", "BUY YES 3 @ 0.10")
    reply = await desk.place("ann", "BUY YES 2.01 @ 0.10")
    assert (reply.error["code"], reply.error["transient"]) == ("POSITION_LIMIT", True)
    assert all(number in reply.error["message"] for number in ("3.00", "2.01", "5.00"))
    order = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
    order |= {"price": "0.10", "quantity": "2.01"}
    (result,) = (await desk.call("POST", "/orders/preview", "ann", order)).data["results"]
    assert result["error"]["code"] == "POSITION_LIMIT"
    await desk.rest("ann", "BUY YES 2 @ 0.10")
    reply = await desk.place("ann", "BUY NO 1 @ 0.10")
    assert (reply.status, reply.error["code"]) == (422, "TOO_MANY_OPEN_ORDERS")
    assert "2" in reply.error["message"]


async def test_the_documented_limits_do_what_is_said(desk: Desk) -> None:
    body = json_of("docs/limits.md", orderQuantity="5000")
    assert (await desk.call("PUT", RAIN, "root", body)).status == 200
    await desk.call("PUT", RAIN, "root", {"orderQuantity": "5"})
    order = json_of("docs/trading.md", price="0.31")
    reply = await desk.call("POST", "/orders/rain", "ann", order)
    assert (reply.status, reply.error["code"]) == (422, "ORDER_TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"orderQuantity": "0"}, "orderQuantity"),
        ({"orderQuantity": "1.001"}, "orderQuantity"),
        ({"orderQuantity": "100000000.01"}, "orderQuantity"),
        ({"orderQuantity": True}, "orderQuantity"),
        ({"orderNotional": "-1"}, "orderNotional"),
        ({"orderNotional": "100000000.000001"}, "orderNotional"),
        ({"openOrders": 0}, "openOrders"),
        ({"openOrders": 10_001}, "openOrders"),
        ({"openOrders": "5"}, "openOrders"),
        ({"position": "1e3"}, "position"),
        ({"position": []}, "position"),
        ({"size": "5"}, "size"),
    ],
)
@pytest.mark.parametrize("path", [RAIN, ANN])
async def test_what_is_wrong_is_named(
    desk: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    seq = desk.engine.view.seq
    reply = await desk.call("PUT", path, "root", body)
    assert (reply.status, reply.fields) == (400, [field])
    assert desk.engine.view.seq == seq


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"move": "0"}, "move"),
        ({"move": "1"}, "move"),
        ({"windowSeconds": 0}, "windowSeconds"),
        ({"windowSeconds": 3_601}, "windowSeconds"),
        ({"windowSeconds": "60"}, "windowSeconds"),
        ({"windowSeconds": 1.5}, "windowSeconds"),
        ({"haltSeconds": 0}, "haltSeconds"),
        ({"haltSeconds": 86_401}, "haltSeconds"),
        ({"postOnlySeconds": -1}, "postOnlySeconds"),
        ({"postOnlySeconds": 86_401}, "postOnlySeconds"),
        ({"pause": 1}, "pause"),
    ],
)
async def test_what_is_wrong_with_a_halt_is_named(
    desk: Desk, change: dict[str, object], field: str
) -> None:
    reply = await desk.call("PUT", RAIN, "root", {"volatilityHalt": HALT | change})
    assert (reply.status, reply.fields) == (400, [f"volatilityHalt.{field}"])
    missing = {name: value for name, value in HALT.items() if name not in change}
    reply = await desk.call("PUT", RAIN, "root", {"volatilityHalt": missing})
    # Only the post-only time has a value of its own.
    assert reply.status == (200 if field in {"postOnlySeconds", "pause"} else 400)


async def test_a_halt_is_shown_lifted_and_kept(desk: Desk) -> None:
    body = {"volatilityHalt": HALT | {"move": "0.1"}}
    reply = await desk.call("PUT", RAIN, "root", body)
    assert reply.data["volatilityHalt"] == SHOWN_HALT | {"move": "0.1000"}
    trading = (await desk.get("/user/limits?market=rain", "ann"))["trading"]
    assert trading["volatilityHalt"] == reply.data["volatilityHalt"]
    for yes, no in (("0.50", "0.50"), ("0.61", "0.39")):
        await desk.rest("ben", f"BUY NO 1 @ {no}")
        assert "resumesAt" not in await desk.get("/markets/rain")
        await desk.rest("ann", f"BUY YES 1 @ {yes}")
    market = await desk.get("/markets/rain")
    assert market["status"] == "HALTED"
    assert market["resumesAt"] > market["createdAt"]
    [listed] = await desk.get("/markets?status=HALTED")
    assert listed["resumesAt"] == market["resumesAt"]
    status = "/markets/rain/status"
    kept = (await desk.call("PATCH", status, "root", {"status": "HALTED"})).data
    assert (kept["status"], "resumesAt" in kept) == ("HALTED", False)
    reply = await desk.call("PATCH", status, "root", {"status": "HALTED"})
    assert reply.error["code"] == "ILLEGAL_STATUS_CHANGE"


@pytest.mark.parametrize("band", ["0", "1", "0.00001", True, {}])
async def test_a_band_is_a_price_and_a_markets_alone(desk: Desk, band: object) -> None:
    reply = await desk.call("PUT", RAIN, "root", {"priceBand": band})
    assert (reply.status, reply.fields) == (400, ["priceBand"])
    reply = await desk.call("PUT", ANN, "root", {"priceBand": "0.1"})
    assert (reply.status, reply.fields) == (400, ["priceBand"])


async def test_a_price_outside_the_band_is_refused_with_the_bound(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 1 @ 0.50")
    await desk.rest("ben", "BUY NO 1 @ 0.50")
    await desk.call("PUT", RAIN, "root", {"priceBand": BAND})
    order = json_of("docs/trading.md", price="0.99")
    reply = await desk.call("POST", "/orders/rain", "ann", order)
    assert (reply.status, reply.error["code"], reply.fields) == (422, "OUTSIDE_BAND", ["price"])
    assert reply.error["transient"] is True
    assert "0.9900" in reply.error["message"]
    assert "0.6000" in reply.error["message"]
    await desk.rest("ben", "BUY NO 1 @ 0.39")
    market = {"side": "BUY", "outcome": "YES", "type": "MARKET", "quantity": "1"}
    reply = await desk.call("POST", "/orders/preview", "ann", market | {"market": "rain"})
    (result,) = reply.data["results"]
    assert result["data"]["order"]["cancelReason"] == "OUTSIDE_BAND"


async def test_they_are_for_admins_and_of_what_is_there(desk: Desk) -> None:
    for path in (RAIN, ANN):
        for method, body in (("GET", None), ("PUT", {})):
            for who, status in ((None, 401), ("ann", 403)):
                assert (await desk.call(method, path, who, body)).status == status
    for path in ("/admin/markets/snow/limits", "/admin/users/99/limits"):
        for method, body in (("GET", None), ("PUT", {})):
            assert (await desk.call(method, path, "root", body)).status == 404
    await desk.call("POST", "/markets/rain/resolve", "root", {"outcome": "YES"})
    reply = await desk.call("PUT", RAIN, "root", {})
    assert (reply.status, reply.error["code"]) == (409, "MARKET_ALREADY_RESOLVED")
