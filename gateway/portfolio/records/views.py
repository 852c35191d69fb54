"""Portfolios and their positions on the wire; amounts are decimal strings, exact to their places.

`realizedPnl` and `unrealizedPnl` are of shares alone, fees apart. An amount is in the currency of
its market's platform (a share pays one unit of it); sums over platforms add them one for one.
"""

import enum
from typing import Any, Final

from exchange.messages.terms import Outcome
from exchange.model.accounts import Holding
from exchange.model.market import Market
from gateway.feeds.known import OURS, KnownMarket, MarketRef, known_of
from gateway.feeds.model import ListedStatus
from gateway.portfolio.records.amounts import (
    average,
    money,
    money_text,
    price_of_ours,
    price_text,
    shares_text,
)
from gateway.portfolio.records.valuation import (
    Figures,
    Held,
    Known,
    Part,
    by_category,
    by_platform,
    figures,
    lot_of,
)
from gateway.wire import scalars
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.portfolio_positions import Position
from persistence.repositories.portfolio_values import DAY_US, PastValue
from persistence.repositories.portfolios import Portfolio


class PositionStatus(enum.Enum):
    """Whether a position is still held."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


_OUR_NAME: Final = "Probity"
_OUR_DESCRIPTION: Final = "What you hold on this exchange"


class PartView(AnswerStruct, frozen=True):
    """What lies with one platform or category; `share` of the value, null where that is nothing."""

    name: str
    positions: int
    cost: str
    value: str
    share: str | None


class AllocationView(AnswerStruct, frozen=True):
    """Where a portfolio's value lies, the most valuable part first; "" is no category."""

    by_platform: list[PartView]
    by_category: list[PartView]


class NotedPortfolioView(AnswerStruct, frozen=True):
    """A portfolio with its sums; the one with the id `exchange` is what one holds here.

    That can't be changed, its `closedPositions` aren't counted, its times are null.
    `unpricedPositions` are counted in `value` at their cost.
    """

    id: str
    name: str
    description: str
    is_default: bool
    read_only: bool
    open_positions: int
    closed_positions: int
    unpriced_positions: int
    cost: str
    value: str
    unrealized_pnl: str
    realized_pnl: str
    total_pnl: str
    created_at: str | None
    updated_at: str | None


class WholePortfolioView(NotedPortfolioView, frozen=True):
    """A portfolio with where its value lies."""

    allocation: AllocationView


class TotalsView(AnswerStruct, frozen=True):
    """All portfolios of somebody as one, what one holds here included."""

    portfolios: int
    open_positions: int
    closed_positions: int
    unpriced_positions: int
    cost: str
    value: str
    unrealized_pnl: str
    realized_pnl: str
    total_pnl: str
    allocation: AllocationView


class PastValueView(AnswerStruct, frozen=True):
    """What a portfolio was worth on a day (UTC), at the time when that was noted."""

    day: str
    at: str
    open_positions: int
    unpriced_positions: int
    cost: str
    value: str
    unrealized_pnl: str
    realized_pnl: str
    total_pnl: str


class NotedPositionView(AnswerStruct, frozen=True):
    """Shares of one side of a market of any platform.

    `markPrice` is what a share of this side is worth now: its live price (NO at 1 - YES), or what
    it was paid when its market was resolved. It, `value` and `unrealizedPnl` are null where neither
    is known, and once the position is closed.
    """

    id: str
    portfolio_id: str
    market_id: str
    platform: str
    external_id: str
    ticker: str | None
    question: str
    category: str | None
    market_status: ListedStatus | None
    side: Outcome
    status: PositionStatus
    read_only: bool
    quantity: str
    avg_cost: str
    cost: str
    mark_price: str | None
    as_of: str | None
    """When the mark was known to be so; null for now, or never."""
    stale: bool
    """Whether it was known so long ago that it may have changed."""
    value: str | None
    unrealized_pnl: str | None
    close_price: str | None
    realized_pnl: str | None
    opened_at: str | None
    updated_at: str | None
    closed_at: str | None


def _sums(found: Figures) -> tuple[int, int, int, str, str, str, str, str]:
    return (
        found.positions,
        found.closed,
        found.unpriced,
        money_text(found.cost),
        money_text(found.value),
        money_text(found.unrealized),
        money_text(found.realized),
        money_text(found.unrealized + found.realized),
    )


def allocation_view(has: Held, known: Known) -> AllocationView:
    """Return where the value of what is held lies."""
    return AllocationView(
        [_part_view(part) for part in by_platform(has, known)],
        [_part_view(part) for part in by_category(has, known)],
    )


