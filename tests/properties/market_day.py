"""Random commands of a busy market day, drawn from anything that can choose.

The same makers serve hypothesis (which shrinks) and seeded dice (which are fast): both are a
`Chooser`.  Choices lean towards where rules bite: prices at, one tick inside and outside the
other side's best; quantities at a level's size, at all one holds, at the last unit one can pay;
ids used before; times at a closing.
"""

import msgspec

from exchange.messages.commands import (
    CancelAll,
    CancelOrder,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    RefuseUnstorable,
    ResolveMarket,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.messages.terms import (
    ExchangeMode,
    FeeModel,
    MarketStatus,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from tests.properties.choosing import Chooser
from tests.properties.twin import LIVE, Twin
from tests.properties.twin_records import ONE, TwinMarket, TwinOrder, rounded_up

ACCOUNTS = (1, 2, 3, 4)
NOBODY = 99
NOWHERE = 99
IDS = ("a", "b", "c", "order:1", "order.2", "X-3")
MARKETS_AT_ONCE = 3
MINUTE = 60_000_000


class MarketDay:
    """Makes commands that suit the state of the twin."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self._named: list[Command] = []
        """Commands that carried an id."""

    def next_time(self, choose: Chooser) -> int:
        """Return the clock: mostly a little later, now and then at a closing or run backwards."""
        kind = choose.number(0, 399)
        now = self.twin.now
        if kind < 8:
            return max(0, now - choose.number(1, MINUTE))
        due = [m.close_time for m in self.twin.markets.values() if m.status in LIVE]
        if kind == 8 and choose.number(0, 2) == 0 and due:
            return max(now, min(due) - choose.number(0, 1))
        return now + choose.number(0, 1000)

    def any_command(self, choose: Chooser) -> Command:
        """Return a command of any kind, orders most often."""
        if choose.number(0, 9) == 0:
            command = self._back_to_trading()
            if command is not None:
                return command
        live = [m for m in self.twin.markets.values() if m.status in LIVE]
        if not live:
            return self.create_market(choose)
        if len(self.twin.accounts) < len(ACCOUNTS) or choose.number(0, 199) == 0:
            return self.open_account(choose)
        makers = (
            *(self.place,) * 62,
            *(self.cross,) * 12,
            *(self.cancel,) * 8,
            self.cancel_all,
            *(self.credit,) * 5,
            *(self.again,) * 4,
            *(self.create_market if len(live) < MARKETS_AT_ONCE else self.place,) * 2,
            *(self.administer,) * 2,
        )
        return choose.one_of(makers)(choose)

    def open_account(self, choose: Chooser) -> Command:
        """Open an account with little or nothing in it, so that money runs short."""
        missing = [account for account in ACCOUNTS if account not in self.twin.accounts]
        account_id = choose.one_of(
            [*(missing or ACCOUNTS), 0] if choose.number(0, 9) == 0 else (missing or ACCOUNTS)
        )
        amount = choose.one_of((0, 1_000_000, 20_000_000, 300_000_000, -1, 10**15 + 1))
        return OpenAccount(account_id, amount)

    def credit(self, choose: Chooser) -> Command:
        """Credit money, sometimes too much of it, sometimes under an id."""
        account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
        amount = choose.one_of(
            (1, 999_999, 30_000_000, 40_000_000, 50_000_000, 0, 10**15 + 1, 4 * 10**9)
        )
        request_id = choose.one_of(
            (None, None, IDS[0], choose.one_of(IDS) + str(choose.number(0, 99)))
        )
        reason = "x" * choose.one_of((0, 5, 5, 5, 200, 201))
        return self._note(CreditAccount(account_id, amount, reason, request_id))

    def again(self, choose: Chooser) -> Command:
        """Repeat a command that had an id, exactly or with another content."""
        if not self._named:
            return self.credit(choose)
        command = choose.one_of(self._named[-30:])
        if choose.number(0, 2) == 0:
            if isinstance(command, PlaceOrder):
                return msgspec.structs.replace(command, quantity=choose.number(1, 500))
            if isinstance(command, CreditAccount):
                return msgspec.structs.replace(command, amount=choose.number(1, 500))
        return command

    def create_market(self, choose: Chooser) -> Command:
        """List a market; now and then one whose terms can't be."""
        number = len(self.twin.markets) + 1
        slug = f"market-{number}"
        wrong = choose.number(0, 39)
        if wrong < 8:
            slug = ("market-1", "user", "12345", "ab", "Upper", "a" * 81, "market-1", "ok\n")[wrong]
        close_time = self.twin.now + choose.one_of((MINUTE, 5 * MINUTE, 9 * MINUTE))
        rates = (0, 0, 1, 7, 35, 200, 1_000)
        return CreateMarket(
            slug=slug,
            question="" if wrong == 8 else "Will it rain?",
            description="x" * (10_001 if wrong == 9 else 3),
            category="x" * (61 if wrong == 10 else 3),
            close_time=choose.one_of((self.twin.now, 0)) if wrong in {11, 12, 13} else close_time,
            tick_size=choose.one_of((1, 10, 100, 100)) if wrong != 14 else 5,
            min_quantity=choose.one_of((1, 1, 1, 20)) if wrong != 15 else 0,
            maker_fee=choose.one_of(rates) if wrong != 16 else 1_001,
            taker_fee=choose.one_of(rates) if wrong != 17 else -1,
            fee_model=choose.one_of(list(FeeModel)),
            draft=choose.number(0, 9) == 0,
        )

    def administer(self, choose: Chooser) -> Command:
        """Halt, open, close, resolve, change the exchange's mode or back to normal."""
        market_id = self._any_market_id(choose)
        kind = choose.number(0, 9)
        if kind < 3:
            # Mostly back to a state in which trading goes on.
            often = (MarketStatus.OPEN, MarketStatus.OPEN, MarketStatus.OPEN)
            return SetMarketStatus(market_id, choose.one_of((*MarketStatus, *often)))
        if kind < 4:
            return self.resolve(choose)
        if kind < 8:
            return SetExchangeMode(choose.one_of((*ExchangeMode, *[ExchangeMode.OPEN] * 6)))
        if choose.number(0, 1):
            return CloseMarket(market_id)
        return RefuseUnstorable(choose.one_of(ACCOUNTS), "PlaceOrder")

    def _back_to_trading(self) -> Command | None:
        """Return the command that brings trading back, if it stands still."""
        if self.twin.mode is not ExchangeMode.OPEN:
            return SetExchangeMode(ExchangeMode.OPEN)
        for market in self.twin.markets.values():
            if market.status in LIVE and market.status is not MarketStatus.OPEN:
                return SetMarketStatus(market.id, MarketStatus.OPEN)
        return None

    def resolve(self, choose: Chooser) -> Command:
        """End a market, in any way."""
        outcome = choose.one_of(list(Resolution))
        payout = None
        if outcome is Resolution.SPLIT or choose.number(0, 9) == 0:
            payout = choose.one_of((1, 3_333, 5_000, 9_999, 0, 10_000, None))
        source = "x" * choose.one_of((0, 9, 9, 501))
        market_id = self._any_market_id(choose)
        ended = [m.id for m in self.twin.markets.values() if m.status not in LIVE]
        if ended and choose.number(0, 1):
            market_id = choose.one_of(ended)
        return ResolveMarket(market_id, outcome, payout, source)

    def cancel(self, choose: Chooser) -> Command:
        """Cancel an open order, mostly one's own."""
        if not self.twin.orders or choose.number(0, 9) == 0:
            last = self.twin.last_order_id
            order_id = choose.one_of((choose.number(0, last), 0, last + 1))
            return CancelOrder(choose.one_of(ACCOUNTS), order_id)
        order = choose.one_of(list(self.twin.orders.values()))
        owner = order.account_id if choose.number(0, 9) else choose.one_of((*ACCOUNTS, NOBODY))
        return CancelOrder(owner, order.id)

    def cancel_all(self, choose: Chooser) -> Command:
        """Cancel everything of an account, everywhere or in one market."""
        account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
        return CancelAll(account_id, choose.one_of((None, self._any_market_id(choose))))

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
        waiting = (TimeInForce.GTC,) * 7 if limit else ()
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
        )
        if choose.number(0, 49) == 0:
            command = self._contradict(choose, command)
        return self._note(command)

    def cross(self, choose: Chooser) -> Command:
        """Take (or nibble at) an order that rests, buying or selling what meets it."""
        resting = list(self.twin.orders.values())
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
            account_id, side, outcome = choose.one_of(ACCOUNTS), Side.BUY, other
        else:
            account_id, side, outcome = choose.one_of(ACCOUNTS), Side.BUY, maker.outcome
        quantity = maker.remaining + choose.one_of((0, 0, 1, 30, -1, 1 - maker.remaining))
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
            if market is not None and order.market_id == market.id and order.is_bid is not facing
        ]

    def _any_market_id(self, choose: Chooser) -> int:
        live = [m.id for m in self.twin.markets.values() if m.status in LIVE]
        if live and choose.number(0, 59):
            return choose.one_of(live)
        return choose.one_of((*self.twin.markets, NOWHERE))

    def _note(self, command: PlaceOrder | CreditAccount) -> Command:
        named = command.client_order_id if isinstance(command, PlaceOrder) else command.request_id
        if named is not None:
            self._named.append(command)
        return command
