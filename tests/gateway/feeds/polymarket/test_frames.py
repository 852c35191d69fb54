"""The market channel: a local book is the venue's at every snapshot, what is missed is noticed.

The recordings hold a few frames only, so a book like theirs is moved on by a generator, in both of
the channel's shapes.
"""

import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from gateway.feeds.books import LocalBook
from gateway.feeds.model import ListedStatus, TakenSide, VenueMarket
from gateway.feeds.polymarket.books import clob_book, venue_book
from gateway.feeds.polymarket.frames import MarketChannel
from gateway.feeds.venue import BookChange, BookSnapshot, LifeChanged, Lost, Printed, TopChanged
from tests.lengths import length
from tests.venues.book_flow import BookFlow, Step, Trouble, troubled
from tests.venues.polymarket_flow import MARKET, NO, YES, ChannelWriter
from tests.venues.recorded import lines_of

STEPS = length(8_000, long=1_000_000)
TROUBLED_STEPS = length(10_000, long=500_000)
SNAPSHOT_EVERY = 500
FAULTS = length(200, long=10_000)
"""In each of the two shapes, so either has 18 000 changes and 200 faults every day."""
SHAPES = pytest.mark.parametrize("is_old", [True, False], ids=["old shape", "new shape"])


def market() -> VenueMarket:
    return VenueMarket(
        platform="polymarket",
        external_id=MARKET,
        question="?",
        status=ListedStatus.OPEN,
        currency="USDC",
        min_quantity=500,
        stream_keys=(YES, NO),
    )


def moving(seed: int, *, is_old: bool, hashes: bool = True) -> tuple[BookFlow, ChannelWriter]:
    """A book of 60 levels, as far apart and as large as recorded ones are."""
    print(f"seed {seed}")
    randomness = random.Random(seed)
    sizes = [500, 1_273, 20_000, 96_466, 1_200_000]
    bids = {price: randomness.choice(sizes) for price in range(4_300, 4_700, 20)}
    asks = {price: randomness.choice(sizes) for price in range(4_730, 5_130, 20)}
    flow = BookFlow(bids, asks, 10, randomness, widest=1 if is_old else 4)
    return flow, ChannelWriter(flow, is_old=is_old, hashes=hashes)


class Follower:
    """A reader of the channel with a local book."""

    def __init__(self) -> None:
        self.channel = MarketChannel()
        self.channel.watch(market())
        self.book = LocalBook()
        self.lost: list[str] = []
        self.faults = Counter[str]()

    def take(self, message: str) -> None:
        for event in self.channel.take(message):
            match event:
                case BookSnapshot() | BookChange():
                    if (wrong := self.book.take(event)) is not None:
                        self.faults[wrong] += 1
                case Lost(reason=reason):
                    self.book.lose()
                    self.lost.append(reason)
                case _:
                    pass

    def is_at(self, flow: BookFlow) -> bool:
        bids = tuple(sorted(flow.bids.items(), reverse=True))
        return self.book.levels() == (bids, tuple(sorted(flow.asks.items())))


def test_each_level_of_a_step_differs_from_what_was_there() -> None:
    """In a book so small that wide steps often come back to a level."""
    flow = BookFlow({4_990: 500}, {5_010: 500}, 10, random.Random(3), least=0, most=2)
    before = {True: dict(flow.bids), False: dict(flow.asks)}
    for step in flow.steps(5_000):
        assert step.levels
        for is_bid, price, quantity in step.levels:
            assert quantity != before[is_bid].get(price, 0)
        before = {True: dict(flow.bids), False: dict(flow.asks)}


@SHAPES
def test_the_local_book_is_the_venues_at_every_snapshot(is_old: bool) -> None:
    flow, writer = moving(11, is_old=is_old)
    follower = Follower()
    follower.take(writer.book())
    compared = 0
    for number, step in enumerate(flow.steps(STEPS), start=1):
        follower.take(writer.changes(step))
        if number % 37 == 0:
            follower.take(writer.trade())
        if number % SNAPSHOT_EVERY == 0:
            before = follower.book.levels(), follower.book.checksum
            follower.take(writer.book())
            assert (follower.book.levels(), follower.book.checksum) == before, number
            assert follower.is_at(flow)
            compared += 1
    print(f"{compared} snapshots compared")
    assert compared == STEPS // SNAPSHOT_EVERY
    assert (follower.lost, follower.faults) == ([], {})
    assert follower.channel.counts["hash_held"] == compared + 1


@SHAPES
def test_recorded_books_moved_on_are_the_venues_at_every_snapshot(
    recordings: Path, is_old: bool
) -> None:
    compared = 0
    path = recordings / "polymarket/ws-market/book_2026-02-12.jsonl"
    for number, line in enumerate(lines_of(path)):
        found = clob_book(line)
        book = venue_book(found, MARKET)
        tick = 10 if any(price % 100 for price, _ in (*book.bids, *book.asks)) else 100
        flow = BookFlow(
            dict(book.bids),
            dict(book.asks),
            tick,
            random.Random(number),
            widest=1 if is_old else 4,
            most=80,
        )
        writer = ChannelWriter(flow, is_old=is_old)
        follower = Follower()
        follower.take(writer.book())
        for _ in range(3):
            for step in flow.steps(SNAPSHOT_EVERY):
                follower.take(writer.changes(step))
            before = follower.book.levels()
            follower.take(writer.book())
            assert follower.book.levels() == before
            assert follower.is_at(flow)
            compared += 1
        assert follower.lost == []
    assert compared == 21


