"""Every recorded answer of Kalshi becomes the one format, or is refused by a counted reason."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from exchange.messages.terms import Resolution
from gateway.feeds.kalshi import candles, pages
from gateway.feeds.kalshi.answers import SeriesAnswer
from gateway.feeds.kalshi.markets import Background
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.kalshi.pages import Listed
from gateway.feeds.kalshi.socket.protocol import SocketProtocol
from gateway.feeds.model import ListedStatus, Unrepresentable
from tests.venues.recorded import json_of, lines_of, table, text_of

Read = tuple[int, int, Counter[str]]
"""How many objects there are, how many were converted, and why the others weren't."""
FORMS = NumberForms()
"""Pairs of the two number forms in everything that was read."""
DAY = 86_400
encode = msgspec.json.encode

NO_PART: dict[str, str] = {
    "events/event_metadata_2026-01.json": "pictures and colours: the feed has no use for them",
    "meta/exchange_schedule_2026-01.json": "opening hours: the status is asked for instead",
    "meta/milestones_2026-01.json": "sports fixtures, no markets",
    "meta/multivariate_collections_2026-01.json": "what combos can be made of, no markets",
    "meta/tags_by_categories_2026-01.json": "names, which series bring as well",
    "series/series_fee_changes_2026-01.json": "an empty list",
}
"""What the venue answers and nothing of the feed reads."""


def reasons(refused: Iterable[tuple[str, str]]) -> Counter[str]:
    return Counter(reason for _, reason in refused)


def listed(rows: list[Any]) -> Listed:
    page = pages.markets_page(encode({"markets": rows}))
    assert page.unread == ()
    found = pages.listed(page.found, lambda _: Background(), page.refused)
    FORMS.add(found.forms)
    return found


def counted(rows: list[Any]) -> Read:
    found = listed(rows)
    return len(rows), len(found.markets), reasons(found.refused)


def markets(path: Path) -> Read:
    found = json_of(path)
    if isinstance(found, dict):
        found = found.get("markets") or [found.get("market", found)]
    return counted(found)


def flat_markets(path: Path) -> Read:
    """A recorder's columns of `/markets`; an empty one is what the venue no longer sends."""
    rows = list(csv.DictReader(io.StringIO(text_of(path).decode())))
    return counted([{name: value or None for name, value in row.items()} for row in rows])


def events(path: Path) -> Read:
    page = pages.events_page(text_of(path), {}, live_only=False)
    FORMS.add(page.listed.forms)
    assert page.unread == ()
    raw = json_of(path)["events"]
    count = len(raw) + sum(len(event.get("markets") or ()) for event in raw)
    good = len(page.events) + len(page.listed.markets)
    return count, good, reasons(page.listed.refused)


def event_alone(path: Path) -> Read:
    found = json_of(path)
    assert pages.event_alone(text_of(path)).event_ticker == found["event"]["event_ticker"]
    count, good, wrong = counted(found["markets"])
    return count + 1, good + 1, wrong


def web_events(path: Path) -> Read:
    """The website's own interface: other names for everything, so no row of it is a market."""
    rows = [market for event in json_of(path)["events"] for market in event["markets"]]
    page = pages.markets_page(encode({"markets": rows}))
    assert page.found == ()
    return len(rows), 0, reasons(page.refused)


def series(path: Path) -> Read:
    found = json_of(path)
    rows = found["series"] if isinstance(found["series"], list) else [found["series"]]
    known, refused, _ = pages.series_list(encode({"series": rows}))
    for one in known.values():
        assert Background(None, one).series is one
    return len(rows), len(known), reasons(refused)


def book(path: Path) -> Read:
    try:
        _, forms = pages.book(text_of(path), "T")
    except Unrepresentable as error:
        return 1, 0, Counter([error.reason])
    FORMS.add(forms)
    return 1, 1, Counter()


def trades(path: Path) -> Read:
    found = json_of(path)
    rows = found["trades"] if isinstance(found, dict) else found
    page = pages.trades(encode({"trades": rows}))
    FORMS.add(page.forms)
    return len(rows), len(page.trades), reasons(page.refused)


def candlesticks(path: Path) -> Read:
    found = json_of(path)
    of = found.get("markets") or [{"market_ticker": "T", "candlesticks": found["candlesticks"]}]
    count = good = 0
    wrong: Counter[str] = Counter()
    for one in of:
        page = pages.candlesticks(encode({"markets": [one]}), one["market_ticker"], DAY)
        FORMS.add(page.forms)
        count += len(one["candlesticks"])
        good += len(page.candles)
        wrong += reasons(page.refused)
    return count, good, wrong


