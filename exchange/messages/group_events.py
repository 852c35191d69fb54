"""What happened to order groups. `events` says how events are made, and lists them all.

That an order of a group traded has no event of its own: TradeExecuted says so.
"""

from exchange.messages.account_events import EventBase


class GroupSet(EventBase, frozen=True):
    """A group of the account is there with these limits; see `SetOrderGroup`."""

    account_id: int
    name: str
    max_filled: int
    window: int
    max_net: int | None


class GroupTriggered(EventBase, frozen=True):
    """The group is over its limit: its open orders end, each with an event of its own after this,
    and it takes none until it is reset.
    """

    account_id: int
    name: str


class GroupReset(EventBase, frozen=True):
    """The group has filled nothing any more, and takes orders."""

    account_id: int
    name: str
