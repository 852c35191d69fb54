"""Book messages: their bytes, and a reader's model that must always equal the book."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from exchange import engine as core
from exchange.messages.commands import CancelAll, OpenAccount, PlaceOrder, SetMarketStatus
from exchange.messages.conditions import OrderConditions
from exchange.messages.limit_commands import SetMarketLimits
from exchange.messages.limits import MarketLimits, VolatilityHalt
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    SELL,
    STOP_LIMIT,
    YES,
    MarketStatus,
    Outcome,
)
from exchange.model.market import Market
from exchange.model.state import State
from gateway.markets.views import book_levels, checksum
from gateway.observability.tallies import Tally
from gateway.sockets.framing.outbound import Outbound
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.streaming import book_messages
from gateway.streaming.announcer import Announcer
from gateway.streaming.channels.channel import Wish
from gateway.streaming.rooms import Rooms
from tests.conftest import SetBound
from tests.gateway.commit_fake import CommitFake
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_client import BookModel
from tests.gateway.socket_desk import CREDITS, EPOCH, create_market
from tests.lengths import length

PEOPLE = 4


class Reader:
    """A member of rooms without a network: its frames pile up until it `reads`."""

    def __init__(self, namespace: int = 0, bound: int = 100_000) -> None:
        self.namespace = namespace
        self.frames: list[bytes] = []
        self.overflowed = 0
        self.sent_away = 0
        self.outbound = Outbound(self._write, bound, self._overflow, Outbound.flush)

    def _write(self, frames: bytes) -> None:
        self.frames += split(frames)

    def _overflow(self) -> None:
        self.overflowed += 1
        self.outbound.stop()

    def send_away(self) -> None:
        self.sent_away += 1

    def suspended(self) -> None:
        """Go on reading: a whole day is compared."""

    def messages(self) -> list[tuple[str, Any]]:
        """Take and decode what has been written."""
        taken = [decoded(frame, self.namespace) for frame in self.frames]
        self.frames.clear()
        return taken


def split(frames: bytes) -> Iterator[bytes]:
    """Yield the frames of one write; the bytes of a lone one as they are."""
    start = 0
    while start < len(frames):
        head, length = 2, frames[start + 1]
        if length == 126:
            head, length = 4, int.from_bytes(frames[start + 2 : start + 4])
        elif length == 127:
            head, length = 10, int.from_bytes(frames[start + 2 : start + 10])
        end = start + head + length
        yield frames if (start, end) == (0, len(frames)) else frames[start:end]
        start = end


def decoded(frame: bytes, namespace: int = 0) -> tuple[str, Any]:
    head = {126: 4, 127: 10}.get(frame[1], 2)
    text = frame[head:].decode()
    prefix = ("42", "42/ws,")[namespace]
    assert text.startswith(prefix)
    name, data = json.loads(text.removeprefix(prefix))
    return name, data


def engine_with(rooms: Rooms, users: UserRooms[Reader] | None = None) -> CommitFake:
    engine = CommitFake()
    engine.run(create_market(), *(OpenAccount(n, CREDITS) for n in range(1, PEOPLE + 1)))
    engine.listeners.append(Announcer(rooms, users or UserRooms[Reader](), Everybody(), Tally()))
    return engine


def bid(account_id: int, price: int, quantity: int, outcome: Outcome = YES) -> PlaceOrder:
    return PlaceOrder(account_id, 1, BUY, outcome, LIMIT, price, quantity, GTC)


def book_of(reader: Reader) -> list[Any]:
    return [data for name, data in reader.messages() if name == "orderbook_update"]


def test_checksum_of_the_rulebook() -> None:
    assert checksum([(5500, 1000), (5400, 300)], [(5600, 750)]) == 3795016920


def test_checksum_of_an_empty_book_covers_the_bar() -> None:
    assert checksum([], []) == 2343686810


def test_what_was_due_and_never_triggered_shows_no_price(set_bound: SetBound) -> None:
    set_bound(core, "TRIGGERS_BETWEEN", 0)
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5000, 300), bid(2, 5000, 300, NO), bid(3, 4500, 100), bid(1, 100, 500))
    terms = OrderConditions(trigger_price=4500)
    engine.run(PlaceOrder(1, 1, SELL, YES, STOP_LIMIT, 4800, 100, GTC, conditions=terms))
    engine.run(PlaceOrder(1, 1, SELL, YES, LIMIT, 4500, 100, GTC))
    assert len(engine.view.due) == 1
    rooms.join_market(reader, engine.view.markets[1], (YES,))
    reader.messages()
    engine.run(CancelAll(1, None))
    (message,) = book_of(reader)
    assert (message["bids"], message["asks"]) == ([["0.0100", "0.00"]], [])


def test_snapshot_then_delta() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5500, 1000), bid(1, 5400, 300), bid(2, 4400, 750, NO))
    rooms.join_market(reader, engine.view.markets[1], (YES,))
    engine.run(bid(3, 5500, 500), CancelAll(2, None))
    assert book_of(reader) == [
        {
            "marketId": "1",
            "outcome": "YES",
            "epoch": EPOCH,
            "seq": 4,
            "prevSeq": None,
            "kind": "snapshot",
            "bids": [["0.5500", "10.00"], ["0.5400", "3.00"]],
            "asks": [["0.5600", "7.50"]],
            "checksum": 3795016920,
        },
        {
            "marketId": "1",
            "outcome": "YES",
            "epoch": EPOCH,
            "seq": 5,
            "prevSeq": 4,
            "kind": "delta",
            "bids": [["0.5500", "15.00"]],
            "asks": [],
            "checksum": checksum([(5500, 1500), (5400, 300)], [(5600, 750)]),
        },
        {
            "marketId": "1",
            "outcome": "YES",
            "epoch": EPOCH,
            "seq": 6,
            "prevSeq": 5,
            "kind": "delta",
            "bids": [],
            "asks": [["0.5600", "0.00"]],
            "checksum": checksum([(5500, 1500), (5400, 300)], []),
        },
    ]


def test_no_view_is_the_complete_mirror() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 5500, 1000), bid(1, 5400, 300), bid(2, 4400, 750, NO))
    rooms.join_market(reader, engine.view.markets[1], (NO,))
    engine.run(bid(3, 5300, 200))
    snapshot, delta = book_of(reader)
    assert (snapshot["bids"], snapshot["asks"]) == (
        [["0.4400", "7.50"]],
        [["0.4500", "10.00"], ["0.4600", "3.00"]],
    )
    assert (delta["bids"], delta["asks"]) == ([], [["0.4700", "2.00"]])
    assert snapshot["checksum"] == checksum([(4400, 750)], [(4500, 1000), (4600, 300)])


def test_taker_that_never_rested_changes_only_what_it_met() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    engine.run(bid(1, 4400, 750, NO))
    rooms.join_market(reader, engine.view.markets[1], (YES,))
    engine.run(bid(2, 6000, 100))
    assert [m["bids"] + m["asks"] for m in book_of(reader)][1:] == [[["0.5600", "6.50"]]]


def test_a_command_that_leaves_the_book_alone_still_counts() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.join_market(reader, engine.view.markets[1], (YES,))
    engine.run(SetMarketStatus(1, MarketStatus.HALTED))
    messages = reader.messages()
    assert [name for name, _ in messages] == ["orderbook_update"] * 2 + ["market_updated"]
    delta = messages[1][1]
    assert (delta["prevSeq"], delta["seq"], delta["bids"], delta["asks"]) == (1, 2, [], [])
    assert messages[2][1]["status"] == "HALTED"


def test_a_market_that_halts_by_itself_says_until_when() -> None:
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    halt = VolatilityHalt(move=100, window=60, halted=30)
    engine.run(SetMarketLimits(1, MarketLimits(volatility_halt=halt)))
    engine.run(bid(1, 5000, 1), bid(2, 5000, 1, NO), bid(1, 5200, 1))
    rooms.join_market(reader, engine.view.markets[1], ())
    engine.run(bid(2, 4800, 1, NO))
    (_, trade), (name, market) = reader.messages()
    assert (name, market["status"], market["seq"]) == (
        *("market_updated", "HALTED", trade["seq"] + 1),
    )
    assert market["resumesAt"] > trade["createdAt"]
    assert market["epoch"] == EPOCH


def test_one_encoding_for_all_who_keep_up() -> None:
    rooms, readers = Rooms(EPOCH), [Reader() for _ in range(3)]
    engine = engine_with(rooms)
    for reader in readers:
        rooms.join_market(reader, engine.view.markets[1], (YES,))
    engine.run(bid(1, 5000, 1))
    first, *others = [reader.frames for reader in readers]
    for frames in others:
        assert all(one is other for one, other in zip(first, frames, strict=True))


def test_what_waits_for_a_slow_reader_is_one_message() -> None:
    rooms, slow, quick = Rooms(EPOCH), Reader(), Reader(namespace=1)
    engine = engine_with(rooms)
    for reader in (slow, quick):
        rooms.join_market(reader, engine.view.markets[1], (YES, NO))
    slow.outbound.pause()
    engine.run(bid(1, 5000, 100), bid(1, 5000, 50), bid(2, 4900, 10), bid(3, 5100, 20, NO))
    assert len(slow.outbound) == 3  # the trade, and one message for each book
    slow.outbound.resume()
    spans = [m for m in book_of(slow) if m["kind"] == "delta"]
    assert [(m["outcome"], m["prevSeq"], m["seq"]) for m in spans] == [("YES", 1, 5), ("NO", 1, 5)]
    assert spans[0]["bids"] == [["0.5000", "1.30"], ["0.4900", "0.10"]]
    singles = [m for m in book_of(quick) if m["kind"] == "delta" and m["outcome"] == "YES"]
    assert [(m["prevSeq"], m["seq"]) for m in singles] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert singles[-1]["checksum"] == spans[0]["checksum"]


def test_snapshot_taken_while_messages_wait_starts_anew() -> None:
    rooms, slow = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    rooms.join_market(slow, market, (YES,))
    slow.outbound.pause()
    engine.run(bid(1, 5000, 100))
    rooms.join_market(slow, market, (YES,))
    engine.run(bid(1, 4900, 100))
    slow.outbound.resume()
    model = BookModel()
    messages = book_of(slow)
    for message in messages:
        model.apply(message)
    assert [(m["kind"], m["prevSeq"], m["seq"]) for m in messages] == [
        ("snapshot", None, 1),
        ("delta", 1, 2),
        ("snapshot", None, 2),
        ("delta", 2, 3),
    ]


def test_what_waits_keeps_its_epoch_when_another_engine_leads() -> None:
    rooms, slow = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    rooms.join_market(slow, market, (YES,))
    slow.outbound.pause()
    engine.run(bid(1, 5000, 100))
    rooms.begin_epoch(EPOCH + 1, engine.view.markets)
    engine.run(bid(1, 4900, 100))
    slow.outbound.resume()
    assert [(m["kind"], m["epoch"], m["prevSeq"], m["seq"]) for m in book_of(slow)] == [
        ("snapshot", EPOCH, None, 1),
        ("delta", EPOCH, 1, 2),
        ("snapshot", EPOCH + 1, None, 2),
        ("delta", EPOCH + 1, 2, 3),
    ]


def test_leaving_a_book_withdraws_what_waits() -> None:
    rooms, slow = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.join_market(slow, engine.view.markets[1], (YES,))
    slow.frames.clear()
    slow.outbound.pause()
    engine.run(bid(1, 5000, 100))
    rooms.leave(slow, 1, Wish((YES,)))
    slow.outbound.resume()
    assert (slow.frames, rooms.markets) == ([], {})


@pytest.mark.parametrize("seed", range(length(6, long=200)))
def test_readers_models_always_equal_the_book(seed: int) -> None:
    """Random trading, readers that stop and go at random: model, checksum and book agree."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    rooms = Rooms(EPOCH)
    engine = engine_with(rooms)
    market = engine.view.markets[1]
    readers = [Reader(namespace) for namespace in (0, 0, 1, 1)]
    models = [{outcome: BookModel() for outcome in Outcome} for _ in readers]
    for reader in readers[:2]:
        rooms.join_market(reader, market, tuple(Outcome))
    for step, command in enumerate(random_commands(seed, engine.view, 1, PEOPLE, 1_500)):
        engine.run(command)
        if step == 700:
            for reader in readers[2:]:
                rooms.join_market(reader, market, tuple(Outcome))
        for reader, views in zip(readers[1:], models[1:], strict=True):
            if chance.random() < 0.05:
                reader.outbound.pause()
            elif chance.random() < 0.08:
                reader.outbound.resume()
            _follow(reader, views)
        _follow(readers[0], models[0])
        _compare(models[0], market)
    for reader, views in zip(readers, models, strict=True):
        reader.outbound.resume()
        _follow(reader, views)
        _compare(views, market)
    assert set(models[0][YES].spans) == {1}
    assert max(models[1][YES].spans) > 1
    engine.check()


