"""Markets of other venues as a tape: what the feed stored of them, snapshot by snapshot.

    best prices of a snapshot that differ     -> a book of one level a side
    a sum of volume that grew, or another
    last price                                -> a print at the last price, in front of that book

Laws: nothing is stamped before it was seen here, so when a market closes isn't told: the time that
is stored is what the venue says today, by which one that closed early would give itself away. A
print has the time of the snapshot that tells of it, and stands for all that was traded since the
one before: as many shares as the volume grew by, or `LEAST` where a venue doesn't say. A quantity
that isn't known is shown as `LEAST`, too. Prices off the tick are moved away from the middle. What
was filled in afterwards (BACKFILL) has no book, and isn't played. Several markets are one question,
asked at several venues.
"""

import heapq
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from exchange.messages.bounds import (
    PRICE_MAX,
    PRICE_MIN,
    PRICE_SCALE,
    QUANTITY_MAX,
    QUANTITY_SCALE,
    TICK_SIZES,
    TIME_MAX,
)
from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.known import MarketRef
from gateway.feeds.known_venues import known_of_venue
from gateway.feeds.model import VenueMarket
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent, TapeRefused
from gateway.research.tape.stored import StoredTape
from persistence.repositories.feeds.past_snapshots import (
    past_market,
    snapshot_count,
    snapshots_after,
)
from persistence.repositories.feeds.snapshots import BACKFILL, Snapshot

LEAST: Final = QUANTITY_SCALE
"""One share: what is taken for a quantity that nobody says."""
_TICK: Final = 100
_STEP: Final = 2_000
_FACE_VALUE: Final = frozenset({"kalshi"})
"""Venues that tell a volume as contracts at one dollar each; others tell what was paid."""
_ONE_QUESTION: Final = "asked together"


class SnapshotTape(StoredTape):
    """What a database has of other venues' markets."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._read = 0
        self._count = 1

    def market(self, ref: MarketRef) -> "PastMarket":
        """Return a market; raises TapeRefused if there is none."""
        row = self._wait(past_market(self._known, *ref))
        if row is None:
            raise TapeRefused(f"there is no market {ref.id!r}")
        market = market_of(row.record, None)
        known = known_of_venue(market, row.changed_at)
        ended = None if known.yes_payout is None else market.resolved_at or row.changed_at
        return PastMarket(row.id, ref.id, market, ended, known.yes_payout)

    def part(self) -> float:
        """Return how much has been read, 0 to 1."""
        return min(1.0, self._read / self._count)

    def events(
        self,
        markets: Sequence["PastMarket"],
        first: int | None,
        last: int | None,
        *,
        with_fees: bool = True,
    ) -> Iterator[TapeEvent]:
        """Yield what happened in markets between two times, both included, in the order of time."""
        begin, end = first or 0, min(TIME_MAX, TIME_MAX if last is None else last)
        self._read = 0
        counts = [self._wait(snapshot_count(self._known, m.id, begin, end)) for m in markets]
        self._count = max(sum(counts), 1)
        event = _ONE_QUESTION if len(markets) > 1 else ""
        courses = [
            _Course(market, event, with_fees=with_fees).events(self._snapshots(market, begin, end))
            for market in markets
        ]
        played = heapq.merge(*courses, key=lambda one: one.at)
        return (one for one in played if one.at <= end)

    def _snapshots(self, market: "PastMarket", first: int, last: int) -> Iterator[Snapshot]:
        place = first, 0
        while True:
            asked = snapshots_after(self._known, market.id, place, last, _STEP)
            found = self._wait(asked)
            self._read += len(found)
            yield from found
            if len(found) < _STEP:
                return
            place = found[-1].at, found[-1].id


class PastMarket(msgspec.Struct, frozen=True):
    """A market of the table; `name` is its id on the wire, `ended_at` when it was paid."""

    id: int
    name: str
    market: VenueMarket
    ended_at: int | None
    yes_payout: int | None


class _Course:
    """What snapshots of one market say, one after the other."""

    def __init__(self, market: PastMarket, event: str, *, with_fees: bool) -> None:
        self._market = market
        self._event = event
        self._with_fees = with_fees
        tick = market.market.tick_size
        self._tick = tick if tick in TICK_SIZES else _TICK
        self._volume: Decimal | None = None
        self._last_price: int | None = None
        self._shown: tuple[tuple[Level, ...], tuple[Level, ...]] = ((), ())

    def events(self, snapshots: Iterator[Snapshot]) -> Iterator[TapeEvent]:
        """Yield the events: nothing at all where there is no snapshot."""
        ended, now = self._market.ended_at, 0
        for snapshot in snapshots:
            if ended is not None and snapshot.at >= ended:
                break
            if snapshot.source == BACKFILL:
                continue
            if not now:
                yield self._listed(snapshot.at)
            now = snapshot.at
            yield from self._told(snapshot)
        if now and ended is not None and self._market.yes_payout is not None:
            yield Ended(max(now, ended), self._market.name, self._market.yes_payout)

    def _listed(self, at: int) -> Listed:
        market = self._market.market
        return Listed(
            at,
            self._market.name,
            title=market.question,
            tick=self._tick,
            event=self._event,
            platform=market.platform if self._with_fees else "",
            fee_terms=market.fees if self._with_fees else (),
        )

    def _told(self, snapshot: Snapshot) -> Iterator[TapeEvent]:
        printed = self._printed(snapshot)
        if printed is not None:
            yield printed
        bids = self._side(snapshot.best_bid, snapshot.bid_quantity, down=True)
        asks = self._side(snapshot.best_ask, snapshot.ask_quantity, down=False)
        if bids and asks and bids[0].price >= asks[0].price:
            # Sides of different moments: the next one is right again.
            return
        if (bids, asks) != self._shown:
            self._shown = bids, asks
            yield Seen(snapshot.at, self._market.name, bids, asks)

    def _printed(self, snapshot: Snapshot) -> Printed | None:
        """Return what was traded since the last snapshot; the first one says nothing of that."""
        price, before = snapshot.last_price, self._last_price
        grown = self._grown(snapshot.volume)
        self._last_price = before if price is None else price
        if price is None or before is None:
            return None
        if grown is None:
            quantity = LEAST if price != before else 0
        else:
            quantity = self._shares(grown, price)
        at_tick = self._on_tick(price, down=price <= PRICE_SCALE // 2)
        if quantity == 0 or at_tick is None:
            return None
        return Printed(snapshot.at, self._market.name, at_tick, min(quantity, QUANTITY_MAX))

    def _grown(self, volume: Decimal | None) -> Decimal | None:
        """Return by how much the sum of volume grew; two ways of asking may tell an older one."""
        before = self._volume
        if volume is None:
            return None
        self._volume = volume if before is None else max(before, volume)
        return None if before is None else self._volume - before

    def _shares(self, grown: Decimal, price: int) -> int:
        if self._market.market.platform not in _FACE_VALUE:
            grown = grown * PRICE_SCALE / price if price > 0 else Decimal(0)
        return int(grown * QUANTITY_SCALE)

    def _side(self, price: int | None, quantity: int | None, *, down: bool) -> tuple[Level, ...]:
        at_tick = None if price is None else self._on_tick(price, down=down)
        if at_tick is None:
            return ()
        return (Level(at_tick, min(max(quantity or LEAST, 1), QUANTITY_MAX)),)

    def _on_tick(self, price: int, *, down: bool) -> int | None:
        moved = price // self._tick * self._tick if down else -(-price // self._tick) * self._tick
        return moved if PRICE_MIN <= moved <= PRICE_MAX else None
