"""A market is named the same way everywhere: by `market`, or `marketId` or `slug` in its place."""

from typing import Any

import pytest

from gateway.http.routing import Shape
from gateway.streaming.socket_events import SubscribeBody
from gateway.trading.socket_events import CancelAllBody, PlaceBody
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, all_tables, order

NAMES = ("market", "marketId", "slug")
STORED = ("/transactions/me", "/bets/me")
ROWS = [
    row
    for row in all_tables()[0].routes
    if row.query is not None and "market" in row.query.__struct_encode_fields__
]


def test_whatever_names_a_market_takes_all_three_names() -> None:
    assert len(ROWS) > 4
    asked = [row.query.__struct_encode_fields__ for row in ROWS if row.query is not None]
    sent = [body.__struct_encode_fields__ for body in (SubscribeBody, PlaceBody, CancelAllBody)]
    for fields in (*asked, *sent):
        assert set(NAMES) <= set(fields)


@pytest.mark.parametrize(
    "row",
    # Made of what is stored: `past/test_exports.py` and the economy's tests ask for it so.
    [row for row in ROWS if row.shape is not Shape.STREAM and row.path not in STORED],
    ids=lambda row: f"{row.method} {row.path}",
)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["hail", "2"])
async def test_a_query_names_it_by_slug_or_id(desk: Desk, row: Any, name: str, value: str) -> None:
    desk.list_market("hail")
    kept = await desk.rest("ann", "BUY YES 1 @ 0.6", "rain")
    await desk.rest("ann", "BUY YES 1 @ 0.6", "hail")
    reply = await desk.call(row.method, f"{row.path}?{name}={value}", "ann")
    assert reply.status == 200, reply
    assert '"rain"' not in str(reply.data)
    assert int(kept) in desk.engine.view.orders
    for query, status, field in (
        ("&".join(f"{one}=hail" for one in NAMES), 400, "market"),
        (f"{name}=snow", 404, "market"),
    ):
        reply = await desk.call(row.method, f"{row.path}?{query}", "ann")
        assert (reply.status, reply.fields) == (status, [field])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["snow", "2"])
async def test_an_event_names_it_by_slug_or_id(name: str, value: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        there = {name: value}
        joined = await ann.ok("subscribe:market", there)
        assert joined["slug"] == "snow"
        placed = await ann.ok("order:place", order("BUY YES 1 @ 0.5") | there)
        assert placed["order"]["slug"] == "snow"
        place = {"op": "place"} | order("BUY YES 1 @ 0.4")
        for operations in ({"operations": [place | there]}, there | {"operations": [place]}):
            for event in ("order:preview", "order:batch"):
                (result,) = (await ann.ok(event, operations))["results"]
                assert result["data"]["order"]["slug"] == "snow"
        (result,) = (await ann.ok("order:preview", order("BUY YES 1 @ 0.5") | there))["results"]
        assert result["data"]["order"]["slug"] == "snow"
        cancelled = await ann.ok("order:cancel_all", there)
        assert cancelled["orderIds"][0] == placed["order"]["id"]
        assert cancelled["cancelled"] == 3
        assert (await ann.ok("unsubscribe:market", there))["marketId"] == "2"
        for event, body in (
            ("order:place", order("BUY YES 1 @ 0.5")),
            ("order:preview", order("BUY YES 1 @ 0.5")),
            ("subscribe:market", {}),
        ):
            for more in ({}, {"slug": "rain", "marketId": "1"}):
                refusal = await ann.refusal(event, body | more)
                fields = [detail["field"] for detail in refusal["details"]]
                assert (refusal["code"], fields) == ("VALIDATION_ERROR", ["market"])


async def test_a_name_that_is_too_long_is_never_cut() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        longer = desk.market().slug + "-" * 200
        for event, body in (
            ("order:place", order("BUY YES 1 @ 0.5")),
            ("subscribe:market", {}),
            ("order:cancel_all", {}),
        ):
            refusal = await ann.refusal(event, body | {"market": longer})
            assert refusal["code"] == "MARKET_NOT_FOUND"


async def test_orders_for_a_venues_market_are_told_that_it_is_only_shown(desk: Desk) -> None:
    reply = await desk.call("POST", "/orders/kalshi:KXRAIN-26", "ann", order("BUY YES 1 @ 0.5"))
    assert (reply.status, reply.error["code"]) == (404, "MARKET_NOT_FOUND")
    assert "shown, not traded" in reply.error["message"]
    reply = await desk.call("POST", "/orders/snow", "ann", order("BUY YES 1 @ 0.5"))
    assert reply.error["message"] == "market: there is no such market"


async def test_markets_are_filtered_by_several_statuses(desk: Desk) -> None:
    for slug, status in (("hail", "HALTED"), ("snow", "FULL_HALT")):
        desk.list_market(slug)
        await desk.call("PATCH", f"/markets/{slug}/status", "root", {"status": status})

    async def slugs(query: str) -> list[str]:
        return [market["slug"] for market in await desk.get(f"/markets?status={query}")]

    assert await slugs("OPEN") == ["rain"]
    assert await slugs("OPEN,FULL_HALT") == ["snow", "rain"]
    assert await slugs("HALTED,HALTED") == ["hail"]
    reply = await desk.call("GET", "/markets?status=OPEN,open")
    assert (reply.status, reply.fields) == (400, ["status"])
    assert "FULL_HALT" in reply.error["message"]


async def test_text_is_stored_composed_and_found_in_any_form(desk: Desk) -> None:
    apart, composed = "Will the cafe\u0301 open?", "Will the caf\u00e9 open?"
    body = {
        "slug": "cafe",
        "question": apart,
        "description": apart,
        "category": "cafe\u0301",
        "closeTime": "2026-01-31T00:00:00Z",
    }
    listed = await desk.call("POST", "/markets", "root", body)
    assert listed.data["question"] == listed.data["description"] == composed
    for query in ("search=cafe%CC%81", "search=caf%C3%A9", "category=CAFE%CC%81"):
        assert [market["slug"] for market in await desk.get(f"/markets?{query}")] == ["cafe"]
    body = {"outcome": "YES", "source": "cafe\u0301"}
    resolved = await desk.call("POST", "/markets/cafe/resolve", "root", body)
    assert resolved.data["source"] == "caf\u00e9"
    # A text may grow by being composed: what is too long then is refused by its name.
    body = {"slug": "long", "question": "\u0958" * 400, "closeTime": "2026-01-31T00:00:00Z"}
    reply = await desk.call("POST", "/markets", "root", body)
    assert (reply.status, reply.fields) == (400, ["question"])


@pytest.mark.parametrize("text", ["2026-01-31T00:00:00.1234Z", "2026-01-31T00:00:00.123456Z"])
async def test_a_time_finer_than_it_is_shown_is_refused(desk: Desk, text: str) -> None:
    body = {"slug": "snow", "question": "?", "closeTime": text}
    reply = await desk.call("POST", "/markets", "root", body)
    assert (reply.status, reply.fields) == (400, ["closeTime"])
    assert "at most 3 decimals" in reply.error["message"]
