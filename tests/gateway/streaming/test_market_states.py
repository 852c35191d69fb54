"""Tickers and candles are told when something changed, to those who follow them."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from exchange.messages.terms import NO
from exchange.projections.candles import Candle, Range
from gateway.streaming.channels.channel import STATES, Wish
from gateway.streaming.market_states import MarketStates
from gateway.streaming.rooms import Rooms
from persistence.repositories.candles import Day
from tests.gateway.socket_desk import EPOCH
from tests.gateway.streaming.test_book_messages import Reader, bid, engine_with

TICKER, CANDLES = STATES
MINUTE = 60_000_000
START = 1_000_000 * MINUTE


class Stored:
    """Candles as a test has them, and what was asked."""

    def __init__(self) -> None:
        self.days_of: dict[int, Day] = {}
        self.candles_of: dict[int, list[Candle]] = {}
        self.asked: list[tuple[str, list[int]]] = []
        self.reached = 1_000
        """How far the projector has come."""

    async def projected(self) -> int:
        return self.reached

    async def days(self, market_ids: Sequence[int], _now: int) -> dict[int, Day]:
        self.asked.append(("days", list(market_ids)))
        return self.days_of

    async def newest(self, market_ids: Sequence[int], count: int) -> dict[int, list[Candle]]:
        assert count == 2
        self.asked.append(("newest", list(market_ids)))
        return {id_: self.candles_of[id_] for id_ in market_ids if id_ in self.candles_of}


def candle(start: int, close: int, span: int = 60) -> Candle:
    price = Range(close, close, close, close)
    return Candle(span, start, price, Range(0, 0, 0, 0), Range(0, 0, 0, 0), 100, 0, 1, 0)


def heard(reader: Reader, name: str) -> list[Any]:
    return [data for kind, data in reader.messages() if kind == name]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time, which tests set."""
    at = [START]
    monkeypatch.setattr("gateway.streaming.market_states.now_us", lambda: at[0])
    return at


async def test_nothing_is_asked_while_nobody_follows(now: list[int]) -> None:
    rooms, stored, reader = Rooms(EPOCH), Stored(), Reader()
    engine = engine_with(rooms)
    states = MarketStates(rooms, engine.view, cast("Any", stored))
    await states.look()
    rooms.join_market(reader, engine.view.markets[1], (), (TICKER,))
    await states.look()
    assert stored.asked == [("days", [1])]
    rooms.leave(reader, 1, Wish(channels=(TICKER,)))
    now[0] += MINUTE
    await states.look()
    assert len(stored.asked) == 1


async def test_a_ticker_is_told_when_more_than_its_time_has_changed(now: list[int]) -> None:
    rooms, stored, reader, later = Rooms(EPOCH), Stored(), Reader(), Reader()
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    states = MarketStates(rooms, engine.view, cast("Any", stored))
    rooms.join_market(reader, market, (), (TICKER,))
    for _ in range(3):
        now[0] += 250_000
        await states.look()
    (first,) = heard(reader, "ticker_updated")
    engine.run(bid(1, 5000, 100), bid(2, 5000, 50, NO))
    stored.reached = engine.view.seq - 1
    await states.look()
    stored.reached = engine.view.seq
    stored.days_of = {1: Day(50, 25, 1, 5000, 5000, 4000)}
    now[0] += 250_000
    await states.look()
    second, third = heard(reader, "ticker_updated")
    assert (first["lastPrice"], first["bestBid"], first["epoch"]) == (None, None, EPOCH)
    assert (second["lastPrice"], second["trades24h"]) == ("0.5000", 0)
    assert (third["trades24h"], third["change24h"], third["seq"]) == (1, "0.1000", market.seq)
    # A market that rests isn't asked for, but once a minute, as its day goes on.
    now[0] += 250_000
    asked = len(stored.asked)
    await states.look()
    assert len(stored.asked) == asked
    now[0] += MINUTE
    stored.days_of = {}
    await states.look()
    (last,) = heard(reader, "ticker_updated")
    assert last["trades24h"] == 0
    rooms.join_market(later, market, (), (TICKER,))
    assert heard(later, "ticker_updated") == [last]


async def test_what_the_projector_stores_late_is_told_when_it_does(now: list[int]) -> None:
    rooms, stored, reader = Rooms(EPOCH), Stored(), Reader()
    engine = engine_with(rooms)
    states = MarketStates(rooms, engine.view, cast("Any", stored))
    rooms.join_market(reader, engine.view.markets[1], (), (TICKER, CANDLES))
    await states.look()
    reader.messages()
    stored.reached = engine.view.seq
    engine.run(bid(1, 5000, 100), bid(2, 5000, 50, NO))
    # It is away for a while, and the market rests.
    for _ in range(40):
        now[0] += 250_000
        await states.look()
    assert heard(reader, "candle_updated") == []
    stored.reached = engine.view.seq
    stored.candles_of = {1: [candle(START, 5000)]}
    stored.days_of = {1: Day(50, 25, 1, 5000, 5000, None)}
    now[0] += 250_000
    await states.look()
    told = reader.messages()
    assert [data["close"] for kind, data in told if kind == "candle_updated"] == ["0.5000"]
    assert [data["trades24h"] for kind, data in told if kind == "ticker_updated"] == [1]
    asked = len(stored.asked)
    now[0] += 250_000
    await states.look()
    assert len(stored.asked) == asked


async def test_each_interval_is_told_until_its_end(now: list[int]) -> None:
    rooms, stored, reader, later = Rooms(EPOCH), Stored(), Reader(), Reader()
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    states = MarketStates(rooms, engine.view, cast("Any", stored))
    rooms.join_market(reader, market, (), (CANDLES,))
    stored.candles_of = {1: [candle(START, 4000), candle(START, 4000, 3_600)]}
    await states.look()
    await states.look()
    stored.candles_of = {
        1: [candle(START, 4500), candle(START + MINUTE, 4600), candle(START, 4600, 3_600)]
    }
    now[0] += MINUTE
    await states.look()
    told = [(one["interval"], one["close"]) for one in heard(reader, "candle_updated")]
    assert told == [
        ("1m", "0.4000"),
        ("1h", "0.4000"),
        ("1m", "0.4500"),
        ("1m", "0.4600"),
        ("1h", "0.4600"),
    ]
    rooms.join_market(later, market, (), (CANDLES,))
    assert [one["close"] for one in heard(later, "candle_updated")] == [
        "0.4500",
        "0.4600",
        "0.4600",
    ]
