"""Markets, their books and their tapes on the wire.

The book is kept in YES terms; the NO view is complete: NO bids are the YES asks at 1 - price, NO
asks the YES bids at 1 - price, each best first. A checksum covers the ten best levels of a view
and nothing else, so two views of the same book have the same checksum everywhere (RULEBOOK 12).
"""

from typing import Any, Final, Protocol
from zlib import crc32

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import (
    YES,
    FeeModel,
    MarketStatus,
    Outcome,
    Resolution,
    Side,
    TradeKind,
)
from exchange.model.market import Market
from gateway.markets.outcome_names import Labels
from gateway.wire.scalars import iso_millis, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct

CHECKSUM_LEVELS: Final = 10

Levels = list[tuple[int, int]]
"""(price, quantity) in the core's units, best first."""
WireLevels = list[tuple[str, str]]
Changes = dict[int, int]
"""YES price -> quantity now, 0 for none."""


class MarketView(AnswerStruct, frozen=True):
    """A market; `bestBid`, `bestAsk` and `lastPrice` are prices of YES, fees are rates.

    `resumesAt` only where it halted by itself: when its status goes on, to POST_ONLY or OPEN.
    `outcomes` is what YES and NO are called, for ever; messages leave it out.
    """

    id: str
    slug: str
    question: str
    description: str
    category: str
    status: MarketStatus
    close_time: str
    created_at: str
    tick_size: str
    min_quantity: str
    maker_fee: str
    taker_fee: str
    fee_model: FeeModel
    best_bid: str | None
    best_ask: str | None
    last_price: str | None
    volume: str
    trades: int
    open_interest: str
    seq: int
    resolution: Resolution | None
    yes_payout: str | None
    source: str | None
    resolved_at: str | None
    resumes_at: str | msgspec.UnsetType = msgspec.UNSET
    outcomes: tuple[str, str] | msgspec.UnsetType = msgspec.UNSET


class TradeView(AnswerStruct, frozen=True, gc=False):
    """A print of the public tape; outcome, side and price are the taker's."""

    id: str
    trade_no: int
    market_id: str
    slug: str
    outcome: Outcome
    side: Side
    price: str
    yes_price: str
    quantity: str
    kind: TradeKind
    seq: int
    created_at: str


class BookView(AnswerStruct, frozen=True):
    """The order book of one outcome, best level first; each level is [price, quantity].

    `at`, if the past was asked for, is when it came to be so.
    """

    market_id: str
    slug: str
    outcome: Outcome
    epoch: int
    seq: int
    bids: WireLevels
    asks: WireLevels
    checksum: int
    at: str | msgspec.UnsetType = msgspec.UNSET


def book_levels(market: Market, outcome: Outcome, depth: int) -> tuple[Levels, Levels]:
    """Return (bids, asks) of the outcome's view, at most `depth` levels each."""
    return seen_from(outcome, market.book.bids.depth(depth), market.book.asks.depth(depth))


def seen_from(outcome: Outcome, bids: Levels, asks: Levels) -> tuple[Levels, Levels]:
    """Return the levels of a book in YES terms as (bids, asks) of an outcome."""
    if outcome is YES:
        return bids, asks
    return _complement(asks), _complement(bids)


def checksum(bids: Levels, asks: Levels) -> int:
    """Return the CRC-32 of a view, e.g. of "5500:1000,5400:300|5600:750"; more levels are cut."""
    return crc32(f"{_digest(bids)}|{_digest(asks)}".encode("ascii"))


def wire_levels(levels: Levels) -> WireLevels:
    """Return levels as decimal strings."""
    return [(price_text(price), quantity_text(quantity)) for price, quantity in levels]


def wire_changes(outcome: Outcome, bids: Changes, asks: Changes) -> tuple[WireLevels, WireLevels]:
    """Return what changed of a book as (bids, asks) of an outcome, best price first."""
    changed = seen_from(outcome, [*bids.items()], [*asks.items()])
    return wire_levels(sorted(changed[0], reverse=True)), wire_levels(sorted(changed[1]))


def book_view(market: Market, outcome: Outcome, depth: int, epoch: int) -> BookView:
    """Return a snapshot of the outcome's book, `depth` levels a side."""
    bids, asks = book_levels(market, outcome, max(depth, CHECKSUM_LEVELS))
    return BookView(
        str(market.id),
        market.slug,
        outcome,
        epoch,
        market.seq,
        wire_levels(bids[:depth]),
        wire_levels(asks[:depth]),
        checksum(bids, asks),
    )


def market_view(market: Market, labels: Labels | None = None) -> MarketView:
    """Return a market with its top of book, and what YES and NO are called if that is given."""
    bid, ask, last = market.book.bids.best, market.book.asks.best, market.last_price
    payout, resolved_at, resumes_at = market.yes_payout, market.resolved_at, market.resumes_at
    return MarketView(
        str(market.id),
        market.slug,
        market.question,
        market.description,
        market.category,
        market.status,
        iso_millis(market.close_time),
        iso_millis(market.created_at),
        price_text(market.tick_size),
        quantity_text(market.min_quantity),
        price_text(market.maker_fee),
        price_text(market.taker_fee),
        market.fee_model,
        None if bid is None else price_text(bid.price),
        None if ask is None else price_text(ask.price),
        None if last is None else price_text(last),
        quantity_text(market.volume),
        market.trade_no,
        quantity_text(market.collateral // PRICE_SCALE),
        market.seq,
        market.resolution,
        None if payout is None else price_text(payout),
        market.source,
        None if resolved_at is None else iso_millis(resolved_at),
        msgspec.UNSET if resumes_at is None else iso_millis(resumes_at),
        msgspec.UNSET if labels is None else labels,
    )


def _complement(levels: Levels) -> Levels:
    return [(PRICE_SCALE - price, quantity) for price, quantity in levels]


def _digest(levels: Levels) -> str:
    return ",".join(f"{price}:{quantity}" for price, quantity in levels[:CHECKSUM_LEVELS])


def trade_id(market_id: int, trade_no: int) -> str:
    """Return the id of a trade: unique, because a market numbers its own."""
    return f"{market_id}-{trade_no}"


class Print(Protocol):
    """What of a trade is public: all that the tape needs of an event or of a stored row."""

    @property
    def market_id(self) -> int: ...  # noqa: D102 - plain fields
    @property
    def trade_no(self) -> int: ...  # noqa: D102
    @property
    def market_seq(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> TradeKind: ...  # noqa: D102
    @property
    def side(self) -> Side: ...  # noqa: D102
    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def price(self) -> int: ...  # noqa: D102
    @property
    def yes_price(self) -> int: ...  # noqa: D102
    @property
    def quantity(self) -> int: ...  # noqa: D102


def trade_view(trade: Print, market: Market, at: int) -> TradeView:
    """Return a trade, executed at `at` (microseconds), as everybody sees it."""
    return TradeView(*trade_fields(trade, market, at))


def trade_fields(trade: Print, market: Market, at: int) -> tuple[Any, ...]:
    """Return the fields of a `TradeView`, for whoever adds some."""
    return (
        trade_id(trade.market_id, trade.trade_no),
        trade.trade_no,
        str(trade.market_id),
        market.slug,
        trade.outcome,
        trade.side,
        price_text(trade.price),
        price_text(trade.yes_price),
        quantity_text(trade.quantity),
        trade.kind,
        trade.market_seq,
        iso_millis(at),
    )
