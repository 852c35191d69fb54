"""Channels: who hears what, light readers of a book, and states that others feed."""

import json
import random
from typing import Any

import pytest

from exchange.messages.commands import CancelAll, PlaceOrder, SetMarketStatus
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, MarketStatus, Outcome
from gateway.markets.views import book_levels
from gateway.sockets.framing.frames import Message
from gateway.sockets.session import SocketSession
from gateway.streaming.channels.channel import STATES, Channel, Wish
from gateway.streaming.rooms import Rooms
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.gateway.socket_desk import EPOCH, SocketDesk, open_socket_desk
from tests.gateway.streaming.test_book_messages import PEOPLE, Reader, bid, book_of, engine_with
from tests.lengths import length

BOOK, TRADES, LIFECYCLE = Channel.BOOK, Channel.TRADES, Channel.LIFECYCLE
TICKER, CANDLES = STATES
A_DAY = (
    bid(1, 5000, 100),
    bid(2, 5000, 50, NO),
    SetMarketStatus(1, MarketStatus.HALTED),
)
"""A bid, a trade, a halt."""


def state(number: int) -> Message:
    return Message("ticker_updated", {"number": number})


def numbers(reader: Reader) -> list[int]:
    return [data["number"] for name, data in reader.messages() if name == "ticker_updated"]


# -- who hears what --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "heard"),
    [
        ((BOOK,), {"orderbook_update"}),
        ((TRADES,), {"trade_executed"}),
        ((LIFECYCLE,), {"market_updated"}),
        ((TRADES, LIFECYCLE), {"trade_executed", "market_updated"}),
        ((BOOK, TRADES, LIFECYCLE), {"orderbook_update", "trade_executed", "market_updated"}),
    ],
)
def test_a_reader_hears_its_channels_alone(channels: tuple[Channel, ...], heard: set[str]) -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    outcomes = (YES,) if BOOK in channels else ()
    rooms.join_market(reader, engine.view.markets[1], outcomes, channels)
    engine.run(*A_DAY)
    assert {name for name, _ in reader.messages()} == heard
    rooms.leave(reader, 1, Wish(outcomes, channels))
    assert rooms.markets == {}


def test_no_book_message_is_made_without_a_reader_of_books(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.join_market(reader, engine.view.markets[1], (), (TRADES,))

    def fail(*_args: object) -> None:
        raise AssertionError("made for nobody")

    monkeypatch.setattr("gateway.streaming.announcer.changed_levels", fail)
    monkeypatch.setattr("gateway.streaming.announcer.market_view", fail)
    engine.run(*A_DAY)
    assert [name for name, _ in reader.messages()] == ["trade_executed"]
    assert reader.sent_away == 0


# -- light readers ---------------------------------------------------------------------------------


def test_a_light_reader_hears_of_the_best_levels_alone() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5500, 1000), bid(2, 4400, 750, NO))
    rooms.join_market(reader, engine.view.markets[1], (YES,), is_light=True)
    engine.run(bid(1, 5400, 300))  # behind the best: nothing is said
    engine.run(bid(3, 5500, 500), CancelAll(2, None))
    messages = book_of(reader)
    assert [(m["seq"], m["kind"], m["prevSeq"], m["bids"], m["asks"]) for m in messages] == [
        (3, "snapshot", None, [["0.5500", "10.00"]], [["0.5600", "7.50"]]),
        (5, "snapshot", None, [["0.5500", "15.00"]], [["0.5600", "7.50"]]),
        (6, "snapshot", None, [["0.5500", "15.00"]], []),
    ]
    model = BookModel()
    for message in messages:
        model.apply(message)


def test_the_best_levels_of_no_are_the_mirror() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5500, 1000), bid(2, 4400, 750, NO))
    rooms.join_market(reader, engine.view.markets[1], (NO,), is_light=True)
    (message,) = book_of(reader)
    assert message["outcome"] == "NO"
    assert (message["bids"], message["asks"]) == ([["0.4400", "7.50"]], [["0.4500", "10.00"]])


def test_another_engine_tells_the_best_levels_anew() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5500, 1000))
    rooms.join_market(reader, engine.view.markets[1], (YES,), is_light=True)
    rooms.begin_epoch(EPOCH + 1, engine.view.markets)
    engine.run(bid(1, 5600, 100))
    assert [(m["epoch"], m["bids"]) for m in book_of(reader)] == [
        (EPOCH, [["0.5500", "10.00"]]),
        (EPOCH + 1, [["0.5500", "10.00"]]),
        (EPOCH + 1, [["0.5600", "1.00"]]),
    ]


