"""The twin's limits before the trade (RULEBOOK 16): everything is added up anew for each order."""

from fractions import Fraction

from exchange.messages.events import CommandRejected, Event
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limit_events import AccountLimitsSet, MarketLimitsSet
from exchange.messages.limits import AccountLimits, MarketLimits
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, MarketStatus, Outcome, Standing
from tests.properties.twin_endings import TwinEndings
from tests.properties.twin_records import ONE, RESOLVING, TwinOrder

MOST = 10**10
DECIDED = (RESOLVING, MarketStatus.RESOLVED, MarketStatus.VOID)
Refusal = tuple[Reason, str]


class TwinLimits(TwinEndings):
    """What admins set, and what it forbids."""

    def set_market_limits(self, command: SetMarketLimits) -> list[Event]:
        """Run a SetMarketLimits."""
        market = self.markets.get(command.market_id)
        if market is None:
            return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "")]
        if market.status in DECIDED:
            return [CommandRejected(Reason.MARKET_ALREADY_RESOLVED, "market", "")]
        wrong = wrong_limits(command.limits)
        if wrong is not None:
            return [CommandRejected(Reason.INVALID_AMOUNT, wrong, "")]
        none = command.limits is None or all(
            getattr(command.limits, field) is None for field in command.limits.__struct_fields__
        )
        before = market.limits and market.limits.volatility_halt
        market.limits = None if none else command.limits
        if (market.limits and market.limits.volatility_halt) != before:
            market.tape = ()
        return [MarketLimitsSet(market.id, market.limits)]

    def set_account_limits(self, command: SetAccountLimits) -> list[Event]:
        """Run a SetAccountLimits."""
        account = self.accounts.get(command.account_id)
        if account is None:
            return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "id", "")]
        if account.standing is Standing.CLOSED:
            return [CommandRejected(Reason.ACCOUNT_CLOSED, "id", "")]
        wrong = wrong_limits(command.limits)
        if wrong is not None:
            return [CommandRejected(Reason.INVALID_AMOUNT, wrong, "")]
        given = command.limits
        none = given is None or all(
            getattr(given, field) is None for field in given.__struct_fields__
        )
        account.limits = None if none else given
        return [AccountLimitsSet(account.id, account.limits)]

    def limit_for(self, order: TwinOrder, name: str) -> int:
        """Return the limit that binds the order's owner there; without one a number out of reach.

        His own counts before that of the market.
        """
        for limits in (
            self.accounts[order.account_id].limits,
            self.markets[order.market_id].limits,
        ):
            number = None if limits is None else getattr(limits, name)
            if number is not None:
                return int(number)
        return 10**30

    def too_large(self, order: TwinOrder, *, awaits: bool = True) -> Refusal | None:
        """Return which limit an order is beyond, as it is or is to be."""
        judged = order.price is not None and not (order.waits and awaits)
        if judged and self.is_outside(order):
            return Reason.OUTSIDE_BAND, "price"
        if order.quantity is not None and order.quantity > self.limit_for(order, "order_quantity"):
            return Reason.ORDER_TOO_LARGE, "quantity"
        if notional(order) > self.limit_for(order, "order_notional"):
            by_cost = order.max_cost is not None
            return Reason.ORDER_TOO_LARGE, "maxCost" if by_cost else "quantity"
        if not order.buys or order.reduce_only:
            return None
        wants = 1 if order.quantity is None else order.remaining
        if wants > self.room(order):
            return Reason.POSITION_LIMIT, "maxCost" if order.quantity is None else "quantity"
        return None

    def is_outside(self, order: TwinOrder) -> bool:
        """Return whether an order's own price lies past the band."""
        order.furthest = self.furthest(order)
        return order.furthest is not None and order.is_beyond(order.yes_price)

    def furthest(self, order: TwinOrder) -> Fraction | None:
        """Return how far the band lets an order reach, in prices of YES."""
        market = self.markets[order.market_id]
        if market.limits is None or market.limits.price_band is None:
            return None
        band = market.limits.price_band
        if not order.is_bid:
            band = -band
        if market.last_price is not None:
            return Fraction(market.last_price + band)
        book = [o for o in self.orders.values() if o.in_book and o.market_id == market.id]
        bids = [other.yes_price for other in book if other.is_bid]
        asks = [other.yes_price for other in book if not other.is_bid]
        return Fraction(max(bids) + min(asks), 2) + band if bids and asks else None

    def room(self, order: TwinOrder) -> int:
        """Return how many shares more its owner may get of a BUY's outcome."""
        held = {
            outcome: self.holding(order.account_id, order.market_id, outcome) for outcome in Outcome
        }
        own = held[order.outcome]
        pairs = min(held[Outcome.YES].free, held[Outcome.NO].free)
        wanted: dict[int, int] = {}
        apart = {order.id, partner_of(order)}
        for other in self.orders.values():
            if (
                other.buys
                and (other.account_id, other.market_id) == (order.account_id, order.market_id)
                and other.outcome is order.outcome
                and other.id not in apart
            ):
                # Two that end each other are one.
                pair = {other.id}
                if (partner := partner_of(other)) in self.orders:
                    pair.add(partner)
                wanted[min(pair)] = max(other.remaining, wanted.get(min(pair), 0))
        there = own.free + own.locked - pairs + sum(wanted.values())
        return self.limit_for(order, "position") - there

    def cap_of(self, order: TwinOrder, set_aside: int = 0) -> int | None:
        """Return how much a reduce-only order, or a BUY by cost, may trade; None for all others.

        Shares that are set aside for it count as free.
        """
        if order.market_id not in self.markets or order.account_id not in self.accounts:
            return None
        if not order.reduce_only:
            return self.room(order) if order.buys and order.max_cost is not None else None
        other = Outcome.NO if order.outcome is Outcome.YES else Outcome.YES
        own = self.holding(order.account_id, order.market_id, order.outcome).free + set_aside
        its_other = self.holding(order.account_id, order.market_id, other).free
        return max(0, its_other - own if order.buys else own - its_other)

    def too_many_there(self, order: TwinOrder, more: int) -> Refusal | None:
        """Return that its owner would have too many open orders in the market."""
        there = [
            other
            for other in self.orders.values()
            if (other.account_id, other.market_id) == (order.account_id, order.market_id)
        ]
        if len(there) + more > self.limit_for(order, "open_orders"):
            return Reason.TOO_MANY_OPEN_ORDERS, ""
        return None


