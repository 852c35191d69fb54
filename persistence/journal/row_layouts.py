"""How one row is laid out for `commit_batch` of migration 0019: fixed-width numbers, big-endian.

Laws: a layout here and the SELECT that reads it change together; 0 stands for "none". Strictly for
speed, a word's code is picked by identity where one of its words is by far the most frequent; what
is picked is checked against `codes` at import. What makes a row due is `batch_rows`.
"""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec
from asyncpg import BitString

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import (
    FundsCredited,
    MarketCreated,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    YES,
    OrderStatus,
    SelfTradePrevention,
    TradeKind,
)
from exchange.model.accounts import Account, Position
from exchange.model.market import Market
from exchange.model.order_book import Order
from persistence.journal.codes import (
    CANCEL_REASON,
    FEE_MODEL,
    MARKET_STATUS,
    MONEY_KIND,
    ORDER_STATUS,
    ORDER_TYPE,
    RESOLUTION,
    SELF_TRADE_PREVENTION,
    TIME_IN_FORCE,
    TRADE_KIND,
)

_NO_ROWS: Final = BitString.frombytes(b"")
_ENCODER: Final = msgspec.json.Encoder()
_pack_order: Final = struct.Struct(">qqqqqqqqqqqqqqHBBBBBBBq").pack
_pack_order_change: Final = struct.Struct(">qqqqqqqqBB").pack
_pack_trade: Final = struct.Struct(">qqqqqqqqqqqqHHBBB").pack
pack_entry: Final = struct.Struct(">qqqqqqqqqqiBB").pack
"""owner_id, command_seq, available, locked, available_after, locked_after, market_id, order_id,
trade_no, at, entry_no, owner, kind"""
pack_id: Final = struct.Struct(">qqqB").pack
"""account_id, command_seq, order_id, kind"""
_pack_account: Final = struct.Struct(">qqqqq").pack
_pack_position: Final = struct.Struct(">qqqqqqqqq").pack
_pack_market: Final = struct.Struct(">qqqqqqHHBB").pack

_OPEN: Final = OrderStatus.OPEN
_FILLED: Final = OrderStatus.FILLED
_CANCEL_TAKER: Final = SelfTradePrevention.CANCEL_TAKER
_MINT: Final = TradeKind.MINT


class ListedMarket(msgspec.Struct, frozen=True):
    """The terms of a new market, named as their columns are."""

    id: int
    slug: str
    question: str
    description: str
    category: str
    close_time: int
    tick_size: int
    min_quantity: int
    maker_fee: int
    taker_fee: int
    fee_model: int
    created_at: int


class AmendedOrder(msgspec.Struct, frozen=True):
    """What of an order only an amend changes, or a trigger, named as its columns are."""

    id: int
    price: int
    quantity: int
    place: int
    version: int
    conditions: OrderConditions | None


class ResolvedMarket(msgspec.Struct, frozen=True):
    """Where a resolution was read."""

    id: int
    source: str


class SettledPosition(msgspec.Struct, frozen=True):
    """What became of an account's shares at the resolution of their market."""

    account_id: int
    command_seq: int
    market_id: int
    yes_quantity: int
    no_quantity: int
    payout: int
    at: int


class MovedMoney(msgspec.Struct, frozen=True):
    """Why money of an account moved outside the book, by which command."""

    account_id: int
    command_seq: int
    reason: str
    kind: int


def packed(rows: list[bytes]) -> BitString:
    """Join rows into one parameter."""
    return BitString.frombytes(b"".join(rows)) if rows else _NO_ROWS


def as_json(rows: Sequence[msgspec.Struct]) -> str:
    """Write rows that hardly any batch has into one parameter."""
    return _ENCODER.encode(rows).decode() if rows else "[]"


def text_list(texts: Sequence[str | None]) -> str:
    """Join ids into one parameter, a line each, an empty one for none: asyncpg takes seven times as
    long for an array of them.
    """
    return "\n".join([text or "" for text in texts])


def order_row(order: Order) -> bytes:
    """A new order, as it stands at the end of the batch."""
    status, reason = order.status, order.cancel_reason
    kind, tif, prevention = order.type, order.time_in_force, order.self_trade_prevention
    return _pack_order(
        order.id,
        order.account_id,
        order.market_id,
        order.quantity or 0,
        order.max_cost or 0,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.locked,
        order.placed_seq,
        order.seq,
        order.created_at,
        order.updated_at,
        order.price or 0,
        1 if order.side is BUY else 2,
        1 if order.outcome is YES else 2,
        1 if kind is LIMIT else ORDER_TYPE[kind],
        1 if tif is GTC else TIME_IN_FORCE[tif],
        1 if prevention is _CANCEL_TAKER else SELF_TRADE_PREVENTION[prevention],
        3 if status is _FILLED else 1 if status is _OPEN else ORDER_STATUS[status],
        0 if reason is None else CANCEL_REASON[reason],
        order.place,
    )


