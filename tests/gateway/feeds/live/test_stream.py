"""Markets of another venue over the socket: the rooms, events and rules of our own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
import socketio

from gateway.feeds.live.followed import Followed
from gateway.feeds.live.following import Following
from gateway.streaming.subscriptions import VENUE_MARKETS_PER_SESSION
from tests.gateway.feeds.live.stage import (
    BookReader,
    Stage,
    market_id,
    open_stage,
    quicken,
    rest,
)
from tests.gateway.socket_client import socket_client
from tests.gateway.waiting import eventually
from tests.lengths import length
from tests.venues.polymarket import tokens
from tests.venues.stand_in import Fault


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    quicken(monkeypatch)
    async with open_stage(database_url) as made:
        yield made


def turned(side: Mapping[int, int]) -> dict[int, int]:
    return {10_000 - price: quantity for price, quantity in side.items()}


async def test_two_readers_are_one_subscription_and_the_last_one_ends_it(stage: Stage) -> None:
    """With the client library that people use."""
    heard: list[list[Any]] = [[], []]
    clients = [socketio.AsyncClient(reconnection=False) for _ in heard]
    for client, events in zip(clients, heard, strict=True):
        client.on("orderbook_update", events.append)
        url = f"http://127.0.0.1:{stage.port}"
        await client.connect(url, socketio_path="/ws", transports=["websocket"])
        ack = await client.call("subscribe:market", {"marketId": market_id(), "outcome": "YES"})
        assert ack["ok"], ack
        assert ack["data"]["marketId"] == market_id()
        assert ack["data"]["slug"] == "sample-1"
        assert ack["data"]["outcomes"] == ["YES"]
    await eventually(lambda: all(heard))
    [[first], [second]] = heard
    assert (first["kind"], first["seq"], first["prevSeq"]) == ("snapshot", 1, None)
    assert (first["bids"], first["asks"]) == (
        [["0.5400", "100.50"], ["0.1000", "50.00"]],
        [["0.5600", "7.25"], ["0.9000", "20.00"]],
    ), "7.255 is cut, not rounded"
    assert {**first, "seq": second["seq"]} == second
    assert stage.subscriptions() == 1
    assert len(stage.venue.socket.live) == 1
    await clients[0].disconnect()
    await rest()
    assert stage.venue.socket.live
    assert stage.subscriptions(operation="unsubscribe") == 0
    await clients[1].disconnect()
    await eventually(lambda: not stage.venue.socket.live)
    assert not stage.desk.parts.feeds.following.all()


async def test_who_comes_back_within_the_grace_finds_it_followed(stage: Stage) -> None:
    epochs = []
    for _ in range(2):
        async with socket_client(stage.port) as client:
            epochs.append((await client.ok("subscribe:market", {"market": market_id()}))["epoch"])
            await client.until(partial(client.heard, "orderbook_update"))
            await client.ok("unsubscribe:market", {"market": market_id()})
    assert epochs[0] == epochs[1]
    assert stage.subscriptions() == 1
    await eventually(lambda: not stage.venue.socket.live)
    async with socket_client(stage.port) as client:
        again = await client.ok("subscribe:market", {"market": market_id()})
        assert again["epoch"] > epochs[0], "numbers never seem to go on"
        await client.until(lambda: client.heard("orderbook_update"))
    assert stage.subscriptions() == 2


async def test_a_subscribers_books_are_the_venues_after_every_change(stage: Stage) -> None:
    """YES and NO; each checksum is checked as it comes."""
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id()})
        yes, no = BookReader(client, "YES"), BookReader(client, "NO")
        await yes.until(stage.flow.bids, stage.flow.asks)
        count = length(1_000, long=20_000)
        for number, step in enumerate(stage.flow.steps(count)):
            await stage.say_change(step.levels)
            if number % 50 == 0:
                await yes.until(stage.flow.bids, stage.flow.asks)
                await no.until(turned(stage.flow.asks), turned(stage.flow.bids))
        await yes.until(stage.flow.bids, stage.flow.asks)
        await no.until(turned(stage.flow.asks), turned(stage.flow.bids))
        assert yes.kinds.count("snapshot") == 1
        assert count // 50 <= len(yes.kinds) <= count + 1
        assert yes.model.seq == no.model.seq


async def test_a_lost_change_brings_the_whole_book(stage: Stage) -> None:
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(client)
        before = dict(stage.flow.bids), dict(stage.flow.asks)
        await reader.until(*before)
        # Nobody told us of a better bid: three times the best price isn't ours.
        stage.flow.bids[5_500] = 100
        for quantity in (100, 200, 300):
            await stage.say_change([(True, 2_000, quantity)])
        await client.until(lambda: reader.snapshots() == 2)
        assert (reader.model.bids, reader.model.asks) == before
        assert reader.model.seq is not None
        assert reader.model.seq > 1
        assert len(stage.venue.socket.live) == 1
        await stage.say_change([(True, 3_000, 700)], book=stage.flow)
        await client.until(lambda: reader.catch_up().bids.get(3_000) == 700)


async def test_prints_are_numbered_and_change_the_market(stage: Stage) -> None:
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "NO"})
        await client.until(lambda: client.heard("orderbook_update"))
        await stage.say_trade()
        await stage.say_trade("0.44", asset_id=tokens(1)[1], transaction_hash="0x7")
        await client.until(lambda: len(client.heard("trade_executed")) == 2)
        first, second = client.heard("trade_executed")
        assert first["marketId"] == market_id()
        assert (first["outcome"], first["side"], first["price"]) == ("YES", "BUY", "0.5500")
        assert (second["outcome"], second["price"], second["yesPrice"]) == (
            "NO", "0.4400", "0.5600",
        )  # fmt: skip
        assert [first["tradeNo"], second["tradeNo"]] == [1, 2]
        assert first["seq"] >= 2
        reader = BookReader(client, "NO")
        await client.until(lambda: reader.catch_up().seq == second["seq"])
        assert reader.kinds[-1] == "delta", "each seq is one book message"
        await client.until(lambda: client.heard("heartbeat")[-1:] and beat(client)["tradeNo"] == 2)
        assert beat(client)["seq"] == second["seq"]
        assert beat(client)["epoch"] == first["epoch"]
        assert beat(client)["stale"] is False


def has_moved(followed: Followed, seq: int) -> bool:
    return followed.seq > seq


def beat(client: Any) -> dict[str, Any]:
    """What the last heartbeat says of market 1."""
    beats = client.heard("heartbeat")
    told = beats[-1]["markets"] if beats else []
    found: list[dict[str, Any]] = [one for one in told if one["marketId"] == market_id()]
    return found[0] if found else {"tradeNo": None, "stale": None, "seq": None}


async def test_a_venue_that_dies_is_told_and_its_book_follows_when_it_is_back(
    stage: Stage,
) -> None:
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(client)
        await reader.until(stage.flow.bids, stage.flow.asks)
        stage.venue.socket.refuse = HTTPStatus.SERVICE_UNAVAILABLE
        stage.venue.clob.fail(Fault.SERVER_ERROR, times=None)
        stage.venue.socket.drop()
        await client.until(lambda: client.heard("market_updated"))
        told = client.heard("market_updated")[0]
        assert told["id"] == market_id()
        assert told["asOf"]["stale"] is True
        assert told["bestBid"] == "0.5400", "what was known is shown, marked"
        assert told["seq"] > 1
        await client.until(lambda: beat(client)["stale"] is True)
        async with socket_client(stage.port) as late:
            await late.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
            await late.until(lambda: late.heard("orderbook_update"))
            assert late.heard("orderbook_update")[0]["kind"] == "snapshot"
        stage.venue.socket.refuse = None
        stage.venue.clob.mend()
        await client.until(lambda: client.heard("market_updated")[-1]["asOf"]["stale"] is False)
        await client.until(lambda: reader.snapshots() >= 2)
        await reader.until(stage.flow.bids, stage.flow.asks)
        await client.until(lambda: beat(client)["stale"] is False)


async def test_a_venue_that_falls_silent_is_left_and_its_book_asked_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays open, answers nothing; meanwhile its other address does."""
    monkeypatch.setattr("gateway.feeds.live.line.FALLBACK_S", 0.2)
    async with socket_client(stage.port) as client:
        stage.venue.is_mute = True
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(client)
        await reader.until(stage.flow.bids, stage.flow.asks)
        assert stage.venue.clob.asked("/book") >= 1
        opened = stage.venue.socket.opened
        stage.venue.is_mute = False
        stage.venue.socket.freeze()
        await eventually(lambda: stage.venue.socket.opened > opened)
        stage.venue.socket.is_frozen = False
        followed = next(iter(stage.desk.parts.feeds.following.all().values()))
        await eventually(lambda: followed.by_stream)
        await stage.say_change([(True, 3_000, 700)])
        await client.until(lambda: reader.catch_up().bids.get(3_000) == 700)


