"""The account that quotes what the tape shows, in the model `trades`.

Laws: all it does concerns its own orders, which rest, so nobody trades by it. What the tape shows
less of is taken from behind the trader, what it shows more of is put there.
"""

from collections.abc import Sequence
from typing import Final

from exchange.engine import Engine
from exchange.messages.bounds import QUANTITY_MAX
from exchange.messages.commands import AmendOrder, CancelOrder, Command, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import CommandRejected, OrderPlaced
from exchange.messages.terms import BUY, GTC, LIMIT, SelfTradePrevention
from exchange.model.order_book import Order
from gateway.research.backtest.tape_market import TapeMarket, WorldSide
from gateway.research.strategy import Level

QUOTING: Final = 1
"""The account."""
_POST_ONLY: Final = OrderConditions(post_only=True)
_PREVENTION: Final = SelfTradePrevention.CANCEL_TAKER


class Quoting:
    """Brings what the world offers to what is shown."""

    def __init__(self, engine: Engine) -> None:
        self._execute = engine.execute
        self._orders = engine.state.orders

    def drop(self, at: int, side: WorldSide, levels: Sequence[Level]) -> None:
        """Take the world's orders away at prices that aren't shown any more; those that are out of
        sight stay where the trader waits behind them.
        """
        shown, lost = side.shown, side.lost
        if not lost and len(shown) == len(levels):
            for level in levels:
                if level.price not in shown:
                    break
            else:
                return
        kept = {level.price for level in levels}
        for price in [price for price in (*shown, *lost) if price not in kept]:
            orders = shown.pop(price, None) or lost.pop(price, [])
            is_beyond = bool(levels) and (price < levels[-1].price) is side.is_bid
            if is_beyond and self._is_waited_behind(orders):
                lost[price] = orders
            else:
                side.note_gone(price, self.withdraw(at, orders))

    @staticmethod
    def _is_waited_behind(orders: list[Order]) -> bool:
        """Say whether others rest at the price of the world's orders: the trader."""
        own = [order.level for order in orders if order.level is not None]
        return bool(own) and own[0].count > len(own)

    def show(self, at: int, market: TapeMarket, side: WorldSide, levels: Sequence[Level]) -> None:
        """Bring what the world offers at each price to what is shown."""
        shown, gone = side.shown, side.gone
        for level in levels:
            price, quantity = level.price, level.quantity
            orders = shown.get(price)
            if orders is None:
                orders = shown[price] = side.lost.pop(price, [])
            there = 0
            for order in orders:
                there += order.remaining
            if there > quantity:
                gone[price] = gone.get(price, 0) + there - quantity
                self._lessen(at, orders, there - quantity)
            elif there < quantity:
                self._add(at, market, side, orders, price, quantity - there)

    def _lessen(self, at: int, orders: list[Order], surplus: int) -> None:
        """Take `surplus` away, the newest first: what is ahead of the trader stays longest."""
        while surplus > 0:
            order = orders[-1]
            remaining = order.remaining
            if remaining > surplus:
                total = (order.quantity or 0) - surplus
                self._do(at, AmendOrder(QUOTING, order.key, None, total))
                return
            surplus -= remaining
            orders.pop()
            self._do(at, CancelOrder(QUOTING, order.key))

    def _add(
        self,
        at: int,
        market: TapeMarket,
        side: WorldSide,
        orders: list[Order],
        price: int,
        quantity: int,
    ) -> None:
        """Put `quantity` at the back of a price. Where the trader waits it is an order of its own,
        behind the trader's; else the one that is there grows.
        """
        # Who came first traded first.
        while orders and orders[0].level is None:
            del orders[0]
        if orders:
            newest = orders[-1]
            total, level = (newest.quantity or 0) + quantity, newest.level
            # It may go to the back if it is there, or if the trader isn't behind it.
            may_grow = level is not None and (level.tail is newest or level.count == len(orders))
            if may_grow and total <= QUANTITY_MAX:
                self._do(at, AmendOrder(QUOTING, newest.key, None, total))
                return
        placed = self._execute(
            at,
            PlaceOrder(
                QUOTING,
                market.id,
                BUY,
                side.outcome,
                LIMIT,
                side.own_price(price),
                quantity,
                GTC,
                _PREVENTION,
                None,
                None,
                None,
                _POST_ONLY,
            ),
        ).events[0]
        # Else it would cross an order of the trader's: not shown until that is out of the way.
        if type(placed) is OrderPlaced:
            orders.append(self._orders[placed.order_id])

    def withdraw(self, at: int, orders: list[Order]) -> int:
        """Take the world's orders away; return their quantity."""
        gone = 0
        for order in orders:
            if remaining := order.remaining:
                gone += remaining
                self._do(at, CancelOrder(QUOTING, order.key))
        return gone

    def _do(self, at: int, command: Command) -> None:
        """Run a command about an order of the world's own: nothing of it is the trader's to
        hear.
        """
        event = self._execute(at, command).events[0]
        if type(event) is CommandRejected:
            raise InvariantViolated(f"{type(command).__name__} was refused: {event}")
