"""Books from events alone, beside the live view through seeded days: after every command the same
orders in the same queues, the same sums, sequence, time, checksum and changes; and a book that was
stored and loaded goes on like one that was not.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec
import pytest

from exchange.messages.events import OrderAmended
from exchange.messages.execution import Execution
from exchange.messages.terms import Outcome
from exchange.model.market import Market
from exchange.model.order_book import BookSide
from exchange.model.state import State
from exchange.projections.book_replay import ADD, REDUCE, REMOVE, TRADE, BookReplay, LogEntry
from exchange.projections.book_sides import Side
from exchange.projections.books import Books, markets_of
from exchange.projections.stored_books import dump, load
from exchange.transitions import transitions
from gateway.markets.views import CHECKSUM_LEVELS, book_levels, checksum
from gateway.streaming.book_messages import changed_levels
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.pair import Pair

SEED = int(os.environ.get("PROBITY_SEED", "20261126"))
COMMANDS = 6_000
STORED_ONE_IN = 37


class Logged:
    """Queues made of nothing but the log: what a reader of it can know."""

    def __init__(self) -> None:
        self.queues: dict[tuple[bool, int], dict[int, int]] = {}
        """(is it a bid, price) -> what remains of each order, by its number."""

    def take(self, entry: LogEntry) -> None:
        what, number, is_bid, price, quantity, left, trade_no = entry
        queue = self.queues.setdefault((is_bid, price), {})
        if what == ADD:
            assert number not in queue
            queue[number] = left
        else:
            if what == TRADE:
                assert number == next(iter(queue))
            assert queue[number] - quantity == left
            queue[number] = left
        assert (what == TRADE) is (trade_no > 0)
        if left == 0:
            del queue[number]
        if not queue:
            del self.queues[is_bid, price]


class Beside:
    """A live view, the books that follow its events, and one more set that is stored all the
    time.
    """

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.view = State()
        self.books = Books()
        self.stored = Books()
        self.logged: defaultdict[int, Logged] = defaultdict(Logged)
        self.counts: Counter[str] = Counter()

    def take(self, execution: Execution) -> None:
        """Give all of them one command, and compare."""
        view = self.view
        transitions.begin(view, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(view, event)
        concerned = self.books.apply(execution)
        self.stored.apply(execution)
        assert {book.market_id for book in concerned} == markets_of(execution)
        moved = {m.id for m in view.markets.values() if m.published == view.seq}
        assert moved <= {book.market_id for book in concerned}
        for book in concerned:
            self.compare(book, view.markets[book.market_id], execution)
            if book.log is not None:
                self.read_log(book)
            book.log = []
        view.dirty.clear()
        if self.dice.number(1, STORED_ONE_IN) == 1:
            self.store()

    def compare(self, book: BookReplay, market: Market, execution: Execution) -> None:
        """Check that a book is the view's after a command that concerned it."""
        same(book, market)
        self.counts["compared"] += 1
        if market.published != self.view.seq:
            return
        self.counts["moved"] += 1
        assert book.at == execution.at
        amends = [event for event in execution.events if isinstance(event, OrderAmended)]
        changes = book.changes()
        assert changes == changed_levels(market, self.view.dirty.orders, self.view.seq, amends)
        self.counts["changes"] += sum(map(len, changes))

    def read_log(self, book: BookReplay) -> None:
        """Check that the log of the command leads to the same queues."""
        logged = self.logged[book.market_id]
        for entry in book.log or ():
            logged.take(entry)
            self.counts[entry[0]] += 1
        assert logged.queues == {
            (side is book.bids, price): {o.number: o.remaining for o in level.orders.values()}
            for side in (book.bids, book.asks)
            for price, level in side.levels.items()
        }

    def store(self) -> None:
        """Store one set of books and go on with what is read, which is the other's as well."""
        dumped = [dump(book) for book in self.stored.by_market.values()]
        assert dumped == [dump(book) for book in self.books.by_market.values()]
        self.stored = Books(load(one) for one in dumped)
        self.counts["stored"] += 1


def same(book: BookReplay, market: Market) -> None:
    """Check that a book is a live market's, queue by queue."""
    assert book.seq == market.seq
    assert queues(book.bids) == live_queues(market.book.bids)
    assert queues(book.asks) == live_queues(market.book.asks)
    best = market.book.bids.best, market.book.asks.best
    assert (book.bids.best, book.asks.best) == tuple(level and level.price for level in best)
    live = book_levels(market, Outcome.YES, CHECKSUM_LEVELS)
    ours = book.bids.depth(CHECKSUM_LEVELS), book.asks.depth(CHECKSUM_LEVELS)
    assert checksum(*ours) == checksum(*live)


def queues(side: Side) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Lay a side out: of each level its price, its sum, and what remains of each order."""
    return [
        (price, quantity, [(o.id, o.remaining) for o in side.levels[price].orders.values()])
        for price, quantity in side.depth(10_000)
    ]


def live_queues(side: BookSide) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Lay a live side out in the same way."""
    return [
        (level.price, level.quantity, [(order.id, order.remaining) for order in level.orders()])
        for level in side.levels()
    ]


def a_day(seed: int, commands: int) -> Iterable[Execution]:
    """Yield what happens in a seeded day."""
    pair, dice = Pair(), Dice(seed)
    day = MarketDay(pair.twin)
    for _ in range(commands):
        command = day.any_command(dice)
        yield from pair.run(day.next_time(dice), command, compare=False)


@pytest.mark.timeout(300)
def test_books_from_events_are_the_live_ones_after_every_command() -> None:
    counts: Counter[str] = Counter()
    for seed in range(SEED, SEED + length(2, long=100)):
        print(f"seed {seed}")
        beside = Beside(Dice(seed))
        for execution in a_day(seed, COMMANDS):
            beside.take(execution)
        view = beside.view
        for market in view.markets.values():
            same(beside.books.by_market[market.id], market)
            same(beside.stored.by_market[market.id], market)
        counts += beside.counts
    print(counts)
    assert counts["moved"] > COMMANDS // 3
    assert counts["changes"] > counts["moved"] // 2
    assert min(counts[what] for what in (ADD, REDUCE, REMOVE, TRADE)) > 10
    assert counts["stored"] > COMMANDS // (2 * STORED_ONE_IN)


def test_one_book_alone_takes_its_own_events_of_any_command() -> None:
    done = list(a_day(SEED, 1_500))
    together = Books()
    for execution in done:
        together.apply(execution)
    for market_id, book in together.by_market.items():
        alone = BookReplay(market_id)
        moved = sum(alone.apply(execution) for execution in done)
        assert moved == alone.seq == book.seq
        assert dump(alone) == dump(book)


def test_a_book_of_which_only_part_is_there_is_refused() -> None:
    for part in (b"", dump(BookReplay(1))[:-1], b"\x00"):
        with pytest.raises(msgspec.DecodeError):
            load(part)
