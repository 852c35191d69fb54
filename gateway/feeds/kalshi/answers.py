"""What trade-api v2 sends, as far as we read it; both number forms, of January 2026 and later.

Laws: fields we don't read may come, go and change their kind; one that we read and that has another
kind is left out and named (`Row.unread`). Only what names a thing, and a market's status, are
required: without them a row is unreadable, its page isn't.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from gateway.feeds.kalshi.numbers import Number

T = TypeVar("T")
Raws = tuple[msgspec.Raw, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How every answer is decoded: by name, what isn't named here is passed over."""


class PriceRange(Answer, frozen=True, kw_only=True):
    """Between which prices which step is taken, in dollars."""

    step: Number = None


class MarketAnswer(Answer, frozen=True, kw_only=True):
    """One market, of a list, of an event or by itself."""

    ticker: str
    status: str
    event_ticker: str = ""
    market_type: str | None = None
    title: str | None = None
    subtitle: str | None = None
    yes_sub_title: str | None = None
    rules_primary: str | None = None
    rules_secondary: str | None = None
    created_time: str | None = None
    close_time: str | None = None
    result: str | None = None
    settlement_ts: str | int | float | None = None
    settlement_value: Number = None
    settlement_value_dollars: Number = None
    notional_value: Number = None
    notional_value_dollars: Number = None
    yes_bid: Number = None
    yes_bid_dollars: Number = None
    yes_bid_size_fp: Number = None
    yes_ask: Number = None
    yes_ask_dollars: Number = None
    yes_ask_size_fp: Number = None
    no_bid: Number = None
    no_bid_dollars: Number = None
    no_ask: Number = None
    no_ask_dollars: Number = None
    last_price: Number = None
    last_price_dollars: Number = None
    volume: Number = None
    volume_fp: Number = None
    volume_24h: Number = None
    volume_24h_fp: Number = None
    open_interest: Number = None
    open_interest_fp: Number = None
    liquidity: Number = None
    liquidity_dollars: Number = None
    tick_size: Number = None
    price_level_structure: str | None = None
    price_ranges: tuple[PriceRange, ...] | None = None
    fractional_trading_enabled: bool | None = None
    mve_collection_ticker: str | None = None
    """Of a combo: a market made of legs of others."""


class EventAnswer(Answer, frozen=True, kw_only=True):
    """One event; its markets stand in it, or beside it in the answer for a single one."""

    event_ticker: str
    series_ticker: str = ""
    title: str | None = None
    sub_title: str | None = None
    category: str | None = None
    mutually_exclusive: bool | None = None
    strike_date: str | None = None
    last_updated_ts: str | None = None
    fee_type_override: str | None = None
    fee_multiplier_override: Number = None
    markets: Raws | None = None


class SeriesAnswer(Answer, frozen=True, kw_only=True):
    """What events of one kind have in common."""

    ticker: str
    category: str | None = None
    tags: tuple[str, ...] | None = None
    fee_type: str | None = None
    fee_multiplier: Number = None


class TradeAnswer(Answer, frozen=True, kw_only=True):
    """One print, of the tape or of the socket."""

    trade_id: str
    ticker: str = ""
    market_ticker: str = ""
    count: Number = None
    count_fp: Number = None
    yes_price: Number = None
    yes_price_dollars: Number = None
    no_price: Number = None
    no_price_dollars: Number = None
    taker_side: str | None = None
    taker_outcome_side: str | None = None
    created_time: str | None = None
    ts: Number = None
    ts_ms: Number = None


Level = tuple[Number, Number]
Side = tuple[Level, ...] | None


class BookSides(Answer, frozen=True, kw_only=True):
    """Bids for YES and bids for NO; in dollars, in cents, or both."""

    yes: Side = None
    no: Side = None
    yes_dollars: Side = None
    no_dollars: Side = None
    yes_dollars_fp: Side = None
    no_dollars_fp: Side = None