def order_change(order: Order) -> bytes:
    """What an older order has become."""
    status, reason = order.status, order.cancel_reason
    return _pack_order_change(
        order.id,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.locked,
        order.seq,
        order.updated_at,
        3 if status is _FILLED else ORDER_STATUS[status],
        0 if reason is None else CANCEL_REASON[reason],
    )


def amended_order(order: Order) -> AmendedOrder:
    """An order that was amended, in this batch or before, or that waits or waited for a price."""
    price, quantity = order.price or 0, order.quantity or 0
    return AmendedOrder(order.id, price, quantity, order.place, order.version, order.conditions)


def trade_row(trade: TradeExecuted, execution: Execution) -> bytes:
    """A trade, with the command that it belongs to."""
    kind = trade.kind
    return _pack_trade(
        trade.market_id,
        trade.trade_no,
        execution.seq,
        trade.market_seq,
        trade.quantity,
        trade.taker_order_id,
        trade.taker_account_id,
        trade.taker_fee,
        trade.maker_order_id,
        trade.maker_account_id,
        trade.maker_fee,
        execution.at,
        trade.price,
        trade.yes_price,
        2 if kind is _MINT else TRADE_KIND[kind],
        1 if trade.side is BUY else 2,
        1 if trade.outcome is YES else 2,
    )


def account_row(account: Account) -> bytes:
    """An account, new or changed."""
    return _pack_account(
        account.id, account.opened_seq, account.available, account.locked, account.seq
    )


def position_row(position: Position) -> bytes:
    """Both outcomes of one account in one market."""
    yes, no = position.yes, position.no
    return _pack_position(
        yes.account_id,
        yes.market_id,
        yes.free,
        yes.locked,
        yes.cost,
        no.free,
        no.locked,
        no.cost,
        position.realised,
    )


def market_row(market: Market) -> bytes:
    """What changes of a market."""
    return _pack_market(
        market.id,
        market.collateral,
        market.seq,
        market.trade_no,
        market.volume,
        market.resolved_at or 0,
        market.last_price or 0,
        market.yes_payout or 0,
        MARKET_STATUS[market.status],
        0 if market.resolution is None else RESOLUTION[market.resolution],
    )


def listed_market(event: MarketCreated, at: int) -> ListedMarket:
    """The terms that a market begins with."""
    return ListedMarket(
        event.market_id,
        event.slug,
        event.question,
        event.description,
        event.category,
        event.close_time,
        event.tick_size,
        event.min_quantity,
        event.maker_fee,
        event.taker_fee,
        FEE_MODEL[event.fee_model],
        at,
    )


def settled_position(event: PositionSettled, execution: Execution) -> SettledPosition:
    """A position that was settled, with the command that did it."""
    return SettledPosition(
        event.account_id,
        execution.seq,
        event.market_id,
        event.yes_quantity,
        event.no_quantity,
        event.payout,
        execution.at,
    )


def moved_money(
    event: FundsCredited | FundsDebited | CashTransferred, seq: int
) -> list[MovedMoney]:
    """Whose money the command `seq` moved outside the book, and why; each account once."""
    if isinstance(event, CashTransferred):
        parties = dict.fromkeys(
            account_id for leg in event.legs for account_id in (leg.payer_id, leg.payee_id)
        )
    else:
        parties = {event.account_id: None}
    kind = MONEY_KIND[event.kind]
    return [MovedMoney(account_id, seq, event.reason, kind) for account_id in sorted(parties)]


def _check_codes() -> None:
    """The codes picked by identity above are those of `codes`."""
    picked = (
        (ORDER_TYPE[LIMIT], 1),
        (TIME_IN_FORCE[GTC], 1),
        (SELF_TRADE_PREVENTION[_CANCEL_TAKER], 1),
        (ORDER_STATUS[_OPEN], 1),
        (ORDER_STATUS[_FILLED], 3),
        (TRADE_KIND[_MINT], 2),
    )
    if any(code != number for code, number in picked) or PRICE_SCALE >= 2**15:
        raise InvariantViolated("row_layouts: a code or a width doesn't fit")


_check_codes()
