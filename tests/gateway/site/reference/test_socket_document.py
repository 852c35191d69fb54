"""The AsyncAPI document is valid, has every event that is sent or taken, and says what comes."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.alerts.telling import HEARD as ALERTS_HEARD
from gateway.economy.bets.telling import HEARD as BETS_HEARD
from gateway.economy.stocks.telling import HEARD as STOCKS_HEARD
from gateway.research.asked.telling import HEARD as BACKTESTS_HEARD
from gateway.research.inquiries.telling import HEARD as RESEARCH_HEARD
from gateway.streaming.channels.heard import HEARD
from tests.gateway.conftest import Web
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk

ROOT = Path(__file__).parents[4]
SCHEMA = ROOT / "web/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
ORDER = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT", "quantity": "10"}


def check(document: dict[str, Any], key: str, data: Any) -> None:
    """Compare what a message carries with what is said of it."""
    payload = document["components"]["messages"][key]["payload"]
    schema = {**payload, "components": document["components"]}
    jsonschema.Draft7Validator(schema).validate(data)


async def test_document_is_valid() -> None:
    if not SCHEMA.exists():
        pytest.skip("the terminal's tools aren't installed (`make web`)")
    async with open_socket_desk() as desk:
        document = json.loads(json.dumps(desk.parts.described.document()))
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(document)


def test_every_event_that_is_sent_is_there() -> None:
    rows = (*HEARD, *ALERTS_HEARD, *BETS_HEARD, *STOCKS_HEARD, *BACKTESTS_HEARD, *RESEARCH_HEARD)
    told = {row.event for row in rows}
    assert len(told) == len(rows)
    sent: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        text = path.read_text("utf-8")
        sent |= set(re.findall(r"\bMessage\(\s*\"(\w+)\"", text))
        sent |= set(re.findall(r"\btold\.append\(\(\"(\w+)\"", text))
        sent |= set(re.findall(r"\bevent = \"(order_\w+)\"", text))
        sent |= set(re.findall(r"^EVENT: Final = \"(\w+)\"", text, re.MULTILINE))
    assert sent == told


async def test_every_event_that_is_taken_is_there() -> None:
    async with open_socket_desk() as desk:
        document = desk.parts.described.document()
        rows = desk.parts.described.events
        keys = {name.replace(":", "_") for name in rows}
        received = {
            key for key, one in document["operations"].items() if one["action"] == "receive"
        }
        assert received == keys
        for key in keys:
            assert document["components"]["messages"][key]["summary"], key
        answerless = [name for name, row in rows.items() if row.answer is None]
        assert answerless == []


async def test_what_comes_is_what_is_said() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, token="1") as ann,
        socket_client(desk.port, token="2") as ben,
    ):
        document = json.loads(json.dumps(desk.parts.described.document()))
        await _talk(desk, ann, ben, document)
        for client in (ann, ben):
            for event, data in client.events:
                check(document, event, data)
        heard = {event for client in (ann, ben) for event, _ in client.events}
        assert heard >= {
            "orderbook_update",
            "trade_executed",
            "order_placed",
            "order_updated",
            "order_filled",
            "order_cancelled",
            "balance_updated",
            "position_updated",
            "heartbeat",
            "pong",
        }


async def _talk(
    desk: SocketDesk, ann: SocketClient, ben: SocketClient, document: dict[str, Any]
) -> None:
    async def said(client: SocketClient, event: str, body: Any = None) -> Any:
        answer = await client.call(event, *(() if body is None else (body,)))
        key = event.replace(":", "_")
        if body is not None and answer["ok"]:
            check(document, key, body)
        check(document, f"{key}_answer", answer)
        return answer

    await said(ann, "ping")
    await said(ann, "subscribe:market", {"market": "rain"})
    placed = await said(ann, "order:place", {**ORDER, "price": "0.50"})
    order_id = placed["data"]["order"]["id"]
    await said(ann, "order:amend", {"orderId": order_id, "price": "0.51"})
    await said(ann, "order:preview", {**ORDER, "price": "0.40"})
    await said(ben, "order:place", {**ORDER, "outcome": "NO", "price": "0.49", "quantity": "4"})
    await said(ben, "order:place", {**ORDER, "price": "5"})
    await said(ann, "order:place", {**ORDER, "price": "0.505"})
    batch = [{"op": "place", **ORDER, "price": "0.30"}]
    await said(ann, "order:batch", {"market": "rain", "operations": batch})
    await said(ann, "order:cancel", {"orderId": order_id})
    await said(ann, "order:cancel_all")
    await said(ann, "session:heartbeat", {"timeoutMs": 0})
    await said(ann, "unsubscribe:market", {"market": "rain"})
    desk.sockets.heart.beat(0.0)
    await ann.until(lambda: bool(ann.heard("heartbeat")))
    await ben.until(lambda: bool(ben.heard("position_updated")))


async def test_document_is_served_to_everybody(web: Web) -> None:
    answer = await web.client.get("/api/v1/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json()["asyncapi"] == "3.0.0"
