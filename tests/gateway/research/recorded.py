"""Tapes made of what was recorded of Polymarket and Kalshi: prints, quotes, books, daily prices.

What a row can't say isn't made up: a price that isn't on the grid of 1/10 000 goes to the nearest,
a size loses what is below 1/100 share, and a row without a price or a size is left out.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, QUANTITY_SCALE
from exchange.messages.terms import Side
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent
from gateway.research.tape.prints import with_books

KALSHI: Final = ("kalshi", (("taker_rate", "0.07"), ("maker_rate", "0")))
POLYMARKET: Final = ("polymarket", (("rate", "0.07"), ("exponent", "1"), ("taker_only", "1")))
_SHOWN: Final = 10_000
"""The size of a quote that was recorded without one."""


def micros(text: str) -> int:
    """Return a recorded time in microseconds; without a zone it is UTC."""
    read = datetime.fromisoformat(text)
    known = read if read.tzinfo else read.replace(tzinfo=UTC)
    return round(known.timestamp() * 1_000_000)


def price_of(value: Any) -> int | None:
    """Return price units, None for a price that no share can have."""
    price = int((Decimal(str(value)) * PRICE_SCALE).to_integral_value(ROUND_HALF_EVEN))
    return price if PRICE_MIN <= price <= PRICE_MAX else None


def quantity_of(value: Any) -> int:
    """Return quantity units."""
    return int((Decimal(str(value)) * QUANTITY_SCALE).to_integral_value(ROUND_DOWN))


def levels(rows: Iterable[tuple[Any, Any]], *, falling: bool) -> tuple[Level, ...]:
    """Return the levels of a recorded side, the best first."""
    sums: dict[int, int] = defaultdict(int)
    for price, size in rows:
        units = price_of(price)
        if units is not None:
            sums[units] += quantity_of(size)
    ordered = sorted(sums.items(), reverse=falling)
    return tuple(Level(price, quantity) for price, quantity in ordered if quantity)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines."""
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        yield msgspec.json.decode(line)


def whole(
    events: Iterable[TapeEvent], venue: tuple[str, Any], payouts: Mapping[str, int]
) -> list[TapeEvent]:
    """Return a tape of events in any order: each market listed before, and ended behind, its own.

    One whose end was not recorded ends at its last price.
    """
    ordered = sorted(events, key=lambda event: event.at)
    first: dict[str, int] = {}
    last: dict[str, tuple[int, int]] = {}
    for event in ordered:
        first.setdefault(event.market, event.at)
        match event:
            case Printed(price=price):
                last[event.market] = (event.at, price)
            case Seen(bids=bids, asks=asks) if bids or asks:
                last[event.market] = (event.at, (bids or asks)[0].price)
            case _:
                pass
    made: list[TapeEvent] = [
        Listed(at, market, tick=1, platform=venue[0], fee_terms=venue[1])
        for market, at in first.items()
    ]
    made += ordered
    made += [
        Ended(at + 1, market, payouts.get(market, price)) for market, (at, price) in last.items()
    ]
    order: dict[type, int] = {Listed: 0, Seen: 1, Printed: 1, Ended: 2}
    return sorted(made, key=lambda event: (event.at, order[type(event)]))


def _payouts(path: Path) -> dict[str, int]:
    return {
        row["market"]: int(Decimal(row["yes_payout"]) * PRICE_SCALE)
        for row in rows(path)
        if row["yes_payout"] is not None
    }


def kalshi_trades(root: Path) -> list[TapeEvent]:
    """Kalshi's prints of 27 markets, with what was settled."""
    folder = root / "kalshi/tape"
    found: list[TapeEvent] = []
    for row in rows(folder / "trades_multi_market_2026-07_08.jsonl.gz"):
        price, quantity = price_of(row["price"]), quantity_of(row["size"])
        if price is not None and quantity:
            side = Side.BUY if row["taker_side"] == "yes" else Side.SELL
            found.append(Printed(micros(row["traded_at"]), row["market"], price, quantity, side))
    payouts = _payouts(folder / "settlements_2026-07_08.jsonl.gz")
    return list(with_books(whole(found, KALSHI, payouts)))


def kalshi_books(root: Path) -> list[TapeEvent]:
    """Kalshi's books of 596 markets at a few moments; only bids are recorded, of both legs."""
    found: list[TapeEvent] = []
    for row in rows(root / "kalshi/tape/books_multi_market_2026-07_08.jsonl.gz"):
        mirrored = [(1 - Decimal(price), size) for price, size in row["no_bids"]]
        found.append(
            Seen(
                micros(row["observed_at"]),
                row["market"],
                levels(row["yes_bids"], falling=True),
                levels(mirrored, falling=False),
            )
        )
    return whole(found, KALSHI, _payouts(root / "kalshi/tape/settlements_2026-07_08.jsonl.gz"))


