"""The twin's amends (RULEBOOK 6): other terms, the old place or the back of the level."""

from copy import copy

import msgspec

from exchange.messages.commands import AmendOrder
from exchange.messages.events import CommandRejected, Event, OrderAmended
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, TimeInForce
from tests.properties.twin_endings import ADMITS_CANCEL
from tests.properties.twin_orders import Refusal, TwinOrders
from tests.properties.twin_records import TwinOrder


class TwinAmends(TwinOrders):
    """Orders that become others."""

    def amend(self, command: AmendOrder) -> list[Event]:
        """Run an AmendOrder."""
        refusal = self._whose(command)
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        order = self.orders[command.order_id]
        wanted = self._wanted(order, command)
        is_less = wanted.quantity != order.quantity and self._is_part_of(wanted, order)
        refusal = self._not_now(order, is_less=is_less) or self._wrong(order, wanted, command)
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        stays = self._is_part_of(wanted, order)
        crosses = not stays and self.best_offer(wanted) is not None
        market = self.markets[order.market_id]
        rate = max(market.maker_fee, market.taker_fee) if crosses else market.maker_fee
        needed = wanted.reservation(market, rate) if order.buys else wanted.remaining
        carrier, more = self.lock_change(order, needed)
        refusal = self._cannot_pay(order, more)
        if refusal is None and crosses and order.post_only:
            refusal = Reason.POST_ONLY_WOULD_CROSS, "price"
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        mine = more if carrier is order else 0
        amended = self._become(order, wanted, mine, stays=stays)
        events: list[Event] = [msgspec.structs.replace(amended, resting=not crosses)]
        if carrier is not order:
            events += self.passed_lock(carrier, more)
        if crosses:
            order.in_book = False
            return self.match(order, events, None, crosses=True)
        self.to_net[order.account_id, order.market_id] = None
        return [*events, *self.netting()]

    def _become(
        self, order: TwinOrder, wanted: TwinOrder, more: int, *, stays: bool
    ) -> OrderAmended:
        """Take on the new terms, and lock so much more."""
        assert order.price is not None
        assert wanted.price is not None
        assert wanted.quantity is not None
        amended = OrderAmended(
            order_id=order.id,
            account_id=order.account_id,
            market_id=order.market_id,
            side=order.side,
            outcome=order.outcome,
            previous_price=order.price,
            price=wanted.price,
            quantity=wanted.quantity,
            reserved=more,
            keeps_place=stays,
            resting=True,
            conditions=wanted.conditions,
        )
        if not stays or wanted.quantity != order.quantity:
            self.public_changed(order.market_id)
        self.lock(order, more)
        order.price, order.quantity = wanted.price, wanted.quantity
        order.conditions = wanted.conditions
        order.version += 1
        self.order_changed(order)
        if not stays:
            self.last_place += 1
            order.place = self.last_place
        return amended

    def _whose(self, command: AmendOrder) -> Refusal | None:
        if command.account_id not in self.accounts:
            return Reason.ACCOUNT_NOT_FOUND, ""
        order = self.orders.get(command.order_id)
        if order is None:
            known = 1 <= command.order_id <= self.last_order_id
            return Reason.ORDER_NOT_OPEN if known else Reason.ORDER_NOT_FOUND, "orderId"
        if order.account_id != command.account_id:
            return Reason.NOT_ORDER_OWNER, "orderId"
        return None

    def _wanted(self, order: TwinOrder, command: AmendOrder) -> TwinOrder:
        """Return what the order would be."""
        wanted = copy(order)
        if command.price is not None:
            wanted.price = command.price
        if command.quantity is not None:
            wanted.quantity = command.quantity
        if command.expires_at is not None and order.conditions is not None:
            wanted.conditions = msgspec.structs.replace(
                order.conditions, expires_at=command.expires_at
            )
        return wanted

    def _is_part_of(self, wanted: TwinOrder, order: TwinOrder) -> bool:
        """Return whether only the quantity is another, if anything is, and not more."""
        assert order.quantity is not None
        assert wanted.quantity is not None
        unchanged = (wanted.price, wanted.expires_at) == (order.price, order.expires_at)
        return unchanged and wanted.quantity <= order.quantity

    def _not_now(self, order: TwinOrder, *, is_less: bool) -> Refusal | None:
        market = self.markets[order.market_id]
        if not is_less:
            return self.closed_to(order, market)
        if self.mode is ExchangeMode.HALTED:
            return Reason.EXCHANGE_HALTED, ""
        return None if market.status in ADMITS_CANCEL else (Reason.MARKET_NOT_OPEN, "market")

    def _wrong(self, order: TwinOrder, wanted: TwinOrder, command: AmendOrder) -> Refusal | None:
        market = self.markets[order.market_id]
        assert wanted.price is not None
        assert wanted.quantity is not None
        invalid = Reason.INVALID_ORDER
        trigger = command.trigger_price
        if {command.price, command.quantity, command.expires_at, trigger} == {None}:
            return invalid, ""
        if not 1 <= wanted.price <= 9_999:
            return invalid, "price"
        if not 1 <= wanted.quantity <= 10**10:
            return invalid, "quantity"
        end = command.expires_at
        if end is not None and not 0 < end <= 253_402_300_799_999_999:
            return invalid, "expiresAt"
        if wanted.quantity <= order.filled:
            return invalid, "quantity"
        if end is not None and order.time_in_force is not TimeInForce.GTD:
            return invalid, "expiresAt"
        if trigger is not None:
            return invalid, "triggerPrice"
        if wanted.price % market.tick_size:
            return Reason.OFF_TICK, "price"
        if wanted.quantity != order.quantity and wanted.quantity < market.min_quantity:
            return Reason.BELOW_MIN_QUANTITY, "quantity"
        kept = self._is_part_of(wanted, order)
        too_large = None if kept else self.too_large(wanted, awaits=False)
        return too_large or self._too_late(order, command)

    def _too_late(self, order: TwinOrder, command: AmendOrder) -> Refusal | None:
        end = command.expires_at
        if end is not None and end <= self.now:
            return Reason.EXPIRY_PASSED, "expiresAt"
        if command.expected_version is not None and command.expected_version != order.version:
            return Reason.VERSION_CHANGED, "expectedVersion"
        return None

    def _cannot_pay(self, order: TwinOrder, more: int) -> Refusal | None:
        if order.buys:
            available = self.accounts[order.account_id].available
            return (Reason.INSUFFICIENT_BALANCE, "") if more > available else None
        free = self.holding(order.account_id, order.market_id, order.outcome).free
        return (Reason.INSUFFICIENT_SHARES, "quantity") if more > free else None
