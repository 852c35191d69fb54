"""What admins bind trading by, for a market and for an account (RULEBOOK 16): each limit a number,
None where there is none.

An account's own number takes the place of its market's, larger or smaller. Both structs go whole
through commands, events, the state's hash and one column each, as `conditions` does; a limit is
encoded under its name and left out where there is none, so what was stored before it came reads as
it did.
"""

from typing import TypeVar

import msgspec

from exchange.messages.bounds import (
    HALT_S,
    HALT_WINDOW_S,
    NOTIONAL_MAX,
    OPEN_ORDERS_PER_ACCOUNT,
    PRICE_MAX,
    PRICE_MIN,
    QUANTITY_MAX,
)
from exchange.messages.units import format_money, format_quantity


class AccountLimits(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """What one account may do in each market.

    `order_quantity` and `order_notional` (money) bound one order, `open_orders` how many orders
    are open there, `position` the shares of one outcome: held, and wanted by open BUY orders.
    """

    order_quantity: int | None = None
    order_notional: int | None = None
    open_orders: int | None = None
    position: int | None = None


class VolatilityHalt(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """When a market stops by itself, and how it comes back; times in seconds.

    If its trades of the last `window` lie more than `move` (price units) apart it is HALTED for
    `halted`, and then POST_ONLY for `post_only`.
    """

    move: int
    window: int
    halted: int
    post_only: int = 0


class MarketLimits(AccountLimits, frozen=True, kw_only=True):
    """What everybody may do in one market, as far as an account has no limit of its own; and how
    far from its last price orders may reach there, `price_band` (price units), whoever sends them,
    and when the market halts by itself.
    """

    price_band: int | None = None
    volatility_halt: VolatilityHalt | None = None


Limits = TypeVar("Limits", bound=AccountLimits)


def some(limits: Limits | None) -> Limits | None:
    """Return the limits; None if there is none among them."""
    return None if limits is None or limits == type(limits)() else limits


def limit_of(own: AccountLimits | None, there: AccountLimits | None, name: str) -> int | None:
    """Return the account's own limit of that name, else its market's; None: there is none."""
    for limits in (own, there):
        found: int | None = None if limits is None else getattr(limits, name)
        if found is not None:
            return found
    return None


def limits_problem(limits: AccountLimits) -> tuple[str, str] | None:
    """Return (field, what is wrong) if a limit can't be; the edge asks, the engine asks again."""
    checks = (
        ("orderQuantity", limits.order_quantity, QUANTITY_MAX, format_quantity),
        ("orderNotional", limits.order_notional, NOTIONAL_MAX, format_money),
        ("openOrders", limits.open_orders, OPEN_ORDERS_PER_ACCOUNT, str),
        ("position", limits.position, QUANTITY_MAX, format_quantity),
    )
    for field, number, most, told in checks:
        if number is not None and not 1 <= number <= most:
            return field, f"must be more than 0 and at most {told(most)}"
    return _market_problem(limits) if isinstance(limits, MarketLimits) else None


def _market_problem(limits: MarketLimits) -> tuple[str, str] | None:
    band, halt = limits.price_band, limits.volatility_halt
    if band is not None and not PRICE_MIN <= band <= PRICE_MAX:
        return "priceBand", "must lie between 0.0001 and 0.9999"
    if halt is None:
        return None
    if not PRICE_MIN <= halt.move <= PRICE_MAX:
        return "volatilityHalt.move", "must lie between 0.0001 and 0.9999"
    for field, seconds, least, most in (
        ("windowSeconds", halt.window, 1, HALT_WINDOW_S),
        ("haltSeconds", halt.halted, 1, HALT_S),
        ("postOnlySeconds", halt.post_only, 0, HALT_S),
    ):
        if not least <= seconds <= most:
            return f"volatilityHalt.{field}", f"must be {least} to {most}"
    return None