class BookAnswer(Answer, frozen=True, kw_only=True):
    """A book: the newer member where there are two."""

    orderbook: BookSides | None = None
    orderbook_fp: BookSides | None = None


class PriceSpan(Answer, frozen=True, kw_only=True):
    """How a price went in one interval."""

    open: Number = None
    open_dollars: Number = None
    high: Number = None
    high_dollars: Number = None
    low: Number = None
    low_dollars: Number = None
    close: Number = None
    close_dollars: Number = None
    previous: Number = None
    previous_dollars: Number = None


class CandleAnswer(Answer, frozen=True, kw_only=True):
    """One interval of a market; it ends at `end_period_ts`, seconds."""

    end_period_ts: int
    price: PriceSpan | None = None
    yes_bid: PriceSpan | None = None
    yes_ask: PriceSpan | None = None
    volume: Number = None
    volume_fp: Number = None
    open_interest: Number = None
    open_interest_fp: Number = None


class StatusAnswer(Answer, frozen=True, kw_only=True):
    """Whether the exchange is up, and whether it trades."""

    exchange_active: bool
    trading_active: bool


class MarketsAnswer(Answer, frozen=True, kw_only=True):
    """A page of markets."""

    markets: Raws | None
    cursor: str | None = None


class EventsAnswer(Answer, frozen=True, kw_only=True):
    """A page of events."""

    events: Raws | None
    cursor: str | None = None


class EventAlone(Answer, frozen=True, kw_only=True):
    """The answer for one event."""

    event: EventAnswer


class SeriesListAnswer(Answer, frozen=True, kw_only=True):
    """All series, or a page of them."""

    series: Raws | None
    cursor: str | None = None


class TradesAnswer(Answer, frozen=True, kw_only=True):
    """A page of prints, newest first."""

    trades: Raws | None
    cursor: str | None = None


class MarketCandles(Answer, frozen=True, kw_only=True):
    """The candles of one market."""

    market_ticker: str = ""
    candlesticks: Raws | None = None


class CandlesAnswer(Answer, frozen=True, kw_only=True):
    """The candles of several markets."""

    markets: tuple[MarketCandles, ...] | None


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return the decoder of a kind; build it once."""
    return msgspec.json.Decoder(kind)


class Row(NamedTuple, Generic[T]):
    """One row of an answer."""

    raw: msgspec.Raw
    answer: T | None
    """None for one that can't be read."""
    unread: tuple[str, ...] = ()
    """Fields that had a kind which isn't known, and were left out."""


def rows(raws: Iterable[msgspec.Raw], kind: msgspec.json.Decoder[T]) -> Iterator[Row[T]]:
    """Yield each row as it came and as its kind."""
    for raw in raws:
        try:
            yield Row(raw, kind.decode(raw))
        except msgspec.ValidationError as error:
            yield _without(raw, kind, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Row(raw, None)


def _without(
    raw: msgspec.Raw, kind: msgspec.json.Decoder[T], error: msgspec.ValidationError
) -> Row[T]:
    """Read a row without the fields that the venue has given another kind."""
    unread: list[str] = []
    try:
        fields = _FIELDS.decode(raw)
        while (found := _AT.search(str(error))) is not None and found[1] in fields:
            unread.append(found[1])
            del fields[found[1]]
            try:
                return Row(raw, kind.decode(_ENCODE(fields)), tuple(unread))
            except msgspec.ValidationError as another:
                error = another
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Row(raw, None)
    return Row(raw, None)


_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE: Final = msgspec.json.Encoder().encode
_AT: Final = re.compile(r" - at `\$\.([A-Za-z0-9_]+)")
NAMES: Final = msgspec.json.Decoder(dict[str, Any])


def named(raw: msgspec.Raw, field: str) -> str:
    """Return what an unreadable row is called, "" if it doesn't say."""
    try:
        found = NAMES.decode(raw).get(field)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return found[:255] if isinstance(found, str) else ""
