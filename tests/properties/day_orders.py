"""The orders of a random market day, drawn towards where rules bite."""

import msgspec

from exchange.messages.commands import (
    AmendOrder,
    Command,
    CreditAccount,
    DebitAccount,
    PlaceOrder,
    TransferCash,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import (
    ExchangeMode,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from tests.properties.choosing import Chooser
from tests.properties.life.markets import LIVE
from tests.properties.twin import Twin
from tests.properties.twin_records import ONE, POST_ONLY, TwinMarket, TwinOrder, rounded_up

ACCOUNTS = (1, 2, 3, 4)
EXTRAS = (5, 6)
"""Accounts without anything."""
NOBODY = 99
NOWHERE = 99
IDS = ("a", "b", "c", "order:1", "order.2", "X-3")
MINUTE = 60_000_000
GATEWAYS = (71, 72)


class DayOrders:
    """Makes orders that suit the state of the twin."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self._named: list[Command] = []
        """Commands that carried an id."""

    def place(self, choose: Chooser) -> Command:
        """Place an order where rules bite."""
        account_id = choose.one_of(ACCOUNTS) if choose.number(0, 99) else NOBODY
        market_id = self._any_market_id(choose)
        market = self.twin.markets.get(market_id)
        side, outcome = choose.one_of(list(Side)), choose.one_of(list(Outcome))
        if side is Side.SELL and market is not None:
            for other in (outcome, Outcome.NO if outcome is Outcome.YES else Outcome.YES):
                if self.twin.holding(account_id, market_id, other).free:
                    outcome = other
                    break
            else:
                side = Side.BUY if choose.number(0, 4) else side
        limit = choose.number(0, 4) > 0
        price = self._price(choose, market, side, outcome) if limit else None
        by_cost = not limit and side is Side.BUY and choose.number(0, 1) == 0
        ending = 3 if side is Side.SELL else 2
        waiting = (*(TimeInForce.GTC,) * 6, *(TimeInForce.GTD,) * ending) if limit else ()
        time_in_force = choose.one_of((*waiting, TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK))
        if by_cost and choose.number(0, 9):
            time_in_force = TimeInForce.IOC
        command = PlaceOrder(
            account_id=account_id,
            market_id=market_id,
            side=side,
            outcome=outcome,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            price=price,
            quantity=None
            if by_cost
            else self._quantity(choose, account_id, market, side, price, outcome),
            time_in_force=time_in_force,
            self_trade_prevention=choose.one_of(list(SelfTradePrevention)),
            max_cost=self._max_cost(choose, account_id, market, outcome) if by_cost else None,
            client_order_id=choose.one_of(IDS) + str(choose.number(0, 999))
            if choose.number(0, 9) == 0
            else None,
            conditions=self._tied(choose, self._conditions(choose, market_id, time_in_force))
            if limit
            else self._market_conditions(choose, market, side, outcome),
        )
        if command.conditions is not None and command.conditions.reduce_only:
            command = self._reducing(choose, command)
        if choose.number(0, 49) == 0:
            command = self._contradict(choose, command)
        return self._note(command)

    def _reducing(self, choose: Chooser, command: PlaceOrder) -> PlaceOrder:
        """Let a reduce-only order mostly have something to reduce, now and then more than that."""
        market = self.twin.markets.get(command.market_id)
        shares = {
            outcome: self.twin.holding(command.account_id, command.market_id, outcome).free
            for outcome in Outcome
        }
        held = [outcome for outcome, free in shares.items() if free]
        if not held or choose.number(0, 4) == 0:
            return command
        outcome = choose.one_of(held)
        most, side = shares[outcome], command.side
        if side is Side.BUY:
            outcome = Outcome.NO if outcome is Outcome.YES else Outcome.YES
        price = command.price
        if price is not None:
            price = self._price(choose, market, side, outcome)
            offers = self._resting(market, facing=(side is Side.BUY) is (outcome is Outcome.YES))
            if offers and choose.number(0, 2):
                # As far as it takes one of them, and all that are better.
                yes_price = choose.one_of(offers).yes_price
                price = yes_price if outcome is Outcome.YES else ONE - yes_price
        more = most + choose.number(1, 40)
        quantity = max(1, choose.one_of((most, more, more, most // 2)))
        conditions = command.conditions
        if choose.number(0, 2):
            # At whatever price there is.
            conditions = OrderConditions(reduce_only=True)
        return msgspec.structs.replace(
            command,
            outcome=outcome,
            price=price,
            conditions=conditions,
            quantity=None if command.quantity is None else quantity,
        )

    def _tied(self, choose: Chooser, conditions: OrderConditions | None) -> OrderConditions | None:
        """Tie some orders to a session."""
        if choose.number(0, 7):
            return conditions
        session = choose.one_of(GATEWAYS), choose.number(1, 2)
        return msgspec.structs.replace(conditions or OrderConditions(), session=session)

    def _conditions(
        self, choose: Chooser, market_id: int, time_in_force: TimeInForce
    ) -> OrderConditions | None:
        """Return an end for a GTD order, near or with its market, and now and then post-only."""
        market = self.twin.markets.get(market_id)
        passive = market is not None and market.status is POST_ONLY
        passive |= self.twin.mode is ExchangeMode.POST_ONLY
        waits = time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
        post_only = choose.number(0, 4 if passive else 19) < (4 if passive else 2 if waits else 0)
        if not waits and not post_only and choose.number(0, 1):
            return OrderConditions(reduce_only=True)
        if time_in_force is not TimeInForce.GTD:
            return OrderConditions(post_only=True) if post_only else None
        ends = [self.twin.now + offset for offset in (0, 1, 500, 5_000, 20_000, 90_000)]
        if market is not None:
            ends += (market.close_time, market.close_time + 1)
        return OrderConditions(expires_at=choose.one_of(ends), post_only=post_only)

    def _market_conditions(
        self, choose: Chooser, market: TwinMarket | None, side: Side, outcome: Outcome
    ) -> OrderConditions | None:
        """Return now and then a worst price for a MARKET order, at or about what is offered."""
        reduce_only = choose.number(0, 1) == 0
        if choose.number(0, 2) == 0:
            return OrderConditions(reduce_only=True) if reduce_only else None
        bid = (side is Side.BUY) is (outcome is Outcome.YES)
        offers = self._resting(market, facing=bid)
        if not offers or choose.number(0, 3) == 0:
            price = self._price(choose, market, side, outcome)
            return OrderConditions(worst_price=price, reduce_only=reduce_only)
        best = min(offers, key=lambda o: o.yes_price if bid else -o.yes_price).yes_price
        price = best if outcome is Outcome.YES else ONE - best
        return OrderConditions(worst_price=price, reduce_only=reduce_only)

    def cross(self, choose: Chooser) -> Command:
        """Take (or nibble at) an order that rests, buying or selling what meets it."""
        resting = [order for order in self.twin.orders.values() if order.in_book]
        if not resting:
            return self.place(choose)
        maker = choose.one_of(resting)
        other = Outcome.NO if maker.outcome is Outcome.YES else Outcome.YES
        seller = [
            account_id
            for account_id in ACCOUNTS
            if self.twin.holding(account_id, maker.market_id, maker.outcome).free
        ]
        # A buyer meets a seller of the same outcome or a buyer of the other; and so on.
        if maker.buys and seller and choose.number(0, 1):
            account_id, side, outcome = choose.one_of(seller), Side.SELL, maker.outcome
        elif maker.buys:
            account_id, side, outcome = self._buyer(choose, maker), Side.BUY, other
        else:
            account_id, side, outcome = self._buyer(choose, maker), Side.BUY, maker.outcome
        quantity = maker.remaining + choose.one_of((0, 0, 1, 30, -1, 1 - maker.remaining))
        account = self.twin.accounts.get(account_id)
        if side is Side.BUY and account is not None and choose.number(0, 7) == 0:
            # With all there is, through whatever stands in the way.
            return PlaceOrder(
                *(account_id, maker.market_id, side, outcome, OrderType.MARKET, None, None),
                time_in_force=TimeInForce.IOC,
                self_trade_prevention=choose.one_of(list(SelfTradePrevention)),
                max_cost=max(1, account.available),
            )
        return PlaceOrder(
            account_id=account_id,
            market_id=maker.market_id,
            side=side,
            outcome=outcome,
            type=OrderType.LIMIT,
            price=maker.yes_price if outcome is Outcome.YES else ONE - maker.yes_price,
            quantity=max(1, quantity),
            time_in_force=choose.one_of((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.FOK)),
            self_trade_prevention=choose.one_of(list(SelfTradePrevention)),
            conditions=OrderConditions(post_only=True) if choose.number(0, 9) == 0 else None,
        )

    def _buyer(self, choose: Chooser, maker: TwinOrder) -> int:
        """Return mostly who can pay for all that an order offers, and isn't its owner."""
        able = [
            account.id
            for account in self.twin.accounts.values()
            if account.id in ACCOUNTS
            and account.id != maker.account_id
            and account.available >= ONE * maker.remaining
        ]
        return choose.one_of(able if able and choose.number(0, 4) else ACCOUNTS)

    def amend(self, choose: Chooser) -> Command:
        """Change an order: to less, to more, towards the other side, or to what can't be."""
        resting = [order for order in self.twin.orders.values() if order.in_book]
        if not resting:
            return self.place(choose)
        passive = [order for order in resting if order.post_only]
        sales = [order for order in resting if not order.buys]
        kind = choose.number(0, 9)
        if rare := passive if kind < 2 else sales if kind < 5 else []:
            resting = rare
        return self.amend_of(choose, choose.one_of(resting))

    def amend_of(self, choose: Chooser, order: TwinOrder) -> AmendOrder:
        """Change this order."""
        market = self.twin.markets[order.market_id]
        kind = choose.number(0, 9)
        price = quantity = expires_at = None
        if kind < 4:
            left = choose.one_of((0, 1, order.remaining - 1, order.remaining, order.remaining + 1))
            quantity = order.filled + left
        if kind in {3, 4, 5, 6, 7}:
            price = self._price(choose, market, order.side, order.outcome)
        if kind in {4, 5} and (offers := self._resting(market, facing=order.is_bid)):
            # As far as it takes one or several of the other side.
            yes_price = choose.one_of(offers).yes_price
            price = yes_price if order.outcome is Outcome.YES else ONE - yes_price
        if kind == 7:
            quantity = order.filled + self._quantity(
                choose, order.account_id, market, order.side, price, order.outcome
            )
        if kind == 8 or (order.expires_at is not None and kind > 6):
            expires_at = self.twin.now + choose.one_of((0, 1, 5_000, 90_000))
        if kind == 9 and choose.number(0, 2) == 0:
            price, quantity = choose.one_of(((None, 0), (0, None), (ONE, None), (None, 10**10 + 1)))
        return AmendOrder(
            account_id=order.account_id
            if choose.number(0, 19)
            else choose.one_of((*ACCOUNTS, NOBODY)),
            order_id=order.id if choose.number(0, 29) else choose.one_of((0, 1, 10**6)),
            price=order.price if price is None and choose.number(0, 4) == 0 else price,
            quantity=quantity,
            expires_at=expires_at,
            expected_version=choose.one_of((None, None, order.version, order.version + 1))
            if choose.number(0, 3) == 0
            else None,
        )

    def _contradict(self, choose: Chooser, command: PlaceOrder) -> PlaceOrder:
        wrong: tuple[dict[str, object], ...] = (
            {"price": None},
            {"price": 5_000},
            {"price": 0},
            {"price": ONE},
            {"quantity": None},
            {"quantity": 0},
            {"quantity": 10**10 + 1},
            {"max_cost": 1_000},
            {"max_cost": 0, "quantity": None},
            {"time_in_force": TimeInForce.GTC},
            {"time_in_force": TimeInForce.GTD},
            {"conditions": OrderConditions(expires_at=self.twin.now + 5)},
            {"time_in_force": TimeInForce.GTD, "conditions": OrderConditions(expires_at=0)},
            {"time_in_force": TimeInForce.IOC, "conditions": OrderConditions(post_only=True)},
            {"conditions": OrderConditions(worst_price=5_000)},
            {"conditions": OrderConditions(system=True), "client_order_id": None},
            {"conditions": OrderConditions(worst_price=ONE)},
            {"conditions": OrderConditions(reduce_only=True)},
        )
        return msgspec.structs.replace(command, **choose.one_of(wrong))

    def _price(
        self, choose: Chooser, market: TwinMarket | None, side: Side, outcome: Outcome
    ) -> int:
        tick = 100 if market is None else market.tick_size
        offers = self._resting(market, facing=(side is Side.BUY) is (outcome is Outcome.YES))
        kind = choose.number(0, 99)
        if kind < 55 and offers:
            yes_price = choose.one_of(offers).yes_price
            own = yes_price if outcome is Outcome.YES else ONE - yes_price
            return min(max(own + tick * choose.number(-1, 1), tick), ONE - tick)
        if kind < 90:
            # A narrow band, so that levels hold several orders.
            return 5_000 + tick * choose.number(-4, 4)
        if kind < 95:
            return choose.one_of((tick, ONE - tick, tick * 2, ONE - 2 * tick))
        return choose.number(1, ONE - 1)

    def _quantity(
        self,
        choose: Chooser,
        account_id: int,
        market: TwinMarket | None,
        side: Side,
        price: int | None,
        outcome: Outcome,
    ) -> int:
        if market is None:
            return 100
        kind = choose.number(0, 9)
        held = self.twin.holding(account_id, market.id, outcome).free
        if side is Side.SELL and kind < 7:
            most = held + 1 if choose.number(0, 9) == 0 else held
            return max(1, most if kind < 3 else choose.number(1, max(1, most)))
        offers = self._resting(market, facing=(side is Side.BUY) is (outcome is Outcome.YES))
        if kind < 4 and offers:
            return max(1, choose.one_of(offers).remaining + choose.number(-1, 1))
        if kind < 6 and account_id in self.twin.accounts:
            return self._affordable(choose, account_id, market, price or 5_000)
        return choose.one_of((choose.number(15, 60), choose.number(100, 600), 100))

    def _affordable(self, choose: Chooser, account_id: int, market: TwinMarket, price: int) -> int:
        """Return about the most that all the cash buys."""
        available = self.twin.accounts[account_id].available
        rate = max(market.maker_fee, market.taker_fee)
        exact = market.exact_fee(rate, price, 1)
        most = available * 10**8 // (price * 10**8 + exact)
        return max(1, min(10**9, most + choose.number(-1, 1)))

    def _max_cost(
        self, choose: Chooser, account_id: int, market: TwinMarket | None, outcome: Outcome
    ) -> int:
        account = self.twin.accounts.get(account_id)
        available = 0 if account is None else account.available
        kind = choose.number(0, 9)
        offers = self._resting(market, facing=outcome is Outcome.YES)
        if kind < 3 and market is not None and offers:
            # What the best offer costs, to the last unit of money.
            best = min(
                offers, key=lambda o: o.yes_price if outcome is Outcome.YES else -o.yes_price
            )
            price = best.yes_price if outcome is Outcome.YES else ONE - best.yes_price
            fee = rounded_up(market.exact_fee(market.taker_fee, price, best.remaining))
            return max(1, price * best.remaining + fee + choose.number(-1, 1))
        if kind < 5:
            return max(1, available + choose.number(-1, 1))
        if kind < 7:
            return choose.number(1, 20_000)
        return choose.number(1, max(1, available // choose.number(1, 5)))

    def _resting(self, market: TwinMarket | None, *, facing: bool) -> list[TwinOrder]:
        """Return the orders that face a bid (True) or an ask (False)."""
        return [
            order
            for order in self.twin.orders.values()
            if market is not None
            and order.in_book
            and order.market_id == market.id
            and order.is_bid is not facing
        ]

    def _any_market_id(self, choose: Chooser) -> int:
        live = [m.id for m in self.twin.markets.values() if m.status in LIVE]
        if live and choose.number(0, 59):
            return choose.one_of(live)
        return choose.one_of((*self.twin.markets, NOWHERE)) if choose.number(0, 3) else NOWHERE

    def _note(self, command: PlaceOrder | CreditAccount | DebitAccount | TransferCash) -> Command:
        if isinstance(command, PlaceOrder):
            command = some_by_system(command)
        named = command.client_order_id if isinstance(command, PlaceOrder) else command.request_id
        if named is not None:
            self._named.append(command)
        return command


def some_by_system(command: PlaceOrder) -> PlaceOrder:
    """Let a third of the ids be the exchange's own, so that one text is used as both kinds."""
    if command.client_order_id is None or (command.quantity or 0) % 3:
        return command
    conditions = msgspec.structs.replace(command.conditions or OrderConditions(), system=True)
    # With a colon it would be a domain's, which only an intent may stand for.
    name = command.client_order_id.replace(":", ".")
    return msgspec.structs.replace(command, client_order_id=name, conditions=conditions)
