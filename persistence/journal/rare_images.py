"""What a batch changed that few batches change, as after-images in one JSON document.

Laws: what isn't there is left out, so most batches write an empty one; the names are those that
`commit_batch` reads.
"""

import msgspec

from exchange.messages.limits import AccountLimits, MarketLimits
from exchange.model.market import Market
from exchange.model.order_groups import OrderGroup
from exchange.model.price_window import Window


class Payout(msgspec.Struct, frozen=True):
    """When a market's next holders are paid; 0: none are."""

    id: int
    next_payout: int


class Switch(msgspec.Struct, frozen=True):
    """When an account's dead-man switch ends its orders (0: it is off), and what it may do."""

    id: int
    dead_man: int
    standing: int


class Lease(msgspec.Struct, frozen=True):
    """When a gateway's sessions end; 0: they have."""

    gateway: int
    due: int


class GroupRow(msgspec.Struct, frozen=True):
    """An order group, whole; `max_net` is 0 if there is none, a slice (number, filled, net)."""

    account_id: int
    name: str
    max_filled: int
    max_net: int
    window_s: int
    triggered: bool
    slices: list[tuple[int, int, int]]


class LimitsOf(msgspec.Struct, frozen=True):
    """The limits of a market or an account; None: it has none."""

    id: int
    limits: MarketLimits | AccountLimits | None


class Reopening(msgspec.Struct, frozen=True):
    """When a market goes on by itself; 0: it doesn't."""

    id: int
    resumes_at: int


class Extremes(msgspec.Struct, frozen=True):
    """Where a market traded of late; None: nowhere."""

    id: int
    extremes: Window | None


class Edited(msgspec.Struct, frozen=True):
    """What a market is about, named as its columns are."""

    id: int
    question: str
    description: str
    category: str
    close_time: int
    min_quantity: int


class Mode(msgspec.Struct, frozen=True):
    """When the exchange got its mode, and when it opens by itself; 0: never."""

    since: int
    post_only_until: int


class RareImages(msgspec.Struct, frozen=True, omit_defaults=True):
    """After-images of what hardly any batch changes; what it didn't is left out."""

    payouts: list[Payout] = []
    switches: list[Switch] = []
    leases: list[Lease] = []
    groups: list[GroupRow] = []
    market_limits: list[LimitsOf] = []
    account_limits: list[LimitsOf] = []
    reopenings: list[Reopening] = []
    windows: list[Extremes] = []
    modes: list[Mode] = []
    edited: list[Edited] = []


def edited_market(market: Market) -> Edited:
    """What a market is about as it stands."""
    return Edited(
        market.id,
        market.question,
        market.description,
        market.category,
        market.close_time,
        market.min_quantity,
    )


def group_row(group: OrderGroup) -> GroupRow:
    """An order group as it stands."""
    slices = [(number, filled, net) for number, (filled, net) in group.slices.items()]
    return GroupRow(
        group.account_id,
        group.name,
        group.max_filled,
        group.max_net or 0,
        group.window,
        group.triggered,
        slices,
    )
