"""What a market does at a glance: best prices, last price, and the 24 hours behind it.

Laws: prices, sizes and the open interest are those of the committed view, as of `seq`; what is said
of the last 24 hours (to the minute) comes from the candles, a fraction of a second behind. Whoever
asks for `minSeq` gets both from there on.
"""

from collections.abc import Sequence
from itertools import islice

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import MarketStatus
from exchange.model.market import Market
from exchange.model.state import State
from gateway.http.paging import page_of
from gateway.http.reading.query_strings import parse_words
from gateway.http.request import Page, Request, UpTo
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.projected import Projected
from gateway.markets.routes import MarketsQuery, matching
from gateway.wire.scalars import (
    iso_millis,
    money_text,
    price_if_known,
    price_text,
    quantity_if_known,
    quantity_text,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.candles import NOTHING, Candles, Day


class TickerView(AnswerStruct, frozen=True, gc=False):
    """A market at a glance; prices are of YES, null where there is none.

    `change24h` is the last price less that of 24 hours ago (a market younger than that: less its
    first); `volume24h` is what was paid for YES in credits, `quantity24h` in shares.
    """

    market_id: str
    slug: str | None
    status: str
    best_bid: str | None
    best_bid_quantity: str | None
    best_ask: str | None
    best_ask_quantity: str | None
    last_price: str | None
    change24h: str | None
    high24h: str | None
    low24h: str | None
    volume24h: str | None
    quantity24h: str | None
    trades24h: int | None
    open_interest: str | None
    seq: int | None
    time: str


def ticker_view(market: Market, day: Day, now: int) -> TickerView:
    """Return a market of ours at a glance."""
    bid, ask, last = market.book.bids.best, market.book.asks.best, market.last_price
    return TickerView(
        str(market.id),
        market.slug,
        market.status.value,
        None if bid is None else price_text(bid.price),
        None if bid is None else quantity_text(bid.quantity),
        None if ask is None else price_text(ask.price),
        None if ask is None else quantity_text(ask.quantity),
        price_if_known(last),
        change_text(last, day.reference),
        price_if_known(day.high),
        price_if_known(day.low),
        money_text(day.turnover),
        quantity_if_known(day.volume),
        day.trades,
        quantity_text(market.collateral // PRICE_SCALE),
        market.seq,
        iso_millis(now),
    )


def change_text(last: int | None, reference: int | None) -> str | None:
    """Return how far a price has gone, e.g. "-0.0150"; None where either isn't known."""
    if last is None or reference is None:
        return None
    change = last - reference
    return price_text(change) if change >= 0 else f"-{price_text(-change)}"


class Tickers:
    """Makes tickers of our markets."""

    def __init__(self, candles: Candles, projected: Projected) -> None:
        self._candles = candles
        self._projected = projected

    async def of(self, markets: Sequence[Market], min_seq: int) -> tuple[list[TickerView], int]:
        """Return their tickers, and the command up to which these hold everything.

        Raises NotYetReached if `min_seq` isn't in them in time.
        """
        seq = await self._projected.reach(min_seq)
        now = now_us()
        days = await self._candles.days([market.id for market in markets], now)
        return [ticker_view(m, days.get(m.id, NOTHING), now) for m in markets], seq


class TickerRoutes:
    """Shows all of our markets at a glance."""

    def __init__(self, view: State, tickers: Tickers, pages: PageLimits) -> None:
        self._view = view
        self._tickers = tickers
        self._pages = pages

    async def list_tickers(self, request: Request[None, MarketsQuery]) -> UpTo[Page[TickerView]]:
        """Return one page of our markets, newest first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        before = query.number()
        statuses = parse_words(query.status, MarketStatus, "status") or None
        found = matching(
            self._view, statuses, query.category, query.search, drafts=request.is_admin
        )
        part = found if before is None else [market for market in found if market.id < before]
        part = list(islice(part, offset, offset + limit + 1))
        shown, seq = await self._tickers.of(part, request.min_seq)
        page = page_of(
            shown, limit, offset, len(found), lambda ticker: ticker, lambda ticker: ticker.market_id
        )
        return UpTo(page, seq)

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/tickers",
                handler=self.list_tickers,
                access=Access.PUBLIC,
                query=MarketsQuery,
                answer=TickerView,
                shape=Shape.PAGE,
                summary="List our markets at a glance, newest first",
                tag="market data",
            ),
        )
