"""One account's records while it is replayed, and what the events do to them in common.

Laws: the records are the model's and their arithmetic is that of `exchange/transitions`; each is
touched where it is touched there (`transitions/marks.py`), once a command, and noted in that order.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.messages.events import TradeExecuted
from exchange.messages.terms import BUY, NO, YES, OrderStatus
from exchange.model.accounts import Account, Holding, Position
from exchange.model.order_book import Order, own_price
from exchange.transitions.order_transitions import realise

_FILLED: Final = OrderStatus.FILLED


class AccountRecords:
    """One account, and what the command at hand touched of it.

    `orders`, `holdings` and `fills` (trades by the order that they filled) are that command's; an
    order that ended has left `account`, and keeps its last values there.
    """

    __slots__ = ("account", "fills", "holdings", "now", "orders", "seq")

    def __init__(self, account_id: int) -> None:
        """Begin before the account is opened."""
        self.account = Account(account_id, opened_seq=0)
        self.seq = 0
        self.now = 0
        self.orders: list[Order] = []
        self.holdings: list[Holding] = []
        self.fills: dict[int, list[TradeExecuted]] = {}

    # -- marks, as in `transitions/marks.py` ----------------------------------------------------

    def touch_order(self, order: Order) -> None:
        """The order changed."""
        if order.seq != self.seq:
            order.seq = self.seq
            order.updated_at = self.now
            self.account.seq += 1
            self.orders.append(order)

    def touch_cash(self) -> None:
        """The cash changed."""
        if self.account.touched != self.seq:
            self.account.touched = self.seq
            self.account.seq += 1

    def touch_holding(self, holding: Holding) -> None:
        """The shares changed."""
        if holding.touched != self.seq:
            holding.touched = self.seq
            self.account.seq += 1
            self.holdings.append(holding)

    # -- what several events do -----------------------------------------------------------------

    def move_cash(self, amount: int) -> None:
        """Add to the available cash; below 0: take."""
        self.account.available += amount
        self.touch_cash()

    def unlock(self, order: Order, amount: int) -> None:
        """Give back what an order gave up of its reservation; below 0: take it."""
        if not amount:
            return
        if order.side is BUY:
            self.account.locked -= amount
            self.account.available += amount
            self.touch_cash()
        else:
            holding = self.account.positions[order.market_id].holding(order.outcome)
            holding.locked -= amount
            holding.free += amount
            self.touch_holding(holding)

    def position(self, market_id: int) -> Position:
        """Return the shares of a market, an empty position before the first."""
        position = self.account.positions.get(market_id)
        if position is None:
            yes, no = (Holding(self.account.id, market_id, outcome) for outcome in (YES, NO))
            position = self.account.positions[market_id] = Position(yes, no)
        return position

    def fill(
        self, trade: TradeExecuted, order_id: int, unlocked: int, fee: int, carry: int
    ) -> None:
        """Let one of its orders trade."""
        account, order, quantity = self.account, self.account.orders[order_id], trade.quantity
        position = self.position(order.market_id)
        holding = position.holding(order.outcome)
        amount = quantity * own_price(order.outcome, trade.yes_price)
        if order.side is BUY:
            account.locked -= unlocked
            account.available += unlocked - amount - fee
            holding.free += quantity
            holding.cost += amount
        else:
            cost = holding.cost_of(quantity)
            holding.locked -= quantity
            holding.cost -= cost
            realise(position, amount - cost)
            account.available += amount - fee
        order.fill(quantity, amount, unlocked, fee, carry)
        self.touch_order(order)
        self.touch_cash()
        self.touch_holding(holding)
        self.fills.setdefault(order_id, []).append(trade)
        if order.status is _FILLED:
            del account.orders[order_id]

    def mark_due(self, order_ids: Sequence[int], *, due: bool) -> None:
        """Note of its own among these orders whether they are due."""
        for order_id in order_ids:
            order = self.account.orders.get(order_id)
            if order is not None and order.conditions is not None:
                order.conditions = msgspec.structs.replace(order.conditions, due=due)
                self.touch_order(order)