def status(path: Path) -> Read:
    assert pages.status(text_of(path)).trading_active
    return 1, 1, Counter()


def frames(path: Path) -> Read:
    """Frames of the socket; control frames count as read when they are understood."""
    lines = list(lines_of(path)) if path.suffix == ".jsonl" else [text_of(path)]
    client = SocketProtocol()
    tickers = {json.loads(line)["msg"].get("market_ticker") for line in lines} - {None}
    client.connected(0.0)
    client.watch(sorted(tickers), 0.0)
    for line in lines:
        client.receive(line, 0.0)
    FORMS.add(client.forms)
    return len(lines), len(lines) - client.counts["unreadable"], Counter(client.refused)


def tape_trades(path: Path) -> Read:
    """A recorder's rows, under the venue's names again."""
    rows = [json.loads(line) for line in lines_of(path)]
    page = pages.trades(encode({"trades": [
        {
            "trade_id": row["id"],
            "ticker": row["market"],
            "created_time": f"{row['traded_at'].replace(' ', 'T')}Z",
            "yes_price_dollars": row["price"],
            "count_fp": row["size"],
            "taker_side": row["taker_side"],
        }
        for row in rows
    ]}))  # fmt: skip
    return len(rows), len(page.trades), reasons(page.refused)


def tape_books(path: Path) -> Read:
    """A recorder's books, best level first, against the best prices that it kept beside them."""
    good, wrong, count = 0, Counter[str](), 0
    for line in lines_of(path):
        row = json.loads(line)
        count += 1
        sides = {"yes_dollars": row["yes_bids"], "no_dollars": row["no_bids"]}
        try:
            found, _ = pages.book(encode({"orderbook_fp": sides}), row["market"])
        except Unrepresentable as error:
            wrong[error.reason] += 1
            continue
        bid, ask = (side[0][0] if side else None for side in (found.bids, found.asks))
        assert (bid, ask) == (units(row["best_yes_bid"]), units(row["best_yes_ask"]))
        # The legs agree: each one's ask is what the other's bid leaves.
        no_bid, no_ask = units(row["best_no_bid"]), units(row["best_no_ask"])
        assert no_bid == (None if ask is None else 10_000 - ask)
        assert no_ask == (None if bid is None else 10_000 - bid)
        good += 1
    return count, good, wrong


STATES = {"open": "active", "closed": "closed", "settled": "finalized", "resolved": "finalized"}


def tape_markets(path: Path) -> Read:
    """A recorder's rows, under the venue's names again."""
    rows = []
    for line in lines_of(path):
        row = json.loads(line)
        settled = row["settlement"] or {}
        rows.append(
            {
                "ticker": row["market"],
                "event_ticker": row["event"],
                "title": row["title"],
                "yes_sub_title": row["subtitle"],
                "close_time": f"{row['close_time'].replace(' ', 'T')}Z",
                "status": "finalized" if settled else STATES[row["status"]],
                "result": settled.get("result") or row["result"],
                "price_level_structure": row["price_level_structure"],
                "volume_fp": row["total_volume"],
                "open_interest_fp": row["open_interest"],
            }
        )
    return counted(rows)


def tape_settlements(path: Path) -> Read:
    rows = [json.loads(line) for line in lines_of(path)]
    found = listed(
        [{"ticker": row["market"], "status": "finalized", "result": row["result"]} for row in rows]
    )
    said = {row["market"]: row["yes_payout"] for row in rows}
    for one in found.markets:
        assert one.resolution is (
            Resolution.YES if Decimal(said[one.external_id]) else Resolution.NO
        )
    return len(rows), len(found.markets), reasons(found.refused)


def tape_quotes(path: Path) -> Read:
    """Quotes of a recorder, as floats: placeholders are none of ours, the rest is exact."""
    count = good = 0
    wrong: Counter[str] = Counter()
    for line in lines_of(path):
        quotes = json.loads(line)["markets"].values()
        found = listed(
            [
                {
                    "ticker": quote["ticker"],
                    "status": "active",
                    "yes_bid_dollars": quote["yes_bid"],
                    "yes_ask_dollars": quote["yes_ask"],
                    "last_price_dollars": quote["yes_price"],
                    "volume_fp": quote["volume"],
                    "open_interest_fp": quote["open_interest"],
                }
                for quote in quotes
            ]
        )
        for one, quote in zip(found.markets, quotes, strict=True):
            assert one.best_bid == units(quote["yes_bid"] or None)
            assert one.best_ask == (None if quote["yes_ask"] in {0, 1} else units(quote["yes_ask"]))
        count, good = count + len(quotes), good + len(found.markets)
        wrong += reasons(found.refused)
    return count, good, wrong


