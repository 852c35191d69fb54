"""What happened to the limits before the trade. `events` says how events are made, and lists them
all.
"""

from exchange.messages.account_events import EventBase
from exchange.messages.limits import AccountLimits, MarketLimits


class MarketLimitsSet(EventBase, frozen=True):
    """A market's limits are these now; None: it has none."""

    market_id: int
    limits: MarketLimits | None


class AccountLimitsSet(EventBase, frozen=True):
    """An account's own limits are these now; None: those of each market bind it."""

    account_id: int
    limits: AccountLimits | None


class ReopeningSet(EventBase, frozen=True):
    """A market goes on by itself at `resumes_at` (microseconds since the epoch), from the status
    that it has got in the same command.
    """

    market_id: int
    resumes_at: int


class PostOnlySet(EventBase, frozen=True):
    """The exchange, which is post-only as of this command, opens by itself at `until`."""

    until: int
