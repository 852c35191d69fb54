"""How the twin's orders end before they are filled: by their owner, or by their time."""

from exchange.messages.admin.commands import ForceCancel
from exchange.messages.commands import CancelAll, CancelOrder, ExpireOrder
from exchange.messages.events import CommandRejected, Event, OrdersCancelled
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, ExchangeMode
from tests.properties.twin_memory import TwinMemory
from tests.properties.twin_records import DRAFT, HALTED, OPEN, POST_ONLY

ADMITS_CANCEL = {DRAFT, OPEN, POST_ONLY, HALTED}


class TwinEndings(TwinMemory):
    """Everything that takes orders out."""

    def expire(self, command: ExpireOrder) -> list[Event]:
        """Run an ExpireOrder."""
        order = self.orders.get(command.order_id)
        if order is None:
            return [CommandRejected(Reason.ORDER_NOT_OPEN, "orderId", "")]
        if order.expires_at is None or order.expires_at > self.now:
            return [CommandRejected(Reason.INVALID_ORDER, "orderId", "")]
        return [self.end(order, CancelReason.EXPIRED), *self.netting()]

    def cancel(self, command: CancelOrder) -> list[Event]:
        """Run a CancelOrder."""
        if command.account_id not in self.accounts:
            return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "")]
        order = self.orders.get(command.order_id)
        if order is None:
            known = 1 <= command.order_id <= self.last_order_id
            reason = Reason.ORDER_NOT_OPEN if known else Reason.ORDER_NOT_FOUND
            return [CommandRejected(reason, "orderId", "")]
        if order.account_id != command.account_id:
            return [CommandRejected(Reason.NOT_ORDER_OWNER, "orderId", "")]
        if self.mode is ExchangeMode.HALTED:
            return [CommandRejected(Reason.EXCHANGE_HALTED, "", "")]
        if self.markets[order.market_id].status not in ADMITS_CANCEL:
            return [CommandRejected(Reason.MARKET_NOT_OPEN, "market", "")]
        return [self.end(order, CancelReason.USER), *self.netting()]

    def force_cancel(self, command: ForceCancel) -> list[Event]:
        """Run a ForceCancel."""
        order = self.orders.get(command.order_id)
        if order is None:
            known = 1 <= command.order_id <= self.last_order_id
            reason = Reason.ORDER_NOT_OPEN if known else Reason.ORDER_NOT_FOUND
            return [CommandRejected(reason, "orderId", "")]
        return [self.end(order, CancelReason.ADMIN), *self.netting()]

    def cancel_all(self, command: CancelAll) -> list[Event]:
        """Run a CancelAll."""
        if command.account_id not in self.accounts:
            return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "")]
        if command.market_id is not None and command.market_id not in self.markets:
            return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "")]
        if command.group and (command.account_id, command.group) not in self.groups:
            return [CommandRejected(Reason.GROUP_NOT_FOUND, "groupId", "")]
        if self.mode is ExchangeMode.HALTED:
            return [CommandRejected(Reason.EXCHANGE_HALTED, "", "")]
        admitting = [m.id for m in self.markets.values() if m.status in ADMITS_CANCEL]
        if command.market_id is not None:
            if command.market_id not in admitting:
                return [CommandRejected(Reason.MARKET_NOT_OPEN, "market", "")]
            admitting = [command.market_id]
        mine = [
            order
            for order in self.orders.values()
            if order.account_id == command.account_id
            and order.market_id in admitting
            and (command.side is None or order.side is command.side)
            and (command.outcome is None or order.outcome is command.outcome)
            and (command.group is None or order.group == command.group)
        ]
        events = [self.end(order, CancelReason.USER) for order in mine]
        summary = OrdersCancelled(command.account_id, command.market_id, len(mine))
        return [*events, *self.netting(), summary]
