"""Every reason of the engine has its status and code, and most are met here over REST."""

from collections.abc import Awaitable, Callable

import pytest

from exchange.messages.commands import SetExchangeMode, SetMarketStatus
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, MarketStatus
from gateway.engine_side.refusals import STATUS, refused
from tests.gateway.trading_desk import Desk, Reply, order

MARKET = {"slug": "snow", "question": "Will it snow?", "closeTime": "2026-01-31T00:00:00Z"}


def test_every_reason_has_a_status() -> None:
    assert set(STATUS) == set(Reason)
    assert set(STATUS.values()) == {400, 403, 404, 409, 422}


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_a_refusal_tells_all_it_knows(reason: Reason) -> None:
    error = refused(CommandRejected(reason, "price", "is wrong"))
    invalid = reason.name.startswith("INVALID_")
    assert error.status == (400 if invalid else STATUS[reason])
    assert error.code == ("VALIDATION_ERROR" if invalid else reason.name)
    assert error.transient is reason.transient
    assert error.message == "price: is wrong"
    assert [(d.field, d.message) for d in error.details] == [("price", "is wrong")]


def test_a_refusal_without_a_field_has_no_details() -> None:
    error = refused(CommandRejected(Reason.EXCHANGE_HALTED, "", "the exchange is halted"))
    assert (error.message, error.details) == ("the exchange is halted", ())


Scene = Callable[[Desk], Awaitable[Reply]]


async def conflict(desk: Desk) -> Reply:
    await desk.place("ann", "BUY YES 1 @ 0.5", clientOrderId="a")
    return await desk.place("ann", "BUY YES 2 @ 0.5", clientOrderId="a")


async def request_conflict(desk: Desk) -> Reply:
    body = {"amount": "1", "reason": "gift", "requestId": "a"}
    await desk.call("POST", "/admin/users/2/credit", "root", body)
    return await desk.call("POST", "/admin/users/2/credit", "root", body | {"amount": "2"})


async def account_not_found(desk: Desk) -> Reply:
    return await desk.call("POST", "/admin/users/99/credit", "root", {"amount": 1, "reason": "x"})


async def market_not_found(desk: Desk) -> Reply:
    return await desk.place("ann", "BUY YES 1 @ 0.5", "hail")


async def order_not_found(desk: Desk) -> Reply:
    return await desk.call("DELETE", "/orders/999", "ann")


async def not_order_owner(desk: Desk) -> Reply:
    order_id = await desk.rest("ann", "BUY YES 1 @ 0.5")
    return await desk.call("DELETE", f"/orders/{order_id}", "ben")


async def order_not_open(desk: Desk) -> Reply:
    order_id = await desk.rest("ann", "BUY YES 1 @ 0.5")
    await desk.call("DELETE", f"/orders/{order_id}", "ann")
    return await desk.call("DELETE", f"/orders/{order_id}", "ann")


def in_mode(mode: ExchangeMode) -> Scene:
    async def scene(desk: Desk) -> Reply:
        desk.run(SetExchangeMode(mode))
        return await desk.place("ann", "BUY YES 1 @ 0.5")

    return scene


async def market_not_open(desk: Desk) -> Reply:
    desk.run(SetMarketStatus(1, MarketStatus.HALTED))
    return await desk.place("ann", "BUY YES 1 @ 0.5")


async def market_resolved(desk: Desk) -> Reply:
    await desk.call("POST", "/markets/rain/resolve", "root", {"outcome": "YES"})
    return await desk.call("POST", "/markets/rain/resolve", "root", {"outcome": "YES"})


async def illegal_status_change(desk: Desk) -> Reply:
    return await desk.call("PATCH", "/markets/rain/status", "root", {"status": "DRAFT"})


async def off_tick(desk: Desk) -> Reply:
    return await desk.place("ann", "BUY YES 1 @ 0.555")


async def below_min_quantity(desk: Desk) -> Reply:
    desk.list_market("hail", min_quantity=500)
    return await desk.place("ann", "BUY YES 4.99 @ 0.5", "hail")


async def slug_taken(desk: Desk) -> Reply:
    return await desk.call("POST", "/markets", "root", MARKET | {"slug": "rain"})


async def close_time_passed(desk: Desk) -> Reply:
    body = MARKET | {"closeTime": "2020-01-01T00:00:00Z"}
    return await desk.call("POST", "/markets", "root", body)


async def insufficient_balance(desk: Desk) -> Reply:
    return await desk.place("ann", "BUY YES 2001 @ 0.5")


async def insufficient_shares(desk: Desk) -> Reply:
    return await desk.place("ann", "SELL YES 1 @ 0.5")


async def reduce_only(desk: Desk) -> Reply:
    return await desk.place("ann", "SELL YES 1", reduceOnly=True)


async def fok_not_fillable(desk: Desk) -> Reply:
    return await desk.place("ann", "BUY YES 1 @ 0.5", timeInForce="FOK")


async def market_post_only(desk: Desk) -> Reply:
    await desk.call("PATCH", "/markets/rain/status", "root", {"status": "POST_ONLY"})
    return await desk.place("ann", "BUY YES 1 @ 0.5")


