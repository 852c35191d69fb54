"""Markets of all platforms, their books, prints, prices, snapshots and events on the wire.

One view for a market of any platform: the fields of our own `MarketView`, with the same meanings,
and those that other platforms need. Prices are of YES and null where unknown; money is named by
`currency`; `asOf` says when it was so, how old that is here, and whether it may have changed since.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import NO, YES, FeeModel, Outcome, Resolution, Side
from exchange.model.market import Market
from exchange.model.state import State
from gateway.feeds.cache import Entry
from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.known import CURRENCY, OURS, shown_price
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import (
    FINAL,
    Levels,
    ListedStatus,
    PricePoint,
    TakenSide,
    VenueBook,
    VenueEvent,
    VenueMarket,
    VenueTrade,
    is_old,
)
from gateway.http.request import AsOfView
from gateway.markets.views import WireLevels, checksum, market_view, wire_levels
from gateway.wire.scalars import (
    iso_millis,
    money_text,
    price_if_known,
    price_text,
    quantity_if_known,
    quantity_text,
    time_if_known,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.candles import Turnover
from persistence.repositories.feeds.markets import MarketRow

_AMOUNT_DIGITS: Final = 30


class ListedMarketView(AnswerStruct, frozen=True, kw_only=True):
    """A market of any platform; prices are of YES, fees are rates by name.

    Fields from `platform` on, but `outcomes`, are left out in the list of our own markets that
    names no platform.
    """

    id: str
    slug: str | None
    question: str
    description: str
    category: str
    status: ListedStatus
    close_time: str | None
    created_at: str | None
    tick_size: str | None
    min_quantity: str | None
    maker_fee: str | None
    taker_fee: str | None
    fee_model: FeeModel | None
    best_bid: str | None
    best_ask: str | None
    last_price: str | None
    volume: str | None
    """Shares; only of our own markets."""
    trades: int | None
    open_interest: str | None
    seq: int | None
    resolution: Resolution | None
    yes_payout: str | None
    source: str | None
    resolved_at: str | None
    resumes_at: str | msgspec.UnsetType = msgspec.UNSET
    """Only of a market of ours that halted by itself: when its status goes on."""
    platform: str | msgspec.UnsetType = msgspec.UNSET
    external_id: str | msgspec.UnsetType | None = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    event_id: str | msgspec.UnsetType | None = msgspec.UNSET
    event_title: str | msgspec.UnsetType | None = msgspec.UNSET
    outcomes: tuple[str, str] | msgspec.UnsetType = msgspec.UNSET
    yes_price: str | msgspec.UnsetType | None = msgspec.UNSET
    no_price: str | msgspec.UnsetType | None = msgspec.UNSET
    spread: str | msgspec.UnsetType | None = msgspec.UNSET
    fees: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    currency: str | msgspec.UnsetType = msgspec.UNSET
    volume24h: str | msgspec.UnsetType | None = msgspec.UNSET
    volume_total: str | msgspec.UnsetType | None = msgspec.UNSET
    liquidity: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | msgspec.UnsetType | None = msgspec.UNSET
    as_of: AsOfView | msgspec.UnsetType = msgspec.UNSET
    epoch: int | msgspec.UnsetType = msgspec.UNSET
    """With `seq` where another platform's market stands on the socket, while it is followed."""
    mirror_of: str | msgspec.UnsetType = msgspec.UNSET
    """Only of a market of ours that mirrors another platform's: the id of that."""
    mirror: str | msgspec.UnsetType = msgspec.UNSET
    """Only of one of another platform's, where it is asked for by itself: the slug of ours that
    mirrors it, in which it is bet on and traded here."""


class AnyBookView(AnswerStruct, frozen=True, kw_only=True):
    """The order book of one outcome, best level first; each level is [price, quantity].

    Of another platform's market `asOf` says how old it is, and `epoch` and `seq` are those of its
    stream while somebody follows that, else 0. `at`, if the past was asked for, is when it came to
    be so.
    """

    market_id: str
    slug: str | None
    outcome: Outcome
    epoch: int
    seq: int
    bids: WireLevels
    asks: WireLevels
    checksum: int
    as_of: AsOfView | msgspec.UnsetType = msgspec.UNSET
    at: str | msgspec.UnsetType = msgspec.UNSET


