"""The demonstration's stocks: three of them, and traders who come and go, some with a loan.

Laws: they trade by the desk of everybody's; what is there is found and kept. A stock is drawn to a
supply that is another one every few minutes, by the mood people are in, so its price goes up and
down; its line is flat for trades of this size, so it wanders by a few percent, and neither runs
away nor dies. From the first share on it can only rise: the line is flat enough for that, too.
"""

from random import Random
from typing import Final

from exchange.messages.bounds import MONEY_SCALE, QUANTITY_SCALE
from gateway.economy.rewards.rules import day_of
from gateway.economy.stocks.desk import StockDesk
from gateway.economy.stocks.orders import Ask
from gateway.wire.errors import ApiError
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.stocks.stocks import NewStock, Stocks

DEMO_STOCKS: Final = (
    NewStock("ORCA", "Orca Motors", 10 * MONEY_SCALE, MONEY_SCALE // 1_000, 10, 1_000),
    NewStock("LYNX", "Lynx Robotics", 50 * MONEY_SCALE, MONEY_SCALE // 200, 20, 1_000),
    NewStock("MOSS", "Moss Foods", 4 * MONEY_SCALE, MONEY_SCALE // 2_500, 5, 500),
)
HOMES: Final = (100 * QUANTITY_SCALE, 500 * QUANTITY_SCALE)
"""Between which lies the supply to which a stock is drawn, in hundredths."""
MOOD_STEPS: Final = 60
"""Trades after which people's mood is another one, on the average."""
PIECE: Final = (QUANTITY_SCALE, 40 * QUANTITY_SCALE)
_LEVERAGES: Final = (1, 1, 1, 2, 3, 5)


class DemoStocks:
    """Lists the stocks and lets somebody trade one now and then."""

    def __init__(self, desk: StockDesk, pool: DeadlinePool) -> None:
        self._desk = desk
        self._rows = Stocks(pool)
        self._homes: dict[str, int] = {}
        """To which supply each stock is drawn just now."""

    async def start(self) -> None:
        """List what is missing."""
        now = now_us()
        for new in DEMO_STOCKS:
            row = await self._rows.by_symbol(new.symbol)
            if row is None:
                row = await self._rows.add(new, now, day_of(now))
            if row is not None:
                await self._desk.open_reserve(row.id)

    async def step(self, traders: list[int], rng: Random) -> bool:
        """Let one of the traders buy or sell; say whether that was done."""
        new, trader = rng.choice(DEMO_STOCKS), rng.choice(traders)
        row = await self._rows.by_symbol(new.symbol)
        if row is None:
            return False
        if new.symbol not in self._homes or not rng.randrange(MOOD_STEPS):
            self._homes[new.symbol] = rng.randint(*HOMES)
        buys = rng.random() * 2 * self._homes[new.symbol] > row.supply
        ask = Ask(
            is_buy=buys,
            shares=rng.randint(*PIECE),
            leverage=rng.choice(_LEVERAGES) if buys else 1,
        )
        try:
            await self._desk.trade(trader, new.symbol, ask, None, "demo")
        except (ApiError, CommandNotTaken, OutcomeUnknown):
            return False
        return True