def _follow(reader: Reader, views: dict[Outcome, BookModel]) -> None:
    for message in book_of(reader):
        views[Outcome(message["outcome"])].apply(message)


def _compare(views: dict[Outcome, BookModel], market: Market) -> None:
    for outcome, model in views.items():
        assert model.levels() == book_levels(market, outcome, 10_000)
        assert model.seq == market.seq


@pytest.mark.parametrize("seed", range(length(3, long=200)))
def test_private_sequences_are_dense(seed: int) -> None:
    """Every private message has the next account sequence, and tells the latest state."""
    print(f"seed {seed}")
    rooms, users = Rooms(EPOCH), UserRooms[Reader]()
    engine = engine_with(rooms, users)
    readers = {number: Reader() for number in range(1, PEOPLE + 1)}
    last = {number: engine.view.accounts[number].seq for number in readers}
    balances: dict[int, Any] = {}
    for number, reader in readers.items():
        users.join(reader, number)
    for command in random_commands(seed, engine.view, 1, PEOPLE, 1_000):
        engine.run(command)
        for number, reader in readers.items():
            for name, data in reader.messages():
                last[number] += name != "order_filled"
                assert (data["accountSeq"], data["epoch"]) == (last[number], EPOCH)
                if name == "balance_updated":
                    balances[number] = data["available"]
            if number in balances:
                # What the command reached has run as well: the last message is how it is now.
                account = engine.view.accounts[number]
                assert int(balances[number].replace(".", "")) == account.available
            assert last[number] == engine.view.accounts[number].seq
    assert len(balances) == PEOPLE


def test_nothing_is_built_that_nobody_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = Rooms(EPOCH)
    engine = engine_with(rooms)

    def fail(*_args: object) -> None:
        raise AssertionError("built for nobody")

    monkeypatch.setattr(book_messages, "delta", fail)
    monkeypatch.setattr(book_messages, "view_checksum", fail)
    monkeypatch.setattr("gateway.streaming.announcer.Message", fail)
    engine.run(bid(1, 5000, 100), bid(2, 5000, 100, NO))
    assert isinstance(engine.view, State)
