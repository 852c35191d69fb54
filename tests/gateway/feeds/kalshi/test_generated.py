"""100 000 changes of books in each of Kalshi's shapes: what is kept here equals every snapshot
there, and each of 1 000 frames that are lost, doubled or out of order is noticed.

The books begin as recorded ones where the recordings are, else as made-up ones.
"""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.feeds.books import LocalBook
from gateway.feeds.kalshi.socket.protocol import SocketProtocol
from gateway.feeds.venue import BookChange, BookSnapshot, Lost
from tests.venues.kalshi_samples import Shape
from tests.venues.kalshi_socket import KalshiSocket, Side
from tests.venues.kalshi_talk import Talk

DELTAS = 100_000
SNAPSHOT_EVERY = 500
FAULTS = 1_000
SECONDS_A_FRAME = 0.1
FAULT_KINDS = ("lost", "doubled", "reordered")

Books = dict[str, dict[str, Side]]
MADE_UP: Books = {
    "RAIN-1": {"yes": {3_700: 836_800, 3_600: 200}, "no": {6_100: 7_900, 6_000: 2_203_100}},
    "RAIN-2": {"yes": {100: 5_000}, "no": {9_800: 1_261, 5_000: 100}},
    "RAIN-3": {"yes": {}, "no": {}},
}


def levels(pairs: Any) -> Side:
    return {
        round(float(price) * 10_000): round(float(count) * 100) for price, count in pairs if count
    }


def recorded(folder: Path) -> Books:
    """Whole books: two of the socket's, one of REST's, and some of the tape."""
    found: Books = {}
    for line in (
        (folder / "ws/orderbook_two_tickers_one_sid_2026-08.jsonl").read_text().splitlines()
    ):
        msg = json.loads(line)["msg"]
        if "yes_dollars_fp" in msg:
            # The recorder had asked for the NO side by the price of YES.
            no = levels(msg["no_dollars_fp"])
            found[msg["market_ticker"]] = {
                "yes": levels(msg["yes_dollars_fp"]),
                "no": {10_000 - price: count for price, count in no.items()},
            }
    deep = json.loads((folder / "orderbook/orderbook_fp_deep_2026-03.json").read_bytes())
    book = deep["orderbook_fp"]
    found["DEEP"] = {"yes": levels(book["yes_dollars"]), "no": levels(book["no_dollars"])}
    with gzip.open(folder / "tape/books_multi_market_2026-07_08.jsonl.gz") as lines:
        for packed, _ in zip(lines, range(3), strict=False):
            row = json.loads(packed)
            found[row["market"]] = {"yes": levels(row["yes_bids"]), "no": levels(row["no_bids"])}
    return found


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> Books:
    try:
        folder: Path = request.getfixturevalue("recordings")
    except pytest.skip.Exception:
        return {
            ticker: {side: dict(of) for side, of in book.items()}
            for ticker, book in MADE_UP.items()
        }
    return recorded(folder / "kalshi")


