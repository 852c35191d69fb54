"""A reader that was away goes on where it left off: each message once, in order, whatever is said
meanwhile. The backlog is what a reader heard who was there all the time; where it really comes
from is `tests/faults/market_data/test_away.py`'s.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from exchange.messages.terms import NO, YES, Outcome
from gateway.markets.views import book_levels
from gateway.sockets.framing.frames import Message
from gateway.streaming.resuming import held, resuming
from gateway.streaming.resuming.backlog import Missed, TooFarBack
from gateway.wire.errors import Unavailable
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.gateway.socket_desk import EPOCH, SocketDesk, open_socket_desk
from tests.gateway.streaming.test_book_messages import PEOPLE, bid
from tests.gateway.waiting import eventually
from tests.lengths import length

RAIN = {"market": "rain"}


class Witness:
    """Heard everything, and gives it to whoever missed it: both backlogs, of one event each."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.client: SocketClient | None = None
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[tuple[int, int]] = []

    async def missed(
        self, _market_id: int, outcomes: Sequence[Outcome], _epoch: int, after: int, until: int
    ) -> Missed:
        self.asked.append((after, until))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        assert self.client is not None
        client = self.client
        await client.until(lambda: last_seq(client) >= until)
        return [
            (one["seq"], Message(self.event, one))
            for one in client.heard(self.event)
            if after < one["seq"] <= until
            and one["kind"] != "snapshot"
            # Of a trade the outcome is the taker's.
            and (one["kind"] != "delta" or Outcome(one["outcome"]) in outcomes)
        ]


def last_seq(client: SocketClient) -> int:
    return max((one["seq"] for one in client.heard("orderbook_update")), default=0)


class Stage:
    """The desk, somebody who hears everything, and both backlogs."""

    def __init__(self, desk: SocketDesk, books: Witness, trades: Witness) -> None:
        self.desk = desk
        self.books = books
        self.trades = trades

    @property
    def witness(self) -> SocketClient:
        assert self.books.client is not None
        return self.books.client

    def trade(self, seed: int, count: int) -> None:
        for command in random_commands(seed, self.desk.engine.view, 1, PEOPLE, count):
            self.desk.engine.run(command)

    async def told_all(self, client: SocketClient) -> None:
        """Wait until a client has heard all that the market did."""
        seq = self.desk.market().seq
        await client.until(lambda: last_seq(client) >= seq)
        await self.witness.until(lambda: last_seq(self.witness) >= seq)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    books, trades = Witness("orderbook_update"), Witness("trade_executed")
    monkeypatch.setattr("gateway.bootstrap.sockets.MissedBooks", lambda *_: books)
    monkeypatch.setattr("gateway.bootstrap.sockets.MissedTrades", lambda *_: trades)
    async with open_socket_desk(people=PEOPLE) as desk, socket_client(desk.port) as witness:
        books.client = trades.client = witness
        await witness.ok("subscribe:market", RAIN)
        yield Stage(desk, books, trades)


@asynccontextmanager
async def away(stage: Stage, seed: int) -> AsyncIterator[tuple[SocketClient, int, dict[str, Any]]]:
    """Follow the market for a while, be away for a while; yields a new socket, the last seq that
    was heard, and the books as they were then.
    """
    models = {outcome.value: BookModel() for outcome in Outcome}
    async with socket_client(stage.desk.port) as before:
        await before.ok("subscribe:market", RAIN)
        stage.trade(seed, 60)
        await stage.told_all(before)
        for message in before.heard("orderbook_update"):
            models[message["outcome"]].apply(message)
    after = stage.desk.market().seq
    stage.trade(seed + 1, 60)
    async with socket_client(stage.desk.port) as back:
        yield back, after, models


def check_whole(
    stage: Stage, back: SocketClient, after: int, models: dict[str, Any]
) -> list[dict[str, Any]]:
    """Compare what was heard with the witness and with the book; return the book messages."""
    missed = [one for one in stage.witness.heard("trade_executed") if one["seq"] > after]
    assert back.heard("trade_executed") == missed
    books = back.heard("orderbook_update")
    for message in books:
        models[message["outcome"]].apply(message)
    for outcome in (YES, NO):
        model = models[outcome.value]
        assert model.levels() == book_levels(stage.desk.market(), outcome, 10_000)
        assert model.seq == stage.desk.market().seq
    return books


