"""What befell accounts beside orders: switches that fire, sessions that end, money that moves
outside the book, what an account may do. `events` says how events are made, and lists them all.
"""

import msgspec

from exchange.messages.commands import Leg
from exchange.messages.terms import MoneyKind, Standing


class EventBase(
    msgspec.Struct, frozen=True, array_like=True, tag=True, tag_field="event", gc=False
):
    """How every event is built and encoded."""


class DeadManSet(EventBase, frozen=True):
    """The account's open orders end at `due` (microseconds since the epoch) unless it is set anew;
    None: it was lifted.
    """

    account_id: int
    due: int | None


class DeadManFired(EventBase, frozen=True):
    """The deadline came: `count` orders ended, each with an event of its own before this one, and
    the switch is off.
    """

    account_id: int
    count: int


class LeaseRenewed(EventBase, frozen=True):
    """The sessions of a gateway end at `due` unless it is renewed."""

    gateway: int
    due: int


class SessionEnded(EventBase, frozen=True):
    """A session ended, and `count` orders tied to it, each with an event of its own before this."""

    account_id: int
    gateway: int
    session: int
    count: int


class LeaseEnded(EventBase, frozen=True):
    """Nothing is tied any more to a gateway of which nothing is heard."""

    gateway: int


class FundsDebited(EventBase, frozen=True):
    """`amount` went from the account's available cash back to the issuance."""

    account_id: int
    amount: int
    reason: str
    request_id: str | None
    kind: MoneyKind


class CashTransferred(EventBase, frozen=True):
    """The amount of each leg went from available cash to available cash, in their order."""

    legs: tuple[Leg, ...]
    reason: str
    request_id: str | None
    kind: MoneyKind


class StandingChanged(EventBase, frozen=True):
    """What the account may do is another thing now; orders it lost have events before this one."""

    account_id: int
    standing: Standing
