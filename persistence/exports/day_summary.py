"""The summary of a day that is over: a row for each market that was shown and not over before.

    market_life ── which markets, their status ─┐
    candles ────── prices, volume, collateral ──┼── CSV + manifest
    trades ─────── fees ────────────────────────┘

Laws: a day is over when the projector has read a command of a later one, since the engine's time
never goes back; from then on nothing that is told of it changes, so a summary that is made again,
by whomever, is the same to the byte. Numbers are integers in the exchange's units; prices are 0
where nothing was traded; a day runs from midnight to midnight UTC.
"""

import asyncio
import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import MarketStatus
from exchange.projections.lifecycle import LifeChange
from persistence.exports.kinds import MONEY, PRICE, QUANTITY, Column
from persistence.postgres.database import Fetching
from persistence.repositories.candles import DAY_US

KIND: Final = "summary"
MARKETS_AT_ONCE: Final = 500
COLUMNS: Final = (
    Column("market_id"),
    Column("slug", "string"),
    Column("status", "string"),
    *(Column(name, unit=PRICE) for name in ("open", "high", "low", "close")),
    Column("volume", unit=QUANTITY),
    Column("turnover", unit=MONEY),
    Column("trades"),
    Column("open_interest", unit=QUANTITY),
    Column("fees", unit=MONEY),
)
_SUMMED: Final = ("volume", "turnover", "trades", "open_interest", "fees")
_OVER: Final = frozenset({MarketStatus.RESOLVED, MarketStatus.VOID})
_DAY_S: Final = 86_400

_STATE: Final = "SELECT last_seq, at FROM projection_state"
_FIRST: Final = "SELECT min(at) FROM market_life WHERE market_id = (SELECT min(id) FROM markets)"
_IDS: Final = "SELECT id FROM markets WHERE id > $1 ORDER BY id LIMIT $2"
_LIVES: Final = """
SELECT market_id, at, change FROM market_life
 WHERE market_id = ANY($1::bigint[]) AND at < $2 ORDER BY market_id, seq, number
"""
_FIGURES: Final = """
SELECT market.id, market.slug, coalesce(day.open, 0), coalesce(day.high, 0), coalesce(day.low, 0),
       coalesce(day.close, 0), coalesce(day.volume, 0), coalesce(day.turnover, 0),
       coalesce(day.trades, 0), coalesce(last.collateral, 0), coalesce(fees.paid, 0)::bigint
  FROM markets market
       LEFT JOIN candles day
              ON day.market_id = market.id AND day.span = 86400 AND day.start = $2
       LEFT JOIN LATERAL (SELECT collateral FROM candles
                           WHERE market_id = market.id AND span = 86400 AND start <= $2
                           ORDER BY start DESC LIMIT 1) AS last ON true
       LEFT JOIN LATERAL (SELECT sum(taker_fee + maker_fee) AS paid FROM trades
                           WHERE market_id = market.id
                             AND trade_no > last_trade_until(market.id, $2::bigint - 1)
                             AND trade_no <= last_trade_until(market.id, $3::bigint - 1)
                         ) AS fees ON day.trades > 0
 WHERE market.id = ANY($1::bigint[]) ORDER BY market.id
"""


class NotOver(Exception):
    """The day isn't over, or what happened in it isn't read whole."""


class Totals(msgspec.Struct, frozen=True, rename="camel"):
    """The sums of a file's columns."""

    volume: int
    turnover: int
    trades: int
    open_interest: int
    fees: int


class DayManifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The file of a day, and how it can be checked: as of other exports, and the sums of all rows.

    `from` and `to` are its first and its last microsecond.
    """

    file: str
    kind: str
    format: str
    day: str
    begin: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    rows: int
    bytes: int
    sha256: str
    totals: Totals
    columns: tuple[Column, ...]


class DaySummary(NamedTuple):
    """A file and its manifest."""

    manifest: DayManifest
    body: bytes


def day_text(day: int) -> str:
    """Return a day, counted from 1970-01-01, e.g. "2026-11-25"."""
    return datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m-%d")


async def days_over(source: Fetching) -> range:
    """Return the days that can be summed up: from the first market's on, those that are over."""
    first = await source.fetchval(_FIRST)
    _, at = await source.fetchrow(_STATE)
    return range(0) if first is None else range(first // DAY_US, at // DAY_US)


async def make_summary(source: Fetching, day: int) -> DaySummary:
    """Return the summary of a day, counted from 1970-01-01.

    Raises NotOver if a part of it may be missing.
    """
    begin, end = day * DAY_US, (day + 1) * DAY_US
    before = await _reach(source, end)
    rows: list[tuple[Any, ...]] = []
    last = 0
    while found := [row["id"] for row in await source.fetch(_IDS, last, MARKETS_AT_ONCE)]:
        last = found[-1]
        statuses = _shown(await source.fetch(_LIVES, found, end), begin)
        for row in await source.fetch(_FIGURES, list(statuses), begin, end):
            number, slug, *figures, collateral, fees = row.values()
            status = statuses[number].value
            rows.append((number, slug, status, *figures, collateral // PRICE_SCALE, fees))
        # Whoever makes it may have others to serve.
        await asyncio.sleep(0)
    if await _reach(source, end) < before:
        raise NotOver("what follows from the journal was begun anew meanwhile")
    return _written(day, rows)


async def _reach(source: Fetching, end: int) -> int:
    seq, at = await source.fetchrow(_STATE)
    if at < end:
        raise NotOver("the day isn't over, or what happened in it isn't read whole yet")
    reached: int = seq
    return reached


def _shown(lives: Iterable[Any], begin: int) -> dict[int, MarketStatus]:
    """Return the status at the end of the day of markets that were shown in it."""
    found: dict[int, MarketStatus] = {}
    for market_id, changes in groupby(lives, itemgetter("market_id")):
        at_begin = at_end = MarketStatus.DRAFT
        for change in changes:
            status = _decode(change["change"]).status
            if status is not None:
                at_end = status
                at_begin = status if change["at"] < begin else at_begin
        if at_end is not MarketStatus.DRAFT and at_begin not in _OVER:
            found[market_id] = at_end
    return found


_decode: Final = msgspec.msgpack.Decoder(LifeChange).decode


def _written(day: int, rows: list[tuple[Any, ...]]) -> DaySummary:
    names = [column.name for column in COLUMNS]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    body = text.getvalue().encode("ascii")
    sums = (sum(row[names.index(name)] for row in rows) for name in _SUMMED)
    manifest = DayManifest(
        file=f"{day_text(day)}-{KIND}.csv",
        kind=KIND,
        format="csv",
        day=day_text(day),
        begin=day * DAY_US,
        end=(day + 1) * DAY_US - 1,
        rows=len(rows),
        bytes=len(body),
        sha256=sha256(body).hexdigest(),
        totals=Totals(*sums),
        columns=COLUMNS,
    )
    return DaySummary(manifest, body)