def partner_of(order: TwinOrder) -> int:
    """Return the order that ends with this one; 0 for none."""
    return (order.conditions.partner or 0) if order.conditions else 0


def notional(order: TwinOrder) -> int:
    """Return what an order comes to."""
    if order.max_cost is not None:
        return order.max_cost
    price = order.price or order.worst_price or ONE
    return price * (order.quantity or 0)


def wrong_limits(limits: AccountLimits | None) -> str | None:
    """Return the limit that can't be."""
    if limits is None:
        return None
    bounds = (
        ("orderQuantity", limits.order_quantity, MOST),
        ("orderNotional", limits.order_notional, MOST * ONE),
        ("openOrders", limits.open_orders, 10_000),
        ("position", limits.position, MOST),
    )
    for field, number, most in bounds:
        if number is not None and not 0 < number <= most:
            return field
    band = limits.price_band if isinstance(limits, MarketLimits) else None
    if band is not None and not 1 <= band <= 9_999:
        return "priceBand"
    halt = limits.volatility_halt if isinstance(limits, MarketLimits) else None
    if halt is None:
        return None
    wrong = {
        "move": not 1 <= halt.move <= 9_999,
        "windowSeconds": not 1 <= halt.window <= 3_600,
        "haltSeconds": not 1 <= halt.halted <= 86_400,
        "postOnlySeconds": not 0 <= halt.post_only <= 86_400,
    }
    return next((f"volatilityHalt.{field}" for field, is_wrong in wrong.items() if is_wrong), None)


def bound_of(order: TwinOrder) -> CancelReason:
    """Return what keeps a MARKET order from what is left: the nearer of its worst price and the
    band.
    """
    worst = order.worst_price
    if worst is None:
        return CancelReason.OUTSIDE_BAND
    yes_price = worst if order.outcome is Outcome.YES else ONE - worst
    by_band = order.furthest is not None and order.is_beyond(yes_price)
    return CancelReason.OUTSIDE_BAND if by_band else CancelReason.WORST_PRICE