def kalshi_quotes(root: Path) -> list[TapeEvent]:
    """Quotes of 166 markets of 12 events, polled for a week."""
    found: list[TapeEvent] = []
    for row in rows(root / "kalshi/tape/event_quote_snapshots_2026-05.jsonl.gz"):
        for quote in row["markets"].values():
            bid, ask = price_of(quote["yes_bid"] or 0), price_of(quote["yes_ask"] or 0)
            if bid is not None and ask is not None and bid >= ask:
                continue
            found.append(
                Seen(
                    micros(row["timestamp"]),
                    quote["ticker"],
                    () if bid is None else (Level(bid, _SHOWN),),
                    () if ask is None else (Level(ask, _SHOWN),),
                )
            )
    return whole(found, KALSHI, {})


def polymarket_trades(root: Path) -> list[TapeEvent]:
    """Polymarket's prints of 18 markets; the token wasn't kept, so a price may be either leg's: as
    a path of prices it is wild, which is what a run has to stand.
    """
    folder = root / "polymarket/tape"
    found: list[TapeEvent] = []
    for row in rows(folder / "trades_multi_market_2026-07_08.jsonl.gz"):
        price, quantity = price_of(row["price"]), quantity_of(row["size"])
        if price is not None and quantity:
            side = Side.BUY if row["taker_side"] == "buy" else Side.SELL
            found.append(Printed(micros(row["traded_at"]), row["market"], price, quantity, side))
    payouts = _payouts(folder / "settlements_2026-07_08.jsonl.gz")
    return list(with_books(whole(found, POLYMARKET, payouts)))


def polymarket_books(root: Path) -> list[TapeEvent]:
    """Polymarket's books of 484 markets at a few moments."""
    found: list[TapeEvent] = []
    for row in rows(root / "polymarket/tape/books_multi_market_2026-07_08.jsonl.gz"):
        bids, asks = levels(row["bids"], falling=True), levels(row["asks"], falling=False)
        if not (bids and asks and bids[0].price >= asks[0].price):
            found.append(Seen(micros(row["observed_at"]), row["market"], bids, asks))
    payouts = _payouts(root / "polymarket/tape/settlements_2026-07_08.jsonl.gz")
    return whole(found, POLYMARKET, payouts)


def polymarket_snapshots(root: Path) -> list[TapeEvent]:
    """Five levels of 25 daily markets over a month."""
    found: list[TapeEvent] = []
    for row in rows(root / "polymarket/tape/spy_daily_updown_top5_book_snapshots.jsonl"):
        bids, asks = (
            levels(((one["price"], one["size"]) for one in row[side]), falling=falling)
            for side, falling in (("bids_top5", True), ("asks_top5", False))
        )
        if not (bids and asks and bids[0].price >= asks[0].price):
            found.append(Seen(row["ts"] * 1_000_000, row["market_slug"], bids, asks))
    return whole(found, POLYMARKET, {})


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def polymarket_prints(root: Path) -> list[TapeEvent]:
    """Prints of 15 short markets on one day, both tokens in one tape, the first one seen is YES."""
    found: list[TapeEvent] = []
    first: dict[str, str] = {}
    for row in _csv(root / "polymarket/tape/updown_15m_and_dota_trades_2026-01-08.csv.gz"):
        market = row["conditionId"]
        is_yes = first.setdefault(market, row["outcome"]) == row["outcome"]
        price, quantity = price_of(row["price"]), quantity_of(row["size"])
        if price is None or not quantity:
            continue
        is_buy = (row["side"] == "BUY") is is_yes
        found.append(
            Printed(
                micros(row["timestamp"]),
                market,
                price if is_yes else PRICE_SCALE - price,
                quantity,
                Side.BUY if is_buy else Side.SELL,
            )
        )
    return list(with_books(whole(found, POLYMARKET, {})))


def polymarket_daily(root: Path) -> list[TapeEvent]:
    """A price a day of 92 markets over a year, shown as a quote a tick wide."""
    found: list[TapeEvent] = []
    for row in _csv(root / "polymarket/tape/daily_prices_92_closed_markets.csv.gz"):
        price = price_of(row["price"])
        if row["outcome"] == "Yes" and price is not None and PRICE_MIN < price < PRICE_MAX:
            bids, asks = (Level(price - 1, _SHOWN),), (Level(price + 1, _SHOWN),)
            found.append(Seen(micros(row["timestamp"]), row["market_id"], bids, asks))
    return whole(found, POLYMARKET, {})


TAPES: Final[Mapping[str, Callable[[Path], list[TapeEvent]]]] = {
    "kalshi-trades": kalshi_trades,
    "kalshi-books": kalshi_books,
    "kalshi-quotes": kalshi_quotes,
    "polymarket-trades": polymarket_trades,
    "polymarket-books": polymarket_books,
    "polymarket-snapshots": polymarket_snapshots,
    "polymarket-prints": polymarket_prints,
    "polymarket-daily": polymarket_daily,
}
