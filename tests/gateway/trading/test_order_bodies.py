"""An order's body becomes a command, or a 400 that names the field."""

import json

import msgspec
import pytest

from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    SelfTradePrevention,
)
from gateway.trading.order_bodies import OrderBody, place_command
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import decode
from tests.gateway.trading_desk import order

DECODER = msgspec.json.Decoder(OrderBody)
CANCEL_TAKER = SelfTradePrevention.CANCEL_TAKER
CANCEL_BOTH = SelfTradePrevention.CANCEL_BOTH


def parse(body: dict[str, object]) -> PlaceOrder:
    return place_command(decode(json.dumps(body).encode(), DECODER), 9, 4)


def test_a_limit_order_waits_unless_told_otherwise() -> None:
    command = parse(order("BUY YES 10 @ 0.55"))
    assert command == PlaceOrder(9, 4, BUY, YES, LIMIT, 5500, 1000, GTC, CANCEL_TAKER)


def test_a_market_order_does_not_wait_unless_told_otherwise() -> None:
    command = parse(order("SELL NO 0.01"))
    assert command == PlaceOrder(9, 4, SELL, NO, MARKET, None, 1, IOC, CANCEL_TAKER)


def test_everything_given() -> None:
    body = order(
        "SELL NO 1.5 @ 0.0001",
        timeInForce="FOK",
        selfTradePrevention="CANCEL_BOTH",
        clientOrderId="a.B_c:9-",
    )
    expected = PlaceOrder(
        9, 4, SELL, NO, LIMIT, 1, 150, FOK, CANCEL_BOTH, client_order_id="a.B_c:9-"
    )
    assert parse(body) == expected


def test_by_cost() -> None:
    body = order("BUY YES 1", maxCost="12.345678", quantity=None)
    expected = PlaceOrder(9, 4, BUY, YES, MARKET, None, None, IOC, CANCEL_TAKER, 12_345_678)
    assert parse(body) == expected


def test_rare_terms_are_there_if_given() -> None:
    body = order(
        "BUY YES 10 @ 0.55", timeInForce="GTD", expiresAt="2026-01-31T12:00:00.250Z", postOnly=True
    )
    terms = OrderConditions(expires_at=1_769_860_800_250_000, post_only=True)
    expected = PlaceOrder(9, 4, BUY, YES, LIMIT, 5500, 1000, GTD, CANCEL_TAKER, conditions=terms)
    assert parse(body) == expected


def test_a_term_at_its_default_is_a_term_not_given() -> None:
    plain = parse(order("BUY YES 10 @ 0.55"))
    assert parse(order("BUY YES 10 @ 0.55", postOnly=False, expiresAt=None)) == plain
    assert plain.conditions is None


def test_numbers_may_be_numbers_and_null_is_absent() -> None:
    plain = parse(order("BUY YES 10 @ 0.55"))
    numbers = order("BUY YES 10 @ 0.55", price=0.55, quantity=10, maxCost=None, clientOrderId=None)
    assert parse(numbers) == plain


