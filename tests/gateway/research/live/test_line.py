"""A bot's line and desk without an exchange: nothing of them stays stuck."""

import asyncio
from typing import Any

import httpx
import pytest

from gateway.research.live.desk import LiveDesk
from gateway.research.live.line import Declined, LineLost, SocketLine
from gateway.research.live.session import Session
from gateway.research.strategy import Terms
from gateway.wire.errors import InternalError


class ConnectionFake:
    """Says what it is given, and then nothing."""

    def __init__(self, *frames: str) -> None:
        self.frames = list(frames)

    async def recv(self) -> str:
        if not self.frames:
            await asyncio.Event().wait()
        return self.frames.pop(0)

    async def send(self, _frame: str) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("frame", ['42["told",{}]', "42{", "43x[]", "42[1]"])
async def test_a_line_that_says_what_nobody_can_read_is_lost(frame: str) -> None:
    def hear(_event: str, data: dict[str, Any]) -> None:
        data["missing"]

    line = SocketLine(ConnectionFake(frame), hear)  # type: ignore[arg-type]
    try:
        assert "can't be read" in await asyncio.wait_for(asyncio.shield(line.lost), 10)
    finally:
        await line.close()


async def answered(answer: httpx.Response) -> object:
    """Ask an exchange that answers so."""
    session = Session("http://exchange.example", "ed@example.com", "word")
    await session.close()
    session._client = httpx.AsyncClient(
        base_url="http://exchange.example", transport=httpx.MockTransport(lambda _: answer)
    )
    try:
        return await session.call("GET", "/user/balance")
    finally:
        await session.close()


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (429, "RATE_LIMITED", LineLost),
        (503, "UNAVAILABLE", LineLost),
        (503, "READS_ONLY", LineLost),
        (500, InternalError.code, LineLost),
        (401, "UNAUTHORIZED", Declined),
        (404, "NOT_FOUND", Declined),
    ],
)
async def test_what_waiting_mends_ends_no_bot(
    status: int, code: str, raised: type[Exception]
) -> None:
    with pytest.raises(raised, match=code):
        await answered(httpx.Response(status, json={"error": {"code": code, "message": "why"}}))


@pytest.mark.parametrize(
    ("status", "body"), [(502, b'{"message":"x"}'), (502, b"<html>"), (200, b"[]"), (404, b"null")]
)
async def test_what_is_not_of_the_exchange_ends_no_bot(status: int, body: bytes) -> None:
    with pytest.raises(LineLost):
        await answered(httpx.Response(status, content=body))


async def test_a_list_is_read_to_its_end() -> None:
    """What is held beyond the first part, and the fills of an order in many trades, count."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.query, "ascii"))
        first = int(request.url.params.get("cursor", "0"))
        rows = list(range(first, min(first + 50, 120)))
        more = str(first + 50) if first + 50 < 120 else None
        return httpx.Response(200, json={"data": rows, "nextCursor": more})

    session = Session("http://exchange.example", "ed@example.com", "word")
    await session.close()
    session._client = httpx.AsyncClient(
        base_url="http://exchange.example", transport=httpx.MockTransport(answer)
    )
    try:
        assert await session.every("/user/fills?orderId=1-1") == list(range(120))
        assert asked == ["orderId=1-1", "orderId=1-1&cursor=50", "orderId=1-1&cursor=100"]
        assert await session.every("/user/positions") == list(range(120))
        assert asked[3:] == ["", "cursor=50", "cursor=100"]
    finally:
        await session.close()


def test_a_cancel_that_is_refused_can_be_tried_again() -> None:
    desk = LiveDesk(0, lambda _order, _reason: None)
    desk.terms["rain"] = Terms(market="rain", title="Rain?", closes_at=0, tick=100, event="rain")
    sent: list[tuple[str, Any]] = []
    desk.send = lambda event, _body, take: sent.append((event, take))
    number = desk.bid("rain", 4_000, 100)
    desk.cancel(number)
    desk.cancel(number)
    assert [event for event, _ in sent] == ["order:place", "order:cancel"], "it is on its way"
    sent[-1][1]({"ok": False, "error": {"code": "RATE_LIMITED"}})
    assert not desk.open_orders("rain")[number].is_cancelling
    desk.cancel(number)
    assert [event for event, _ in sent][2:] == ["order:cancel"]
    sent[-1][1]({"ok": True, "data": {}})
    assert desk.open_orders("rain")[number].is_cancelling
