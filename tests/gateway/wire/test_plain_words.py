"""What a sender is told of a value that doesn't fit: what would be right, in words."""

from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest

from gateway.http.reading.query_strings import QueryDecoder, parse_query
from gateway.wire.errors import ValidationFailed
from gateway.wire.plain_words import choices_of
from gateway.wire.strict_json import BodyStruct, QueryStruct, decode
from tests.gateway.trading_desk import Desk, all_tables, order

ROWS = all_tables()[0].routes
STRUCTS = {row.body for row in ROWS if row.body} | {row.query for row in ROWS if row.query}
CHOICES = [
    (struct, field)
    for struct in sorted(STRUCTS, key=lambda struct: struct.__name__)
    for field in msgspec.structs.fields(struct)
    if choices_of(field.type)
]
INSIDE = ("enum", "str", "int", "null", "expected", "`", "object contains")
"""Words of msgspec's and of ours that mean nothing to a sender."""


def refusal(struct: type[msgspec.Struct], raw: bytes) -> str:
    def read() -> None:
        if issubclass(struct, BodyStruct):
            decode(raw, msgspec.json.Decoder(struct))
        elif issubclass(struct, QueryStruct):
            QueryDecoder(struct).decode(parse_query(raw))

    with pytest.raises(ValidationFailed) as failed:
        read()
    return failed.value.details[0].message


@pytest.mark.parametrize(
    ("struct", "field"), CHOICES, ids=[f"{s.__name__}-{f.encode_name}" for s, f in CHOICES]
)
def test_a_refusal_of_a_choice_names_the_choices(struct: type[msgspec.Struct], field: Any) -> None:
    name = field.encode_name
    if issubclass(struct, BodyStruct):
        wrongs = [b'{"%s":"buy"}' % name.encode(), b'{"%s":5}' % name.encode()]
    else:
        wrongs = [b"%s=buy" % name.encode()]
    for wrong in wrongs:
        message = refusal(struct, wrong)
        if message == "is required":
            continue
        for choice in choices_of(field.type):
            assert choice in message
        assert not any(word in message.split() for word in INSIDE), message


def test_there_are_choices_to_try() -> None:
    assert {field.encode_name for _, field in CHOICES} >= {"side", "outcome", "mode", "status"}


