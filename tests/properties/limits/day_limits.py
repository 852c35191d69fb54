"""Limits of a random market day: about as large as what people do, and lifted again soon."""

from exchange.messages.commands import Command
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limits import AccountLimits, MarketLimits, VolatilityHalt
from exchange.messages.terms import Standing
from tests.properties.choosing import Chooser
from tests.properties.day_orders import ACCOUNTS, NOBODY, NOWHERE, DayOrders
from tests.properties.life.markets import LIVE
from tests.properties.twin_records import OPEN

QUANTITIES = (None, None, None, 100, 150, 300, 600)
NOTIONALS = (None, None, None, 500_000, 1_000_000, 3_000_000)
COUNTS = (None, None, None, 1, 2, 3)
BANDS = (None, 50, 100, 100, 200)
WINDOWS, HALTS, QUIET = (1, 1, 60, 3_600), (1, 1, 2), (0, 1, 2)
POSITIONS = (None, 100, 100, 300, 500)


class DayLimits(DayOrders):
    """Makes what admins set."""

    def lifted(self, choose: Chooser) -> Command | None:
        """Return now and then what lifts limits, so that trading goes on, or lets a market halt by
        itself.
        """
        kind = choose.number(0, 79)
        if kind == 79:
            calm = [m.id for m in self.twin.markets.values() if m.status is OPEN and not m.limits]
            halts = MarketLimits(volatility_halt=self._halt(choose))
            return SetMarketLimits(calm[-1], halts) if calm else None
        if kind > 9:
            return None
        for account in self.twin.accounts.values():
            if account.limits is not None and account.standing is not Standing.CLOSED:
                return SetAccountLimits(account.id, None)
        for market in self.twin.markets.values():
            if market.limits is not None and market.status in LIVE:
                # Halts stay: it takes a while until a price has moved.
                halts = MarketLimits(volatility_halt=market.limits.volatility_halt)
                if market.limits != halts:
                    return SetMarketLimits(market.id, halts)
        return None

    def limit(self, choose: Chooser) -> Command:
        """Set a market's limits or an account's, or lift them."""
        if choose.number(0, 2) == 0:
            account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
            known = self.twin.accounts.get(account_id)
            lifts = known is not None and known.limits is not None and choose.number(0, 3)
            return SetAccountLimits(account_id, None if lifts else self._of_account(choose))
        market_id = self._any_market_id(choose)
        if choose.number(0, 14) == 0:
            market_id = choose.one_of((NOWHERE, choose.one_of((NOWHERE, *self.twin.markets))))
        market = self.twin.markets.get(market_id)
        lifts = market is not None and market.limits is not None and choose.number(0, 3)
        return SetMarketLimits(market_id, None if lifts else self._of_market(choose))

    def _of_account(self, choose: Chooser) -> AccountLimits:
        if choose.number(0, 19) == 0:
            return choose.one_of((AccountLimits(position=0), AccountLimits(order_notional=-1)))
        return AccountLimits(
            order_quantity=choose.one_of(QUANTITIES),
            order_notional=choose.one_of(NOTIONALS),
            open_orders=choose.one_of(COUNTS),
            position=choose.one_of(POSITIONS),
        )

    def _halt(self, choose: Chooser) -> VolatilityHalt:
        return VolatilityHalt(
            move=choose.one_of((200, 400, 600, 800)),
            window=choose.one_of(WINDOWS),
            halted=choose.one_of(HALTS),
            post_only=choose.one_of(QUIET),
        )

    def _of_market(self, choose: Chooser) -> MarketLimits:
        if choose.number(0, 19) == 0:
            wrong = (
                MarketLimits(price_band=10_000),
                MarketLimits(open_orders=10_001),
                MarketLimits(volatility_halt=VolatilityHalt(move=1, window=3_601, halted=1)),
            )
            return choose.one_of(wrong)
        return MarketLimits(
            price_band=choose.one_of(BANDS),
            volatility_halt=self._halt(choose) if choose.number(0, 1) else None,
            order_quantity=choose.one_of(QUANTITIES),
            order_notional=choose.one_of(NOTIONALS),
            open_orders=choose.one_of(COUNTS),
            position=choose.one_of(POSITIONS),
        )
