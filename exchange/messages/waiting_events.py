"""What happened to orders that wait for a price, and to pairs of which one cancels the other.
`events` says how events are made, and lists them all.
"""

from exchange.messages.account_events import EventBase
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import Side


class OrderTriggered(EventBase, frozen=True):
    """A pending order is no longer: it went to the back, and `unlocked` came free of what it had
    (below 0: was added, as a BUY with a limit that reduces only has nothing before).

    With `resting` it crossed nothing and is in the book; else its trades and its end, or
    `OrderRested`, follow in the same command. A BUY without a limit gives back all it had locked,
    and spends at most that.
    """

    order_id: int
    account_id: int
    market_id: int
    side: Side
    unlocked: int
    resting: bool


class PendingAmended(EventBase, frozen=True):
    """A pending order's terms are others now; `reserved` was added to its reservation (below 0:
    freed).
    """

    order_id: int
    account_id: int
    market_id: int
    side: Side
    price: int | None
    quantity: int | None
    reserved: int
    conditions: OrderConditions


class LockPassed(EventBase, frozen=True):
    """What an OCO pair has locked was set anew: `reserved` more (below 0: less) on this order."""

    order_id: int
    account_id: int
    market_id: int
    side: Side
    reserved: int


class OrdersReached(EventBase, frozen=True):
    """The command brought the price to these pending orders: they are due, and stay so."""

    market_id: int
    order_ids: list[int]


class OrdersStoodDown(EventBase, frozen=True):
    """These orders are due no longer, as their market stopped trading before they were triggered;
    when it goes on they are judged anew.
    """

    market_id: int
    order_ids: list[int]
