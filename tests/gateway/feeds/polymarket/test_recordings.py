"""Every recorded answer of Polymarket becomes the one format, or is refused by a counted reason."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.messages.terms import Resolution
from gateway.feeds import reading
from gateway.feeds.model import FINAL, ListedStatus, Unrepresentable, VenueMarket
from gateway.feeds.polymarket import pages
from gateway.feeds.polymarket.books import (
    clob_book,
    complement,
    holds,
    price_points,
    side_levels,
    venue_book,
    venue_trade,
)
from gateway.feeds.polymarket.clob_markets import clob_market
from gateway.feeds.polymarket.frames import MarketChannel
from gateway.feeds.polymarket.markets import gamma_market
from gateway.feeds.venue import BookChange, BookSnapshot, LifeChanged, Printed, TopChanged
from gateway.wire.nesting import deeper_than
from tests.venues.recorded import json_of, lines_of, table, text_of

Read = tuple[int, int, Counter[str]]
"""How many objects there are, how many were converted, and why the others weren't."""
Row = tuple[str, int, int, Counter[str]]
NO_PART: dict[str, str] = {
    "gamma-meta/sports.json": "leagues, not markets: the feed has no use for them",
    "reference-feed/btcusd_settlement_ticks_2026-07-24.csv.gz": "bitcoin, no market",
    "tape/daily_prices_closed_markets_metadata.csv.gz": "a recorder's columns, without prices",
    "tape/markets_multi_market_2026-07_08.jsonl.gz": "a recorder's columns",
    "tape/settlements_2026-07_08.jsonl.gz": "a recorder's columns",
    "tape/trades_multi_market_2026-07_08.jsonl.gz": "a recorder's columns, without the token",
    "tape/updown_15m_and_dota_implied_results.json": "derived by a recorder",
}
"""What isn't the venue's own answer and nothing of the feed reads."""


@pytest.fixture
def folder(recordings: Path) -> Path:
    return recordings / "polymarket"


def several(raws: Iterable[bytes], convert: Callable[[bytes], Any]) -> Read:
    """Convert each; what is refused is counted by reason."""
    count, good, refused = 0, 0, Counter[str]()
    for raw in raws:
        count += 1
        try:
            convert(raw)
            good += 1
        except Unrepresentable as error:
            refused[error.reason] += 1
    return count, good, refused


def objects(path: Path) -> list[bytes]:
    """The objects of a file: an array, a page, or one."""
    found = json_of(path)
    if isinstance(found, dict):
        found = found.get("data", [found])
    return [json.dumps(one).encode() for one in found]


def markets_of_events(path: Path) -> Read:
    found = json_of(path)
    if isinstance(found, dict):
        page = pages.search_result(text_of(path))
        found = found["events"]
    else:
        page, rows = pages.event_list(text_of(path))
        assert rows == len(found)
    assert len(page.events) == len({event["id"] for event in found})
    assert page.unread == ()
    count = sum(len(event.get("markets", ())) for event in found)
    return count, len(page.markets), Counter(reason for _, reason in page.refused)


def history(path: Path) -> Read:
    points, refused = price_points(text_of(path))
    assert [p.at for p in points] == sorted({p.at for p in points})
    raw = json_of(path)["history"]
    repeated = len(raw) - len({point["t"] for point in raw})
    return len(raw), len(points), Counter(no_price=refused, same_second=repeated)


