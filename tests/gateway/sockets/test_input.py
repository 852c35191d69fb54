"""What a client may send wrong: every event is answered, every broken frame closed or ignored."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.sockets import session
from gateway.sockets.app import WEBSOCKET_ONLY
from gateway.sockets.link import BROKEN_FRAME
from tests.gateway.socket_client import raw_client, socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading.test_socket_events import order

PLACE = order("BUY YES 10 @ 0.55")


def changed(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in (PLACE | fields).items() if value is not ...}


WRONG_EVENTS: list[tuple[str, list[Any], str]] = [
    ("no:such:event", [{}], "event"),
    ("order:oco", [{"orders": []}], "orders"),
    ("connect", [{}], "event"),
    ("connect", [{"REMOTE_ADDR": "1.2.3.4"}, {"token": "1"}], "event"),
    ("disconnect", [], "event"),
    ("disconnect", ["transport close"], "event"),
    ("message", ["hello"], "event"),
    ("", [], "event"),
    ("order:place", [], "payload"),
    ("order:place", [PLACE, PLACE], "payload"),
    ("order:place", [None], "body"),
    ("order:place", [7], "body"),
    ("order:place", ["text"], "body"),
    ("order:place", [[PLACE]], "body"),
    ("order:place", [True], "body"),
    ("order:place", [{}], "side"),
    ("order:place", [changed(market=...)], "market"),
    ("order:place", [changed(market=1)], "market"),
    ("order:place", [changed(surprise=1)], "surprise"),
    ("order:place", [changed(price="0")], "price"),
    ("order:place", [changed(price=1)], "price"),
    ("order:place", [changed(price=-1)], "price"),
    ("order:place", [changed(price="NaN")], "price"),
    ("order:place", [changed(price="1E+1000000")], "price"),
    ("order:place", [changed(price="1_0")], "price"),
    ("order:place", [changed(price="０.５")], "price"),
    ("order:place", [changed(price="0.5\n")], "price"),
    ("order:place", [changed(price="5" * 400)], "price"),
    ("order:place", [changed(price=True)], "price"),
    ("order:place", [changed(price=None)], "price"),
    ("order:place", [changed(price={"a": 1})], "price"),
    ("order:place", [changed(quantity=0)], "quantity"),
    ("order:place", [changed(quantity="0.001")], "quantity"),
    ("order:place", [changed(side="LEND")], "side"),
    ("order:place", [changed(clientOrderId="a b")], "clientOrderId"),
    ("order:place", [changed(clientOrderId="\0")], "clientOrderId"),
    ("order:batch", [{"operations": []}], "operations"),
    ("order:batch", [{"operations": [{"op": "cancel", "orderId": 1}]}], "operations[0].orderId"),
    ("order:batch", [{"operations": [{"op": "sell"}]}], "operations[0].op"),
    ("order:amend", [{"price": "0.5"}], "orderId"),
    ("order:amend", [{"orderId": 1, "price": "0.5"}], "orderId"),
    ("order:amend", [{"orderId": "1"}], "body"),
    ("order:amend", [{"orderId": "1", "price": "1"}], "price"),
    ("order:amend", [{"orderId": "1", "quantity": "0"}], "quantity"),
    ("order:amend", [{"orderId": "1", "expiresAt": "soon"}], "expiresAt"),
    ("order:amend", [{"orderId": "1", "price": "0.5", "expectedVersion": -1}], "expectedVersion"),
    ("order:amend", [{"orderId": "1", "price": "0.5", "expectedVersion": "1"}], "expectedVersion"),
    ("order:amend", [{"orderId": "1", "side": "SELL"}], "side"),
    ("order:place", [changed(type="STOP", price=None)], "worstPrice"),
    ("order:place", [changed(type="STOP_LIMIT")], "triggerPrice"),
    ("order:place", [changed(type="STOP_LIMIT", triggerPrice="1")], "triggerPrice"),
    ("order:amend", [{"orderId": "1", "triggerPrice": "0"}], "triggerPrice"),
    ("order:oco", [{}], "orders"),
    ("order:oco", [{"market": "rain", "orders": [PLACE]}], "orders"),
    ("order:oco", [{"market": "rain", "orders": [PLACE, PLACE]}], "orders"),
    ("order:oco", [{"orders": [changed(market=None), PLACE]}], "orders[0].market"),
    ("order:oco", [{"orders": [PLACE, changed(type="STOP_LIMIT")]}], "orders[1].triggerPrice"),
    ("order:oco", [{"orders": [PLACE, PLACE], "requestId": "a b"}], "requestId"),
    ("order:cancel", [{"orderId": 1}], "orderId"),
    ("order:cancel", [{"orderId": "1" * 30}], "orderId"),
    ("order:cancel", [{}], "orderId"),
    ("order:cancel_all", [{"market": 5}], "market"),
    ("subscribe:market", [{}], "market"),
    ("subscribe:market", [{"slug": "rain", "marketId": "1"}], "market"),
    ("subscribe:market", [{"slug": "rain", "outcome": "MAYBE"}], "outcome"),
    ("subscribe:market", ["m:1"], "body"),
    ("session:heartbeat", [{"timeoutMs": 999}], "timeoutMs"),
    ("session:heartbeat", [{"timeoutMs": "1000"}], "timeoutMs"),
    ("session:cancel_on_disconnect", [{"enabled": 1}], "enabled"),
    ("session:authenticate", [{"token": 5}], "token"),
    ("session:authenticate", [{"token": "x" * 4_097}], "token"),
    ("ping", [{"a": 1}], "a"),
    ("ping", [1, 2], "payload"),
]


async def test_every_wrong_event_is_answered_and_changes_nothing() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        seq = desk.engine.view.seq
        for name, args, field in WRONG_EVENTS:
            refusal = await ann.refusal(name, *args)
            fields = [detail["field"] for detail in refusal["details"]]
            assert (refusal["code"], fields) == ("VALIDATION_ERROR", [field]), (name, args)
        assert desk.engine.view.seq == seq
        assert desk.engine.commands == []
        assert (await ann.ok("ping"))["timestamp"]
        assert desk.log.getvalue() == ""


WRONG_JSON = [
    '["order:place",{"price":NaN}]',
    '["order:place",{"market":"rain","market":"snow"}]',
    '["order:place",{"market":"rain"',
    '["order:place",{"market":"\\ud800"}]',
    '["order:place",{"market":"\\u0000"}]',
    "[]",
    "[1]",
    "[null,{}]",
    "{}",
    '"text"',
    "[",
    '["order:place",' + "[" * 8_000,
    '["order:place",' + "[" * 4_000 + "]" * 4_000 + "]",
    '["order:place",{"price":' + "9" * 8_000 + "}]",
]


@pytest.mark.parametrize("text", WRONG_JSON)
async def test_wrong_json_is_answered(text: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        answer = await asyncio.wait_for(ann.emit_raw(text), 30)
        assert (answer["ok"], answer["error"]["code"]) == (False, "VALIDATION_ERROR")
        assert await ann.ok("ping")
        assert desk.log.getvalue() == ""


async def test_binary_events_are_refused_and_their_attachments_ignored() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        text = '["order:place",{"_placeholder":true,"num":0}]'
        future = ann.emit_raw(text, kind="451-")
        await ann.connection.send(b"\x01\x02")
        answer = await asyncio.wait_for(future, 30)
        assert answer["error"]["details"][0]["field"] == "payload"
        assert await ann.ok("ping")
        assert desk.engine.commands == []


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "7",
        "0{}",
        "4",
        "49",
        "42",
        "42abc",
        "421111111111111111111[]",
        "44{}",
        "40{",
        "40/ws,{bad",
        "40/ws,[NaN]",
        "45",
        "46" + "1" * 200 + "-[]",
    ],
)
async def test_broken_frames_close_or_are_ignored(frame: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as bystander:
        async with socket_client(desk.port, "2") as broken:
            await broken.connection.send(frame)
            ping = broken.emit("ping")
            done, _ = await asyncio.wait(
                {ping, asyncio.create_task(broken.closed.wait())},
                timeout=30,
                return_when=asyncio.FIRST_COMPLETED,
            )
            assert done
            if broken.closed.is_set():
                assert (broken.close_code, broken.close_reason) == (1002, BROKEN_FRAME)
        assert await bystander.ok("ping")
        assert "error" not in desk.log.getvalue()


@pytest.mark.parametrize("frame", ["2probe", "5", "6", "bAAAA", "43[]", "430[1]", "42/nowhere,1[]"])
async def test_harmless_frames_are_ignored(frame: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        await ann.connection.send(frame)
        assert await ann.ok("ping")


async def test_frames_over_the_bound_close() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        await ann.connection.send("42" + "x" * 40_000)
        await asyncio.wait_for(ann.closed.wait(), 30)
        assert ann.close_code == 1009


async def test_bad_utf8_closes() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        await ann.connection.send(b"42\xff\xfe", text=True)
        await asyncio.wait_for(ann.closed.wait(), 30)
        assert ann.close_code == 1007


async def test_in_flight_is_bounded_and_refused_beyond() -> None:
    async with (
        open_socket_desk(commit_seconds=0.2, SOCKET_IN_FLIGHT_MAX=4) as desk,
        socket_client(desk.port, "1") as ann,
    ):
        acks = [ann.emit("order:place", order("BUY YES 1 @ 0.50")) for _ in range(10)]
        answers = await asyncio.gather(*acks)
        assert [answer["ok"] for answer in answers] == [True] * 4 + [False] * 6, answers
        assert answers[-1]["error"]["code"] == "RATE_LIMITED"
        assert (await ann.call("ping"))["ok"]
        assert len(desk.engine.commands) == 4


async def test_sweeps_are_taken_beyond_it_until_nobody_can_be_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "UNANSWERED_MAX", 6)
    async with (
        open_socket_desk(commit_seconds=0.2, SOCKET_IN_FLIGHT_MAX=4) as desk,
        socket_client(desk.port, "1") as ann,
    ):
        placed = [ann.emit("order:place", order("BUY YES 1 @ 0.50")) for _ in range(4)]
        swept = await asyncio.gather(*[ann.emit("order:cancel_all") for _ in range(4)])
        assert [answer["ok"] for answer in swept] == [True, True, False, False], swept
        assert swept[-1]["error"]["code"] == "RATE_LIMITED"
        assert swept[-1]["error"]["details"] == [{"field": "limit", "message": "in-flight"}]
        assert all(answer["ok"] for answer in await asyncio.gather(*placed))


async def test_events_are_limited_per_user_across_sockets() -> None:
    async with (
        open_socket_desk(RATE_LIMIT_USER_MAX_REQUESTS=5) as desk,
        socket_client(desk.port, "1") as one,
        socket_client(desk.port, "1") as two,
        socket_client(desk.port, "2") as other,
    ):
        for client in (one, two, one, two, one):
            await client.ok("ping")
        assert (await two.refusal("ping"))["code"] == "RATE_LIMITED"
        assert await other.ok("ping")


async def test_events_before_sign_in_are_limited_per_address() -> None:
    async with (
        open_socket_desk(RATE_LIMIT_MAX_REQUESTS=3) as desk,
        socket_client(desk.port) as nobody,
    ):
        for _ in range(3):
            await nobody.ok("ping")
        assert (await nobody.refusal("ping"))["code"] == "RATE_LIMITED"


async def test_forged_tokens_are_limited_per_address() -> None:
    async with open_socket_desk(RATE_LIMIT_MAX_REQUESTS=3) as desk:
        codes = []
        for _ in range(5):
            async with socket_client(desk.port, "forged") as client:
                codes.append(client.refused["data"]["code"])
        assert codes == ["UNAUTHORIZED"] * 3 + ["RATE_LIMITED"] * 2


async def test_books_followed_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streaming.subscriptions.BOOKS_PER_SESSION", 3)
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("subscribe:market", {"slug": "rain"})
        await client.ok("subscribe:market", {"slug": "rain"})
        refusal = await client.refusal("subscribe:market", {"slug": "snow"})
        assert refusal["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await client.ok("subscribe:market", {"slug": "snow", "outcome": "NO"})


async def test_sockets_are_limited_per_address_behind_trusted_proxies() -> None:
    async with open_socket_desk(
        RATE_LIMIT_SOCKETS_PER_ADDRESS=2, TRUSTED_PROXIES="127.0.0.0/8"
    ) as desk:

        async def refusal(forwarded: str) -> Any:
            headers = {"X-Forwarded-For": forwarded}
            async with socket_client(desk.port, additional_headers=headers) as client:
                return client.refused

        found = [await refusal("203.0.113.5, 192.0.2.9") for _ in range(3)]
        assert found[:2] == [None, None]
        assert found[2]["data"]["code"] == "RATE_LIMITED"
        assert await refusal("192.0.2.9, 203.0.113.5") is None


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://127.0.0.1:{port}", 101),
        ("https://app.example", 101),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
async def test_origins(origin: str | None, status: int) -> None:
    async with open_socket_desk(CORS_ORIGIN="https://app.example") as desk:
        headers = {} if origin is None else {"Origin": origin.format(port=desk.port)}
        try:
            async with raw_client(desk.port, additional_headers=headers):
                found = 101
        except InvalidStatus as refused:
            found = refused.response.status_code
        assert found == status


@pytest.mark.parametrize(
    "query",
    ["EIO=3&transport=websocket", "transport=websocket", "EIO=4&transport=polling", "EIO=4", ""],
)
async def test_other_handshakes_are_refused(query: str) -> None:
    async with open_socket_desk() as desk:
        with pytest.raises(InvalidStatus):
            async with connect(f"ws://127.0.0.1:{desk.port}/ws/?{query}", proxy=None):
                pass
        assert desk.sockets.server.links == {}


async def test_polling_is_told_to_use_websockets() -> None:
    async with open_socket_desk() as desk:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        writer.write(
            b"GET /ws/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        _, *refusals = answer.partition(b"\r\n\r\n")[2].decode().split("\x1e")
        assert [
            json.loads(text.partition("{")[1] + text.partition("{")[2])["message"]
            for text in refusals
        ] == [WEBSOCKET_ONLY] * 2


async def test_other_http_is_refused() -> None:
    async with open_socket_desk() as desk:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        writer.write(
            b"POST /ws/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400")
