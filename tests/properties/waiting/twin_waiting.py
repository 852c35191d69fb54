"""The twin's orders that wait for a price (RULEBOOK 14): all of them are looked at after every
command, and the next one to be triggered is looked for among all that are due.

Pairs of which one cancels the other are in `twin_pairs.py`.
"""

import msgspec

from exchange.messages.commands import AmendOrder, PlaceOrder, TriggerOrder
from exchange.messages.events import CommandRejected, Event, OrderPlaced, TradeExecuted
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    CancelReason,
    ExchangeMode,
    OrderStatus,
    OrderType,
    Outcome,
    TimeInForce,
    TriggerBy,
)
from exchange.messages.waiting_events import (
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from tests.properties.twin_amends import TwinAmends
from tests.properties.twin_orders import Refusal
from tests.properties.twin_records import ONE, OPEN, TwinOrder


class TwinWaiting(TwinAmends):
    """Everything that happens to orders outside the book."""

    def place(self, command: PlaceOrder) -> list[Event]:
        """Run a PlaceOrder; one that waits is put aside."""
        order = self.order_of(command)
        if not order.waits:
            return super().place(command)
        refusal = self.not_taken(order) or self.cannot_wait([order], self.pending_need(order))
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        return [self.put_aside(order, self.pending_need(order))]

    def cannot_wait(self, orders: list[TwinOrder], lock: int) -> Refusal | None:
        """Return why these can't be placed together, after their terms were found fine."""
        refusal = self._cannot_pay(orders[0], lock)
        for order in orders:
            if refusal is None and order.waits and self._is_there(order):
                refusal = Reason.TRIGGER_REACHED, "triggerPrice"
        account_id = orders[0].account_id
        own = [other for other in self.orders.values() if other.account_id == account_id]
        if refusal is None and len(own) + len(orders) > self.open_orders_max:
            refusal = Reason.TOO_MANY_OPEN_ORDERS, ""
        if refusal is None:
            refusal = self.too_many_there(orders[0], len(orders))
        if refusal is None and len(orders) == 1:
            refusal = self.group_is_shut(orders[0])
        return refusal

    def put_aside(self, order: TwinOrder, lock: int) -> OrderPlaced:
        """Take an order in that waits, and lock so much on it."""
        self.take_in(order)
        order.status = OrderStatus.PENDING
        self.lock(order, lock)
        return order.placed(resting=False)

    # -- being reached --------------------------------------------------------------------------

    def reached_by(self, events: list[Event]) -> list[Event]:
        """Mark what the command's prices reached, in the markets that trade."""
        if self.mode is not ExchangeMode.OPEN:
            return []
        marks: list[Event] = []
        for market_id, market in self.markets.items():
            if market.status is not OPEN:
                continue
            trades = [
                event.yes_price
                for event in events
                if isinstance(event, TradeExecuted) and event.market_id == market_id
            ]
            found = [
                order
                for order in self.orders.values()
                if order.market_id == market_id
                and order.is_pending
                and not order.is_due
                and self._is_there(order, trades)
            ]
            if found:
                found.sort(key=urgency)
                for order in found:
                    self._set_due(order, due=True)
                marks.append(OrdersReached(market_id, [order.id for order in found]))
        return marks

    def stood_down(self) -> list[Event]:
        """Let what is due wait again where nothing trades."""
        events: list[Event] = []
        for market in self.markets.values():
            if self.mode is ExchangeMode.OPEN and market.status is OPEN:
                continue
            due = [o for o in self.orders.values() if o.market_id == market.id and o.is_due]
            due = sorted((o for o in due if o.is_pending), key=lambda order: order.id)
            for order in due:
                self._set_due(order, due=False)
            if due:
                events.append(OrdersStoodDown(market.id, [order.id for order in due]))
        return events

    def _set_due(self, order: TwinOrder, *, due: bool) -> None:
        assert order.conditions is not None
        order.conditions = msgspec.structs.replace(order.conditions, due=due)
        self.order_changed(order)

    def _is_there(self, order: TwinOrder, trades: list[int] | None = None) -> bool:
        """Return whether the price has come to the order's trigger."""
        assert order.conditions is not None
        trigger = order.conditions.trigger_price
        assert trigger is not None
        own = [
            price if order.outcome is Outcome.YES else ONE - price
            for price in self._prices(order, trades or [])
        ]
        against = order.type is not OrderType.TAKE_PROFIT
        if order.buys is against:
            return any(price >= trigger for price in own)
        return any(price <= trigger for price in own)

    def _prices(self, order: TwinOrder, trades: list[int]) -> list[int]:
        """Return the prices of YES that count for the order."""
        assert order.conditions is not None
        if order.conditions.trigger_by is TriggerBy.LAST:
            last = self.markets[order.market_id].last_price
            return trades if last is None else [*trades, last]
        offers = [
            other.yes_price
            for other in self.orders.values()
            if other.in_book
            and other.market_id == order.market_id
            and other.is_bid is not order.is_bid
        ]
        return [min(offers) if order.is_bid else max(offers)] if offers else []

    # -- being triggered ------------------------------------------------------------------------

    def next_due(self) -> TriggerOrder | None:
        """Return the trigger that comes first among all there are."""
        due = [order for order in self.orders.values() if order.is_pending and order.is_due]
        return TriggerOrder(min(due, key=urgency).id) if due else None

    def trigger(self, command: TriggerOrder) -> list[Event]:
        """Run a TriggerOrder."""
        order = self.orders.get(command.order_id)
        if order is None:
            return [CommandRejected(Reason.ORDER_NOT_OPEN, "orderId", "")]
        if not (order.is_pending and order.is_due):
            return [CommandRejected(Reason.INVALID_ORDER, "orderId", "")]
        order.furthest = self.furthest(order)
        crosses = self.best_offer(order) is not None
        partner = self.open_partner(order)
        set_aside = order.locked + (partner.locked if partner else 0)
        order.cap = self.cap_of(order, 0 if order.buys else set_aside)
        budget = self.pending_need(order) if order.price is None and order.buys else None
        if order.buys and order.reduce_only:
            budget = self._budget_now(order, set_aside)
        reason = self._refused_now(order, crosses=crosses, budget=budget, set_aside=set_aside)
        if reason is not None:
            return [self.end(order, reason), *self.netting()]
        events = self.ended_partner(order)
        rests = order.may_rest and not crosses
        market = self.markets[order.market_id]
        unlocked = 0
        if order.buys and order.price is None:
            unlocked = order.locked
        elif order.buys and rests:
            unlocked = order.locked - order.reservation(market, market.maker_fee)
        elif order.buys and order.reduce_only:
            unlocked = -self._needed(order, crosses=crosses)
        self.lock(order, -unlocked)
        order.status = OrderStatus.OPEN
        self.last_place += 1
        order.place = self.last_place
        self.order_changed(order)
        events.append(
            OrderTriggered(order.id, order.account_id, market.id, order.side, unlocked, rests)
        )
        return self.match(order, events, budget, crosses=crosses)

    def _budget_now(self, order: TwinOrder, set_aside: int) -> int | None:
        """Return what a BUY without a limit may spend that is to reduce only."""
        if order.price is not None or order.max_cost is not None:
            return order.max_cost
        return self.accounts[order.account_id].available + set_aside

    def _refused_now(
        self, order: TwinOrder, *, crosses: bool, budget: int | None, set_aside: int
    ) -> CancelReason | None:
        """Return why a new order like this one would be refused at this moment."""
        too_large = self.too_large(order, awaits=False)
        if too_large is not None:
            return CancelReason[too_large[0].name]
        if order.post_only and crosses:
            return CancelReason.POST_ONLY_WOULD_CROSS
        if order.reduce_only:
            available = self.accounts[order.account_id].available + set_aside
            needed = order.max_cost or self._needed(order, crosses=crosses)
            if order.buys and available < needed:
                return CancelReason.INSUFFICIENT_BALANCE
            if order.cap == 0:
                return CancelReason.REDUCE_ONLY
            if order.time_in_force is TimeInForce.FOK and order.wanted < order.remaining:
                return CancelReason.FOK_NOT_FILLABLE
        trial, trial_order = self._copy(order)
        trial.orders[order.id] = trial_order
        trial_order.status = OrderStatus.OPEN
        if order.time_in_force is TimeInForce.FOK:
            full = trial._walk(trial_order, None, []) == "filled"
            return None if full else CancelReason.FOK_NOT_FILLABLE
        if order.price is None and order.buys:
            stop = trial._walk(trial_order, budget, [])
            if stop == "budget" and trial_order.filled == 0:
                by_cost = order.max_cost is not None
                return CancelReason["MAX_COST_TOO_SMALL" if by_cost else "INSUFFICIENT_BALANCE"]
        return None

    # -- other terms ----------------------------------------------------------------------------

    def amend(self, command: AmendOrder) -> list[Event]:
        """Run an AmendOrder; one that waits stays outside the book."""
        order = self.orders.get(command.order_id)
        if order is None or not order.is_pending or order.account_id != command.account_id:
            return super().amend(command)
        wanted = self._wanted(order, command)
        assert wanted.conditions is not None
        if command.trigger_price is not None:
            wanted.conditions = msgspec.structs.replace(
                wanted.conditions, trigger_price=command.trigger_price
            )
        refusal = self._why_not_amend(order, wanted, command)
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        carrier, more = self.lock_change(order, self.pending_need(wanted))
        refusal = self._cannot_pay(order, more)
        if refusal is None and order.is_due:
            refusal = Reason.TRIGGER_REACHED, ""
        market = self.markets[order.market_id]
        trades = self.mode is ExchangeMode.OPEN and market.status is OPEN
        if refusal is None and trades and self._is_there(wanted):
            refusal = Reason.TRIGGER_REACHED, "triggerPrice"
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        mine = more if carrier is order else 0
        order.price, order.quantity = wanted.price, wanted.quantity
        order.conditions = wanted.conditions
        order.version += 1
        self.lock(order, mine)
        self.order_changed(order)
        self.to_net[order.account_id, order.market_id] = None
        amended = PendingAmended(
            *(order.id, order.account_id, order.market_id, order.side),
            *(order.price, order.quantity, mine, wanted.conditions),
        )
        passed = [] if carrier is order else self.passed_lock(carrier, more)
        return [amended, *passed, *self.netting()]

    def _why_not_amend(
        self, order: TwinOrder, wanted: TwinOrder, command: AmendOrder
    ) -> Refusal | None:
        market = self.markets[order.market_id]
        terms = order.conditions
        assert terms is not None
        same = (
            (wanted.price, wanted.expires_at) == (order.price, order.expires_at)
            and wanted.conditions is not None
            and wanted.conditions.trigger_price == terms.trigger_price
        )
        less = (
            command.quantity is not None
            and same
            and order.quantity is not None
            and command.quantity < order.quantity
        )
        refusal = self._not_now(order, is_less=less)
        if refusal is None:
            refusal = self._unfit(order, command)
        if refusal is not None:
            return refusal
        tick, trigger = market.tick_size, command.trigger_price
        if command.price is not None and command.price % tick:
            return Reason.OFF_TICK, "price"
        quantity = command.quantity
        if quantity not in {None, order.quantity} and (quantity or 0) < market.min_quantity:
            return Reason.BELOW_MIN_QUANTITY, "quantity"
        if trigger is not None and trigger % tick:
            return Reason.OFF_TICK, "triggerPrice"
        if not (same and (quantity is None or quantity <= (order.quantity or 0))):
            too_large = self.too_large(wanted)
            if too_large is not None:
                return too_large
        if command.expires_at is not None and command.expires_at <= self.now:
            return Reason.EXPIRY_PASSED, "expiresAt"
        if command.expected_version not in {None, order.version}:
            return Reason.VERSION_CHANGED, "expectedVersion"
        return None

    def _unfit(self, order: TwinOrder, command: AmendOrder) -> Refusal | None:
        given = (command.price, command.quantity, command.expires_at, command.trigger_price)
        wrong = {
            "": set(given) == {None},
            "price": command.price is not None and not 1 <= command.price <= 9_999,
            "quantity": command.quantity is not None and not 1 <= command.quantity <= 10**10,
            "expiresAt": command.expires_at is not None
            and not 0 < command.expires_at <= 253_402_300_799_999_999,
            "triggerPrice": command.trigger_price is not None
            and not 1 <= command.trigger_price <= 9_999,
        }
        for field, is_wrong in wrong.items():
            if is_wrong:
                return Reason.INVALID_ORDER, field
        if command.price is not None and order.price is None:
            return Reason.INVALID_ORDER, "price"
        if command.quantity is not None and order.quantity is None:
            return Reason.INVALID_ORDER, "quantity"
        if command.expires_at is not None and order.time_in_force is not TimeInForce.GTD:
            return Reason.INVALID_ORDER, "expiresAt"
        return None


def urgency(order: TwinOrder) -> tuple[bool, int, int]:
    """Sort falls of the YES price before rises, the highest fall and the lowest rise first."""
    assert order.conditions is not None
    own = order.conditions.trigger_price or 0
    trigger = own if order.outcome is Outcome.YES else ONE - own
    sells_yes = order.buys is (order.outcome is Outcome.NO)
    rises = sells_yes is (order.type is OrderType.TAKE_PROFIT)
    return rises, trigger if rises else -trigger, order.id