@SHAPES
def test_each_lost_doubled_or_reordered_change_is_noticed(is_old: bool) -> None:
    flow, writer = moving(12, is_old=is_old)
    follower = Follower()
    follower.take(writer.book())
    plan = troubled(TROUBLED_STEPS - 500, FAULTS, 40, random.Random(13))
    noticed, met = Counter[Trouble](), Counter[Trouble]()
    held: tuple[Trouble, Step, str] | None = None
    waiting: list[Trouble] = []
    for number, step in enumerate(flow.steps(TROUBLED_STEPS)):
        waiting += [plan[number]] if number in plan else []
        message = writer.changes(step)
        before = len(follower.lost), follower.channel.counts["doubled"]
        if held is None and waiting and waiting[0] is not Trouble.DOUBLED:
            held = waiting.pop(0), step, message
            continue
        follower.take(message)
        if held is not None:
            trouble, missed, late = held
            held = None
            if covers(step, missed):
                # The book is whole without it, since a change says what is there: nothing is
                # missing that could be noticed, so another one is taken.
                waiting.insert(0, trouble)
                continue
            if trouble is Trouble.REORDERED:
                follower.take(late)
            met[trouble] += 1
            noticed[trouble] += len(follower.lost) > before[0]
        elif waiting:
            met[waiting.pop(0)] += 1
            follower.take(message)
            noticed[Trouble.DOUBLED] += follower.channel.counts["doubled"] > before[1]
        if not follower.book.is_known:
            follower.take(writer.book())
        assert follower.is_at(flow), number
    print(f"met {dict(met)}, noticed {dict(noticed)}")
    assert met.total() == FAULTS
    assert noticed == met


def covers(step: Step, other: Step) -> bool:
    changed = {(is_bid, price) for is_bid, price, _ in step.levels}
    return all((is_bid, price) in changed for is_bid, price, _ in other.levels)


def test_without_a_hash_a_loss_at_the_best_is_noticed_and_a_deeper_one_at_the_next_book() -> None:
    """What is left where the hash of a change isn't the book's: the best prices, which the newer
    shape tells, and the snapshots.
    """
    flow, writer = moving(14, is_old=False, hashes=False)
    follower = Follower()
    follower.take(writer.book())
    noticed = Counter[tuple[str, bool]]()
    for _ in range(300):
        (step,) = flow.steps(1)
        is_best = any(price in {max(flow.bids), min(flow.asks)} for _, price, q in step.levels if q)
        begun = len(follower.lost)
        writer.changes(step)
        for later in islice(flow.steps(20), 20):
            follower.take(writer.changes(later))
        was_noticed = len(follower.lost) > begun
        noticed["at best" if is_best else "deeper", was_noticed] += 1
        follower.take(writer.book())
        assert follower.is_at(flow)
    print(dict(noticed))
    assert set(follower.lost) <= {"best_price", "crossed"}
    assert len(follower.lost) > 20


def test_best_prices_that_disagree_for_a_moment_are_no_loss() -> None:
    flow, writer = moving(15, is_old=False, hashes=False)
    follower = Follower()
    follower.take(writer.book())
    for number, step in enumerate(flow.steps(300)):
        frame = json.loads(writer.changes(step))
        if number % 10 < 2:
            for change in frame["price_changes"]:
                change["best_bid"] = "0.001"
        follower.take(json.dumps(frame))
    assert follower.lost == []
    assert follower.is_at(flow)


def test_hashes_that_are_not_the_books_are_not_believed() -> None:
    """Neither those that never hold, nor those that hold now and then."""
    for share in (0.0, 0.4):
        flow, writer = moving(16, is_old=False)
        follower = Follower()
        follower.take(writer.book())
        randomness = random.Random(17)
        for step in flow.steps(2_000):
            frame = json.loads(writer.changes(step))
            if randomness.random() >= share:
                for change in frame["price_changes"]:
                    change["hash"] = f"{randomness.getrandbits(160):040x}"
            follower.take(json.dumps(frame))
            if not follower.book.is_known:
                follower.take(writer.book())
        assert len(follower.lost) <= 11
        assert set(follower.lost) <= {"hash"}
        assert follower.is_at(flow)


def test_a_time_that_goes_back_is_a_loss() -> None:
    flow, writer = moving(18, is_old=False, hashes=False)
    follower = Follower()
    follower.take(writer.book())
    for step in flow.steps(10):
        follower.take(writer.changes(step))
    (step,) = flow.steps(1)
    frame = json.loads(writer.changes(step))
    frame["timestamp"] = "1700000000000"
    follower.take(json.dumps(frame))
    assert follower.lost == ["out_of_order"]


