"""What one's own things look like on the wire: orders, fills, balances and positions.

Pure functions from the core's objects to structs that msgspec encodes as they stand; REST answers
and Socket.IO messages share them. Markets, books and the public tape are in `markets/views.py`, an
account's escrow, ledger and portfolio in `portfolio/views.py`.

Laws: ids are decimal strings, prices, quantities and money decimal strings of fixed places, times
ISO-8601 with milliseconds and "Z"; sequences and checksums are integers. Nothing public names an
account, an order or an e-mail address of anybody.
"""

from typing import Any, Final, Literal, TypeVar

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.events import TradeExecuted
from exchange.messages.terms import (
    BUY,
    NO,
    SELL,
    YES,
    CancelReason,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradeKind,
    TriggerBy,
)
from exchange.messages.units import format_money
from exchange.model.accounts import Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.http.request import AsOf
from gateway.markets.views import Print, TradeView, trade_fields, trade_id
from gateway.wire.scalars import iso_millis, money_text, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct

T = TypeVar("T")

Fields = tuple[Any, ...]
"""Of a view, in its order."""

QUEUE_STEPS: Final = 10_000
"""Orders that are looked at for a place in the queue, in each direction."""
TAKER: Final = "TAKER"
MAKER: Final = "MAKER"
TradeRole = Literal["TAKER", "MAKER"]


class OrderView(AnswerStruct, frozen=True, gc=False):
    """One's own order. `quantity` is null with `maxCost`; `remaining` then is "0.00".

    `locked` is its reservation: credits for BUY, shares for SELL. `averagePrice` is what it traded
    at so far, null before its first fill. `seq` is the command that changed it last. `expiresAt` is
    null but for GTD, `worstPrice` but for MARKET. `version` counts its amends. `triggerPrice` and
    `triggerBy` are those of an order that waits or waited for a price, `ocoOrderId` is the one that
    it cancels when it trades or is triggered, and the other way round. `groupId` is the order group
    that it counts in.
    """

    id: str
    client_order_id: str | None
    market_id: str
    slug: str
    side: Side
    outcome: Outcome
    type: OrderType
    price: str | None
    quantity: str | None
    max_cost: str | None
    filled: str
    remaining: str
    average_price: str | None
    fees: str
    locked: str
    status: OrderStatus
    cancel_reason: CancelReason | None
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    expires_at: str | None
    post_only: bool
    worst_price: str | None
    reduce_only: bool
    trigger_price: str | None
    trigger_by: TriggerBy | None
    oco_order_id: str | None
    group_id: str | None
    version: int
    created_at: str
    updated_at: str
    seq: int


class QueuePosition(AnswerStruct, frozen=True, gc=False):
    """What stands before a resting order at its own price: so many orders, so much quantity."""

    orders: int
    quantity: str


class OwnOrderView(OrderView, frozen=True, gc=False):
    """One's own order as it stands now. `queuePosition` is there while it rests in a book."""

    queue_position: QueuePosition | msgspec.UnsetType = msgspec.UNSET


class FillView(TradeView, frozen=True, gc=False):
    """A trade as one of its two sides sees it: which order of theirs it was, and the fee paid."""

    order_id: str
    role: TradeRole
    fee: str


class OwnFillView(FillView, frozen=True, gc=False):
    """One fill of one's own order: `outcome`, `side` and `price` are that order's.

    `tradeId` is the same as `id`.
    """

    client_order_id: str | None
    trade_id: str


class BalanceView(AnswerStruct, frozen=True, gc=False):
    """Credits: free to use, locked by open orders, and both together."""

    available: str
    locked: str
    total: str


class PositionView(AnswerStruct, frozen=True, gc=False):
    """Shares of one outcome. `realisedProfit` is the whole market's, both outcomes, fees apart."""

    market_id: str
    slug: str
    outcome: Outcome
    quantity: str
    free: str
    locked: str
    average_price: str | None
    cost: str
    realised_profit: str