@pytest.mark.parametrize(
    "name", ["polymarket:0x0", "kalshi:X", "nowhere:1", "polymarket:", "sample-99"]
)
async def test_what_is_no_market_is_refused_as_ours_is(stage: Stage, name: str) -> None:
    async with socket_client(stage.port) as client:
        for event in ("subscribe:market", "unsubscribe:market"):
            error = await client.refusal(event, {"marketId": name})
            assert error["code"] == "MARKET_NOT_FOUND"
            assert error["details"][0]["field"] == "market"


@pytest.mark.parametrize(
    "name",
    ["polymarket:a/b", "polymarket:%00/", "polymarket:\x00", "x" * 5_000, "polymarket:" + "x" * 250,
     "polymarket:\ud800", "polymarket:0x 1", ""],
)  # fmt: skip
async def test_what_can_be_no_name_asks_nobody(stage: Stage, name: str) -> None:
    async with socket_client(stage.port) as client:
        answer = await client.call("subscribe:market", {"marketId": name})
        assert answer["ok"] is False
        assert answer["error"]["code"] in {"MARKET_NOT_FOUND", "VALIDATION_ERROR"}
        assert "traded" not in answer["error"]["message"], "that is said to those who trade"
        assert stage.venue.gamma.asked("/markets") == 0