def test_changes_before_the_first_book_and_of_others_are_left_aside() -> None:
    flow, writer = moving(19, is_old=False)
    follower = Follower()
    (step,) = flow.steps(1)
    follower.take(writer.changes(step))
    assert not follower.book.is_known
    assert list(follower.channel.unsynced) == [YES]
    other = writer.book().replace(YES, "333")
    assert follower.channel.take(other) == []
    no_book = writer.book().replace(f'"asset_id":"{YES}"', f'"asset_id":"{NO}"')
    assert follower.channel.take(no_book) == []
    follower.take(writer.book())
    assert follower.is_at(flow)
    assert follower.channel.unsynced == {}


def test_trades_of_both_tokens_are_told_in_yes_terms() -> None:
    channel = MarketChannel()
    channel.watch(market())
    frame = {"event_type": "last_trade_price", "market": MARKET, "asset_id": NO, "side": "BUY",
             "price": "0.3", "size": "2.005", "timestamp": "1770921571394"}  # fmt: skip
    (told,) = channel.take(json.dumps(frame))
    assert isinstance(told, Printed)
    trade = told.trade
    assert (trade.yes_price, trade.quantity, trade.taken) == (7_000, 200, TakenSide.NO)
    assert trade.venue_at == 1_770_921_571_394_000
    (sold,) = channel.take(json.dumps({**frame, "side": "SELL"}))
    assert isinstance(sold, Printed)
    assert sold.trade.taken is TakenSide.YES
    assert sold.trade.trade_id != trade.trade_id
    assert channel.take(json.dumps({**frame, "price": "1"})) == []
    assert channel.counts["no_price"] == 1


def test_what_is_said_of_the_no_token_is_turned_round() -> None:
    channel = MarketChannel()
    channel.watch(market())
    frame = {"event_type": "best_bid_ask", "market": MARKET, "asset_id": NO, "best_bid": "0.2",
             "best_ask": "0.25", "timestamp": "1770921571394"}  # fmt: skip
    (told,) = channel.take(json.dumps(frame))
    assert isinstance(told, TopChanged)
    assert (told.best_bid, told.best_ask) == (7_500, 8_000)


def test_a_life_that_went_on_is_told_for_markets_that_are_not_watched_too() -> None:
    channel = MarketChannel()
    assert channel.take('{"event_type":"new_market","market":"0x1"}') == [LifeChanged("0x1")]
    assert channel.take('[{"event_type":"market_resolved","market":"0x2"}]') == [LifeChanged("0x2")]
    assert channel.take('{"event_type":"something_new"}') == []
    assert channel.counts["unknown_event"] == 1


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "[[1]]",
        "[" * 100_000,
        '{"event_type":5}',
        '{"event_type":"price_change","market":"%M","price_changes":[{"price":"0.5"}]}',
        '{"event_type":"price_change","market":"%M","price_changes":{"a":1}}',
        '{"event_type":"price_change","market":"%M","asset_id":"111","price":{},"size":"1"}',
        (
            '{"event_type":"price_change","market":"%M","asset_id":"111","price":"1e999","size":"1",'
            '"side":"BUY"}'
        ),
        (
            '{"event_type":"price_change","market":"%M","asset_id":"111","price":"0.5","size":"1",'
            '"side":"HOLD"}'
        ),
        (
            '{"event_type":"book","market":"%M","asset_id":"111","bids":[{"price":"x","size":"1"}],'
            '"asks":[]}'
        ),
        '{"event_type":"book","market":"%M","asset_id":"111","bids":5,"asks":[]}',
        (
            '{"event_type":"book","market":"%M","asset_id":"111","bids":[{"price":"0.6","size":"1"}],'
            '"asks":[{"price":"0.5","size":"1"}]}'
        ),
    ],
)
def test_what_cant_be_read_is_counted_and_the_book_it_may_be_about_is_lost(message: str) -> None:
    flow, writer = moving(20, is_old=False)
    follower = Follower()
    follower.take(writer.book())
    follower.take(message.replace("%M", MARKET))
    assert len(follower.lost) == 1
    assert list(follower.channel.unsynced) == [YES]
    follower.take(writer.book())
    assert follower.is_at(flow)


def test_levels_off_the_grid_join_their_neighbours() -> None:
    channel = MarketChannel()
    channel.watch(market())
    levels = [{"price": "0.50004", "size": "1.005"}, {"price": ".5", "size": "1.005"}]
    asks = [{"price": "0.60001", "size": "1"}, {"price": "0.9999999", "size": "1"}]
    book = {"event_type": "book", "market": MARKET, "asset_id": YES, "bids": levels, "asks": asks}
    (told,) = channel.take(json.dumps(book))
    assert isinstance(told, BookSnapshot)
    assert (told.book.bids, told.book.asks) == (((5_000, 201),), ((6_001, 100),))
    change = {"event_type": "price_change", "market": MARKET, "asset_id": YES, "side": "BUY",
              "price": "0.50004", "size": "0", "timestamp": "1770921571394"}  # fmt: skip
    (changed,) = channel.take(json.dumps(change))
    assert isinstance(changed, BookChange)
    assert changed.bids == ((5_000, 100),)