class AnyTradeView(AnswerStruct, frozen=True, kw_only=True):
    """A print of a public tape; outcome, side and price are the taker's, as far as it is known."""

    id: str
    trade_no: int | None
    market_id: str
    slug: str | None
    outcome: Outcome
    side: Side | None
    price: str
    yes_price: str
    quantity: str
    kind: str | None
    seq: int | None
    created_at: str


class PointView(AnswerStruct, frozen=True):
    """What YES was worth at a time."""

    time: str
    price: str


class CategoryView(AnswerStruct, frozen=True):
    """A category over all platforms that were asked for."""

    category: str
    name: str
    markets: int
    active: int


class EventView(AnswerStruct, frozen=True, kw_only=True):
    """A question with several answers; `markets` only where one event is asked for."""

    id: str
    platform: str
    external_id: str
    title: str
    slug: str | None
    description: str
    category: str
    tags: tuple[str, ...]
    exclusive: bool
    close_time: str | None
    url: str | None
    changed_at: str
    markets: list[ListedMarketView] | msgspec.UnsetType = msgspec.UNSET


class FullMarketView(AnswerStruct, frozen=True, kw_only=True):
    """All that is known of a market; `raw` is the venue's own object, letter for letter."""

    market: ListedMarketView
    book: AnyBookView | None
    trades: list[AnyTradeView]
    trades_as_of: AsOfView | None
    """Null where none are known."""
    raw: msgspec.Raw | None


