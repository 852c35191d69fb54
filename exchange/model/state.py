"""Everything the exchange remembers between two commands, and nothing else.

`transitions/` alone changes it.  `dirty` lists what was changed since its reader last cleared it:
on the live state the journal reads it once a batch, on the committed view the publisher reads it
once a command. What is in `dirty` keeps its last values, also when it has left the state (an order
that ended).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from sortedcontainers import SortedDict

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import NO, YES, ExchangeMode
from exchange.model.accounts import Account, Holding, Position
from exchange.model.idempotency import Key, RecentIds
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.order_groups import GroupKey, OrderGroup
from exchange.model.timers import Timers
from exchange.model.waiting import DueKey

UndoStep = tuple[Callable[..., None], tuple[Any, ...]]
"""What takes one change back, and with what."""


@dataclass(slots=True, eq=False)
class Dirty:
    """What changed, in the order of the first change, so that its reader need not search.

    An account is listed when anything of it changed, its message count included; its cash changed
    in the command at hand if `account.touched` is that command's sequence. Each is listed once, but
    a holding once for each command that changed it.
    """

    orders: list[Order] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    payouts: dict[int, Market] = field(default_factory=dict)
    """Markets whose next payout is at another time, by id."""
    switches: dict[int, Account] = field(default_factory=dict)
    """Accounts whose dead-man switch or standing changed, by id."""
    leases: dict[int, int] = field(default_factory=dict)
    """When the leases that changed end, by gateway; 0: they have ended."""
    groups: dict[GroupKey, OrderGroup] = field(default_factory=dict)
    """Order groups of which more changed than which orders are open."""
    market_limits: dict[int, Market] = field(default_factory=dict)
    """Markets with other limits than before, by id."""
    account_limits: dict[int, Account] = field(default_factory=dict)
    """Accounts with other limits than before, by id."""
    reopenings: dict[int, Market] = field(default_factory=dict)
    """Markets that go on by themselves at another time, by id."""
    windows: dict[int, Market] = field(default_factory=dict)
    """Markets whose `extremes` changed, by id."""
    edited: dict[int, Market] = field(default_factory=dict)
    """Markets that are about something else than before, by id."""
    mode: bool = False
    """Whether the exchange's mode changed, or when it changes by itself."""
    number: int = 1
    """Of these lists; a record whose `listed` is that number is on them."""

    def add_order(self, order: Order) -> None:
        """List an order that changed."""
        if order.listed != self.number:
            order.listed = self.number
            self.orders.append(order)

    def add_account(self, account: Account) -> None:
        """List an account of which anything changed."""
        if account.listed != self.number:
            account.listed = self.number
            self.accounts.append(account)

    def add_market(self, market: Market) -> None:
        """List a market that changed."""
        if market.listed != self.number:
            market.listed = self.number
            self.markets.append(market)

    def clear(self) -> None:
        """Begin anew."""
        self.orders.clear()
        self.accounts.clear()
        self.markets.clear()
        self.holdings.clear()
        for rare in self._rare():
            if rare:
                rare.clear()
        self.mode = False
        self.number += 1

    @property
    def has_rare(self) -> bool:
        """Whether anything changed that hardly any command changes."""
        return self.mode or any(self._rare())

    def _rare(self) -> tuple[dict[Any, Any], ...]:
        return (
            self.reopenings,
            self.windows,
            self.payouts,
            self.switches,
            self.leases,
            self.groups,
            self.market_limits,
            self.account_limits,
            self.edited,
        )


Tied = SortedDict[tuple[int, int], dict[int, Order]]
"""Orders by id, by (session, account), in the order in which a lease ends them."""


