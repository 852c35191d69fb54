"""The twin's orders: placing and matching (RULEBOOK 3 to 6), by plain search."""

from exchange.messages.commands import PlaceOrder
from exchange.messages.events import (
    CommandRejected,
    Event,
    OrderFilled,
    OrderRested,
    TradeExecuted,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    CancelReason,
    ExchangeMode,
    OrderStatus,
    Outcome,
    SelfTradePrevention,
    Standing,
    TimeInForce,
    TradeKind,
)
from tests.properties.groups.twin_groups import TwinGroups
from tests.properties.limits.twin_limits import bound_of
from tests.properties.twin_records import (
    ONE,
    OPEN,
    POST_ONLY,
    TwinMarket,
    TwinOrder,
    copy_of,
)
from tests.properties.twin_terms import wrong_here

Refusal = tuple[Reason, str]


class TwinOrders(TwinGroups):
    """Everything that orders do to the twin's memory."""

    def place(self, command: PlaceOrder) -> list[Event]:
        """Run a PlaceOrder."""
        order = self.order_of(command)
        refusal = self._why_not(order)
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        return self._run(order)

    def order_of(self, command: PlaceOrder) -> TwinOrder:
        """Return the order that a command wants to be."""
        order = TwinOrder(
            id=self.last_order_id + 1,
            account_id=command.account_id,
            market_id=command.market_id,
            side=command.side,
            outcome=command.outcome,
            type=command.type,
            price=command.price,
            quantity=command.quantity,
            time_in_force=command.time_in_force,
            self_trade_prevention=command.self_trade_prevention,
            max_cost=command.max_cost,
            client_order_id=command.client_order_id,
            conditions=command.conditions,
            placed_seq=self.seq,
            created_at=self.now,
            seq=self.seq,
            updated_at=self.now,
        )
        if not order.waits:
            order.cap = self.cap_of(order)
        if order.market_id in self.markets:
            order.furthest = self.furthest(order)
        return order

    def _run(self, order: TwinOrder) -> list[Event]:
        """Place an order that nothing speaks against: reserve, trade, then rest or end."""
        self.take_in(order)
        budget = self._budget(order)
        crosses = self.best_offer(order) is not None
        self.lock(order, self._needed(order, crosses=crosses))
        placed = order.placed(resting=order.may_rest and not crosses)
        return self.match(order, [placed], budget, crosses=crosses)

    def take_in(self, order: TwinOrder) -> None:
        """Give the order its place among all that there are."""
        self.last_order_id = order.id
        if order.session is not None:
            self.leases.setdefault(order.session[0], self.now + 10_000_000)
        self.last_place += 1
        order.place = self.last_place
        self.orders[order.id] = order
        self.order_changed(order)

    def match(
        self, order: TwinOrder, events: list[Event], budget: int | None, *, crosses: bool
    ) -> list[Event]:
        """Trade with an order that is in no book, then let it rest or end it."""
        market = self.markets[order.market_id]
        self.to_net[order.account_id, order.market_id] = None
        stop = self._walk(order, budget, events)
        if stop == "nobody" and order.may_rest:
            unlocked = 0
            if self.open_partner(order) is None:
                unlocked = order.locked - self._resting_need(market, order)
            self.lock(order, -unlocked)
            order.in_book = True
            self.public_changed(market.id)
            if crosses:
                events.append(
                    OrderRested(order.id, order.account_id, market.id, order.side, unlocked)
                )
                events += self.cut_lock(order)
        elif stop == "budget" and order.max_cost is not None:
            order.status = OrderStatus.FILLED
            self.forget(order)
            events.append(OrderFilled(order.id, order.account_id, market.id))
        elif stop != "filled":
            reasons = {
                "nobody": CancelReason.NO_LIQUIDITY,
                "own order": CancelReason.SELF_TRADE,
                "budget": CancelReason.INSUFFICIENT_BALANCE,
                "cap": CancelReason.REDUCE_ONLY,
                "group": CancelReason.GROUP_LIMIT,
            }
            reason = reasons[stop]
            if stop == "cap" and not order.reduce_only:
                reason = CancelReason.POSITION_LIMIT
            if stop == "nobody" and not order.has_limit and self._any_facing(order):
                reason = bound_of(order)
            events.append(self.end(order, reason))
        # What groups took out elsewhere comes last.
        elsewhere = [pair for pair in self.to_net if pair[1] != market.id]
        here = [pair for pair in self.to_net if pair[1] == market.id]
        self.to_net = dict.fromkeys([*here, *elsewhere])
        return events + self.netting()

    def _why_not(self, order: TwinOrder) -> Refusal | None:
        """Return the first thing that speaks against an order, in the order of the bands."""
        refusal = self.not_taken(order)
        if refusal is not None:
            return refusal
        return self._lacks_means(order) or self._lacks_offers(order) or self._too_many(order)

    def not_taken(self, order: TwinOrder) -> Refusal | None:
        """Return what speaks against an order whatever its means and the book are."""
        if order.account_id not in self.accounts:
            return Reason.ACCOUNT_NOT_FOUND, ""
        market = self.markets.get(order.market_id)
        if market is None:
            return Reason.MARKET_NOT_FOUND, "market"
        standing = self.accounts[order.account_id].standing
        if standing is Standing.CLOSED:
            return Reason.ACCOUNT_CLOSED, ""
        if standing is Standing.SUSPENDED:
            return Reason.ACCOUNT_SUSPENDED, ""
        if order.group is not None and (order.account_id, order.group) not in self.groups:
            return Reason.GROUP_NOT_FOUND, "groupId"
        refusal = (
            self.closed_to(order, market) or wrong_here(order, market) or self.too_large(order)
        )
        if refusal is None and order.expires_at is not None and order.expires_at <= self.now:
            return Reason.EXPIRY_PASSED, "expiresAt"
        return refusal

    def closed_to(self, order: TwinOrder, market: TwinMarket) -> Refusal | None:
        waits = order.trigger_price is not None and not order.in_book
        match self.mode:
            case ExchangeMode.HALTED:
                return Reason.EXCHANGE_HALTED, ""
            case ExchangeMode.CANCEL_ONLY:
                return Reason.EXCHANGE_CANCEL_ONLY, ""
            case ExchangeMode.POST_ONLY if not order.post_only or waits:
                return Reason.EXCHANGE_POST_ONLY, ""
        if market.status is POST_ONLY:
            passive = order.post_only and not waits
            return None if passive else (Reason.MARKET_POST_ONLY, "market")
        return None if market.status is OPEN else (Reason.MARKET_NOT_OPEN, "market")

    def _lacks_means(self, order: TwinOrder) -> Refusal | None:
        if not order.buys:
            free = self.holding(order.account_id, order.market_id, order.outcome).free
            return (Reason.INSUFFICIENT_SHARES, "quantity") if free < order.wanted else None
        needed = self._needed(order, crosses=self.best_offer(order) is not None)
        if self.accounts[order.account_id].available < max(needed, order.max_cost or 0):
            return Reason.INSUFFICIENT_BALANCE, ""
        return None

    def _lacks_offers(self, order: TwinOrder) -> Refusal | None:
        """Try the order on a copy of everything and see what would become of it."""
        if order.post_only and self.best_offer(order) is not None:
            return Reason.POST_ONLY_WOULD_CROSS, "price"
        fill_or_kill = order.time_in_force is TimeInForce.FOK
        if order.reduce_only and order.cap == 0:
            return Reason.REDUCE_ONLY, "reduceOnly"
        if fill_or_kill and order.wanted < order.remaining:
            return Reason.FOK_NOT_FILLABLE, "quantity"
        if not fill_or_kill and (order.has_limit or not order.buys):
            return None
        trial, trial_order = self._copy(order)
        trial.orders[trial_order.id] = trial_order
        trial.lock(trial_order, trial._needed(trial_order, crosses=True))
        stop = trial._walk(trial_order, self._budget(order), [])
        if fill_or_kill:
            if stop == "budget":
                return Reason.INSUFFICIENT_BALANCE, ""
            return None if stop == "filled" else (Reason.FOK_NOT_FILLABLE, "quantity")
        if stop == "budget" and trial_order.filled == 0:
            if order.max_cost is None:
                return Reason.INSUFFICIENT_BALANCE, ""
            return Reason.MAX_COST_TOO_SMALL, "maxCost"
        return None

    def _too_many(self, order: TwinOrder) -> Refusal | None:
        own = [other for other in self.orders.values() if other.account_id == order.account_id]
        if order.may_rest and len(own) >= self.open_orders_max:
            return Reason.TOO_MANY_OPEN_ORDERS, ""
        crowded = self.too_many_there(order, 1) if order.may_rest else None
        return crowded or self.group_is_shut(order)

    def _copy(self, order: TwinOrder) -> tuple["TwinOrders", TwinOrder]:
        trial = type(self)()
        trial.now = self.now
        trial.groups = {key: copy_of(group) for key, group in self.groups.items()}
        trial.accounts = {key: copy_of(account) for key, account in self.accounts.items()}
        trial.markets = {order.market_id: copy_of(self.markets[order.market_id])}
        trial.orders = {
            key: copy_of(other)
            for key, other in self.orders.items()
            if other.market_id == order.market_id
        }
        for key, holding in self.holdings.items():
            if key[1] == order.market_id:
                trial.holdings[key] = copy_of(holding)
        return trial, copy_of(order)

    def _needed(self, order: TwinOrder, *, crosses: bool) -> int:
        """Return what an incoming order must lock: cash for BUY, shares for SELL."""
        if not order.buys:
            return order.wanted
        market = self.markets[order.market_id]
        rate = max(market.maker_fee, market.taker_fee) if crosses else market.maker_fee
        return order.reservation(market, rate)

    def _resting_need(self, market: TwinMarket, order: TwinOrder) -> int:
        return order.reservation(market, market.maker_fee) if order.buys else order.remaining

    def _budget(self, order: TwinOrder) -> int | None:
        """Return the most that a MARKET BUY may spend; None for all others."""
        if order.has_limit or not order.buys:
            return None
        available = self.accounts[order.account_id].available
        return available if order.max_cost is None else order.max_cost

    def best_offer(self, order: TwinOrder) -> TwinOrder | None:
        """Return the order that would be met first: best price, then longest waiting."""
        offers = [other for other in self.orders.values() if order.would_meet(other)]
        goodness = 1 if order.is_bid else -1
        return min(
            offers, key=lambda offer: (goodness * offer.yes_price, offer.place), default=None
        )

    def _any_facing(self, order: TwinOrder) -> bool:
        """Return whether the other side has anything left, at whatever price."""
        return any(
            other.in_book and other.market_id == order.market_id and other.is_bid != order.is_bid
            for other in self.orders.values()
        )

    def _walk(self, order: TwinOrder, budget: int | None, events: list[Event]) -> str:
        """Trade until there is a reason to stop, and return it."""
        market = self.markets[order.market_id]
        while order.quantity is None or order.wanted > 0:
            left = None if budget is None else budget - order.filled_cash - order.fees_paid
            if order.quantity is None and left == 0:
                return "budget"
            if order.quantity is None and order.filled == order.cap:
                return "cap"
            maker = self.best_offer(order)
            if maker is None:
                return "nobody"
            if maker.account_id == order.account_id:
                mode = order.self_trade_prevention
                if mode is not SelfTradePrevention.CANCEL_TAKER:
                    events.append(self.end(maker, CancelReason.SELF_TRADE))
                if mode is not SelfTradePrevention.CANCEL_MAKER:
                    return "own order"
                continue
            bounds = [maker.remaining, order.wanted if order.quantity is not None else None]
            bounds.append(None if order.cap is None else order.cap - order.filled)
            quantity = min(bound for bound in bounds if bound is not None)
            if left is not None:
                price = leg_price(order, maker)
                quantity = min(quantity, left // price)
                while (
                    price * quantity + order.fee_of(market, market.taker_fee, price, quantity)
                    > left
                ):
                    quantity -= 1
                if quantity == 0:
                    return "budget"
            events += [*self.ended_partner(maker), *self.ended_partner(order)]
            events.append(self._trade(market, order, maker, quantity))
            events += self.triggered_by(maker)
            by_taker = self.triggered_by(order, order)
            events += by_taker
            if by_taker and order.wanted_after_group(budget):
                return "group"
        return "cap" if order.remaining else "filled"

    def _trade(
        self, market: TwinMarket, taker: TwinOrder, maker: TwinOrder, quantity: int
    ) -> TradeExecuted:
        if taker.outcome is maker.outcome:
            kind = TradeKind.TRANSFER
        else:
            kind = TradeKind.MINT if taker.buys else TradeKind.MERGE
        market.trade_no += 1
        market.volume += quantity
        market.last_price = maker.yes_price
        if market.limits is not None and market.limits.volatility_halt is not None:
            market.tape = (*market.tape, (self.now, maker.yes_price))
        self.public_changed(market.id)
        collateral = {TradeKind.MINT: ONE, TradeKind.MERGE: -ONE, TradeKind.TRANSFER: 0}[kind]
        market.collateral += collateral * quantity
        taker_rate = max(market.maker_fee, market.taker_fee)
        price = leg_price(taker, maker)
        maker_fee, maker_unlocked = self._fill(
            market, maker, leg_price(maker, maker), quantity, market.maker_fee, market.maker_fee
        )
        taker_fee, taker_unlocked = self._fill(
            market, taker, price, quantity, market.taker_fee, taker_rate
        )
        return TradeExecuted(
            market_id=market.id,
            trade_no=market.trade_no,
            market_seq=market.seq + 1,
            kind=kind,
            side=taker.side,
            outcome=taker.outcome,
            price=price,
            yes_price=maker.yes_price,
            quantity=quantity,
            taker_order_id=taker.id,
            taker_account_id=taker.account_id,
            taker_unlocked=taker_unlocked,
            taker_fee=taker_fee,
            taker_fee_carry=taker.fee_carry(market),
            maker_order_id=maker.id,
            maker_account_id=maker.account_id,
            maker_unlocked=maker_unlocked,
            maker_fee=maker_fee,
            maker_fee_carry=maker.fee_carry(market),
        )

    def _fill(
        self,
        market: TwinMarket,
        order: TwinOrder,
        price: int,
        quantity: int,
        rate: int,
        reserve_rate: int,
    ) -> tuple[int, int]:
        """Fill one leg; return its fee and what left its reservation."""
        account = self.accounts[order.account_id]
        holding = self.holding(order.account_id, market.id, order.outcome)
        cash = price * quantity
        fee = order.fee_of(market, rate, price, quantity)
        order.fees_exact += market.exact_fee(rate, price, quantity)
        order.filled += quantity
        self.count(order, quantity)
        order.filled_cash += cash
        self.fees += fee
        if order.buys:
            unlocked = order.locked - order.reservation(market, reserve_rate)
            account.locked -= unlocked
            account.available += unlocked - cash - fee
            holding.free += quantity
            holding.cost += cash
        else:
            unlocked = quantity
            self.realised[order.account_id, market.id] += cash - holding.remove_cost(quantity)
            holding.locked -= quantity
            account.available += cash - fee
        order.locked -= unlocked
        order.status = OrderStatus.PARTIAL
        if order.quantity is not None and order.remaining == 0:
            order.status = OrderStatus.FILLED
            self.forget(order)
        self.order_changed(order)
        self.cash_changed(order.account_id)
        self.shares_changed(order.account_id, market.id, order.outcome)
        self.to_net[order.account_id, market.id] = None
        return fee, unlocked


def leg_price(order: TwinOrder, maker: TwinOrder) -> int:
    """Return what this order's own outcome trades at when the maker's price is taken."""
    return maker.yes_price if order.outcome is Outcome.YES else ONE - maker.yes_price
