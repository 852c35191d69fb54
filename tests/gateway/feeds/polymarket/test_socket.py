"""The market channel's socket: what ends or freezes it is told, and books follow."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from gateway.feeds.model import Unrepresentable
from gateway.feeds.polymarket.socket import MARKETS_MAX, MarketSocket, Patience
from gateway.feeds.venue import BookChange, BookSnapshot, Lost, StreamEvent, VenueRefused
from tests.gateway.feeds.polymarket.conftest import QUICK_SOCKET, Desk
from tests.gateway.waiting import eventually
from tests.venues.polymarket import condition_id

QUICK_PATIENCE = Patience(book_s=0.3, quiet_s=30.0)


class Listener:
    """Reads a stream in a task of its own."""

    def __init__(self, stream: MarketSocket) -> None:
        self.stream = stream
        self.told: list[StreamEvent] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with aclosing(self.stream.events()) as events:
            async for event in events:
                self.told.append(event)

    def count(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.told)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def listener(desk: Desk) -> AsyncIterator[Listener]:
    stream = MarketSocket(
        desk.venue.socket.url,
        desk.metrics,
        desk.logger,
        bounds=QUICK_SOCKET,
        patience=QUICK_PATIENCE,
    )
    made = Listener(stream)
    yield made
    await made.end()


async def test_a_watched_market_begins_with_its_book(desk: Desk, listener: Listener) -> None:
    first, second = await desk.market(1), await desk.market(2)
    await listener.stream.watch([first])
    await eventually(lambda: listener.count(BookSnapshot) == 1)
    await listener.stream.watch([first, second])
    await eventually(lambda: listener.count(BookSnapshot) == 2)
    asked = [json.loads(text) for text in desk.venue.socket.heard if text != "PING"]
    assert {
        "assets_ids": list(second.stream_keys),
        "operation": "subscribe",
        "custom_feature_enabled": True,
    } in asked
    assert sum(one.get("type") == "market" for one in asked) == 1
    await listener.stream.unwatch([first.external_id])
    await eventually(lambda: "unsubscribe" in desk.venue.socket.heard[-1])
    bare = msgspec.structs.replace(second, external_id="x", stream_keys=())
    with pytest.raises(Unrepresentable):
        await listener.stream.watch([bare])


async def test_a_dropped_socket_is_told_and_books_follow(desk: Desk, listener: Listener) -> None:
    await listener.stream.watch([await desk.market(1)])
    await eventually(lambda: listener.count(BookSnapshot) == 1)
    desk.venue.socket.drop()
    await eventually(lambda: listener.count(BookSnapshot) == 2)
    kinds = [type(event) for event in listener.told]
    assert kinds == [BookSnapshot, Lost, BookSnapshot]
    assert listener.told[1].external_ids == (condition_id(1),)  # type: ignore[union-attr]


async def test_a_socket_that_takes_subscriptions_and_says_nothing_is_left(
    desk: Desk, listener: Listener
) -> None:
    desk.venue.is_mute = True
    await listener.stream.watch([await desk.market(1)])
    await eventually(lambda: desk.venue.socket.opened >= 3)
    condition = listener.stream.condition()
    assert condition.counts["frozen"] >= 2
    assert condition.last_error is not None
    assert "no book came" in condition.last_error
    desk.venue.is_mute = False
    await eventually(lambda: listener.count(BookSnapshot) == 1)


async def test_a_lost_change_brings_a_book_again(desk: Desk, listener: Listener) -> None:
    market = await desk.market(1)
    await listener.stream.watch([market])
    await eventually(lambda: listener.count(BookSnapshot) == 1)
    frame = {"event_type": "price_change", "market": market.external_id,
             "timestamp": "1770921571395", "price_changes": [
                 {"asset_id": market.stream_keys[0], "price": "0.2", "size": "1", "side": "BUY",
                  "best_bid": "0.55", "best_ask": "0.56"}]}  # fmt: skip
    for _ in range(3):
        await desk.venue.socket.say(json.dumps(frame))
    await eventually(lambda: listener.count(BookSnapshot) == 2)
    kinds = [type(event) for event in listener.told]
    assert kinds == [BookSnapshot, BookChange, BookChange, Lost, BookSnapshot]
    assert desk.venue.socket.opened == 1


async def test_a_market_that_is_gone_does_not_end_the_others(
    desk: Desk, listener: Listener
) -> None:
    market = await desk.market(1)
    gone = msgspec.structs.replace(market, external_id="gone", stream_keys=("1", "2"))
    await listener.stream.watch([market, gone])
    await eventually(lambda: listener.count(BookSnapshot) == 1)
    frame = {"event_type": "new_market", "market": "0x9"}
    for _ in range(20):
        await desk.venue.socket.say(json.dumps(frame))
        await asyncio.sleep(0.06)
    assert desk.venue.socket.opened == 1
    asked = [text for text in desk.venue.socket.heard if '"1"' in text and '"subscribe"' in text]
    assert 1 <= len(asked) <= 3


async def test_one_connection_watches_so_many_and_no_more(desk: Desk, listener: Listener) -> None:
    market = await desk.market(1)
    many = [
        msgspec.structs.replace(market, external_id=str(n), stream_keys=(f"{n}y", f"{n}n"))
        for n in range(MARKETS_MAX + 1)
    ]
    with pytest.raises(VenueRefused):
        await listener.stream.watch(many)
    await listener.stream.watch(many[:-1])


async def test_the_end_of_reading_is_the_end_of_the_connection(
    desk: Desk, listener: Listener
) -> None:
    await listener.stream.watch([await desk.market(1)])
    await eventually(lambda: listener.count(BookSnapshot) == 1)
    await listener.end()
    assert not listener.stream.is_open
    await eventually(lambda: not desk.venue.socket.live)