async def test_one_socket_follows_so_many(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streaming.subscriptions.VENUE_MARKETS_PER_SESSION", 2)
    assert VENUE_MARKETS_PER_SESSION == 50
    async with socket_client(stage.port) as client:
        for number in (1, 2, 2, 1):
            await client.ok("subscribe:market", {"market": market_id(number)})
        error = await client.refusal("subscribe:market", {"market": market_id(3)})
        assert error["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await client.ok("subscribe:market", {"market": "rain"})
        await client.ok("unsubscribe:market", {"market": "sample-2"})
        await client.ok("subscribe:market", {"market": market_id(3)})
        assert len(stage.desk.parts.feeds.following.all()) == 3, "one of them in its grace"


async def test_a_process_follows_so_many_and_whoever_is_unread_makes_room(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch)
    monkeypatch.setattr("gateway.feeds.live.following.GRACE_S", 60.0)
    async with open_stage(database_url, FEED_FOLLOWED_MARKETS=2) as stage:
        following: Following = stage.desk.parts.feeds.following
        async with socket_client(stage.port) as one, socket_client(stage.port) as other:
            await one.ok("subscribe:market", {"market": market_id(1)})
            await one.ok("subscribe:market", {"market": market_id(2)})
            error = await other.refusal("subscribe:market", {"market": market_id(3)})
            assert error["code"] == "UNAVAILABLE"
            await one.ok("unsubscribe:market", {"market": market_id(1)})
            assert len(following.all()) == 2
            await other.ok("subscribe:market", {"market": market_id(3)})
            assert {followed.id for followed in following.all().values()} == {
                market_id(2), market_id(3),
            }  # fmt: skip
            await other.until(lambda: other.heard("orderbook_update"))


async def test_a_session_that_ends_while_it_is_looked_up_leaves_nothing(stage: Stage) -> None:
    stage.venue.gamma.fail(Fault.SILENCE, times=1)
    async with socket_client(stage.port) as client:
        asked = client.emit("subscribe:market", {"market": market_id()})
        await eventually(lambda: stage.venue.gamma.asked("/markets"))
    assert asked.cancelled()
    await rest()
    assert not stage.desk.parts.feeds.following.all()
    assert not stage.venue.socket.live


async def test_what_one_socket_asks_is_done_in_its_order(stage: Stage) -> None:
    async with socket_client(stage.port) as client:
        asked = [
            client.emit(f"{verb}:market", {"market": name})
            for verb, name in (
                ("subscribe", market_id(1)), ("unsubscribe", "sample-1"),
                ("subscribe", "sample-1"), ("unsubscribe", market_id(1)),
            )
        ]  # fmt: skip
        answers = await asyncio.gather(*asked)
        assert all(
            answer["ok"] or answer["error"]["code"] == "MARKET_NOT_FOUND" for answer in answers
        )
        await eventually(lambda: not stage.desk.parts.feeds.following.all())


async def test_a_slow_reader_gets_what_happened_in_one(stage: Stage) -> None:
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(client)
        await reader.until(stage.flow.bids, stage.flow.asks)
        [link] = stage.desk.sockets.server.links
        link.outbound.pause()
        following = stage.desk.parts.feeds.following
        [followed] = following.all().values()
        for step in stage.flow.steps(20):
            has_come = partial(has_moved, followed, followed.seq)
            await stage.say_change(step.levels)
            await eventually(has_come)
        link.outbound.resume()
        await reader.until(stage.flow.bids, stage.flow.asks)
        assert max(reader.model.spans) == 20


async def test_a_crossed_book_is_not_shown_until_the_venue_insists(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feeds.live.followed.CROSSED_S", 0.4)
    async with socket_client(stage.port) as client:
        await client.ok("subscribe:market", {"market": market_id(), "outcome": "YES"})
        reader = BookReader(client)
        await reader.until(stage.flow.bids, stage.flow.asks)
        stage.flow.bids[5_700] = 100
        await stage.say_change([(True, 5_700, 100)])
        await rest()
        assert reader.catch_up().bids == {5_400: 10_050, 1_000: 5_000}
        await client.until(lambda: 5_700 in reader.catch_up().bids)
        # It is asked for the book again, which isn't crossed.
        await client.until(lambda: 5_700 not in reader.catch_up().bids)
        assert stage.subscriptions() == 2