@pytest.mark.parametrize("seed", range(length(3, long=50)))
async def test_what_was_missed_comes_once_and_in_order(stage: Stage, seed: int) -> None:
    print(f"seed {seed}")
    async with away(stage, seed) as (back, after, models):
        stage.books.gate.clear()
        asking = asyncio.create_task(
            back.ok("subscribe:market", RAIN | {"afterSeq": after, "epoch": EPOCH})
        )
        await eventually(lambda: stage.books.asked)
        until = stage.desk.market().seq
        stage.trade(seed + 2, random.Random(seed).randint(1, 80))
        stage.desk.sockets.heart.beat(0.0)
        await back.until(lambda: back.heard("heartbeat"))
        assert back.heard("heartbeat")[-1]["markets"] == [], "nothing is followed yet"
        stage.books.gate.set()
        told = await asking
        assert (told["resumed"], told["seq"], "reason" in told) == (True, until, False)
        stage.trade(seed + 3, 30)
        await stage.told_all(back)
        books = check_whole(stage, back, after, models)
        assert all(message["kind"] == "delta" for message in books)
        said = [one for one in stage.witness.heard("orderbook_update") if one["seq"] > after]
        singles = [one for one in said if one["seq"] <= until]
        assert books[: len(singles)] == singles
        (market,) = back.heard("market_updated")
        assert market["seq"] == until
        stage.desk.sockets.heart.beat(0.0)
        await back.until(lambda: back.heard("heartbeat")[-1]["markets"])
        assert back.heard("heartbeat")[-1]["markets"][0]["seq"] == stage.desk.market().seq


async def test_who_missed_nothing_is_told_nothing(stage: Stage) -> None:
    seq = stage.desk.market().seq
    async with socket_client(stage.desk.port) as back:
        told = await back.ok("subscribe:market", RAIN | {"afterSeq": seq})
        assert told["resumed"] is True
        stage.desk.engine.run(bid(1, 5000, 100))
        await stage.told_all(back)
        heard = [(one["prevSeq"], one["seq"]) for one in back.heard("orderbook_update")]
        assert heard == [(seq, seq + 1)] * 2


async def test_only_what_is_asked_for_is_told(stage: Stage) -> None:
    async with away(stage, 7) as (back, after, _models):
        body = RAIN | {"afterSeq": after, "channels": ["trades"]}
        told = await back.ok("subscribe:market", body)
        assert (told["outcomes"], told["channels"]) == ([], ["trades"])
        missed = [one for one in stage.witness.heard("trade_executed") if one["seq"] > after]
        assert missed
        await back.until(lambda: len(back.heard("trade_executed")) == len(missed))
        assert {name for name, _ in back.events} <= {"trade_executed", "heartbeat"}
        assert stage.books.asked == []


async def test_more_than_a_held_place_takes_is_a_backlog_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "WAITING_MOST", 4)
    monkeypatch.setattr("gateway.sockets.framing.outbound.BURST", 1)
    async with away(stage, 3) as (back, after, models):
        stage.trades.gate.clear()
        asking = asyncio.create_task(back.ok("subscribe:market", RAIN | {"afterSeq": after}))
        await eventually(lambda: stage.trades.asked)
        first = stage.desk.market().seq
        stage.trade(5, 80)
        stage.trades.gate.set()
        assert (await asking)["resumed"] is True
        await stage.told_all(back)
        await eventually(lambda: len(back.heard("market_updated")) == 2)
        assert stage.trades.asked == [(after, first), (first, stage.desk.market().seq)]
        books = check_whole(stage, back, after, models)
        assert all(message["kind"] == "delta" for message in books)


async def test_who_says_more_than_any_backlog_holds_begins_anew_in_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "ROUNDS_MOST", 0)
    async with away(stage, 4) as (back, after, models):
        assert (await back.ok("subscribe:market", RAIN | {"afterSeq": after}))["resumed"] is True
        await stage.told_all(back)
        assert [one["kind"] for one in back.heard("orderbook_update")] == ["snapshot"] * 2
        for message in back.heard("orderbook_update"):
            models[message["outcome"]].apply(message)


class Drip:
    """A resumption whose socket takes one message after so many looks at it."""

    def __init__(self, looks: int) -> None:
        self.session = self.outbound = self
        self.is_wanted = True
        self.waited = 0.0
        self.sent = 0
        self._looks = looks
        self._looked = 0

    @property
    def flowing(self) -> bool:
        self._looked += 1
        return self._looked % self._looks == 0

    def send(self, _message: Message) -> None:
        self.sent += 1


