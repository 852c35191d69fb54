"""How stocks, positions and trades are told."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from exchange.messages.bounds import QUANTITY_SCALE
from exchange.messages.units import format_price
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.rules.loans import Terms, bound_of
from gateway.economy.stocks.rules.trading import StepKind
from gateway.trading.views import BalanceView
from gateway.wire.scalars import iso_millis, money_text, quantity_text
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS
from persistence.repositories.economy.stocks.orders import OrderRow
from persistence.repositories.economy.stocks.reading import PositionRow, TradeRow
from persistence.repositories.economy.stocks.stocks import StockRow

HOUR_US: Final = 3_600 * MICROSECONDS
HOURS: Final = 24


class StockStatus(Enum):
    """Whether a stock may be bought; it may always be sold."""

    OPEN = "OPEN"
    HALTED = "HALTED"


class PricePoint(AnswerStruct, frozen=True, gc=False):
    """The price of a share at a time."""

    time: str
    price: str


class StockView(AnswerStruct, frozen=True):
    """A stock: `price` is what the next share costs, about; `value` what all shares together would
    bring.

    `change24h` is how much the price rose in the last day, or since the stock is there; `history`
    is it hour by hour, oldest first, the last one now.
    """

    id: str
    symbol: str
    name: str
    status: StockStatus
    price: str
    supply: str
    value: str
    change24h: str
    base_price: str
    slope: str
    interest_rate: str
    maintenance_margin: str
    reserve_id: str
    created_at: str
    history: list[PricePoint]


class StockTradeView(AnswerStruct, frozen=True):
    """What was bought or sold: `total` is what the shares cost or brought, `amount` what the
    trader's cash gained (below 0: paid), `loan` how much more is owed (below 0: paid back).

    `liquidated` counts others whose shares were sold before their loans weren't covered any more,
    or to pay back the least loan, whose place a larger one takes.
    `balance` is the account's cash now; `reference` is null where no money moved.
    """

    id: str
    symbol: str
    side: str
    shares: str
    total: str
    amount: str
    loan: str
    average_price: str
    leverage: int
    price: str
    liquidated: int
    reference: str | None
    request_id: str | None
    created_at: str
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class StockPositionView(AnswerStruct, frozen=True):
    """Shares of somebody's: `value` is what selling all of them now would bring, `equity` that less
    the `loan`.

    They are sold by the exchange before `price` falls below `liquidationPrice`, earlier where
    others are sold after them; null without a loan. `cost` is what they were bought for,
    `unrealizedPnl` the value less that, `realizedPnl` what was made by selling, less interest.
    """

    symbol: str
    name: str
    shares: str
    price: str
    value: str
    loan: str
    equity: str
    cost: str
    average_price: str | None
    unrealized_pnl: str
    realized_pnl: str
    liquidation_price: str | None


class StockTransactionView(AnswerStruct, frozen=True, gc=False):
    """One thing that happened to one's shares: `shares`, `amount` (one's cash) and `loan` are what
    one gained by it, below 0 what one lost; `price` is a share's right after it.

    `reference` names the movement of money in /transactions/me, null where none moved.
    """

    id: str
    symbol: str
    type: StepKind
    shares: str
    amount: str
    loan: str
    price: str
    order_id: str
    reference: str | None
    created_at: str


def signed_shares(shares: int) -> str:
    """Return shares as they are told, e.g. "-10.00"."""
    return f"-{quantity_text(-shares)}" if shares < 0 else quantity_text(shares)


def stock_view(row: StockRow, supplies: Sequence[tuple[int, int]]) -> StockView:
    """Return a stock; `supplies` are those of the last day, (time, supply), oldest first."""
    curve = Curve(row.base, row.slope)
    price = curve.price(row.supply)
    before = supplies[0][1] if supplies else 0
    shown = [
        PricePoint(iso_millis(at), money_text(curve.price(supply)))
        for at, supply in supplies
        if at >= row.created_at
    ]
    return StockView(
        str(row.id),
        row.symbol,
        row.name,
        StockStatus.HALTED if row.is_halted else StockStatus.OPEN,
        money_text(price),
        quantity_text(row.supply),
        money_text(curve.proceeds(row.supply, row.supply)),
        money_text(price - curve.price(before)),
        money_text(row.base),
        money_text(row.slope),
        format_price(row.interest),
        format_price(row.margin),
        str(row.reserve_id),
        iso_millis(row.created_at),
        shown,
    )


def hours_before(now: int) -> list[int]:
    """Return the times at which a stock's price is told."""
    return [now - HOUR_US * hours for hours in range(HOURS, -1, -1)]


def trade_view(
    row: StockRow, order: OrderRow, reference: str | None, balance: BalanceView, *, is_repeat: bool
) -> StockTradeView:
    """Return an order that was done."""
    total = abs(order.amount - order.loan)
    return StockTradeView(
        str(order.id),
        row.symbol,
        order.kind,
        quantity_text(abs(order.shares)),
        money_text(total),
        money_text(order.amount),
        money_text(order.loan),
        money_text(total * QUANTITY_SCALE // abs(order.shares)),
        order.leverage,
        money_text(Curve(row.base, row.slope).price(order.supply_after)),
        order.liquidated,
        reference,
        order.request_id,
        iso_millis(order.created_at),
        balance,
        True if is_repeat else msgspec.UNSET,
    )


def position_view(row: PositionRow) -> StockPositionView:
    """Return a position as it stands."""
    curve = Curve(row.base, row.slope)
    value = curve.proceeds(row.supply, row.shares)
    average = None
    if row.shares:
        average = money_text(row.cost * QUANTITY_SCALE // row.shares)
    lowest = None
    if row.loan:
        bound = bound_of(Terms(curve, row.interest, row.margin), row.loan)
        lowest = money_text(curve.price(curve.end_of(row.shares, bound) + row.shares))
    return StockPositionView(
        row.symbol,
        row.name,
        quantity_text(row.shares),
        money_text(curve.price(row.supply)),
        money_text(value),
        money_text(row.loan),
        money_text(value - row.loan),
        money_text(row.cost),
        average,
        money_text(value - row.cost),
        money_text(row.profit),
        lowest,
    )


def transaction_view(row: TradeRow) -> StockTransactionView:
    """Return one of the things that happened to somebody's shares."""
    return StockTransactionView(
        str(row.id),
        row.symbol,
        StepKind(row.kind),
        signed_shares(row.shares),
        money_text(row.amount),
        money_text(row.loan),
        money_text(Curve(row.base, row.slope).price(row.supply_after)),
        str(row.order_id),
        row.system_id,
        iso_millis(row.at),
    )
