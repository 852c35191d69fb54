"""Orders of a random market day that wait for a price, and pairs of which one cancels the other."""

import msgspec

from exchange.messages.commands import AmendOrder, Command, PlaceOco, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import (
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from tests.properties.choosing import Chooser
from tests.properties.day_orders import ACCOUNTS, NOBODY, DayOrders
from tests.properties.twin_records import ONE, TwinMarket, TwinOrder

KINDS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT)


class DayWaiting(DayOrders):
    """Makes orders whose price is near, so that trading reaches some."""

    def wait(self, choose: Chooser) -> Command:
        """Place an order that waits for a price, or take from one what it has to reduce."""
        reducing = [
            order
            for order in self.twin.orders.values()
            if order.is_pending and order.reduce_only and not order.buys
        ]
        if reducing and choose.number(0, 1) == 0:
            return self._hedge(choose.one_of(reducing))
        account_id, market_id, side, outcome = self._whose(choose)
        order = self._waiting(choose, account_id, market_id, side, outcome)
        if choose.number(0, 29) == 0:
            order = self._senseless(choose, order)
        return self._note(order)

    def pair(self, choose: Chooser) -> Command:
        """Place two of which one cancels the other, now and then two that can't be a pair."""
        account_id, market_id, side, outcome = self._whose(choose)
        first = self._waiting(choose, account_id, market_id, side, outcome)
        if choose.number(0, 2):
            second = self._limit(choose, first)
        else:
            second = self._waiting(choose, account_id, market_id, side, outcome)
        first, second = (
            msgspec.structs.replace(leg, client_order_id=None) for leg in (first, second)
        )
        kind = choose.number(0, 49)
        if kind == 0:
            first = self._limit(choose, first)
        elif kind == 1:
            second = msgspec.structs.replace(second, client_order_id="a")
        elif kind == 2:
            turned = Side.BUY if side is Side.SELL else Side.SELL
            second = msgspec.structs.replace(second, side=turned)
        elif kind == 3:
            second = self._senseless(choose, second)
        elif kind == 4:
            second = msgspec.structs.replace(
                self._limit(choose, first), time_in_force=TimeInForce.FOK, conditions=None
            )
        if choose.number(0, 1):
            first, second = second, first
        request = f"pair-{choose.number(0, 99)}" if choose.number(0, 9) == 0 else None
        command = PlaceOco(account_id, first, second, request)
        if request is not None:
            self._named.append(command)
        return command

    def amend_waiting(self, choose: Chooser) -> Command:
        """Change an order that waits: its trigger, its limit, its quantity, or what it hasn't."""
        pending = [order for order in self.twin.orders.values() if order.is_pending]
        if not pending:
            return self.wait(choose)
        return self.amend_pending_of(choose, choose.one_of(pending))

    def amend_pending_of(self, choose: Chooser, order: TwinOrder) -> Command:
        """Change this order that waits."""
        market = self.twin.markets[order.market_id]
        kind = choose.number(0, 19)
        price = quantity = trigger = expires_at = None
        if kind < 8:
            trigger = self._near(choose, market, order.trigger_price or 5_000)
        if kind in {6, 7, 8, 9, 10} and order.price is not None:
            price = self._near(choose, market, order.price)
        if kind in {7, 10, 11, 12, 13, 14} and order.quantity is not None:
            quantity = max(1, order.quantity + choose.number(-20, 20))
        if kind == 15 or order.expires_at is not None:
            expires_at = self.twin.now + choose.one_of((0, 1, 5_000, 90_000))
        if kind == 16:
            price, quantity, trigger = choose.one_of(
                ((5_000, None, None), (None, 100, None), (None, None, 0), (None, None, ONE))
            )
        return AmendOrder(
            account_id=order.account_id
            if choose.number(0, 19)
            else choose.one_of((*ACCOUNTS, NOBODY)),
            order_id=order.id,
            price=price,
            quantity=quantity,
            expires_at=expires_at,
            expected_version=choose.one_of((None, order.version, order.version + 1))
            if choose.number(0, 4) == 0
            else None,
            trigger_price=trigger,
        )

    def propping(self) -> list[TwinOrder]:
        """Return orders whose leaving would bring the best price to one that waits for it."""
        found = []
        for order in self.twin.orders.values():
            terms = order.conditions
            if terms is None or not order.is_pending or terms.trigger_by is not TriggerBy.BEST:
                continue
            market = self.twin.markets[order.market_id]
            offers = self._resting(market, facing=order.is_bid)
            offers.sort(key=lambda one: one.yes_price, reverse=not order.is_bid)
            rises = order.buys is not (order.type is OrderType.TAKE_PROFIT)
            if len(offers) > 1 and not order.is_due:
                price = offers[1].yes_price
                price = price if order.outcome is Outcome.YES else ONE - price
                trigger = terms.trigger_price or 0
                if price >= trigger if rises else price <= trigger:
                    found.append(offers[0])
        return found

    def _hedge(self, order: TwinOrder) -> PlaceOrder:
        """Buy the other outcome of what an order has set aside: it has less to reduce then."""
        other = Outcome.NO if order.outcome is Outcome.YES else Outcome.YES
        return PlaceOrder(
            *(order.account_id, order.market_id, Side.BUY, other, OrderType.MARKET),
            price=None,
            quantity=max(1, order.remaining // 2),
            time_in_force=TimeInForce.IOC,
            self_trade_prevention=SelfTradePrevention.CANCEL_MAKER,
        )

    def _whose(self, choose: Chooser) -> tuple[int, int, Side, Outcome]:
        account_id, market_id = choose.one_of(ACCOUNTS), self._any_market_id(choose)
        side, outcome = choose.one_of(list(Side)), choose.one_of(list(Outcome))
        held = [o for o in Outcome if self.twin.holding(account_id, market_id, o).free]
        if held and choose.number(0, 2):
            side, outcome = Side.SELL, choose.one_of(held)
        elif held and choose.number(0, 1):
            # To buy what it has the other one of, so that there is something to reduce.
            side = Side.BUY
            outcome = Outcome.NO if choose.one_of(held) is Outcome.YES else Outcome.YES
        elif side is Side.SELL and choose.number(0, 9):
            side = Side.BUY
        return account_id, market_id, side, outcome

    def _waiting(
        self, choose: Chooser, account_id: int, market_id: int, side: Side, outcome: Outcome
    ) -> PlaceOrder:
        market = self.twin.markets.get(market_id)
        kind = choose.one_of(KINDS)
        by = choose.one_of(list(TriggerBy))
        tick = 100 if market is None else market.tick_size
        away = tick * choose.number(0 if choose.number(0, 9) == 0 else 1, 3)
        rises = (side is Side.BUY) is (kind is not OrderType.TAKE_PROFIT)
        trigger = self._now(market, side, outcome, by) + (away if rises else -away)
        second = self._second_best(market, side, outcome)
        if by is TriggerBy.BEST and kind is not OrderType.TAKE_PROFIT and second is not None:
            # There as soon as the best offer leaves.
            trigger = second
        trigger = min(max(trigger, tick), ONE - tick)
        limit = kind is OrderType.STOP_LIMIT or (
            kind is OrderType.TAKE_PROFIT and choose.number(0, 1) == 0
        )
        by_cost = not limit and side is Side.BUY and choose.number(0, 1) == 0
        waits = (*(TimeInForce.GTC,) * 4, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK)
        time_in_force = choose.one_of(waits) if limit else TimeInForce.IOC
        near = self._near(choose, market, trigger)
        if limit and choose.number(0, 2) == 0:
            # So that it takes what there is and rests with the remainder.
            far = tick * choose.number(2, 8)
            near = min(max(near + (far if side is Side.BUY else -far), tick), ONE - tick)
        rests = time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
        bounded = not limit and not by_cost and (side is Side.BUY or choose.number(0, 1) == 0)
        terms = OrderConditions(
            expires_at=self.twin.now + choose.one_of((1, 5_000, 90_000))
            if time_in_force is TimeInForce.GTD
            else None,
            post_only=rests and choose.number(0, 5) == 0,
            worst_price=near if bounded else None,
            reduce_only=not rests and choose.number(0, 1) == 0,
            trigger_price=trigger,
            trigger_by=by,
        )
        quantity = self._quantity(choose, account_id, market, side, near, outcome)
        if terms.reduce_only and side is Side.BUY:
            quantity += choose.number(0, 60)
        return PlaceOrder(
            account_id=account_id,
            market_id=market_id,
            side=side,
            outcome=outcome,
            type=kind,
            price=near if limit else None,
            quantity=None if by_cost else quantity,
            time_in_force=time_in_force,
            self_trade_prevention=choose.one_of(list(SelfTradePrevention)),
            max_cost=self._max_cost(choose, account_id, market, outcome) if by_cost else None,
            client_order_id=f"wait-{choose.number(0, 99)}" if choose.number(0, 9) == 0 else None,
            conditions=self._tied(choose, terms),
        )

    def _limit(self, choose: Chooser, other: PlaceOrder) -> PlaceOrder:
        """Return a LIMIT order that could be the other one's partner."""
        market = self.twin.markets.get(other.market_id)
        price = self._price(choose, market, other.side, other.outcome)
        ends = choose.number(0, 4) == 0
        terms = OrderConditions(
            expires_at=self.twin.now + choose.one_of((1, 5_000, 90_000)) if ends else None,
            post_only=choose.number(0, 4) == 0,
        )
        return msgspec.structs.replace(
            other,
            type=OrderType.LIMIT,
            price=price,
            quantity=other.quantity or choose.number(15, 60),
            max_cost=None,
            time_in_force=TimeInForce.GTD if ends else TimeInForce.GTC,
            conditions=terms if ends or terms.post_only else None,
        )

    def _now(self, market: TwinMarket | None, side: Side, outcome: Outcome, by: TriggerBy) -> int:
        """Return the own price that such an order watches, or the middle where there is none."""
        if market is None:
            return 5_000
        is_bid = (side is Side.BUY) is (outcome is Outcome.YES)
        yes_price = market.last_price
        if by is TriggerBy.BEST:
            offers = [order.yes_price for order in self._resting(market, facing=is_bid)]
            yes_price = (min(offers) if is_bid else max(offers)) if offers else None
        if yes_price is None:
            yes_price = 5_000
        return yes_price if outcome is Outcome.YES else ONE - yes_price

    def _second_best(self, market: TwinMarket | None, side: Side, outcome: Outcome) -> int | None:
        """Return the own price that is the best one when the best offer has gone."""
        is_bid = (side is Side.BUY) is (outcome is Outcome.YES)
        prices = sorted({order.yes_price for order in self._resting(market, facing=is_bid)})
        if len(prices) < 2:
            return None
        yes_price = prices[1] if is_bid else prices[-2]
        return yes_price if outcome is Outcome.YES else ONE - yes_price

    def _near(self, choose: Chooser, market: TwinMarket | None, price: int) -> int:
        tick = 100 if market is None else market.tick_size
        off = choose.number(0, 39) == 0
        return min(max(price + tick * choose.number(-4, 4) + off, tick), ONE - tick)

    def _senseless(self, choose: Chooser, order: PlaceOrder) -> PlaceOrder:
        terms = order.conditions or OrderConditions()
        changed = msgspec.structs.replace
        wrong: tuple[dict[str, object], ...] = (
            {"conditions": None},
            {"conditions": changed(terms, trigger_price=0)},
            {"conditions": changed(terms, trigger_price=None)},
            {"conditions": changed(terms, due=True)},
            {"conditions": changed(terms, partner=1)},
            {"conditions": changed(terms, worst_price=5_000)},
            {"type": OrderType.LIMIT},
            {"type": OrderType.MARKET},
            {"time_in_force": TimeInForce.FOK},
            {"time_in_force": TimeInForce.GTC, "price": None},
            {"price": None},
            {"max_cost": 5},
            {"conditions": changed(terms, reduce_only=True), "time_in_force": TimeInForce.GTC},
            {"type": OrderType.LIMIT, "conditions": OrderConditions(trigger_by=TriggerBy.BEST)},
        )
        return changed(order, **choose.one_of(wrong))