async def test_who_reads_by_drops_keeps_his_turn_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resuming, "LOOK_S", 0.001)
    monkeypatch.setattr(resuming, "STUCK_S", 0.02)
    monkeypatch.setattr(resuming, "SLOW_S", 0.1)
    missed: Missed = [(number, Message("orderbook_update", {})) for number in range(50)]
    # Never long at a time: nine looks for each message, of which there may be a hundred.
    drip = Drip(10)
    assert not await resuming.send_missed(cast("Any", drip), missed)
    assert drip.sent == 11
    assert not await resuming.send_missed(cast("Any", drip), missed), "another round is no new turn"
    quick, stuck = Drip(2), Drip(1_000)
    assert await resuming.send_missed(cast("Any", quick), missed)
    assert quick.sent == len(missed)
    assert not await resuming.send_missed(cast("Any", stuck), missed)
    assert (stuck.sent, stuck.waited < 0.03) == (0, True)


@pytest.mark.parametrize(
    ("body", "failure", "reason"),
    [
        ({"epoch": EPOCH - 1}, None, "OTHER_EPOCH"),
        ({"afterSeq": 10**9}, None, "AHEAD"),
        ({}, TooFarBack(), "TOO_FAR_BACK"),
        ({}, Unavailable(), "UNAVAILABLE"),
    ],
)
async def test_where_one_can_not_go_on_a_snapshot_follows(
    stage: Stage, body: dict[str, Any], failure: Exception | None, reason: str
) -> None:
    stage.trade(1, 50)
    stage.books.failure = failure
    async with socket_client(stage.desk.port) as back:
        told = await back.ok("subscribe:market", RAIN | {"afterSeq": 3} | body)
        assert (told["resumed"], told["reason"]) == (False, reason)
        await back.until(lambda: len(back.heard("orderbook_update")) == 2)
        assert [m["kind"] for m in back.heard("orderbook_update")] == ["snapshot"] * 2
        assert not back.heard("trade_executed")
        stage.trade(2, 20)
        await stage.told_all(back)
        assert len(stage.desk.rooms.markets[1].trades.members) == 2


async def test_too_far_back_is_seen_without_reading(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SEQS_MOST", 10)
    stage.trade(1, 50)
    async with socket_client(stage.desk.port) as back:
        told = await back.ok("subscribe:market", RAIN | {"afterSeq": 1})
        assert (told["resumed"], told["reason"]) == (False, "TOO_FAR_BACK")
        assert stage.books.asked == []


async def test_another_subscription_takes_the_place(stage: Stage) -> None:
    async with away(stage, 9) as (back, after, models):
        stage.books.gate.clear()
        first = back.emit("subscribe:market", RAIN | {"afterSeq": after})
        await eventually(lambda: stage.books.asked)
        await back.ok("subscribe:market", RAIN)
        stage.books.gate.set()
        answer = await first
        assert (answer["ok"], answer["error"]["code"]) == (False, "CONFLICT")
        stage.trade(1, 30)
        await stage.told_all(back)
        books = back.heard("orderbook_update")
        assert [one["kind"] for one in books].count("snapshot") == 2
        for message in books:
            models[message["outcome"]].apply(message)
        assert len(stage.desk.rooms.markets[1].trades.members) == 2


async def test_who_leaves_meanwhile_has_left(stage: Stage) -> None:
    async with away(stage, 9) as (back, after, _models):
        stage.books.gate.clear()
        first = back.emit("subscribe:market", RAIN | {"afterSeq": after})
        await eventually(lambda: stage.books.asked)
        await back.ok("unsubscribe:market", RAIN)
        stage.books.gate.set()
        assert (await first)["ok"] is False
        stage.trade(1, 20)
        await back.ok("ping")
        assert not back.heard("orderbook_update")
        assert len(stage.desk.rooms.markets[1].trades.members) == 1


async def test_a_socket_that_ends_meanwhile_leaves_nothing(stage: Stage) -> None:
    stage.books.gate.clear()
    async with socket_client(stage.desk.port) as back:
        back.emit("subscribe:market", RAIN | {"afterSeq": 1})
        await eventually(lambda: stage.books.asked)
        assert len(stage.desk.rooms.markets[1].trades.members) == 2
    await eventually(lambda: len(stage.desk.rooms.markets[1].trades.members) == 1)
    assert len(stage.desk.rooms.markets[1].books[YES].seats) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"epoch": 3}, "epoch"),
        ({"afterSeq": -1}, "afterSeq"),
        ({"afterSeq": "7"}, "afterSeq"),
        ({"afterSeq": 1, "depth": 1}, "afterSeq"),
        ({"afterSeq": 1, "channels": ["ticker"]}, "afterSeq"),
    ],
)
async def test_a_place_that_can_not_be_one_is_refused(
    stage: Stage, body: dict[str, Any], field: str
) -> None:
    async with socket_client(stage.desk.port) as back:
        refusal = await back.refusal("subscribe:market", RAIN | body)
        assert refusal["details"][0]["field"] == field
