"""What the house goes by: a mirror, its market here, its source elsewhere. Whether it may quote.

Laws: it reads what any client reads: the committed view, and the source as readers of its stream
have it. Doubt is a reason not to quote: a source that is silent, crossed, over or about to be.
Times are microseconds since the epoch.
"""

from collections.abc import Collection, Iterable
from typing import Final

from exchange.messages.terms import ExchangeMode
from exchange.model.market import OPEN, Market
from exchange.model.state import State
from gateway.economy.mirrors.quoting import Idle, Source
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.feeds.books import LocalBook
from gateway.feeds.live.followed import Followed
from gateway.feeds.model import ListedStatus
from persistence.clock import MICROSECONDS
from persistence.repositories.economy.mirrors import Mirror

DEAD_MAN_MS: Final = 6_000
"""So long quotes stand after the house said last that it lives."""
LEAD_US: Final = (DEAD_MAN_MS // 1_000 + 1) * MICROSECONDS
"""So long before its source's price is stale a quote goes: whatever dies then, none stands on one
that is."""


class Freshness:
    """When each source was last known to be as its book here says: while its stream stands, when
    that last told of any market, for a line that is cut is silent long before it is known to be.
    """

    def __init__(self) -> None:
        self._known: dict[Followed, int] = {}
        self._heard: dict[str, int] = {}

    def hear(self, every: Iterable[Followed]) -> None:
        """Note when each venue's stream last told of any of these.  O(all)."""
        self._heard.clear()
        for one in every:
            if one.in_sync and one.by_stream:
                platform = one.market.platform
                self._heard[platform] = max(self._heard.get(platform, 0), one.told_at)

    def at(self, followed: Followed) -> int:
        """Return when."""
        known = max(self._known.get(followed, 0), followed.book_at)
        if followed.in_sync and followed.by_stream:
            known = max(known, self._heard.get(followed.market.platform, 0))
        self._known[followed] = known
        return known

    def forget(self, followed: Followed) -> None:
        """Forget a source that is followed no longer."""
        self._known.pop(followed, None)


class Drawn:
    """How much the house has traded of what stands at each source's best prices.

    bought there = YES that the house has more than when the source's best bid moved last
    sold there   = YES that it has fewer than when the source's best ask moved last

    What people sell back to the house, or buy back, so gives room again, and costs them the spread
    twice. Known since the house began.
    """

    def __init__(self) -> None:
        self._bids: dict[int, tuple[int, int]] = {}
        """Of each mirror's market the best price, and how much the house had when it came."""
        self._asks: dict[int, tuple[int, int]] = {}

    def less(self, market_id: int, source: Source, had: int) -> Source:
        """Return a source with what is left of it for a house that has so much YES, less its NO
        (1/100 shares).
        """
        bids_left = asks_left = 0
        if source.bid is not None:
            bids_left = source.bids - max(0, had - _since(self._bids, market_id, source.bid, had))
        if source.ask is not None:
            asks_left = source.asks - max(0, _since(self._asks, market_id, source.ask, had) - had)
        return source._replace(bids_left=max(0, bids_left), asks_left=max(0, asks_left))

    def keep(self, market_ids: Collection[int]) -> None:
        """Forget all markets but these."""
        for known in (self._bids, self._asks):
            for market_id in known.keys() - market_ids:
                del known[market_id]


def _since(known: dict[int, tuple[int, int]], market_id: int, price: int, had: int) -> int:
    """Return how much the house had when the best price became what it is."""
    if known.get(market_id, (None,))[0] != price:
        known[market_id] = price, had
    return known[market_id][1]


def source_of(
    mirror: Mirror,
    market: Market | None,
    view: State,
    followed: Followed | None,
    known_at: int,
    now: int,
    settings: MirrorSettings,
) -> Source | Idle:
    """Return the source's best prices, or why nothing is quoted; `known_at` says as of when."""
    here = idle_here(mirror, market, view)
    if here is not None:
        return here
    if followed is None or not followed.book.is_known:
        return Idle.NO_SOURCE
    if now - known_at >= settings.stale * MICROSECONDS - LEAD_US:
        return Idle.STALE
    if followed.market.status is not ListedStatus.OPEN:
        return Idle.SOURCE_NOT_OPEN
    ends = [market.close_time] if market is not None else []
    if followed.market.close_time is not None:
        ends.append(followed.market.close_time)
    if min(ends) - now <= settings.stops_before * MICROSECONDS:
        return Idle.NEAR_END
    if followed.book.fault is not None:
        return Idle.CROSSED
    return _best_of(followed.book, mirror.spread)


def _best_of(book: LocalBook, spread: int) -> Source:
    """Return the best prices of a book, and what stands at them or no further off than `spread`."""
    bid, ask = book.best_bid, book.best_ask
    bids = 0 if bid is None else book.standing(bid - spread, is_bid=True)
    asks = 0 if ask is None else book.standing(ask + spread, is_bid=False)
    return Source(bid, ask, bids, asks)


def idle_here(mirror: Mirror, market: Market | None, view: State) -> Idle | None:
    """Return why nothing is quoted, as far as it isn't the source's doing; None if it isn't."""
    if not mirror.quotes:
        return Idle.PAUSED
    if mirror.disputed is not None:
        return Idle.DISPUTED
    if mirror.said is not None:
        return Idle.SOURCE_NOT_OPEN
    if market is None or market.status is not OPEN or view.mode is not ExchangeMode.OPEN:
        return Idle.MARKET_NOT_OPEN
    return None
