"""What must be refused with a 4xx that names the field, and change nothing (the issue's list)."""

import json

import pytest

from tests.gateway.trading_desk import CLOSE_TEXT, Desk, order

GOOD = order("BUY YES 10 @ 0.55")
FULL_WIDTH = "\uff10.\uff15"


def raw(**fields: str) -> bytes:
    """A good order with fields replaced by raw JSON tokens, or added."""
    tokens = {name: json.dumps(value) for name, value in GOOD.items()} | fields
    return ("{" + ",".join(f'"{name}":{token}' for name, token in tokens.items()) + "}").encode()


NUMBERS = {
    "zero": "0",
    "zero text": '"0"',
    "one": "1",
    "one text": '"1.0000"',
    "minus one": "-1",
    "minus one text": '"-1"',
    "NaN text": '"NaN"',
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a million digits in the exponent": '"1E+1000000"',
    "the same as a number": "1E+1000000",
    "exponent": "5e-1",
    "underscore": '"1_0"',
    "full-width digits": json.dumps(FULL_WIDTH, ensure_ascii=False),
    "full-width digits escaped": json.dumps(FULL_WIDTH),
    "newline": '"0.5\\n"',
    "leading space": '" 0.5"',
    "plus": '"+0.5"',
    "hexadecimal": '"0x1"',
    "comma": '"0,5"',
    "400 digits": '"0.' + "5" * 400 + '"',
    "400 digits as a number": "0." + "5" * 400,
    "true": "true",
    "null": "null",
    "empty": '""',
    "list": "[0.5]",
    "object": '{"value":0.5}',
    "NUL": '"0.5\\u0000"',
    "half a character": '"\\ud800"',
}


@pytest.mark.parametrize("token", NUMBERS.values(), ids=NUMBERS)
async def test_price(desk: Desk, token: str) -> None:
    await refused(desk, raw(price=token), "price")


@pytest.mark.parametrize("name", sorted(NUMBERS.keys() - {"one", "one text", "hexadecimal"}))
async def test_quantity(desk: Desk, name: str) -> None:
    # Half a share is a good quantity, so the digits differ where they alone would be good.
    await refused(desk, raw(quantity=NUMBERS[name].replace("0.5]", "0.5,1]")), "quantity")


@pytest.mark.parametrize("token", ['"0.001"', "0.001", '"100000000.01"', '"1e2"', '"0.00"'])
async def test_quantity_of_the_wrong_size(desk: Desk, token: str) -> None:
    await refused(desk, raw(quantity=token), "quantity")


async def test_price_off_the_tick(desk: Desk) -> None:
    await refused(desk, raw(price='"0.555"'), "price", 422)


async def test_price_with_too_many_places(desk: Desk) -> None:
    await refused(desk, raw(price='"0.55555"'), "price")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (raw(size="1"), "size"),
        (raw(Price='"0.5"'), "Price"),
        (raw(postOnly="1"), "postOnly"),
        (raw(postOnly="true", timeInForce='"IOC"'), "postOnly"),
        (raw(reduceOnly="true"), "reduceOnly"),
        (raw(worstPrice='"0.5"'), "worstPrice"),
        (raw(worstPrice="1", type='"MARKET"', price="null"), "worstPrice"),
        (raw(triggerPrice='"0.5"'), "triggerPrice"),
        (raw(triggerPrice="null", type='"STOP_LIMIT"'), "triggerPrice"),
        (raw(triggerPrice='"1e-1"', type='"STOP_LIMIT"'), "triggerPrice"),
        (raw(triggerPrice='"0.5"', type='"STOP_LIMIT"', triggerBy='"best"'), "triggerBy"),
        (raw(timeInForce='"GTD"'), "expiresAt"),
        (raw(expiresAt='"2026-01-31T12:00:00Z"'), "expiresAt"),
        (raw(timeInForce='"GTD"', expiresAt='"soon"'), "expiresAt"),
        (raw(timeInForce='"GTD"', expiresAt="1769860800"), "expiresAt"),
        (raw(timeInForce='"GTD"', expiresAt='"2026-01-31T12:00:00"'), "expiresAt"),
        (raw(timeInForce='"GTD"', expiresAt='"2026-02-30T12:00:00Z"'), "expiresAt"),
        (raw(price='"0.5","price":"0.6"'), "price"),
        (raw(price='"0.5","\\u0070rice":"0.6"'), "price"),
        (raw(clientOrderId='"a\\u0000b"'), "clientOrderId"),
        (raw(clientOrderId='"\\ud800"'), "clientOrderId"),
        (raw(side='"BUY\\u0000"'), "side"),
        (raw()[:-1], "body"),
        (raw()[:20], "body"),
        (b"", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b'"BUY"', "body"),
        (raw() + raw(), "body"),
        (raw().replace(b"BUY", b"B\xffY"), "body"),
        (b"\xef\xbb\xbf" + raw(), "body"),
        (raw().decode().encode("utf-16"), "body"),
        (b"[" * 60_000, "body"),
        (b'{"a":' * 10_000, "body"),
        (b"{}", "side"),
        (raw(clientOrderId='"' + "x" * 65 + '"'), "clientOrderId"),
    ],
)
async def test_malformed_json(desk: Desk, content: bytes, field: str) -> None:
    await refused(desk, content, field)


