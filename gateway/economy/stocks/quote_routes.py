"""The rows of the route table that say what a trade of a stock would come to, and how prices went.

Laws: nothing is stored, moved or remembered. A quote is decided by the rules that decide the trade,
on what is done: one that is under way is not in it, and by the time the trade itself comes the
price may be another; `maxPrice` or `minPrice` holds it to what was shown. Each read is bounded.
"""

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, MONEY_SCALE, QUANTITY_SCALE
from exchange.messages.errors import MalformedNumber
from exchange.messages.reasons import Reason
from exchange.messages.units import parse_money, parse_quantity
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.stocks.bodies import LeverageText, check_symbol
from gateway.economy.stocks.desk import decided, require_buyable
from gateway.economy.stocks.orders import Ask, stock_of
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.rules.trading import StepKind
from gateway.economy.stocks.views import PricePoint
from gateway.engine_side.refusals import EngineRefused
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import NotFound, Refused, ValidationFailed
from gateway.wire.scalars import iso_millis, money_text, quantity_text
from gateway.wire.strict_json import NUMBER_TEXT_LENGTH, AnswerStruct, QueryStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.economy.stocks.reading import StockReading
from persistence.repositories.economy.stocks.stocks import Stocks

QUOTE_COST: Final = 2
PRICES_COST: Final = 3
POINTS: Final = 200
"""Prices of a chart, but for the newest."""
NO_STOCK: Final = "There is no such stock"
_DAY_US: Final = 86_400 * MICROSECONDS


class TradeSide(Enum):
    """Which trade is looked at."""

    BUY = "BUY"
    SELL = "SELL"