def _part_view(part: Part) -> PartView:
    share = None if part.share is None else scalars.price_text(part.share)
    return PartView(part.name, part.positions, money_text(part.cost), money_text(part.value), share)


def portfolio_view(portfolio: Portfolio | None, has: Held, known: Known) -> NotedPortfolioView:
    """Return a portfolio with its figures; None stands for what is held here."""
    return NotedPortfolioView(*_portfolio_fields(portfolio, has, known))


def whole_portfolio_view(
    portfolio: Portfolio | None, has: Held, known: Known
) -> WholePortfolioView:
    """Return a portfolio with its figures and where its value lies."""
    fields = *_portfolio_fields(portfolio, has, known), allocation_view(has, known)
    return WholePortfolioView(*fields)


def totals_view(portfolios: int, has: Held, known: Known) -> TotalsView:
    """Return the sums over several portfolios."""
    return TotalsView(portfolios, *_sums(figures(has, known)), allocation_view(has, known))


def past_value_view(past: PastValue) -> PastValueView:
    """Return a day of a portfolio."""
    unrealized = past.value - past.cost
    return PastValueView(
        iso_millis(past.day * DAY_US)[:10],
        iso_millis(past.at),
        past.positions,
        past.unpriced,
        money_text(past.cost),
        money_text(past.value),
        money_text(unrealized),
        money_text(past.realized_pnl),
        money_text(unrealized + past.realized_pnl),
    )


def _portfolio_fields(portfolio: Portfolio | None, has: Held, known: Known) -> tuple[Any, ...]:
    sums = _sums(figures(has, known))
    if portfolio is None:
        return OURS, _OUR_NAME, _OUR_DESCRIPTION, False, True, *sums, None, None
    return (
        str(portfolio.id),
        portfolio.name,
        portfolio.description,
        portfolio.is_default,
        False,
        *sums,
        iso_millis(portfolio.created_at),
        iso_millis(portfolio.updated_at),
    )


def position_view(position: Position, market: KnownMarket | None) -> NotedPositionView:
    """Return a position that somebody noted down, as it stands now."""
    cost = position.quantity * position.avg_cost
    is_open, price, pnl = position.closed_at is None, position.close_price, position.realized_pnl
    closed_at = position.closed_at
    mark = market.worth(position.side) if is_open and market is not None else None
    return NotedPositionView(
        str(position.id),
        str(position.portfolio_id),
        MarketRef(position.platform, position.external_id).id,
        position.platform,
        position.external_id,
        position.ticker,
        position.question,
        None if market is None else market.category,
        None if market is None else market.status,
        position.side,
        PositionStatus.OPEN if is_open else PositionStatus.CLOSED,
        False,
        shares_text(position.quantity),
        price_text(position.avg_cost),
        money_text(money(cost)),
        *_marked(mark, market, position.quantity, cost),
        None if price is None else price_text(price),
        None if pnl is None else money_text(pnl),
        iso_millis(position.opened_at),
        iso_millis(position.updated_at),
        None if closed_at is None else iso_millis(closed_at),
    )


def our_position_view(holding: Holding, market: Market) -> NotedPositionView:
    """Return what somebody holds here of one outcome; profit that was realised is the market's."""
    known, lot = known_of(market), lot_of(holding)
    return NotedPositionView(
        our_position_id(holding),
        OURS,
        lot.ref.id,
        OURS,
        lot.ref.external_id,
        market.slug,
        market.question,
        market.category,
        known.status,
        holding.outcome,
        PositionStatus.OPEN,
        True,
        shares_text(lot.quantity),
        price_text(average(lot.cost, lot.quantity)),
        money_text(money(lot.cost)),
        *_marked(known.worth(holding.outcome), known, lot.quantity, lot.cost),
        None,
        None,
        None,
        None,
        None,
    )


def our_position_id(holding: Holding) -> str:
    """Return the id of a position of our own portfolio, e.g. "exchange-7-YES"."""
    return f"{OURS}-{holding.market_id}-{holding.outcome.value}"


def _marked(
    mark: int | None, market: KnownMarket | None, quantity: int, cost: int
) -> tuple[str | None, str | None, bool, str | None, str | None]:
    """Return the mark, its time, whether that is long ago, the value at the mark, and the profit
    that isn't realised.
    """
    if mark is None or market is None:
        return None, None, False, None, None
    as_of = market.as_of
    value = quantity * price_of_ours(mark)
    return (
        scalars.price_text(mark),
        None if as_of is None else iso_millis(as_of),
        market.is_stale(now_us()),
        money_text(money(value)),
        money_text(money(value - cost)),
    )