@dataclass(slots=True, eq=False)
class State:
    """The exchange.  Money: the sum of all accounts, collaterals and fees equals `issued`."""

    seq: int = 0
    """Sequence of the last command."""
    now: int = 0
    """Time stamped on the last command, microseconds since the epoch; never runs backwards."""
    mode: ExchangeMode = ExchangeMode.OPEN
    mode_since: int | None = None
    """When that was said last, None if it never was: it only tells of the past, and is no state."""
    post_only_until: int | None = None
    """When the exchange opens by itself, after a restart."""
    next_order_id: int = 1
    moved: int = 0
    """How often an amend or a trigger put an order to the back of a level: so far places are ahead
    of ids.
    """
    next_market_id: int = 1
    issued: int = 0
    """Money ever issued: the negative of the `exchange:issuance` account."""
    fees: int = 0
    """The `exchange:fees` account."""
    accounts: dict[int, Account] = field(default_factory=dict)
    markets: dict[int, Market] = field(default_factory=dict)
    market_by_slug: dict[str, Market] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    """Open orders by id."""
    open_client_ids: dict[Key, int] = field(default_factory=dict)
    """Ids of open orders by the client's id."""
    recent_ids: RecentIds = field(default_factory=RecentIds)
    timers: Timers = field(default_factory=Timers)
    """Of every market that hasn't closed, its closing; of every open GTD order, its expiry; of
    every dead-man switch and every lease, its deadline; of every market that goes on by itself, and
    of the exchange, when; of every market that is RESOLVING, its next payout.
    """
    leases: dict[int, int] = field(default_factory=dict)
    """When a gateway's sessions end if nothing is heard of it, by gateway."""
    tied: dict[int, Tied] = field(default_factory=dict)
    """Open orders that end with their session, by gateway; each has a lease."""
    groups: dict[int, dict[str, OrderGroup]] = field(default_factory=dict)
    """Order groups by account and name."""
    due: list[DueKey] = field(default_factory=list)
    """Orders that waited and have been reached, the next to be triggered first; an index.

    A list, since after each command it is asked whether there is any (`model/waiting.py` keeps it).
    """
    volatile: dict[int, None] = field(default_factory=dict)
    """Ids of markets that trade and have moved too far, to be halted next; an index."""
    stirred: list[Market] = field(default_factory=list)
    """Markets with waiting orders whose public state the command at hand changed; no state."""
    dirty: Dirty = field(default_factory=Dirty)
    unnetted: dict[tuple[int, int], None] | None = None
    """While a batch of orders runs: (market id, account id) of whom its end nets."""
    undo: list[UndoStep] | None = None
    """While a batch runs that may be undone: how, the last change last (`transitions/undoing.py`).
    """

    @property
    def next_place(self) -> int:
        """What the next order gets that is placed, or amended to the back: time at a price.

        As long as nothing was amended, an order's place is its id.
        """
        return self.next_order_id + self.moved

    def dismantle(self) -> None:
        """Unlink the orders of a state that is given up: the garbage collector comes rarely."""
        for order in self.orders.values():
            order.level = order.previous = order.next = None

    def become(self, other: "State") -> None:
        """Take over all that `other` remembers; `other` is not to be used any more."""
        for part in fields(State):
            setattr(self, part.name, getattr(other, part.name))

    def holding_of(self, order: Order) -> Holding:
        """Return the shares that a SELL order offers; it was placed because they are there."""
        return self.markets[order.market_id].positions[order.account_id].holding(order.outcome)

    def group_of(self, order: Order | PlaceOrder) -> OrderGroup | None:
        """Return the group that the order counts in, if any; that of one that was taken is
        there.
        """
        terms = order.conditions
        if terms is None or terms.group is None:
            return None
        return self.groups[order.account_id][terms.group]

    def open_position(self, account_id: int, market_id: int) -> Position:
        """Give the account an empty position in the market."""
        yes, no = (Holding(account_id, market_id, outcome) for outcome in (YES, NO))
        position = Position(yes, no)
        self.markets[market_id].positions[account_id] = position
        self.accounts[account_id].positions[market_id] = position
        return position