class ChartPeriod(Enum):
    """How far a chart goes back."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


_DAYS: Final = {
    ChartPeriod.DAY: 1,
    ChartPeriod.WEEK: 7,
    ChartPeriod.MONTH: 30,
    ChartPeriod.YEAR: 365,
}
NumberParameter = Annotated[
    str,
    msgspec.Meta(
        max_length=NUMBER_TEXT_LENGTH,
        description="either these: shares with at most 2 decimals, or credits with at most 6",
        extra_json_schema={
            "pattern": r"^(?!0(\.0*)?$)(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$",
            "examples": ["10.00"],
        },
    ),
]


class StockQuoteQuery(QueryStruct, frozen=True):
    """The trade that is looked at, as `POST /economy/buy` or `/economy/sell` takes it: `shares` or
    an `amount`; `leverage` is of a purchase.
    """

    side: TradeSide
    shares: NumberParameter | None = None
    amount: NumberParameter | None = None
    leverage: LeverageText = 1


class StockPricesQuery(QueryStruct, frozen=True):
    """How far back."""

    period: ChartPeriod = ChartPeriod.DAY


class StockQuoteView(AnswerStruct, frozen=True):
    """What the trade would come to now: `total` is what the shares would cost or bring, `amount`
    what one's cash would gain (below 0: pay), `loan` how much more would be owed (below 0: paid
    back). `currentPrice` is a share's now, `price` right after it.

    `liquidated` counts others of whom shares would be sold.
    """

    symbol: str
    side: TradeSide
    shares: str
    total: str
    amount: str
    loan: str
    average_price: str
    leverage: int
    current_price: str
    price: str
    liquidated: int


class StockPricesView(AnswerStruct, frozen=True):
    """A stock's price at times that lie evenly apart, oldest first: since it was listed at the
    earliest, the last one now.
    """

    symbol: str
    period: ChartPeriod
    prices: list[PricePoint]


class StockQuoteRoutes:
    """Shows what trades would come to, and how prices went."""

    def __init__(self, rows: Stocks, reading: StockReading, view: State) -> None:
        self._rows = rows
        self._reading = reading
        self._view = view

    async def quote(self, request: Request[None, StockQuoteQuery]) -> StockQuoteView:
        """Return what a trade would come to now."""
        ask, user_id = _ask_of(request.query), request.user_id
        found = await self._rows.whole(check_symbol(request.path["symbol"]), user_id)
        if found is None:
            raise NotFound(NO_STOCK)
        row, holdings = found
        require_buyable(row, ask)
        stock = stock_of(row, holdings)
        steps = decided(row, stock, user_id, ask)
        own = [step for step in steps if step.account_id == user_id]
        amount, loan = sum(step.amount for step in own), sum(step.loan for step in own)
        account = self._view.accounts.get(user_id)
        if -amount > (0 if account is None else account.available):
            field = "shares" if ask.amount is None else "amount"
            raise EngineRefused(
                Reason.INSUFFICIENT_BALANCE, "The balance is less than the amount", field
            )
        shares, total = abs(sum(step.shares for step in own)), abs(amount - loan)
        curve = Curve(row.base, row.slope)
        return StockQuoteView(
            symbol=row.symbol,
            side=request.query.side,
            shares=quantity_text(shares),
            total=money_text(total),
            amount=money_text(amount),
            loan=money_text(loan),
            average_price=money_text(total * QUANTITY_SCALE // shares),
            leverage=ask.leverage,
            current_price=money_text(curve.price(row.supply)),
            price=money_text(curve.price(steps[-1].supply_after)),
            liquidated=sum(step.kind is StepKind.LIQUIDATION for step in steps),
        )

    async def show_prices(self, request: Request[None, StockPricesQuery]) -> StockPricesView:
        """Return how a stock's price went."""
        row, now = await self._rows.by_symbol(check_symbol(request.path["symbol"])), now_us()
        if row is None:
            raise NotFound(NO_STOCK)
        days = _DAYS.get(request.query.period)
        begun = row.created_at if days is None else now - days * _DAY_US
        step = max(1, (now - begun) // POINTS)
        times = [now - step * number for number in range(POINTS, -1, -1)]
        times = [at for at in times if at >= row.created_at]
        supplies = (await self._reading.supplies([row.id], times)).get(row.id, [])
        curve = Curve(row.base, row.slope)
        return StockPricesView(
            symbol=row.symbol,
            period=request.query.period,
            prices=[
                PricePoint(iso_millis(at), money_text(curve.price(supply)))
                for at, supply in supplies
            ],
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/economy/stocks/{symbol}/quote",
                handler=self.quote,
                access=Access.USER,
                scope=Scope.READ,
                query=StockQuoteQuery,
                answer=StockQuoteView,
                errors=(NotFound, Refused),
                cost=QUOTE_COST,
                summary="Show what a trade of a stock would come to now; nothing changes",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/economy/stocks/{symbol}/prices",
                handler=self.show_prices,
                access=Access.PUBLIC,
                query=StockPricesQuery,
                answer=StockPricesView,
                errors=(NotFound,),
                cost=PRICES_COST,
                summary="Show how the price of a stock went",
                tag="economy",
            ),
        )


def _ask_of(query: StockQuoteQuery) -> Ask:
    """Return what is asked; raises ValidationFailed naming the field."""
    is_buy = query.side is TradeSide.BUY
    shares = amount = None
    if query.shares is not None:
        shares = _parsed(query.shares, "shares", parse_quantity)
    if query.amount is not None:
        amount = _parsed(query.amount, "amount", parse_money)
        if amount > CREDIT_MAX:
            raise ValidationFailed.of("amount", f"must be at most {CREDIT_MAX // MONEY_SCALE}")
    if (shares is None) == (amount is None):
        raise ValidationFailed.of("shares", "give either shares or amount")
    if not is_buy and query.leverage != 1:
        raise ValidationFailed.of("leverage", "goes with a purchase only")
    return Ask(is_buy=is_buy, shares=shares, amount=amount, leverage=query.leverage)


def _parsed(text: str, field: str, parse: Callable[[str], int]) -> int:
    try:
        return parse(text)
    except MalformedNumber as error:
        raise ValidationFailed.of(field, str(error)) from None