async def test_brackets_beyond_the_bound_of_a_body(desk: Desk) -> None:
    await refused(desk, b"[" * 100_000, "body", 413)


async def test_a_body_of_two_megabytes(desk: Desk) -> None:
    await refused(desk, b" " * 2_000_000 + raw(), "body", 413)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""],
)
async def test_another_content_type(desk: Desk, content_type: str) -> None:
    await refused(desk, raw(), "content-type", 415, content_type=content_type)


@pytest.mark.parametrize("who", [None, "mallory", "ann.forged"])
async def test_no_or_no_good_token(desk: Desk, who: str | None) -> None:
    await refused(desk, raw(), None, 401, who=who)


@pytest.mark.parametrize("market", ["hail", "999", "0", "01", "RAIN", "rain%00", "%FF", "ra in"])
async def test_an_unknown_market(desk: Desk, market: str) -> None:
    before = desk.engine.state_hash()
    reply = await desk.call("POST", f"/orders/{market}", "ann", content=raw())
    assert reply.status == 404
    assert desk.engine.state_hash() == before


async def test_a_resolved_market(desk: Desk) -> None:
    await desk.call("POST", "/markets/rain/resolve", "root", {"outcome": "NO"})
    await refused(desk, raw(), "market", 422)


async def test_a_market_past_its_closing(desk: Desk) -> None:
    desk.engine.now += 31 * 86_400_000_000
    reply = await desk.call("POST", "/orders/rain", "ann", content=raw())
    assert (reply.status, reply.error["code"]) == (422, "MARKET_NOT_OPEN")
    assert not desk.engine.view.orders


async def test_no_order_without_a_body(desk: Desk) -> None:
    await refused(desk, None, "content-type", 415)


