"""The twin's pairs of which one cancels the other (RULEBOOK 14): who ends with whom, and on which
of the two the lock of both stands.
"""

from exchange.messages.events import Event, OrderCancelled
from exchange.messages.terms import CancelReason
from exchange.messages.waiting_events import LockPassed
from tests.properties.limits.twin_limits import TwinLimits
from tests.properties.twin_records import TwinOrder


class TwinPairs(TwinLimits):
    """What the end of one order means to another."""

    def end(self, order: TwinOrder, reason: CancelReason) -> Event:
        """Cancel an open order; the other of its pair takes over what is locked."""
        ended = super().end(order, reason)
        partner = self.open_partner(order)
        if partner is not None:
            self.passed[order.id] = self.cut_lock(partner)
        return ended

    def with_passed_locks(self, events: list[Event]) -> list[Event]:
        """Return the command's events, and behind each end what passed to the other of the pair."""
        whole: list[Event] = []
        for event in events:
            whole.append(event)
            if isinstance(event, OrderCancelled):
                whole += self.passed.pop(event.order_id, [])
        self.passed.clear()
        return whole

    def open_partner(self, order: TwinOrder) -> TwinOrder | None:
        """Return the other order of the pair, if there is one and it is open."""
        partner = order.conditions.partner if order.conditions else None
        return None if partner is None else self.orders.get(partner)

    def ended_partner(self, order: TwinOrder) -> list[Event]:
        """End the other one, because this one is about to trade or to be triggered."""
        partner = self.open_partner(order)
        return [] if partner is None else [self.end(partner, CancelReason.OCO)]

    def lock_change(self, order: TwinOrder, need: int) -> tuple[TwinOrder, int]:
        """Return whose lock changes, and by how much, if the order needs so much from now on."""
        partner = self.open_partner(order)
        if partner is None:
            return order, need - order.locked
        first = min(order, partner, key=lambda leg: leg.id)
        return first, max(need, self.need_of(partner)) - first.locked

    def cut_lock(self, order: TwinOrder) -> list[Event]:
        """Let the order, or its pair, lock what is needed now."""
        return self.passed_lock(*self.lock_change(order, self.need_of(order)))

    def passed_lock(self, order: TwinOrder, more: int) -> list[Event]:
        """Let an order lock so much more, or less."""
        if more == 0:
            return []
        self.lock(order, more)
        self.order_changed(order)
        return [LockPassed(order.id, order.account_id, order.market_id, order.side, more)]

    def need_of(self, order: TwinOrder) -> int:
        """Return what an open order would lock if it were alone."""
        if order.is_pending:
            return self.pending_need(order)
        if not order.buys:
            return order.remaining
        market = self.markets[order.market_id]
        rate = market.maker_fee if order.in_book else max(market.maker_fee, market.taker_fee)
        return order.reservation(market, rate)

    def pending_need(self, order: TwinOrder) -> int:
        """Return what an order locks that waits, if it is alone."""
        if not order.buys:
            return order.remaining
        if order.reduce_only:
            return 0
        if order.max_cost is not None:
            return order.max_cost
        market = self.markets[order.market_id]
        price, rate = order.price, max(market.maker_fee, market.taker_fee)
        if price is None:
            price, rate = order.worst_price or 0, market.taker_fee
        return price * order.remaining + order.fee_of(market, rate, price, order.remaining)
