"""Whole answers of Kalshi, row by row: what has a form here, and why the rest has none.

Laws: one row that can't be read or represented never costs another; each is counted with its
reason (an event that can't be read is one, whatever stands in it); a row that comes twice in a page
is taken once. These run in a thread when an answer is large, so they change nothing but what they
return.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from gateway.feeds.kalshi import answers, books, candles, markets
from gateway.feeds.kalshi.answers import EventAnswer, MarketAnswer, SeriesAnswer
from gateway.feeds.kalshi.markets import Background
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.model import (
    FINAL,
    Unrepresentable,
    VenueBook,
    VenueCandle,
    VenueEvent,
    VenueMarket,
    VenueTrade,
)

A = TypeVar("A")
V = TypeVar("V")
Refused = tuple[tuple[str, str], ...]

CURSOR_LENGTH: Final = 2_000
SHAPE: Final = "shape"
DUPLICATE: Final = "duplicate"

_MARKETS: Final = answers.decoder(answers.MarketsAnswer)
_MARKET: Final = answers.decoder(MarketAnswer)
_EVENTS: Final = answers.decoder(answers.EventsAnswer)
_EVENT: Final = answers.decoder(EventAnswer)
_EVENT_ALONE: Final = answers.decoder(answers.EventAlone)
_SERIES_LIST: Final = answers.decoder(answers.SeriesListAnswer)
_SERIES: Final = answers.decoder(SeriesAnswer)
_TRADES: Final = answers.decoder(answers.TradesAnswer)
_TRADE: Final = answers.decoder(answers.TradeAnswer)
_BOOK: Final = answers.decoder(answers.BookAnswer)
_CANDLES: Final = answers.decoder(answers.CandlesAnswer)
_CANDLE: Final = answers.decoder(answers.CandleAnswer)
_STATUS: Final = answers.decoder(answers.StatusAnswer)


class Rows(msgspec.Struct, frozen=True):
    """Markets of an answer that could be read, with the JSON of each."""

    found: tuple[tuple[MarketAnswer, bytes], ...]
    refused: Refused
    unread: Refused
    """(ticker, field) of what was left out."""
    cursor: str | None


class Listed(msgspec.Struct, frozen=True):
    """Markets in the one format, with the JSON of each."""

    markets: tuple[VenueMarket, ...]
    raw: tuple[bytes, ...]
    refused: Refused
    forms: NumberForms


class EventsPage(msgspec.Struct, frozen=True):
    """A page of events with their markets."""

    listed: Listed
    events: tuple[VenueEvent, ...]
    unread: Refused
    known: tuple[EventAnswer, ...]
    """The events without their markets, to be remembered."""
    cursor: str | None


class Converted(msgspec.Struct, frozen=True):
    """Prints or candles of an answer."""

    trades: tuple[VenueTrade, ...] = ()
    candles: tuple[VenueCandle, ...] = ()
    refused: Refused = ()
    forms: NumberForms = msgspec.field(default_factory=NumberForms)
    cursor: str | None = None


def markets_page(body: bytes) -> Rows:
    """Read `GET /markets`; raises msgspec's errors for what is no page."""
    page = _MARKETS.decode(body)
    return _rows(page.markets or (), page.cursor)


def listed(
    rows: Iterable[tuple[MarketAnswer, bytes]],
    background: Callable[[MarketAnswer], Background],
    refused: Refused = (),
    *,
    live_only: bool = False,
) -> Listed:
    """Return markets in the one format; those that are over aren't wanted with `live_only`."""
    forms = NumberForms()
    found, raws, wrong, seen = [], [], list(refused), set[str]()
    for answer, raw in rows:
        if answer.ticker in seen:
            wrong.append((answer.ticker, DUPLICATE))
            continue
        seen.add(answer.ticker)
        try:
            one = markets.market(answer, background(answer), forms)
        except Unrepresentable as error:
            wrong.append((answer.ticker[: markets.ID_LENGTH], error.reason))
            continue
        if not (live_only and one.status in FINAL):
            found.append(one)
            raws.append(raw)
    return Listed(tuple(found), tuple(raws), tuple(wrong), forms)