MARKET = {"slug": "snow", "question": "Will it snow?", "closeTime": CLOSE_TEXT}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "a"}, "slug"),
        ({"slug": "x" * 81}, "slug"),
        ({"slug": "Snow"}, "slug"),
        ({"slug": "snow\n"}, "slug"),
        ({"slug": "123"}, "slug"),
        ({"slug": "batch"}, "slug"),
        ({"slug": "by-client-id"}, "slug"),
        ({"slug": None}, "slug"),
        ({"question": ""}, "question"),
        ({"question": "x" * 501}, "question"),
        ({"question": "a\x00b"}, "question"),
        ({"description": "x" * 10_001}, "description"),
        ({"category": "x" * 61}, "category"),
        ({"closeTime": "tomorrow"}, "closeTime"),
        ({"closeTime": 1_767_225_600}, "closeTime"),
        ({"closeTime": "2026-01-31T00:00:00"}, "closeTime"),
        ({"closeTime": "1969-12-31T00:00:00Z"}, "closeTime"),
        ({"tickSize": "0.05"}, "tickSize"),
        ({"tickSize": "1"}, "tickSize"),
        ({"tickSize": True}, "tickSize"),
        ({"minQuantity": 0}, "minQuantity"),
        ({"minQuantity": "0.001"}, "minQuantity"),
        ({"makerFee": "-0.01"}, "makerFee"),
        ({"makerFee": "0.1001"}, "makerFee"),
        ({"takerFee": "NaN"}, "takerFee"),
        ({"takerFee": []}, "takerFee"),
        ({"feeModel": "cubic"}, "feeModel"),
        ({"draft": "yes"}, "draft"),
        ({"id": 5}, "id"),
    ],
)
async def test_a_market_that_cannot_be(desk: Desk, change: dict[str, object], field: str) -> None:
    await refused_as_admin(desk, "POST", "/markets", MARKET | change, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "outcome"),
        ({"outcome": "MAYBE"}, "outcome"),
        ({"outcome": "SPLIT"}, "yesPayout"),
        ({"outcome": "SPLIT", "yesPayout": "0"}, "yesPayout"),
        ({"outcome": "SPLIT", "yesPayout": "1"}, "yesPayout"),
        ({"outcome": "SPLIT", "yesPayout": 5}, "yesPayout"),
        ({"outcome": "YES", "yesPayout": "0.5"}, "yesPayout"),
        ({"outcome": "YES", "source": "x" * 501}, "source"),
        ({"outcome": "YES", "payout": 1}, "payout"),
    ],
)
async def test_a_resolution_that_cannot_be(desk: Desk, body: dict[str, object], field: str) -> None:
    await refused_as_admin(desk, "POST", "/markets/rain/resolve", body, field)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/admin/users/2/credit", {"amount": "0", "reason": "x"}, "amount"),
        ("/admin/users/2/credit", {"amount": "-1", "reason": "x"}, "amount"),
        ("/admin/users/2/credit", {"amount": "0.0000001", "reason": "x"}, "amount"),
        ("/admin/users/2/credit", {"amount": "1000000000.000001", "reason": "x"}, "amount"),
        ("/admin/users/2/credit", {"amount": None, "reason": "x"}, "amount"),
        ("/admin/users/2/credit", {"amount": "1"}, "reason"),
        ("/admin/users/2/credit", {"amount": "1", "reason": ""}, "reason"),
        ("/admin/users/2/credit", {"amount": "1", "reason": "x" * 201}, "reason"),
        ("/admin/users/2/credit", {"amount": "1", "reason": "x", "requestId": "ä"}, "requestId"),
        ("/admin/exchange/mode", {"mode": "closed"}, "mode"),
        ("/admin/exchange/mode", {}, "mode"),
    ],
)
async def test_an_admins_command_that_cannot_be(
    desk: Desk, path: str, body: dict[str, object], field: str
) -> None:
    await refused_as_admin(desk, "POST", path, body, field)


async def test_a_status_that_is_none(desk: Desk) -> None:
    for status in ("open", "PAUSED", None, 1):
        await refused_as_admin(desk, "PATCH", "/markets/rain/status", {"status": status}, "status")


async def refused(
    desk: Desk,
    content: bytes | None,
    field: str | None,
    status: int = 400,
    who: str | None = "ann",
    content_type: str = "application/json",
) -> None:
    before, commands = desk.engine.state_hash(), len(desk.engine.submitted)
    reply = await desk.call("POST", "/orders/rain", who, content=content, content_type=content_type)
    assert reply.status == status, reply
    assert reply.fields == ([] if field is None else [field])
    assert desk.engine.state_hash() == before
    # Only the engine's own refusals may have reached it.
    assert len(desk.engine.submitted) - commands == (status == 422)


async def refused_as_admin(
    desk: Desk, method: str, path: str, body: dict[str, object], field: str
) -> None:
    before = desk.engine.state_hash()
    reply = await desk.call(method, path, "root", body)
    assert reply.status == 400, reply
    assert reply.error["code"] == "VALIDATION_ERROR"
    assert reply.fields == [field]
    assert desk.engine.state_hash() == before
    assert not desk.engine.submitted
    assert not desk.audit.lines