class Colour(Enum):
    """One of three."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Part(BodyStruct, frozen=True):
    """A struct within."""

    colour: Colour
    size: int = 0


class Fetch(BodyStruct, frozen=True, tag_field="op", tag="fetch"):
    """One kind of step."""

    count: int = 0


class Drop(BodyStruct, frozen=True, tag_field="op", tag="drop"):
    """Another."""


class Whole(BodyStruct, frozen=True):
    """Fields of most kinds."""

    parts: Annotated[list[Part], msgspec.Meta(min_length=1, max_length=2)] | None = None
    steps: list[Fetch | Drop] | None = None
    part: Part | None = None
    colour: Colour | None = None
    name: Any = None
    pair: tuple[str, str] | None = None


@pytest.mark.parametrize(
    ("raw", "field", "message"),
    [
        (b'{"colour":"pink"}', "colour", 'must be red, green or blue, not "pink"'),
        (b'{"colour":7}', "colour", "must be red, green or blue"),
        (b'{"part":{"colour":"pink"}}', "part.colour", 'must be red, green or blue, not "pink"'),
        (b'{"part":{"colour":"red","size":"x"}}', "part.size", "must be a whole number, not text"),
        (b'{"part":[]}', "part", "must be an object, not a list"),
        (b'{"parts":{}}', "parts", "must be a list, not an object"),
        (b'{"part":{}}', "part.colour", "is required"),
        (
            b'{"Colour":"red"}',
            "Colour",
            "is not a known field; known are parts, steps, part, colour, name, pair",
        ),
        (
            b'{"part":{"colour":"red","sise":1}}',
            "part.sise",
            "is not a known field; known are colour, size",
        ),
        (b"[]", "body", "must be an object, not a list"),
        (b'{"parts":[]}', "parts", "must have at least 1 item"),
        (b'{"pair":["one"]}', "pair", "must have exactly 2 items"),
        (b'{"pair":["one","two","three"]}', "pair", "must have exactly 2 items"),
        (
            b'{"parts":[{"colour":"red"},{"colour":"red"},{"colour":"red"}]}',
            "parts",
            "must have at most 2 items",
        ),
        (b'{"steps":[{"op":"take"}]}', "steps[0].op", 'must be fetch or drop, not "take"'),
        (b'{"steps":[{"op":1}]}', "steps[0].op", "must be fetch or drop"),
        (b'{"steps":[{}]}', "steps[0].op", "is required"),
        (
            b'{"steps":[{"op":"drop","n":1}]}',
            "steps[0].n",
            "is not a known field; known are, of fetch: count; drop: none",
        ),
        (
            b'{"steps":[{"op":"fetch","count":1.5}]}',
            "steps[0].count",
            "must be a whole number, without decimals",
        ),
    ],
)
def test_what_is_said(raw: bytes, field: str, message: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        decode(raw, msgspec.json.Decoder(Whole))
    (detail,) = failed.value.details
    assert (detail.field, detail.message) == (field, message)


async def test_a_sender_reads_what_would_be_right(desk: Desk) -> None:
    body = order("BUY YES 1 @ 0.5")
    for change, message in (
        ({"side": "buy"}, 'side: must be BUY or SELL, not "buy"'),
        ({"timeInForce": "DAY"}, 'timeInForce: must be GTC, IOC, FOK or GTD, not "DAY"'),
        ({"clientOrderId": 5}, "clientOrderId: must be text, not a whole number"),
        ({"clientOrderId": "x" * 65}, "clientOrderId: must have at most 64 characters"),
    ):
        reply = await desk.call("POST", "/orders/rain", "ann", body | change)
        assert (reply.status, reply.error["message"]) == (400, message)
    for query, message in (
        ("limit=05", 'limit: must be a whole number such as "5"'),
        ("limit=0", "limit: must be at least 1"),
        ("limit=201", "limit: must be at most 200"),
        ("limt=5", "limt: is not a known field; known are limit, cursor, "),
    ):
        reply = await desk.call("GET", f"/orders?{query}", "ann")
        assert reply.status == 400
        assert reply.error["message"].startswith(message)
    reply = await desk.call("GET", "/orders?status=OPEN,opened", "ann")
    statuses = "OPEN, PARTIAL, FILLED, CANCELLED, EXPIRED, REJECTED, PENDING, open"
    assert reply.error["message"] == f"status: must be of {statuses}, separated by commas"
    reply = await desk.call("GET", "/user/balance?x=1", "ann")
    assert reply.error["message"] == "x: is not a known field: none is taken here"


async def test_a_status_that_cannot_follow_names_those_that_can(desk: Desk) -> None:
    async def change(status: str) -> str:
        reply = await desk.call("PATCH", "/markets/rain/status", "root", {"status": status})
        assert (reply.status, reply.error["code"]) == (422, "ILLEGAL_STATUS_CHANGE")
        message: str = reply.error["details"][0]["message"]
        return message

    assert (
        await change("DRAFT")
        == "can't follow OPEN; what can: POST_ONLY, HALTED, FULL_HALT or CLOSED"
    )
    await desk.call("PATCH", "/markets/rain/status", "root", {"status": "FULL_HALT"})
    assert await change("CLOSED") == "can't follow FULL_HALT; what can: OPEN, POST_ONLY or HALTED"
    await desk.call("PATCH", "/markets/rain/status", "root", {"status": "OPEN"})
    await desk.call("PATCH", "/markets/rain/status", "root", {"status": "CLOSED"})
    assert await change("OPEN") == "can't follow CLOSED; nothing can but a resolution"


async def test_a_tick_that_is_none_names_the_ticks(desk: Desk) -> None:
    body = {"slug": "snow", "question": "?", "closeTime": "2026-01-31T00:00:00Z"}
    for tick in ("0.05", "0.5", 0.02):
        reply = await desk.call("POST", "/markets", "root", body | {"tickSize": tick})
        assert reply.error["message"] == "tickSize: must be 0.0001, 0.0010 or 0.0100"