def events_page(body: bytes, series: Mapping[str, SeriesAnswer], *, live_only: bool) -> EventsPage:
    """Read `GET /events?with_nested_markets=true`; raises msgspec's errors for what is no page."""
    page = _EVENTS.decode(body)
    rows: list[tuple[MarketAnswer, bytes]] = []
    events: dict[str, VenueEvent] = {}
    known: dict[str, EventAnswer] = {}
    wrong: list[tuple[str, str]] = []
    unread: list[tuple[str, str]] = []
    for raw, one, left_out in answers.rows(page.events or (), _EVENT):
        if one is None:
            wrong.append((answers.named(raw, "event_ticker"), SHAPE))
            continue
        try:
            event = markets.event(one)
        except Unrepresentable as error:
            wrong.append((one.event_ticker[: markets.ID_LENGTH], error.reason))
            continue
        inner = _rows(one.markets or (), None)
        rows += inner.found
        wrong += inner.refused
        unread += inner.unread
        unread += ((event.external_id, f"event.{field}") for field in left_out)
        if event.external_id in events:
            wrong.append((event.external_id, DUPLICATE))
        events[event.external_id] = event
        known[event.external_id] = msgspec.structs.replace(one, markets=None)

    def background(answer: MarketAnswer) -> Background:
        event = known.get(answer.event_ticker)
        return Background(event, None if event is None else series.get(event.series_ticker))

    return EventsPage(
        listed(rows, background, tuple(wrong), live_only=live_only),
        tuple(_tagged(event, known[ticker], series) for ticker, event in events.items()),
        tuple(unread),
        tuple(known.values()),
        _cursor(page.cursor),
    )


def event_alone(body: bytes) -> EventAnswer:
    """Read `GET /events/{event_ticker}`; raises msgspec's errors for what is none."""
    return msgspec.structs.replace(_EVENT_ALONE.decode(body).event, markets=None)


def series_list(body: bytes) -> tuple[dict[str, SeriesAnswer], Refused, str | None]:
    """Read `GET /series`: series by ticker, what is none, the cursor; raises msgspec's errors."""
    page = _SERIES_LIST.decode(body)
    found, wrong = {}, []
    for raw, one, _ in answers.rows(page.series or (), _SERIES):
        if one is None:
            wrong.append((answers.named(raw, "ticker"), SHAPE))
        else:
            found[one.ticker] = one
    return found, tuple(wrong), _cursor(page.cursor)


def book(body: bytes, ticker: str) -> tuple[VenueBook, NumberForms]:
    """Read `GET /markets/{ticker}/orderbook`; raises msgspec's errors, and Unrepresentable."""
    forms = NumberForms()
    found = _BOOK.decode(body)
    if found.orderbook is None and found.orderbook_fp is None:
        raise Unrepresentable(SHAPE, "no book in the answer")
    return books.book(ticker, found.orderbook_fp or found.orderbook, forms), forms


def trades(body: bytes) -> Converted:
    """Read `GET /markets/trades`; raises msgspec's errors for what is no page."""
    page = _TRADES.decode(body)
    forms = NumberForms()
    rows = answers.rows(page.trades or (), _TRADE)
    found, wrong = _converted(rows, lambda one: books.trade(one, forms), "trade_id")
    return Converted(trades=tuple(found), refused=wrong, forms=forms, cursor=_cursor(page.cursor))


def candlesticks(body: bytes, ticker: str, period_s: int) -> Converted:
    """Read `GET /markets/candlesticks` for one market; raises msgspec's errors."""
    page = _CANDLES.decode(body)
    forms = NumberForms()
    raws = [
        raw
        for one in page.markets or ()
        if one.market_ticker == ticker
        for raw in one.candlesticks or ()
    ]
    rows = answers.rows(raws, _CANDLE)
    found, wrong = _converted(rows, lambda one: candles.candle(one, period_s, forms), "ticker")
    return Converted(candles=tuple(found), refused=wrong, forms=forms)


def status(body: bytes) -> answers.StatusAnswer:
    """Read `GET /exchange/status`; raises msgspec's errors for what is none."""
    return _STATUS.decode(body)


def _rows(raws: Sequence[msgspec.Raw], cursor: str | None) -> Rows:
    found, wrong, unread = [], [], []
    for raw, one, left_out in answers.rows(raws, _MARKET):
        if one is None:
            wrong.append((answers.named(raw, "ticker"), SHAPE))
        else:
            found.append((one, bytes(raw)))
            unread += [(one.ticker, field) for field in left_out]
    return Rows(tuple(found), tuple(wrong), tuple(unread), _cursor(cursor))


def _converted(
    rows: Iterable[answers.Row[A]], convert: Callable[[A], V], name: str
) -> tuple[list[V], Refused]:
    found, wrong = [], []
    for raw, one, _ in rows:
        if one is None:
            wrong.append((answers.named(raw, name), SHAPE))
            continue
        try:
            found.append(convert(one))
        except Unrepresentable as error:
            wrong.append((answers.named(raw, name), error.reason))
    return found, tuple(wrong)


def _tagged(
    event: VenueEvent, answer: EventAnswer, series: Mapping[str, SeriesAnswer]
) -> VenueEvent:
    found = series.get(answer.series_ticker)
    return msgspec.structs.replace(event, tags=markets.tags(found), url=markets.url(found))


def _cursor(cursor: str | None) -> str | None:
    """Return where the next page begins; one too long to be sent back is none."""
    return cursor if cursor and len(cursor) <= CURSOR_LENGTH else None
