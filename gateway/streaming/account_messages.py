"""One's own messages of one command, live and of the past: what they are and how they are numbered.

    order_placed / order_updated / order_cancelled, order_filled, balance_updated, position_updated

Laws: pure functions of records as the command left them, so that who was away is told the same
bytes by replayed records (`resuming/`) as was told live. Each carries the account's sequence, which
the core has moved by one for each order, the cash and each holding of the account that the command
touched: they are numbered in that order and end at `account.seq`. These three kinds are all that
may move it (`exchange/transitions/marks.py`): the first number is found by counting them back, so a
fourth that isn't counted here would leave a hole in everybody's numbers. A fill follows its order's
message and carries the same number: it tells how that came about.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from exchange.messages.events import TradeExecuted
from exchange.messages.terms import OrderStatus
from exchange.model.accounts import Account, Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from gateway.trading.results import JustPlaced
from gateway.trading.views import (
    BalanceView,
    Fields,
    OrderView,
    OwnFillView,
    PositionView,
    balance_fields,
    order_fields,
    own_fill_fields,
    position_fields,
)

_ENDED_EARLY: Final = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


class OrderMessage(OrderView, frozen=True, gc=False):
    """One's own order after a command touched it; `seq` is that command's."""

    epoch: int
    account_seq: int


class FillMessage(OwnFillView, frozen=True, gc=False):
    """One fill of one's own order; `accountSeq` is that of the order's message before it."""

    epoch: int
    account_seq: int


class BalanceMessage(BalanceView, frozen=True, gc=False):
    """One's own cash after a command changed it."""

    epoch: int
    account_seq: int


class PositionMessage(PositionView, frozen=True, gc=False):
    """One's own shares of an outcome after a command changed them."""

    epoch: int
    account_seq: int


AccountMessage = OrderMessage | FillMessage | BalanceMessage | PositionMessage
Fills = Mapping[int, Sequence[TradeExecuted]]
"""Trades by the order they filled."""


class Stamp(NamedTuple):
    """The command that made the messages, and the engine's epoch that said so."""

    seq: int
    at: int
    epoch: int


def account_messages(
    stamp: Stamp,
    account: Account,
    orders: Sequence[Order],
    holdings: Sequence[Holding],
    fills: Fills,
    markets: Mapping[int, Market],
    placed: JustPlaced | None = None,
) -> list[tuple[str, AccountMessage]]:
    """Return (event, data) of each message of a command to an account that it touched.

    `orders` and `holdings` are the account's that the command touched, in the order in which it
    did. Of markets their ids and slugs are shown, and the account's own position. `placed` is told
    of the order that the command placed.
    """
    told: list[tuple[str, AccountMessage]] = []
    command_seq, at, epoch = stamp
    cash = account.touched == command_seq
    seq = account.seq - len(orders) - len(holdings) - cash
    for order in orders:
        seq += 1
        of_order: Fields = epoch, seq
        market = markets[order.market_id]
        fields = order_fields(order, market)
        if order.placed_seq == command_seq:
            event = "order_placed"
            if placed is not None:
                placed.tell(command_seq, at, fields)
        elif order.status in _ENDED_EARLY:
            event = "order_cancelled"
        else:
            event = "order_updated"
        told.append((event, OrderMessage(*fields, *of_order)))
        for trade in fills.get(order.id, ()):
            is_taker = trade.taker_order_id == order.id
            fee = trade.taker_fee if is_taker else trade.maker_fee
            own = order.id, order.client_order_id, fee
            filled = own_fill_fields(trade, market, at, *own, is_taker=is_taker)
            told.append(("order_filled", FillMessage(*filled, *of_order)))
    if cash:
        seq += 1
        cash_now = balance_fields(account.available, account.locked)
        told.append(("balance_updated", BalanceMessage(*cash_now, epoch, seq)))
    for holding in holdings:
        seq += 1
        of_holding: Fields = epoch, seq
        shares = position_fields(holding, markets[holding.market_id])
        told.append(("position_updated", PositionMessage(*shares, *of_holding)))
    return told