def as_of(at: int, now: int, *, stale: bool = False, final: bool = False) -> AsOfView:
    """Return what is said of something known at a time; what is final doesn't grow stale."""
    age_us = max(0, now - at)
    return AsOfView(iso_millis(at), age_us // 1_000, stale or is_old(at, now, final=final))


def entry_age(entry: Entry) -> AsOfView:
    """Return what is said of an answer of the cache: it is old only if asking anew failed."""
    return as_of(entry.at, now_us(), stale=entry.failed, final=True)


def market_id(platform: str, external_id: str) -> str:
    """Return the id of another platform's market or event."""
    return f"{platform}:{external_id}"


def own_market(
    market: Market, paid: Turnover | None, now: int, mirrored: Mirrored
) -> ListedMarketView:
    """Return a market of ours in the one view; it is known as of now.

    `paid` is what was paid in it, a moment ago; None while that isn't known.
    """
    today, source = market_view(market, mirrored.labels(market)), mirrored.of(market.id)
    bid, ask = market.book.bids.best, market.book.asks.best
    yes = shown_price(market)
    return ListedMarketView(
        **(msgspec.structs.asdict(today) | {"status": ListedStatus(market.status.value)}),
        platform=OURS,
        external_id=None,
        tags=(),
        event_id=None,
        event_title=None,
        yes_price=price_if_known(yes),
        no_price=_complement(yes),
        spread=None if bid is None or ask is None else price_text(ask.price - bid.price),
        fees={"maker": today.maker_fee, "taker": today.taker_fee},
        currency=CURRENCY,
        volume24h=None if paid is None else money_text(paid.day),
        volume_total=None if paid is None else money_text(paid.total),
        liquidity=None,
        url=None,
        as_of=AsOfView(iso_millis(now), 0, False),
        mirror_of=msgspec.UNSET if source is None else source.id,
    )


def with_mirror(shown: ListedMarketView, mirrored: Mirrored, view: State) -> ListedMarketView:
    """Return a market of another platform with the one of ours that mirrors it, if any does."""
    ours = view.markets.get(mirrored.mirror_of(shown.id) or 0)
    return shown if ours is None else msgspec.structs.replace(shown, mirror=ours.slug)


def row_view(row: MarketRow, now: int, *, stale: bool = False) -> ListedMarketView:
    """Return a stored market of another platform."""
    return listed_view(market_of(row.record, row.venue_at), row.as_of, now, stale=stale)


def listed_view(
    market: VenueMarket, known_at: int, now: int, *, stale: bool = False
) -> ListedMarketView:
    """Return a market of another platform, as it was known at a time."""
    bid, ask = market.best_bid, market.best_ask
    return ListedMarketView(
        id=market_id(market.platform, market.external_id),
        slug=market.slug,
        question=market.question,
        description=market.description,
        category=market.category,
        status=market.status,
        close_time=time_if_known(market.close_time),
        created_at=time_if_known(market.created_at),
        tick_size=price_if_known(market.tick_size),
        min_quantity=quantity_if_known(market.min_quantity),
        maker_fee=None,
        taker_fee=None,
        fee_model=None,
        best_bid=price_if_known(bid),
        best_ask=price_if_known(ask),
        last_price=price_if_known(market.last_price),
        volume=None,
        trades=None,
        open_interest=quantity_if_known(market.open_interest),
        seq=None,
        resolution=market.resolution,
        yes_payout=price_if_known(market.yes_payout),
        source=None,
        resolved_at=time_if_known(market.resolved_at),
        platform=market.platform,
        external_id=market.external_id,
        tags=market.tags,
        event_id=None if market.event_id is None else market_id(market.platform, market.event_id),
        event_title=market.event_title,
        outcomes=market.outcomes,
        yes_price=price_if_known(market.yes_price),
        no_price=_complement(market.yes_price),
        spread=None if bid is None or ask is None or ask < bid else price_text(ask - bid),
        fees=dict(market.fees),
        currency=market.currency,
        volume24h=amount_text(market.volume_24h),
        volume_total=amount_text(market.volume_total),
        liquidity=amount_text(market.liquidity),
        url=market.url,
        as_of=as_of(known_at, now, stale=stale, final=market.status in FINAL),
    )


def venue_book_view(
    book: VenueBook,
    market: VenueMarket,
    outcome: Outcome,
    depth: int,
    known: AsOfView,
    *,
    epoch: int = 0,
    seq: int = 0,
) -> AnyBookView:
    """Return the book of one outcome of another platform's market."""
    bids, asks = list(book.bids), list(book.asks)
    if outcome is not YES:
        bids, asks = _turned(book.asks), _turned(book.bids)
    return AnyBookView(
        market_id=market_id(market.platform, market.external_id),
        slug=market.slug,
        outcome=outcome,
        epoch=epoch,
        seq=seq,
        bids=wire_levels(bids[:depth]),
        asks=wire_levels(asks[:depth]),
        checksum=checksum(bids, asks),
        as_of=known,
    )


def venue_trade_view(
    trade: VenueTrade, market: VenueMarket, *, seq: int | None = None, trade_no: int | None = None
) -> AnyTradeView:
    """Return a print of another platform's tape; numbered, if it was heard."""
    took_no = trade.taken is TakenSide.NO
    price = PRICE_SCALE - trade.yes_price if took_no else trade.yes_price
    return AnyTradeView(
        id=market_id(market.platform, trade.trade_id),
        trade_no=trade_no,
        market_id=market_id(market.platform, market.external_id),
        slug=market.slug,
        outcome=NO if took_no else YES,
        side=None if trade.taken is None else Side.BUY,
        price=price_text(price),
        yes_price=price_text(trade.yes_price),
        quantity=quantity_text(trade.quantity),
        kind=None,
        seq=seq,
        created_at=iso_millis(trade.venue_at),
    )


def point_views(points: Sequence[PricePoint]) -> list[PointView]:
    """Return prices over time."""
    return [PointView(iso_millis(point.at), price_text(point.yes_price)) for point in points]


def event_view(
    event: VenueEvent, changed_at: int, markets: list[ListedMarketView] | None = None
) -> EventView:
    """Return an event of another platform."""
    return EventView(
        id=market_id(event.platform, event.external_id),
        platform=event.platform,
        external_id=event.external_id,
        title=event.title,
        slug=event.slug,
        description=event.description,
        category=event.category,
        tags=event.tags,
        exclusive=event.exclusive,
        close_time=time_if_known(event.close_time),
        url=event.url,
        changed_at=iso_millis(changed_at),
        markets=msgspec.UNSET if markets is None else markets,
    )


def amount_text(amount: Decimal | None) -> str | None:
    """Return money as a plain decimal; None for what is no amount that anybody has."""
    if amount is None or not amount.is_finite():
        return None
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or abs(amount.adjusted()) + abs(exponent) > _AMOUNT_DIGITS:
        return None
    return f"{amount:f}"


def _turned(levels: Levels) -> list[tuple[int, int]]:
    return [(PRICE_SCALE - price, quantity) for price, quantity in levels]


def _complement(price: int | None) -> str | None:
    return None if price is None else price_text(PRICE_SCALE - price)