def daily_prices(path: Path) -> Read:
    rows = list(csv.DictReader(io.StringIO(text_of(path).decode())))
    times = [f"{row['timestamp'].replace(' ', 'T')}+00:00" for row in rows]
    points = [
        {"t": reading.moment(msgspec.Raw(json.dumps(at).encode())) // 10**6, "p": row["price"]}  # type: ignore[operator]
        for at, row in zip(times, rows, strict=True)
    ]
    good, refused = 0, 0
    by_token: dict[str, list[dict[str, Any]]] = {}
    for row, point in zip(rows, points, strict=True):
        by_token.setdefault(row["token_id"], []).append(point)
    for found in by_token.values():
        made, bad = price_points(json.dumps({"history": found}).encode())
        good, refused = good + len(made), refused + bad
    return len(rows), good, Counter(no_price=refused)


def recorder_books(path: Path) -> Read:
    """Books with the best level first, of a recorder; the converter doesn't mind the order."""
    raws = []
    for line in lines_of(path):
        row = json.loads(line)
        levels = {
            side: [{"price": str(p), "size": str(s)} for p, s in _pairs(row, side)]
            for side in ("bids", "asks")
        }
        raws.append(json.dumps({"asset_id": "1", "market": "m", **levels}).encode())
    return several(raws, lambda raw: venue_book(clob_book(raw), "m"))


def _pairs(row: dict[str, Any], side: str) -> list[tuple[Any, Any]]:
    if side in row:
        return row[side] or []
    return [(one["price"], one["size"]) for one in row[f"{side}_top5"] or []]


def csv_trades(path: Path) -> Read:
    """Prints with naive Eastern times: those are the recorder's, the rest is the venue's."""
    rows = list(csv.DictReader(io.StringIO(text_of(path).decode())))
    raws = [
        json.dumps({
            "conditionId": row["conditionId"], "asset": row["asset"], "side": row["side"],
            "outcomeIndex": 0, "price": float(row["price"]), "size": float(row["size"]),
            "timestamp": row["timestamp"].replace(" ", "T") + "-05:00",
            "proxyWallet": row["proxyWallet"],
        }).encode()
        for row in rows
    ]  # fmt: skip
    return several(raws, venue_trade)


def frames(path: Path) -> Read:
    """What the socket says: each frame is about a market that is watched, and tells something."""
    raws = list(lines_of(path)) if ".jsonl" in path.name else [text_of(path)]
    good, refused = 0, Counter[str]()
    for raw in raws:
        frame = json.loads(raw)
        channel = MarketChannel()
        tokens = [frame.get("asset_id") or (frame.get("assets_ids") or ["", ""])[0]]
        tokens += [change["asset_id"] for change in frame.get("price_changes", ())]
        for token in dict.fromkeys(one for one in tokens if one):
            channel.watch(watched(token, frame["market"]))
        told = channel.take(raw.decode())
        assert isinstance(told, list)
        is_change = frame["event_type"] == "price_change"
        # A change without a book before it is none of ours, but it must be read.
        assert told or is_change, frame["event_type"]
        refused.update({k: n for k, n in channel.counts.items() if not k.startswith("hash_")})
        good += not refused
    return len(raws), good, refused


def watched(token: str, market: str) -> VenueMarket:
    return VenueMarket(
        platform="polymarket",
        external_id=market,
        question="?",
        status=ListedStatus.OPEN,
        currency="USDC",
        min_quantity=500,
        stream_keys=(token, f"other of {token}"),
    )


def gamma(path: Path) -> Read:
    return several(objects(path), gamma_market)


def tape_markets(path: Path) -> Read:
    return several(
        [json.dumps(json.loads(x)["raw"]).encode() for x in lines_of(path)], gamma_market
    )


def tags(path: Path) -> Read:
    return len(json_of(path)), len(pages.tag_list(text_of(path))), Counter()


READERS: dict[str, Callable[[Path], Read]] = {
    "gamma-markets/": gamma,
    "gamma-market/": gamma,
    "gamma-events/": markets_of_events,
    "gamma-search/": markets_of_events,
    "gamma-meta/tags": tags,
    "clob-markets/": lambda path: several(objects(path), clob_market),
    "clob-book/": lambda path: several(
        [text_of(path)], lambda raw: venue_book(clob_book(raw), "m")
    ),
    "prices-history/": history,
    "data-api-trades/": lambda path: several(objects(path), venue_trade),
    "ws-market/": frames,
    "tape/btc_updown": tape_markets,
    "tape/daily_prices_92": daily_prices,
    "tape/books_multi": recorder_books,
    "tape/spy_daily": recorder_books,
    "tape/updown_15m_and_dota_trades": csv_trades,
}


def test_every_recording_parses_or_is_refused_by_reason(folder: Path) -> None:
    rows: list[Row] = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = path.relative_to(folder).as_posix()
        if name in NO_PART:
            rows.append((name, 0, 0, Counter({f"({NO_PART[name]})": 0})))
            continue
        read = next(reader for begin, reader in READERS.items() if name.startswith(begin))
        count, good, refused = read(path)
        refused = +refused
        assert good + refused.total() == count, name
        rows.append((name, count, good, refused))
    print("\n" + table(rows))
    reasons = {reason for *_, refused in rows for reason in +refused}
    assert reasons <= {"not_binary", "scalar", "no_id", "no_question", "no_price", "same_second"}
    assert sum(good for _, _, good, _ in rows) > 20_000


def test_nothing_of_a_gamma_market_is_in_a_form_that_is_not_known(folder: Path) -> None:
    unread = Counter[str]()
    for path in sorted(folder.glob("gamma-market*/*")):
        for raw in objects(path):
            try:
                unread.update(gamma_market(raw)[2])
            except Unrepresentable:
                continue
    assert unread == {}


def test_no_answer_is_nested_deeper_than_the_bound(folder: Path) -> None:
    for path in folder.glob("*-*/*.json*"):
        assert not deeper_than(text_of(path), 12), path.name


def test_prices_of_both_legs_agree_with_the_recorded_books(folder: Path) -> None:
    """A book seen from the NO token and turned round is the book. Best prices are the recorder's;
    it asked for the NO token's a moment later, when a few had moved on.
    """
    compared = Counter[str]()
    for line in lines_of(folder / "tape/books_multi_market_2026-07_08.jsonl.gz"):
        row = json.loads(line)
        yes = {
            name: [(Decimal(price), Decimal(size)) for price, size in row[name] or []]
            for name in ("bids", "asks")
        }
        bids = side_levels(yes["bids"], is_bid=True)
        asks = side_levels(yes["asks"], is_bid=False)
        no_bids, no_asks = complement(yes["asks"]), complement(yes["bids"])
        assert side_levels(complement(no_asks), is_bid=True) == bids
        assert side_levels(complement(no_bids), is_bid=False) == asks
        best = bids[0][0] if bids else None, asks[0][0] if asks else None
        assert (units(row["best_yes_bid"]), units(row["best_yes_ask"])) == best
        for told, price in ((row["best_no_bid"], best[1]), (row["best_no_ask"], best[0])):
            assert (told is None) == (price is None)
            if price is not None:
                compared["same" if units(told) == 10_000 - price else "moved"] += 1
    print(f"\nprices of NO beside the book of YES: {dict(compared)}")
    assert compared == {"same": 805, "moved": 4}


def units(told: str | None) -> int | None:
    return None if told is None else int(Decimal(told) * 10_000)


def test_the_venues_own_hash_holds_where_it_can(folder: Path) -> None:
    book = clob_book(text_of(folder / "clob-book/book_2026-07.json"))
    assert holds(book) is True
    assert holds(clob_book(text_of(folder / "clob-book/book_2024.json"))) is None
    torn = msgspec.structs.replace(book, bids=book.bids[1:])
    assert holds(torn) is False
    held = Counter[str]()
    for line in lines_of(folder / "ws-market/book_2026-02-12.jsonl"):
        frame = json.loads(line)
        channel = MarketChannel()
        channel.watch(watched(frame["asset_id"], frame["market"]))
        assert isinstance(channel.take(line.decode())[0], BookSnapshot)
        held.update(channel.counts)
    assert held == {"hash_held": 7}


def test_a_recorded_change_is_applied_to_its_token(folder: Path) -> None:
    raw = text_of(folder / "ws-market/price_change_new_shape.json").decode()
    frame = json.loads(raw)
    yes, no = (change["asset_id"] for change in frame["price_changes"])
    channel = MarketChannel()
    market = msgspec.structs.replace(watched(yes, frame["market"]), stream_keys=(yes, no))
    channel.watch(market)
    levels = {"bids": [{"price": "0.56", "size": "1"}], "asks": [{"price": "0.67", "size": "1"}]}
    book = {"event_type": "book", "asset_id": yes, "market": frame["market"], **levels}
    channel.take(json.dumps(book))
    (told,) = channel.take(raw)
    assert isinstance(told, BookChange)
    assert (told.bids, told.asks) == (((500, 9_646_600),), ())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("last_trade_price_2024.json", Printed),
        ("tick_size_change.json", TopChanged),
        ("best_bid_ask_sample.json", TopChanged),
        ("new_market_sample.json", LifeChanged),
        ("market_resolved_sample.json", LifeChanged),
    ],
)
def test_other_frames_say_what_happened(folder: Path, name: str, kind: type) -> None:
    raw = text_of(folder / "ws-market" / name).decode()
    frame = json.loads(raw)
    channel = MarketChannel()
    channel.watch(watched(frame.get("asset_id", "1"), frame["market"]))
    (told,) = channel.take(raw)
    assert isinstance(told, kind)


