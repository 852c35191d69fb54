"""What is left of a difference in price between two markets of the same question.

Whoever buys a YES share in one market and a NO share in the other is paid 1 whatever happens:

    cost        = a + n          a: the ask of YES there, n: the ask of NO here (1 - the bid of YES)
    fees        = fee(YES at a) + fee(NO at n)      of takers, a share, of an order of `SHARES`
    profit      = 1 - cost - fees
    capital     = (cost + fees) x rate x years       until the later of both closes, as simple
                                                     interest, rounded up to 1/10^8
    net         = profit - capital
    annual      = profit / (cost + fees) / years     rounded down to 1/10^4; None within a minute

Laws: exact decimals; what isn't known makes None, never 0; it is told of the better of the two ways
round. What isn't in it: the depth behind the asks, the time between two orders, the currencies (a
share pays one unit of each), and whether both venues will resolve alike.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE
from gateway.feeds.known import KnownMarket, MarketRef
from gateway.feeds.model import ListedStatus
from gateway.venues.schedules import fee
from gateway.venues.terms import Role

SHARES: Final = 100
"""Fees are of an order of so many shares: some venues round an order's fee up to a cent."""
YEAR_US: Final = 365 * 86_400_000_000
_SOON_US: Final = 60_000_000
_MONEY: Final = Decimal("0.00000001")
_RATE: Final = Decimal("0.0001")
_EXACTLY: Final = Context(prec=60)
_ONE: Final = Decimal(1)


class Arbitrage(msgspec.Struct, frozen=True, kw_only=True):
    """One way round, for one share of each side; prices in 1/10 000, the rest in exact money."""

    yes_on: MarketRef
    no_on: MarketRef
    yes_ask: int
    no_ask: int
    cost: Decimal
    fees: Decimal | None
    profit: Decimal | None
    closes_at: int | None
    capital: Decimal | None
    net: Decimal | None
    annual: Decimal | None


def best_way(one: KnownMarket, other: KnownMarket, rate: Decimal, now: int) -> Arbitrage | None:
    """Return the better of the two ways round; None unless both trade and have what it takes.

    `rate` is what capital costs in a year, `now` the time in microseconds.
    """
    ways = [
        way for way in (_way(one, other, rate, now), _way(other, one, rate, now)) if way is not None
    ]
    return max(ways, key=_worth, default=None)


def difference(markets: Sequence[KnownMarket | None]) -> int | None:
    """Return the price of YES in the first market less that in the second, in 1/10 000."""
    first, second = (None if market is None else market.yes_price for market in markets)
    return None if first is None or second is None else first - second


def _worth(way: Arbitrage) -> tuple[bool, Decimal]:
    best = way.net if way.net is not None else way.profit
    return best is not None, _ONE - way.cost if best is None else best


def _way(yes_in: KnownMarket, no_in: KnownMarket, rate: Decimal, now: int) -> Arbitrage | None:
    if not (yes_in.status is no_in.status is ListedStatus.OPEN):
        return None
    ask, bid = yes_in.best_ask, no_in.best_bid
    if ask is None or bid is None or not all(PRICE_MIN <= p <= PRICE_MAX for p in (ask, bid)):
        return None
    no_ask = PRICE_SCALE - bid
    with localcontext(_EXACTLY):
        cost = Decimal(ask + no_ask) / PRICE_SCALE
        fees = _fees((yes_in, ask), (no_in, no_ask))
        profit = None if fees is None else _ONE - cost - fees
        closes = [at for at in (yes_in.close_time, no_in.close_time) if at is not None]
        closes_at = max(closes) if len(closes) == 2 else None  # noqa: PLR2004 - both must say
        capital = net = annual = None
        if fees is not None and profit is not None and closes_at is not None:
            paid, left = cost + fees, max(0, closes_at - now)
            capital = (paid * rate * left / YEAR_US).quantize(_MONEY, ROUND_CEILING)
            net = profit - capital
            if left > _SOON_US:
                annual = (profit * YEAR_US / (paid * left)).quantize(_RATE, ROUND_FLOOR)
    return Arbitrage(
        yes_on=yes_in.ref,
        no_on=no_in.ref,
        yes_ask=ask,
        no_ask=no_ask,
        cost=cost,
        fees=fees,
        profit=profit,
        closes_at=closes_at,
        capital=capital,
        net=net,
        annual=annual,
    )


def _fees(*legs: tuple[KnownMarket, int]) -> Decimal | None:
    """Return what a share of each leg costs a taker; None if one venue's terms don't say."""
    total = Decimal(0)
    for market, price in legs:
        paid = fee(market.ref.platform, Role.TAKER, price, SHARES * 100, market.fees)
        if paid is None:
            return None
        total += paid / SHARES
    return total