def average_price(cash: int, quantity: int) -> str | None:
    """Return cash / quantity as a price, rounded half up to 4 places; None for no quantity."""
    if quantity == 0:
        return None
    return price_text((2 * cash + quantity) // (2 * quantity))


def order_view(order: Order, market: Market) -> OrderView:
    """Return an order as its owner sees it."""
    return OrderView(*order_fields(order, market))


def own_order_view(order: Order, market: Market) -> OwnOrderView:
    """Return an order with its place in the queue; `order` is the view's if it is open."""
    fields = (*order_fields(order, market), queue_position(order) or msgspec.UNSET)
    return OwnOrderView(*fields)


def queue_position(order: Order) -> QueuePosition | None:
    """Return what stands before an order at its price; None for one that doesn't rest.

    O(orders before or behind it, whichever are fewer); in a queue of so many that neither end is
    near, none is told.
    """
    level = order.level
    if level is None:
        return None
    ahead, behind = order.previous, order.next
    before = after = steps = 0
    while ahead is not None and behind is not None:
        before, after = before + ahead.remaining, after + behind.remaining
        ahead, behind = ahead.previous, behind.next
        steps += 1
        if steps > QUEUE_STEPS:
            return None
    if ahead is None:
        return QueuePosition(steps, quantity_text(before))
    # The end was nearer: what is before is all but this order and what is behind.
    orders = level.count - steps - 1
    return QueuePosition(orders, quantity_text(level.quantity - after - order.remaining))


def order_fields(order: Order, market: Market) -> Fields:
    """Return the fields of an `OrderView`, for whoever adds some."""
    price, quantity, max_cost = order.price, order.quantity, order.max_cost
    locked, rare = order.locked, order.conditions
    created_at = iso_millis(order.created_at)
    return (
        str(order.id),
        order.client_order_id,
        str(order.market_id),
        market.slug,
        order.side,
        order.outcome,
        order.type,
        None if price is None else price_text(price),
        None if quantity is None else quantity_text(quantity),
        None if max_cost is None else money_text(max_cost),
        quantity_text(order.filled),
        quantity_text(order.remaining),
        average_price(order.filled_cash, order.filled),
        money_text(order.fees_paid),
        money_text(locked) if order.side is BUY else quantity_text(locked),
        order.status,
        order.cancel_reason,
        order.time_in_force,
        order.self_trade_prevention,
        None if rare is None or rare.expires_at is None else iso_millis(rare.expires_at),
        rare is not None and rare.post_only,
        None if rare is None or rare.worst_price is None else price_text(rare.worst_price),
        rare is not None and rare.reduce_only,
        None if rare is None or rare.trigger_price is None else price_text(rare.trigger_price),
        None if rare is None or rare.trigger_price is None else rare.trigger_by,
        None if rare is None or rare.partner is None else str(rare.partner),
        None if rare is None else rare.group,
        order.version,
        created_at,
        created_at if order.updated_at == order.created_at else iso_millis(order.updated_at),
        order.seq,
    )


def taker_fill_view(trade: TradeExecuted, market: Market, at: int) -> FillView:
    """Return a trade as its taker sees it."""
    own = str(trade.taker_order_id), TAKER, money_text(trade.taker_fee)
    fields = (*trade_fields(trade, market, at), *own)
    return FillView(*fields)


def own_leg(trade: Print, *, is_taker: bool) -> tuple[Outcome, Side, int]:
    """Return outcome, side and price of the taker's or of the maker's own order in a trade.

    A pair that is made or given up has both outcomes, whose prices add up to one credit.
    """
    outcome, side, price = trade.outcome, trade.side, trade.price
    if is_taker:
        return outcome, side, price
    if trade.kind is TradeKind.TRANSFER:
        return outcome, SELL if side is BUY else BUY, price
    return NO if outcome is YES else YES, side, PRICE_SCALE - price


def own_fill_view(
    trade: Print,
    market: Market,
    at: int,
    order_id: int,
    client_order_id: str | None,
    fee: int,
    *,
    is_taker: bool,
) -> OwnFillView:
    """Return a trade, executed at `at` (microseconds), as one of its two sides sees it."""
    fields = own_fill_fields(trade, market, at, order_id, client_order_id, fee, is_taker=is_taker)
    return OwnFillView(*fields)


def own_fill_fields(
    trade: Print,
    market: Market,
    at: int,
    order_id: int,
    client_order_id: str | None,
    fee: int,
    *,
    is_taker: bool,
) -> Fields:
    """Return the fields of an `OwnFillView`, for whoever adds some."""
    outcome, side, price = own_leg(trade, is_taker=is_taker)
    id_ = trade_id(trade.market_id, trade.trade_no)
    return (
        id_,
        trade.trade_no,
        str(trade.market_id),
        market.slug,
        outcome,
        side,
        price_text(price),
        price_text(trade.yes_price),
        quantity_text(trade.quantity),
        trade.kind,
        trade.market_seq,
        iso_millis(at),
        str(order_id),
        TAKER if is_taker else MAKER,
        money_text(fee),
        client_order_id,
        id_,
    )


class ReadMark(msgspec.Struct, frozen=True):
    """How far the view had come when a read of an account began."""

    seq: int
    account_seq: int

    def on(self, result: T) -> AsOf[T]:
        """Return what was read, with its mark."""
        return AsOf(result, self.seq, self.account_seq)


def read_mark(view: State, account_id: int) -> ReadMark:
    """Return the mark of a read that begins now; to be taken before the store is asked."""
    account = view.accounts.get(account_id)
    return ReadMark(view.seq, 0 if account is None else account.seq)


def balance_view(available: int, locked: int) -> BalanceView:
    """Return an account's cash, given in money units."""
    return BalanceView(*balance_fields(available, locked))


def balance_fields(available: int, locked: int) -> tuple[str, str, str]:
    """Return the fields of a `BalanceView`; not remembered, for hardly any comes again."""
    return format_money(available), format_money(locked), format_money(available + locked)


def position_view(holding: Holding, market: Market) -> PositionView:
    """Return an account's shares of one outcome."""
    return PositionView(*position_fields(holding, market))


def position_fields(holding: Holding, market: Market) -> Fields:
    """Return the fields of a `PositionView`, for whoever adds some."""
    quantity = holding.quantity
    position = market.positions.get(holding.account_id)
    return (
        str(market.id),
        market.slug,
        holding.outcome,
        quantity_text(quantity),
        quantity_text(holding.free),
        quantity_text(holding.locked),
        average_price(holding.cost, quantity),
        money_text(holding.cost),
        money_text(0 if position is None else position.realised),
    )