class Flow:
    """Changes as a venue makes them: a level grows, shrinks or goes, and nothing ever crosses."""

    def __init__(self, venue: KalshiSocket, seed: int) -> None:
        self.venue = venue
        self.random = random.Random(seed)
        self.tickers = sorted(venue.books)
        # Whole cents and contracts where the shape says no more.
        self.step, self.unit = (10, 1) if venue.shape is Shape.EXACT else (100, 100)

    def change(self) -> list[str]:
        draw = self.random
        ticker = draw.choice(self.tickers)
        side, other = draw.choice((("yes", "no"), ("no", "yes")))
        own = self.venue.books[ticker][side]
        best_other = max(self.venue.books[ticker][other], default=0)
        if own and draw.random() < 0.6:
            price = draw.choice(list(own))
            take = (
                own[price]
                if draw.random() < 0.4
                else draw.randint(1, own[price] // self.unit) * self.unit
            )
            return self.venue.change(ticker, side, price, -take)
        highest = (10_000 - best_other - 1) // self.step
        if highest < 1:
            return self.change()
        price = draw.randint(max(1, highest - 40), highest) * self.step
        return self.venue.change(ticker, side, price, draw.randint(1, 500_000) * self.unit)


def cut(books: Books, step: int, unit: int) -> Books:
    """Books of the prices and quantities that a shape can say."""

    def side(found: Side) -> Side:
        whole = {price: count // unit * unit for price, count in found.items() if price % step == 0}
        return {price: count for price, count in whole.items() if count}

    return {
        ticker: {name: side(found) for name, found in book.items()}
        for ticker, book in books.items()
    }


def deliver(kind: str, frames: Iterator[str]) -> list[str]:
    """The frames that arrive when one is lost, doubled or reordered."""
    first, second = next(frames), next(frames)
    return {"lost": [second], "doubled": [first, first, second], "reordered": [second, first]}[kind]


@pytest.mark.parametrize("shape", [Shape.EXACT, Shape.CENTS])
def test_the_book_here_is_the_book_there_and_every_fault_is_noticed(
    shape: Shape, seeds: Books
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {shape}, books of {len(seeds)} markets")
    step, unit = (10, 1) if shape is Shape.EXACT else (100, 100)
    venue = KalshiSocket(cut(seeds, step, unit), shape)
    talk, flow = Talk(venue), Flow(venue, seed)
    draw = random.Random(seed + 1)
    faults = dict.fromkeys(sorted(draw.sample(range(50, DELTAS - 50, 10), FAULTS)), "")
    for number, at in enumerate(faults):
        faults[at] = FAULT_KINDS[number % 3]
    talk.begin(*seeds)
    frames = (frame for _ in range(10 * DELTAS) for frame in flow.change())
    noticed: Counter[str] = Counter()
    compared = delivered = 0
    due = SNAPSHOT_EVERY
    while delivered < DELTAS:
        talk.now += SECONDS_A_FRAME
        kind = faults.get(delivered)
        if kind is None:
            talk.settle([next(frames)])
            delivered += 1
        else:
            before = Counter(talk.client.counts)
            told = talk.settle(deliver(kind, frames))
            delivered += 2
            is_lost = any(isinstance(event, Lost) for event in told)
            is_repeated = talk.client.counts["repeated"] > before["repeated"]
            noticed[kind] += is_repeated if kind == "doubled" else is_lost
            assert is_repeated == (kind != "lost")
        if delivered >= due:
            due += SNAPSHOT_EVERY
            for ticker in venue.books:
                assert talk.shown(ticker) == venue.shown(ticker), (seed, delivered, ticker)
                compared += 1
            snapshots = talk.settle(venue.snapshots())
            assert sum(isinstance(event, BookSnapshot) for event in snapshots) == len(venue.books)
    changes = sum(isinstance(event, BookChange) for event in talk.events)
    print(f"{delivered} deltas, {changes} told, {compared} books compared, noticed {dict(noticed)}")
    assert noticed == Counter(faults.values())
    assert compared >= 200 * len(venue.books)
    assert talk.client.counts["drifted"] == 0
    assert talk.client.counts["impossible"] == 0


def test_the_recorded_frames_pass(recordings: Path) -> None:
    folder = recordings / "kalshi/ws"
    lines = (folder / "orderbook_two_tickers_one_sid_2026-08.jsonl").read_text().splitlines()
    client = SocketProtocol()
    first, second = "KXFEDDECISION-26SEP-H0", "KXGOVTSHUTDOWN-26OCT01"
    client.connected(0.0)
    client.watch([first], 0.0)
    client.receive(lines[0], 0.0)
    client.receive(lines[1], 0.0)
    client.watch([second], 0.0)
    for line in lines[2:]:
        client.receive(line, 0.0)
    events = client.take_events()
    assert [type(event) for event in events] == [BookSnapshot] * 3
    books = [event.book for event in events if isinstance(event, BookSnapshot)]
    assert [book.external_id for book in books] == [first, second, first]
    assert (books[0].bids, books[0].asks) == (books[2].bids, books[2].asks)
    # Both sides' best level first; the NO side came by the price of YES, the worst level first.
    assert books[0].bids[0] == (4_900, 2_810_516)
    assert books[0].asks[0] == (5_000, 25_375_724)
    assert books[0].asks[-1] == (9_900, 154_451_335)
    assert (books[1].bids[0][0], books[1].asks[0][0]) == (300, 500)
    assert all(LocalBook().snapshot(book) is None for book in books)
    assert not client.counts.keys() & {"gaps", "repeated", "drifted", "unreadable", "own_leg"}


def test_the_recorded_delta_passes(recordings: Path) -> None:
    frame = json.loads((recordings / "kalshi/ws/orderbook_delta_2026-08.json").read_bytes())
    ticker = frame["msg"]["market_ticker"]
    talk = Talk(KalshiSocket({ticker: {"yes": {2_700: 100}, "no": {2_800: 667_400}}}))
    talk.begin(ticker)
    assert talk.settle([json.dumps(frame)]) == [
        BookChange(ticker, (), ((7_200, 0),), "2", 1_788_067_912_107_000)
    ]


@pytest.mark.parametrize(("name", "kinds"), [("trade", "trade"), ("ticker", "ticker")])
def test_the_recorded_prints_and_tops_pass(recordings: Path, name: str, kinds: str) -> None:
    lines = (recordings / f"kalshi/ws/{name}_2026-02-12.jsonl").read_text().splitlines()
    client = SocketProtocol()
    client.watch({json.loads(line)["msg"]["market_ticker"] for line in lines}, 0.0)
    for line in lines:
        client.receive(line, 0.0)
    assert len(client.take_events()) == len(lines) == client.counts[kinds]
    assert client.refused == []
    assert client.forms.equal > len(lines)
    assert (client.forms.rounded, client.forms.different) == (0, 0)