def units(told: str | float | None) -> int | None:
    return None if told is None else round(Decimal(str(told)) * 10_000)


READERS: dict[str, Callable[[Path], Read]] = {
    "market/": markets,
    "markets/markets_flat": flat_markets,
    "markets/": markets,
    "events/event_single": event_alone,
    "events/": events,
    "events-v1-web/": web_events,
    "series/": series,
    "orderbook/": book,
    "trades/": trades,
    "candlesticks/": candlesticks,
    "meta/exchange_status": status,
    "ws/": frames,
    "tape/trades": tape_trades,
    "tape/markets": tape_markets,
    "tape/settlements": tape_settlements,
    "tape/books": tape_books,
    "tape/event_quote": tape_quotes,
}


def test_every_recording_is_converted_or_refused_by_reason(recordings: Path) -> None:
    folder = recordings / "kalshi"
    told = []
    FORMS.equal = FORMS.rounded = FORMS.different = 0
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = str(path.relative_to(folder))
        if name in NO_PART:
            told.append((name, 0, 0, Counter({f"not read ({NO_PART[name]})": 1})))
            continue
        reader = next(read for prefix, read in READERS.items() if name.startswith(prefix))
        count, good, wrong = reader(path)
        assert count == good + wrong.total(), name
        assert count, name
        told.append((name, count, good, wrong))
    print("\n" + table(told))
    print(f"number forms where both are present: {FORMS}")
    refused = {name: dict(wrong) for name, _, _, wrong in told if wrong and name not in NO_PART}
    assert refused == {
        # The website's interface isn't the API's.
        "events-v1-web/events_100_nested.json.gz": {"shape": 548},
        # Made up by its author: bids of 0.52 and 0.48 would have been matched.
        "orderbook/orderbook_cents_sample.json": {"crossed": 1},
    }
    assert FORMS.different == 0
    assert FORMS.equal > 2_000


def test_quirks_of_recorded_markets(recordings: Path) -> None:
    folder = recordings / "kalshi"
    combos = pages.markets_page(text_of(folder / "markets/markets_page_200_2026-02-13.json.gz"))
    found = pages.listed(combos.found, lambda _: Background())
    # An empty book comes as 0 to 0, or as 0 to an ask that somebody made.
    quoted = Counter((one.best_bid is None, one.best_ask is None) for one in found.markets)
    assert quoted == {(True, True): 178, (True, False): 22}
    # One of them was traded.
    assert {one.yes_price for one in found.markets} == {None, 980}
    assert {(one.tick_size, one.status) for one in found.markets} == {(10, ListedStatus.OPEN)}
    match = listed(json_of(folder / "markets/markets_event_2026-03.json")).markets
    assert sum(one.best_ask or 0 for one in match) == 10_300
    assert sum(one.best_bid or 0 for one in match) == 9_600
    assert len({one.question for one in match}) == 3
    old = listed(json_of(folder / "events/event_single_2026-01.json")["markets"]).markets[0]
    assert (old.created_at, old.best_bid, old.best_ask, old.liquidity) == (
        None, 600, 700, Decimal("68148.06"),
    )  # fmt: skip


def test_recorded_candles_have_no_price_where_nobody_traded(recordings: Path) -> None:
    path = recordings / "kalshi/candlesticks/batch_candlesticks_2026-01.json.gz"
    ticker = json_of(path)["markets"][0]["market_ticker"]
    found = pages.candlesticks(text_of(path), ticker, DAY).candles
    silent = [one for one in found if one.close is None]
    assert len(silent) == 22
    assert all(one.open is one.high is one.low is None and one.volume == 0 for one in silent)
    # What YES was worth is told for every day all the same.
    assert len(candles.points(found, DAY)) == len(found) == 90


def test_fees_of_recorded_series(recordings: Path) -> None:
    path = recordings / "kalshi/series/series_single_2026-07.json"
    one = msgspec.convert(json_of(path)["series"], SeriesAnswer)
    rows = json_of(recordings / "kalshi/markets/markets_page_2026-07.json")["markets"]
    page = pages.markets_page(encode({"markets": rows}))
    found = pages.listed(page.found, lambda _: Background(None, one))
    assert {market.fees for market in found.markets} == {
        (("taker_rate", "0.07"), ("maker_rate", "0"))
    }
    assert {(market.category, market.tags) for market in found.markets} == {
        ("Crypto", ("Hourly", "BTC"))
    }
