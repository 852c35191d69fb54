"""What shares of any platform's markets cost and are worth: pure sums over lots.

    cost         quantity x average cost
    value        quantity x what a share is worth now: its live price, NO at 1 - YES, or what it was
                 paid when its market was resolved; where neither is known, its cost
    unrealised   value - cost
    realised     quantity x (closing price - average cost), of what is closed

Laws: products are exact (`amounts.py`) and become money once, at the end of each sum; amounts of
different platforms are added one for one, although each is in the platform's own currency.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.accounts import Account, Holding
from exchange.model.state import State
from gateway.feeds.intake.catalogue import category_key
from gateway.feeds.known import OURS, KnownMarket, MarketRef
from gateway.portfolio.records.amounts import (
    MONEY_PLACES,
    PRICE_PLACES,
    SHARE_PLACES,
    money,
    price_of_ours,
)
from gateway.portfolio.views import held

SHARE_SCALE: Final = 10_000
"""Parts of an allocation are counted in 1/10 000 of the whole."""
_SHARES_OF_OURS: Final[int] = 10 ** (SHARE_PLACES - 2)
_EXACT_OF_OURS: Final[int] = 10 ** (SHARE_PLACES + PRICE_PLACES - 6)
_MONEY_OF_OURS: Final[int] = 10 ** (MONEY_PLACES - 6)

Known = Mapping[MarketRef, KnownMarket]


class Lot(msgspec.Struct, frozen=True):
    """Open shares of one side of a market: of how many positions, in 1/10^8; their exact cost."""

    ref: MarketRef
    side: Outcome
    positions: int
    quantity: int
    cost: int


class Held(msgspec.Struct, frozen=True):
    """What a portfolio holds, and what became of what it held; `realized` is money."""

    lots: tuple[Lot, ...] = ()
    closed: int = 0
    realized: int = 0


class Figures(msgspec.Struct, frozen=True):
    """The sums over a portfolio, in money; `unpriced` positions count at their cost."""

    positions: int
    closed: int
    unpriced: int
    cost: int
    value: int
    unrealized: int
    realized: int


class Part(msgspec.Struct, frozen=True):
    """What of a portfolio lies with one name; `share` of its value in 1/10 000, None of nothing."""

    name: str
    positions: int
    cost: int
    value: int
    share: int | None


def worth(lot: Lot, known: Known) -> int | None:
    """Return what a lot is worth, exactly; None where no price is known."""
    market = known.get(lot.ref)
    price = None if market is None else market.worth(lot.side)
    return None if price is None else lot.quantity * price_of_ours(price)


def figures(has: Held, known: Known) -> Figures:
    """Return the sums over what a portfolio has.  O(lots)."""
    positions = unpriced = cost = value = 0
    for lot in has.lots:
        now = worth(lot, known)
        positions += lot.positions
        unpriced += lot.positions if now is None else 0
        cost += lot.cost
        value += lot.cost if now is None else now
    return Figures(
        positions,
        has.closed,
        unpriced,
        money(cost),
        money(value),
        money(value - cost),
        has.realized,
    )


def together(parts: Iterable[Held]) -> Held:
    """Return several portfolios as one."""
    lots: list[Lot] = []
    closed = realized = 0
    for part in parts:
        lots += part.lots
        closed += part.closed
        realized += part.realized
    return Held(tuple(lots), closed, realized)


def by_platform(has: Held, known: Known) -> list[Part]:
    """Return what lies with each platform, the most valuable first."""
    return _allocation(has, known, lambda lot: lot.ref.platform)


def by_category(has: Held, known: Known) -> list[Part]:
    """Return what lies in each category, the most valuable first; "" of those that have none.

    Platforms write the same one in several ways ("Weather", "weather"): it is named as one of them.
    """
    names: dict[str, str] = {}

    def category(lot: Lot) -> str:
        market = known.get(lot.ref)
        name = "" if market is None else market.category
        key = category_key(name)
        names[key] = min(name, names.get(key, name))
        return key

    parts = _allocation(has, known, category)
    return [msgspec.structs.replace(part, name=names[part.name]) for part in parts]


def _allocation(has: Held, known: Known, name_of: Callable[[Lot], str]) -> list[Part]:
    sums: dict[str, list[int]] = {}
    for lot in has.lots:
        now = worth(lot, known)
        entry = sums.setdefault(name_of(lot), [0, 0, 0])
        entry[0] += lot.positions
        entry[1] += lot.cost
        entry[2] += lot.cost if now is None else now
    whole = sum(value for _, _, value in sums.values())
    order = sorted(sums.items(), key=lambda item: (-item[1][2], item[0]))
    return [
        Part(name, positions, money(cost), money(value), _share(value, whole))
        for name, (positions, cost, value) in order
    ]


def _share(value: int, whole: int) -> int | None:
    return (2 * SHARE_SCALE * value + whole) // (2 * whole) if whole else None


def held_here(account: Account | None, view: State) -> Held:
    """Return what an account holds on the exchange; `closed` isn't counted there.

    O(markets it ever held shares of).
    """
    if account is None:
        return Held()
    lots = tuple(
        lot_of(holding)
        for market_id in account.positions
        for holding in held(account, view.markets[market_id])
    )
    realized = sum(position.realised for position in account.positions.values())
    return Held(lots, 0, money_of_ours(realized))


def money_of_ours(amount: int) -> int:
    """Return money of the exchange (1/10^6) in 1/10^8."""
    return amount * _MONEY_OF_OURS


def lot_of(holding: Holding) -> Lot:
    """Return shares of the exchange as a lot."""
    return Lot(
        MarketRef(OURS, str(holding.market_id)),
        holding.outcome,
        1,
        holding.quantity * _SHARES_OF_OURS,
        holding.cost * _EXACT_OF_OURS,
    )
