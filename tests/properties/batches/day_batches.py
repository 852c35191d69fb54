"""Batches of a random market day: quotes replaced, takers with something behind them, and whatever
comes, by account.
"""

from collections.abc import Callable
from typing import cast

import msgspec

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelOrder,
    Command,
    NamedOrder,
    Operation,
    PlaceOrder,
)
from exchange.messages.terms import OrderType, Outcome, Side, TimeInForce
from tests.properties.choosing import Chooser
from tests.properties.day_orders import ACCOUNTS, IDS, NOBODY
from tests.properties.twin import less_its_system_id
from tests.properties.twin_records import TwinOrder
from tests.properties.twin_terms import is_system
from tests.properties.waiting.day_waiting import DayWaiting

MOST = 50


class DayBatches(DayWaiting):
    """Makes batches that suit the state of the twin."""

    def batch(self, choose: Chooser) -> Command:
        """Send several operations of one account."""
        account_id = choose.one_of(ACCOUNTS) if choose.number(0, 49) else NOBODY
        kind = choose.number(0, 99)
        crossing = self.cross(choose)
        if kind < 40 and isinstance(crossing, PlaceOrder):
            # Of whoever has the means.
            account_id = crossing.account_id
        all_or_none = choose.number(0, 4) > 1
        count = MOST if kind == 0 else choose.number(*((0, 3) if all_or_none else (2, 6)))
        operations: list[Operation]
        operations = [self._operation(choose, account_id) for _ in range(count)]
        if kind < 40 or not operations:
            # Something trades first ...
            operations.insert(0, self._of(choose, account_id, crossing))
        if 40 <= kind < 44:
            # More than may be open.
            operations += [self._small(choose, account_id) for _ in range(6)]
        if 44 <= kind < 54:
            operations.insert(0, self._again(choose, account_id))
        if 8 <= kind < 40:
            # ... and something can't be done after that.
            operations.append(CancelOrder(account_id, choose.one_of((0, 10**6))))
        if kind == 99:
            stranger = CancelOrder(account_id + 1, 1)
            operations = choose.one_of((operations[:0], operations * MOST, [*operations, stranger]))
        request_id = choose.one_of((None, None, choose.one_of(IDS) + str(choose.number(0, 99))))
        command = BatchOrders(account_id, tuple(operations), all_or_none, request_id)
        if request_id is not None:
            self._named.append(command)
        return command

    def _small(self, choose: Chooser, account_id: int) -> Operation:
        """Bid next to nothing, so that it rests."""
        order = self._of(choose, account_id, self.place(choose))
        if isinstance(order, PlaceOrder):
            market = self.twin.markets.get(order.market_id)
            price = 100 if market is None else market.tick_size
            limit = (Side.BUY, choose.one_of(list(Outcome)), OrderType.LIMIT, price, 20)
            return PlaceOrder(account_id, order.market_id, *limit, TimeInForce.GTC)
        return order

    def _again(self, choose: Chooser, account_id: int) -> Operation:
        """Place an order under an id that was used, mostly the same one."""
        named = [one for one in self._named[-60:] if isinstance(one, PlaceOrder)]
        mine = [one for one in named if one.account_id == account_id and not is_system(one)]
        if not mine:
            return self._operation(choose, account_id)
        order = choose.one_of(mine)
        if choose.number(0, 4) == 0:
            return msgspec.structs.replace(order, quantity=choose.number(1, 500))
        return order

    def _operation(self, choose: Chooser, account_id: int) -> Operation:
        kind = choose.number(0, 19)
        if kind < 6:
            return self._of(choose, account_id, self._anything(choose, self.place))
        if kind < 8:
            return self._of(choose, account_id, self._anything(choose, self.wait))
        if kind < 10:
            return self._of(choose, account_id, self._anything(choose, self.cross))
        mine = [o for o in self.twin.orders.values() if o.account_id == account_id]
        if kind < 14 and mine:
            order = choose.one_of(mine)
            amend = self.amend_pending_of if order.is_pending else self.amend_of
            return self._of(choose, account_id, amend(choose, order))
        if kind < 16:
            return self._by_name(choose, account_id, mine)
        # Of this account, or the next that will be placed: perhaps in this very batch.
        following = self.twin.last_order_id + choose.number(1, 3)
        order_ids = [order.id for order in mine] if choose.number(0, 2) else [following]
        order_id = choose.one_of(order_ids or [following])
        if kind == 16:
            return AmendOrder(account_id, order_id, quantity=choose.number(1, 90))
        return CancelOrder(account_id, order_id)

    def _by_name(self, choose: Chooser, account_id: int, mine: list[TwinOrder]) -> Operation:
        names = [o.client_order_id for o in mine if o.client_order_id is not None]
        name = choose.one_of([*names, choose.one_of(IDS) + str(choose.number(0, 999))])
        if choose.number(0, 1):
            return NamedOrder(account_id, name, CancelOrder(account_id, 0))
        return NamedOrder(
            account_id, name, AmendOrder(account_id, 0, quantity=choose.number(1, 90))
        )

    def _anything(self, choose: Chooser, maker: Callable[[Chooser], Command]) -> Command:
        command = maker(choose)
        if isinstance(command, PlaceOrder) and choose.number(0, 4) == 0:
            name = choose.one_of(IDS) + str(choose.number(0, 999))
            return msgspec.structs.replace(command, client_order_id=name)
        return command

    def _of(self, choose: Chooser, account_id: int, command: Command) -> Operation:
        """Let a command be of the batch's account."""
        operation = cast("Operation", command)
        operation = msgspec.structs.replace(operation, account_id=account_id)
        if isinstance(operation, PlaceOrder) and is_system(operation) and choose.number(0, 9):
            operation = less_its_system_id(operation)
        if isinstance(operation, PlaceOrder) and operation.client_order_id is not None:
            self._named.append(operation)
        return operation