@pytest.mark.parametrize("seed", range(length(3, long=100)))
def test_what_a_light_reader_knows_is_always_the_top_of_the_book(seed: int) -> None:
    """Random trading; readers stop and go: who keeps up is right at once, the others in the end."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    rooms = Rooms(EPOCH)
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    quick, slow, both = Reader(), Reader(1), Reader()
    known: dict[Reader, dict[Outcome, BookModel]] = {
        reader: {outcome: BookModel() for outcome in Outcome} for reader in (quick, slow, both)
    }
    for reader in known:
        rooms.join_market(reader, market, tuple(Outcome), is_light=True)
    said = moved = 0
    for command in random_commands(seed, engine.view, 1, PEOPLE, 1_000):
        before = (market.seq, [book_levels(market, YES, 1)])
        engine.run(command)
        moved += market.seq > before[0]
        for reader in (slow, both):
            if chance.random() < 0.1:
                reader.outbound.pause()
            elif chance.random() < 0.2:
                reader.outbound.resume()
        said += _follow(quick, known[quick])
        _compare_tops(known[quick], market)
        assert len(slow.outbound) < 100
    for reader in (slow, both):
        reader.outbound.resume()
        _follow(reader, known[reader])
        _compare_tops(known[reader], market)
    assert 0 < said < 2 * moved
    engine.check()


def _follow(reader: Reader, views: dict[Outcome, BookModel]) -> int:
    messages = book_of(reader)
    for message in messages:
        views[Outcome(message["outcome"])].apply(message)
    return len(messages)


def _compare_tops(views: dict[Outcome, BookModel], market: Any) -> None:
    for outcome, model in views.items():
        assert model.levels() == book_levels(market, outcome, 1)


def test_a_slow_light_reader_gets_the_newest_alone() -> None:
    rooms, slow = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.join_market(slow, engine.view.markets[1], (YES,), (BOOK,), is_light=True)
    slow.messages()
    slow.outbound.pause()
    engine.run(*(bid(1, 5000 + 100 * step, 10) for step in range(20)))
    assert len(slow.outbound) == 1
    slow.outbound.resume()
    (message,) = book_of(slow)
    assert (message["bids"], message["seq"]) == ([["0.6900", "0.10"]], engine.view.markets[1].seq)


# -- states that others feed -----------------------------------------------------------------------


def test_a_state_is_told_to_its_readers_and_conflated_by_key() -> None:
    rooms, quick, slow, other = Rooms(EPOCH), Reader(), Reader(1), Reader()
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    rooms.open_channel(TICKER, lambda market_id: (state(-market_id),))
    for reader in (quick, slow):
        rooms.join_market(reader, market, (), (TICKER,))
    rooms.join_market(other, market, (), (TRADES,))
    assert numbers(quick) == numbers(slow) == [-1]
    slow.outbound.pause()
    for number in range(6):
        assert rooms.tell_channel(1, TICKER, state(number), key=number % 2, seq=40 + number) == 2
    assert len(slow.outbound) == 2
    slow.outbound.resume()
    assert (numbers(quick), numbers(slow), numbers(other)) == ([0, 1, 2, 3, 4, 5], [4, 5], [])
    assert rooms.markets[1].states[TICKER].seq == 45
    rooms.tell_channel(1, TICKER, state(6))
    assert (numbers(slow), rooms.markets[1].states[TICKER].seq) == ([6], market.seq)


def test_leaving_a_state_withdraws_what_waits() -> None:
    rooms, slow = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.open_channel(CANDLES)
    rooms.join_market(slow, engine.view.markets[1], (), (CANDLES, TRADES))
    slow.outbound.pause()
    rooms.tell_channel(1, CANDLES, state(1))
    rooms.leave(slow, 1, Wish(channels=(CANDLES,)))
    assert rooms.tell_channel(1, CANDLES, state(2)) == 0
    slow.outbound.resume()
    assert slow.messages() == []
    assert list(rooms.markets) == [1]
    assert rooms.tell_channel(2, CANDLES, state(2)) == 0


def test_a_channel_is_opened_once_and_is_a_state() -> None:
    rooms = Rooms(EPOCH)
    rooms.open_channel(TICKER)
    for channel in (TICKER, TRADES):
        with pytest.raises(ValueError, match=channel.value):
            rooms.open_channel(channel)


# -- over a socket ---------------------------------------------------------------------------------


async def beats(client: SocketClient, desk: SocketDesk) -> Any:
    """Return the markets of a heartbeat that is sent now."""
    desk.sockets.heart.beat(0.0)
    count = len(client.heard("heartbeat"))
    await client.until(lambda: len(client.heard("heartbeat")) > count)
    return client.heard("heartbeat")[-1]["markets"]


async def test_who_names_nothing_is_answered_as_ever() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        told = await client.ok("subscribe:market", {"market": "rain"})
        names = ["marketId", "slug", "outcomes", "epoch", "seq", "tradeNo"]
        assert list(told) == names
        assert await beats(client, desk) == [{"marketId": "1", "seq": 1, "tradeNo": 0}]
        assert await client.ok("unsubscribe:market", {"market": "rain"}) == {
            "marketId": "1",
            "outcomes": ["YES", "NO"],
        }
        assert desk.rooms.markets == {}


async def test_channels_are_named_acknowledged_and_left() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        body = {"market": "rain", "channels": ["trades", "lifecycle", "trades"]}
        told = await client.ok("subscribe:market", body)
        assert (told["outcomes"], told["channels"]) == ([], ["trades", "lifecycle"])
        desk.engine.run(*A_DAY)
        await client.until(lambda: client.heard("market_updated"))
        assert not client.heard("orderbook_update")
        assert await beats(client, desk) == [
            {"marketId": "1", "seq": 4, "tradeNo": 1, "lifecycleSeq": 4}
        ]
        left = {"market": "rain", "channels": ["lifecycle"]}
        assert await client.ok("unsubscribe:market", left) == {
            "marketId": "1",
            "outcomes": [],
            "channels": ["lifecycle"],
        }
        assert await beats(client, desk) == [{"marketId": "1", "seq": 4, "tradeNo": 1}]
        await client.ok("unsubscribe:market", {"market": "rain"})
        assert desk.rooms.markets == {}


async def test_a_light_reader_s_heartbeat_says_where_the_top_is() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        told = await client.ok("subscribe:market", {"market": "rain", "depth": 1})
        assert (told["depth"], told["channels"]) == (1, ["book", "trades", "lifecycle"])
        desk.engine.run(bid(1, 5000, 100), bid(1, 4000, 100), bid(1, 3000, 100))
        beat = (await beats(client, desk))[0]
        assert (beat["seq"], desk.market().seq) == (2, 4)
        assert [m["seq"] for m in client.heard("orderbook_update")] == [1, 1, 2, 2]
        await client.ok("subscribe:market", {"market": "rain"})
        assert (await beats(client, desk))[0]["seq"] == 4
        desk.engine.run(bid(1, 2000, 100))
        await client.until(lambda: len(client.heard("orderbook_update")) == 8)
        assert client.heard("orderbook_update")[-1]["kind"] == "delta"
        assert desk.rooms.markets[1].top is None


async def test_a_fed_channel_is_followed_over_a_socket() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        told = await client.ok("subscribe:market", {"market": "rain", "channels": ["ticker"]})
        assert told["channels"] == ["ticker"]
        await client.until(lambda: len(client.heard("ticker_updated")) == 1)
        desk.rooms.tell_channel(1, TICKER, state(1), seq=9)
        await client.until(lambda: len(client.heard("ticker_updated")) == 2)
        beat = (await beats(client, desk))[0]
        assert (beat["tickerSeq"], "lifecycleSeq" in beat) == (9, False)
        left = await client.ok("unsubscribe:market", {"market": "rain", "outcome": "YES"})
        assert left["outcomes"] == ["YES"]
        assert desk.rooms.markets == {}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"channels": []}, "channels", "at least 1"),
        ({"channels": ["tape"]}, "channels[0]", "book, trades, ticker, candles or lifecycle"),
        ({"channels": "book"}, "channels", "a list"),
        ({"channels": ["trades"], "outcome": "YES"}, "outcome", "channel book"),
        ({"channels": ["trades"], "depth": 1}, "depth", "channel book"),
        ({"depth": 5}, "depth", "must be 1"),
        ({"depth": "1"}, "depth", "1"),
    ],
)
async def test_what_fits_no_channel_is_refused(body: Any, field: str, words: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        refusal = await client.refusal("subscribe:market", {"market": "rain", **body})
        assert refusal["code"] == "VALIDATION_ERROR"
        (detail,) = refusal["details"]
        assert detail["field"] == field
        assert words in detail["message"], json.dumps(detail)
        assert desk.rooms.markets == {}


async def test_both_books_of_a_market_have_one_depth() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("subscribe:market", {"market": "rain", "outcome": "YES", "depth": 1})
        refusal = await client.refusal("subscribe:market", {"market": "rain", "outcome": "NO"})
        assert refusal["details"][0]["field"] == "depth"
        await client.ok("subscribe:market", {"market": "rain", "outcome": "NO", "depth": 1})
        await client.ok("subscribe:market", {"market": "rain"})
        assert len(desk.rooms.markets[1].books[YES].seats) == 1


async def test_markets_without_a_book_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streaming.subscriptions.BOOKS_PER_SESSION", 2)
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("subscribe:market", {"market": "rain", "channels": ["trades"]})
        refusal = await client.refusal("subscribe:market", {"market": "snow"})
        assert refusal["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await client.ok("subscribe:market", {"market": "rain"})
        refusal = await client.refusal("subscribe:market", {"market": "snow", "channels": ["book"]})
        assert refusal["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await client.ok("unsubscribe:market", {"market": "rain", "outcome": "YES"})
        await client.ok("subscribe:market", {"market": "snow", "channels": ["trades"]})


async def test_a_socket_that_ends_leaves_every_channel() -> None:
    async with open_socket_desk() as desk:
        async with socket_client(desk.port) as client:
            body = {"market": "rain", "channels": ["book", "candles", "lifecycle"], "depth": 1}
            await client.ok("subscribe:market", body)
            sessions = [s for link in desk.sockets.server.links for s in link.sessions.values()]
            assert isinstance(sessions[0], SocketSession)
            desk.engine.run(PlaceOrder(1, 1, BUY, YES, LIMIT, 5000, 100, GTC))
        async with socket_client(desk.port) as again:
            await again.ok("ping")
            await again.until(lambda: desk.rooms.markets == {})