def test_results_are_those_that_the_venue_settled(folder: Path) -> None:
    """Of 292 markets whose settlement was recorded with the object."""
    compared = 0
    for line in lines_of(folder / "tape/btc_updown_5m_resolved_2026-07-24.jsonl.gz"):
        row = json.loads(line)
        market, _, _ = gamma_market(json.dumps(row["raw"]).encode())
        want = Resolution.YES if row["outcome_prices"] == ["1", "0"] else Resolution.NO
        assert (market.resolution, market.status) == (want, ListedStatus.RESOLVED)
        assert market.stream_keys == tuple(row["token_ids"])
        assert market.external_id == row["condition_id"]
        compared += 1
    assert compared == 292


def test_quirks_of_recorded_markets(folder: Path) -> None:
    def one(name: str) -> VenueMarket:
        return gamma_market(text_of(folder / "gamma-market" / name))[0]

    zero = one("gamma_market_closed_zero_zero_legacy.json")
    assert (zero.status, zero.resolution, zero.yes_price) == (ListedStatus.CLOSED, None, None)
    both = one("gamma_market_closed_binary_accepting_true.json")
    assert both.status in FINAL
    with pytest.raises(Unrepresentable) as refused:
        one("gamma_market_closed_nonbinary_legacy.json")
    assert refused.value.reason == "scalar"
    teams = one("gamma_market_sports_market_money_line.json")
    assert teams.outcomes != ("Yes", "No")
    risky = one("gamma_market_live_negrisk.json")
    assert (risky.status, risky.platform, risky.currency) == (
        ListedStatus.OPEN, "polymarket", "USDC",
    )  # fmt: skip
    assert risky.best_bid is not None
    assert risky.best_ask is not None
    assert risky.best_bid < risky.best_ask
    page, _ = pages.event_list(text_of(folder / "gamma-events/event_negrisk_2028_nominee.json"))
    assert page.events[0].exclusive
    assert {market.event_id for market in page.markets} == {page.events[0].external_id}


def test_rows_that_come_twice_are_kept_once(folder: Path) -> None:
    text = text_of(folder / "gamma-markets/markets_mixed_600_2026-02-07.json.gz")
    page, rows = pages.market_list(text)
    assert rows == 600
    assert len(page.markets) + len(page.refused) == 596
    assert len(page.raw) == len(page.markets)
    assert len({market.external_id for market in page.markets}) == len(page.markets)