async def expiry_passed(desk: Desk) -> Reply:
    past = {"timeInForce": "GTD", "expiresAt": "2020-01-01T00:00:00Z"}
    return await desk.place("ann", "BUY YES 1 @ 0.5", **past)


async def version_changed(desk: Desk) -> Reply:
    order_id = await desk.rest("ann", "BUY YES 1 @ 0.5")
    body = {"price": "0.4", "expectedVersion": 1}
    return await desk.call("PATCH", f"/orders/{order_id}", "ann", body)


async def post_only_would_cross(desk: Desk) -> Reply:
    await desk.rest("ben", "BUY NO 1 @ 0.5")
    return await desk.place("ann", "BUY YES 1 @ 0.5", postOnly=True)


async def max_cost_too_small(desk: Desk) -> Reply:
    await desk.rest("ben", "BUY NO 1 @ 0.5")
    return await desk.place("ann", "BUY YES 1", quantity=None, maxCost="0.000001")


SCENES: list[tuple[Scene, Reason, list[str]]] = [
    (conflict, Reason.CONFLICT, ["clientOrderId"]),
    (request_conflict, Reason.CONFLICT, ["requestId"]),
    (account_not_found, Reason.ACCOUNT_NOT_FOUND, ["id"]),
    (market_not_found, Reason.MARKET_NOT_FOUND, ["market"]),
    (order_not_found, Reason.ORDER_NOT_FOUND, ["orderId"]),
    (not_order_owner, Reason.NOT_ORDER_OWNER, ["orderId"]),
    (order_not_open, Reason.ORDER_NOT_OPEN, ["orderId"]),
    (in_mode(ExchangeMode.HALTED), Reason.EXCHANGE_HALTED, []),
    (in_mode(ExchangeMode.CANCEL_ONLY), Reason.EXCHANGE_CANCEL_ONLY, []),
    (in_mode(ExchangeMode.POST_ONLY), Reason.EXCHANGE_POST_ONLY, []),
    (market_not_open, Reason.MARKET_NOT_OPEN, ["market"]),
    (market_resolved, Reason.MARKET_ALREADY_RESOLVED, ["market"]),
    (illegal_status_change, Reason.ILLEGAL_STATUS_CHANGE, ["status"]),
    (market_post_only, Reason.MARKET_POST_ONLY, ["market"]),
    (off_tick, Reason.OFF_TICK, ["price"]),
    (below_min_quantity, Reason.BELOW_MIN_QUANTITY, ["quantity"]),
    (slug_taken, Reason.SLUG_TAKEN, ["slug"]),
    (close_time_passed, Reason.CLOSE_TIME_PASSED, ["closeTime"]),
    (expiry_passed, Reason.EXPIRY_PASSED, ["expiresAt"]),
    (version_changed, Reason.VERSION_CHANGED, ["expectedVersion"]),
    (insufficient_balance, Reason.INSUFFICIENT_BALANCE, []),
    (insufficient_shares, Reason.INSUFFICIENT_SHARES, ["quantity"]),
    (reduce_only, Reason.REDUCE_ONLY, ["reduceOnly"]),
    (fok_not_fillable, Reason.FOK_NOT_FILLABLE, ["quantity"]),
    (max_cost_too_small, Reason.MAX_COST_TOO_SMALL, ["maxCost"]),
    (post_only_would_cross, Reason.POST_ONLY_WOULD_CROSS, ["price"]),
]


@pytest.mark.parametrize(
    ("scene", "reason", "fields"), SCENES, ids=lambda v: getattr(v, "name", "")
)
async def test_met_over_rest(desk: Desk, scene: Scene, reason: Reason, fields: list[str]) -> None:
    reply = await scene(desk)
    assert (reply.status, reply.error["code"]) == (STATUS[reason], reason.name)
    assert reply.fields == fields
    assert reply.error["transient"] is reason.transient
    assert "replayed" not in reply.error


async def test_off_tick_names_the_nearest_valid_price(desk: Desk) -> None:
    reply = await desk.place("ann", "BUY YES 1 @ 0.555")
    assert "0.5500" in reply.error["details"][0]["message"]


async def test_a_refusal_told_again_says_so(desk: Desk) -> None:
    first = await desk.place("ann", "SELL YES 1 @ 0.5", clientOrderId="a")
    again = await desk.place("ann", "SELL YES 1 @ 0.5", clientOrderId="a")
    assert first.status == again.status == 422
    assert again.error == first.error | {"replayed": True}


async def test_an_answer_of_the_edge_does_not_use_up_the_id(desk: Desk) -> None:
    for body in (order("BUY YES 1", clientOrderId="a", timeInForce="GTC"),):
        assert (await desk.call("POST", "/orders/rain", "ann", body)).status == 400
    assert (await desk.place("ann", "BUY YES 1 @ 0.5", "hail", clientOrderId="a")).status == 404
    assert (await desk.place("ann", "BUY YES 1 @ 0.5", clientOrderId="a")).status == 201