def test_equal_content_is_equal_however_it_is_written() -> None:
    assert parse(order("BUY YES 10 @ 0.5")) == parse(
        order("BUY YES 10.00 @ 0.5000", timeInForce="GTC", selfTradePrevention="CANCEL_TAKER")
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (order("BUY YES 1 @ 0.5", price=None), "price"),
        (order("BUY YES 1", price="0.5"), "price"),
        (order("BUY YES 1 @ 0.5", quantity=None), "quantity"),
        (order("BUY YES 1", quantity=None), "quantity"),
        (order("BUY YES 1", timeInForce="GTC"), "timeInForce"),
        (order("BUY YES 1", timeInForce="GTD"), "timeInForce"),
        (order("BUY YES 1 @ 0.5", timeInForce="GTD"), "expiresAt"),
        (order("BUY YES 1 @ 0.5", timeInForce="GTD", expiresAt="soon"), "expiresAt"),
        (
            order("BUY YES 1 @ 0.5", timeInForce="GTD", expiresAt="1970-01-01T00:00:00Z"),
            "expiresAt",
        ),
        (order("BUY YES 1 @ 0.5", timeInForce="gtc"), "timeInForce"),
        (order("BUY YES 1 @ 0.5", maxCost="1"), "maxCost"),
        (order("BUY YES 1", maxCost="1"), "maxCost"),
        (order("SELL YES 1", maxCost="1", quantity=None), "maxCost"),
        (order("BUY YES 1", maxCost="0", quantity=None), "maxCost"),
        (order("BUY YES 1", maxCost="0.0000001", quantity=None), "maxCost"),
        (order("BUY YES 1", maxCost="1", quantity=None, timeInForce="FOK"), "maxCost"),
        (order("HOLD YES 1 @ 0.5"), "side"),
        (order("BUY MAYBE 1 @ 0.5"), "outcome"),
        (order("BUY YES 1 @ 0.5", type="ICEBERG"), "type"),
        (order("SELL YES 1 @ 0.5", type="STOP", triggerPrice="0.4"), "price"),
        (order("SELL YES 1", type="STOP_LIMIT", triggerPrice="0.4"), "price"),
        (order("SELL YES 1", type="STOP"), "triggerPrice"),
        (order("SELL YES 1", type="STOP", triggerPrice="0"), "triggerPrice"),
        (order("SELL YES 1", type="STOP", triggerPrice="0.40001"), "triggerPrice"),
        (order("SELL YES 1", type="STOP", triggerPrice="0.4", timeInForce="GTC"), "timeInForce"),
        (order("SELL YES 1", type="STOP", triggerPrice="0.4", timeInForce="FOK"), "timeInForce"),
        (order("BUY YES 1", type="STOP", triggerPrice="0.4"), "worstPrice"),
        (order("SELL YES 1", type="STOP", triggerPrice="0.4", triggerBy="MARK"), "triggerBy"),
        (order("SELL YES 1 @ 0.5", triggerPrice="0.4"), "triggerPrice"),
        (order("SELL YES 1 @ 0.5", triggerBy="LAST"), "triggerBy"),
        (order("SELL YES 1 @ 0.5", triggerBy="BEST"), "triggerBy"),
        (order("BUY YES 1 @ 0.5", side=None), "side"),
        (order("BUY YES 1 @ 0.5", selfTradePrevention="NONE"), "selfTradePrevention"),
        (order("BUY YES 1 @ 0.5", expiresAt="2026-01-02T00:00:00Z"), "expiresAt"),
        (order("BUY YES 1 @ 0.5", postOnly="yes"), "postOnly"),
        (order("BUY YES 1 @ 0.5", postOnly=True, timeInForce="IOC"), "postOnly"),
        (order("BUY YES 1", postOnly=True), "postOnly"),
        (order("BUY YES 1 @ 0.5", reduceOnly="no"), "reduceOnly"),
        (order("BUY YES 1 @ 0.5", worstPrice="0.5"), "worstPrice"),
        (order("BUY YES 1", worstPrice="0.50001"), "worstPrice"),
        (order("BUY YES 1", worstPrice="0"), "worstPrice"),
        (order("BUY YES 1 @ 0.5", reduceOnly=True), "reduceOnly"),
        (order("BUY YES 1 @ 0.5", client_order_id="a"), "client_order_id"),
        (order("BUY YES 1 @ 0.5", clientOrderId=""), "clientOrderId"),
        (order("BUY YES 1 @ 0.5", clientOrderId="a\n"), "clientOrderId"),
        (order("BUY YES 1 @ 0.5", clientOrderId="a b"), "clientOrderId"),
        (order("BUY YES 1 @ 0.5", clientOrderId="ä"), "clientOrderId"),
        (order("BUY YES 1 @ 0.5", clientOrderId="x" * 65), "clientOrderId"),
        (order("BUY YES 1 @ 0.5", clientOrderId=5), "clientOrderId"),
    ],
)
def test_what_cannot_be_names_its_field(body: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse(body)
    assert [detail.field for detail in caught.value.details] == [field]


def test_a_missing_word_is_named() -> None:
    for field in ("side", "outcome", "type"):
        body = order("BUY YES 1 @ 0.5")
        del body[field]
        with pytest.raises(ValidationFailed) as caught:
            parse(body)
        assert [detail.field for detail in caught.value.details] == [field]
