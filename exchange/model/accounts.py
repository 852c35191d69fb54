"""What an account owns: cash, and shares per market and outcome.  Plain records;
`transitions/` alone changes them.

The average price, the unrealised profit and the like are derived, never stored: a position keeps
an integer cost (fees apart), and removing x of Q shares removes floor(cost x / Q) of it, all of it
when x = Q.
"""

from collections.abc import ValuesView
from dataclasses import dataclass, field

from exchange.messages.limits import AccountLimits
from exchange.messages.terms import YES, Outcome, Standing
from exchange.messages.units import Boxed
from exchange.model.order_book import Order


@dataclass(slots=True, eq=False)
class Holding:
    """Shares of one outcome: `free` can be sold, `locked` is offered by open SELL orders; `cost`
    is money.
    """

    account_id: int
    market_id: int
    outcome: Outcome
    free: int = 0
    locked: int = 0
    cost: int = 0
    touched: int = 0
    """Sequence of the last command that changed it; not part of the state."""

    @property
    def quantity(self) -> int:
        """All shares held, free or locked."""
        return self.free + self.locked

    def cost_of(self, quantity: int) -> int:
        """Return the part of the cost that leaves with `quantity` of the shares (RULEBOOK 2)."""
        held = self.free + self.locked
        return self.cost if quantity == held else self.cost * quantity // held


@dataclass(slots=True, eq=False)
class Position:
    """Both outcomes of one market in one account; `realised` is profit in money, fees apart."""

    yes: Holding
    no: Holding
    realised: int = 0

    def holding(self, outcome: Outcome) -> Holding:
        """Return the shares of `outcome`."""
        return self.yes if outcome is YES else self.no


@dataclass(slots=True, eq=False)
class Account:
    """One user's cash.  `available` + `locked` is all of it; `locked` is the sum of named
    reservations.
    """

    id: int
    opened_seq: int
    available: int = 0
    locked: int = 0
    seq: int = 0
    """Counts private messages."""
    touched: int = 0
    """Sequence of the last command that changed the cash; not part of the state."""
    listed: int = 0
    """The number of the last dirty lists it was on; not part of the state."""
    dead_man: int | None = None
    """When its dead-man switch ends its orders; None: it is off."""
    standing: Standing = Standing.ACTIVE
    limits: AccountLimits | None = None
    """Its own, in place of its markets'."""
    key: Boxed = field(init=False)
    """The id again, as tables and messages have it."""
    orders: dict[int, Order] = field(default_factory=dict)
    """Open orders by id. Their order here is no rule: one that a batch ended and brought back is
    the last.
    """
    positions: dict[int, Position] = field(default_factory=dict)
    """By market id."""
    by_market: dict[int, dict[int, Order]] | None = None
    """The open orders by market and id; None until somebody asks, for few ever are."""

    def __post_init__(self) -> None:
        """Keep the id twice."""
        self.key = self.id

    def orders_in(self, market_id: int) -> ValuesView[Order]:
        """Return the open orders in a market; O(all open orders) when first asked, then O(1)."""
        if self.by_market is None:
            self.by_market = {}
            for order in self.orders.values():
                self.note_order(self.by_market, order)
        none: dict[int, Order] = {}
        return self.by_market.get(market_id, none).values()

    @staticmethod
    def note_order(by_market: dict[int, dict[int, Order]], order: Order) -> None:
        """Add an order that is open."""
        by_market.setdefault(order.market_id, {})[order.id] = order

    @staticmethod
    def drop_order(by_market: dict[int, dict[int, Order]], order: Order) -> None:
        """Take an order out that is open no longer."""
        orders = by_market[order.market_id]
        del orders[order.id]
        if not orders:
            del by_market[order.market_id]
