"""Snapshots: the markets somebody looks at, and the most active ones, every few seconds.

Laws: at most `limit` markets in all, the watched ones first; a row only where something changed; a
venue that fails costs its own markets alone. Once an hour what there is is rolled up to candles,
and what is too old goes.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.prices import BATCH
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.model import VenueMarket
from gateway.feeds.venue import Venue
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.feeds.snapshots import (
    DAY,
    HOUR,
    POLL,
    VENUE_SEQ_LENGTH,
    NewSnapshot,
    Snapshots,
)
from persistence.repositories.feeds.state import FeedState

JOB: Final = "market-snapshots"
ROLL_UP_JOB: Final = "snapshot-rollup"
WATCH_S: Final = 600
"""For so long after somebody asked for it a market counts as watched."""
_ROLLED_BACK_S: Final = 2 * DAY
"""How far back a roll-up looks: what was missed in a pause of the jobs comes in, too."""
_STEP: Final = 5_000
_STEPS_MAX: Final = 1_000


class SnapshotPoller:
    """Takes snapshots, and makes candles of them."""

    def __init__(
        self,
        rounds: Rounds,
        markets: VenueMarkets,
        snapshots: Snapshots,
        state: FeedState,
        missing: Missing,
        logger: Logger,
        *,
        limit: int,
        kept_s: int,
        candles_kept_s: Mapping[int, int],
    ) -> None:
        """Look at `limit` markets; keep snapshots, and candles by their length, so many seconds.

        Candles of a length that isn't named stay as long as their market.
        """
        self._rounds = rounds
        self._markets = markets
        self._snapshots = snapshots
        self._state = state
        self._missing = missing
        self._logger = logger
        self._limit = limit
        self._kept_us = kept_s * MICROSECONDS
        self._candles_kept_s = candles_kept_s

    async def run(self) -> None:
        """Take a snapshot of each market that is worth it."""
        names = await self._chosen()

        async def take(venue: Venue) -> Mapping[str, Any]:
            return await self._take(venue, names.get(venue.platform, []))

        await self._rounds.go(JOB, take)

    async def _chosen(self) -> dict[str, list[str]]:
        """Return the venues' ids by platform: those watched, then the most active in turn."""
        watched = await self._state.watched(now_us(), self._limit)
        chosen = dict.fromkeys(pair for pair in watched if pair[0] in self._rounds.venues)
        bounds = await self._missing.bounds()
        actives = []
        for platform in self._rounds.venues:
            since = bounds.get(platform, 0)
            names = await self._markets.active(platform, self._limit, seen_since=since)
            actives.append([(platform, name) for name in names])
        for rank in range(max(map(len, actives), default=0)):
            for active in actives:
                if rank < len(active) and len(chosen) < self._limit:
                    chosen[active[rank]] = None
        by_platform: dict[str, list[str]] = {}
        for platform, name in chosen:
            by_platform.setdefault(platform, []).append(name)
        return by_platform

    async def _take(self, venue: Venue, names: Sequence[str]) -> Mapping[str, Any]:
        written = seen = 0
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            at = now_us()
            page = await venue.some_markets(part)
            known = await self._markets.known(venue.platform, part)
            rows = await asyncio.to_thread(_snapshots, page.markets, known, at)
            written += await self._snapshots.add(POLL, rows)
            seen += len(rows)
        return {"asked": len(names), "seen": seen, "written": written}

    async def roll_up(self) -> None:
        """Make candles of the last two days, make room for what comes, and drop what is too old."""
        now = now_us()
        await self._snapshots.make_partitions_ahead(now)
        step, day = HOUR * MICROSECONDS, DAY * MICROSECONDS
        # From the start of a day, whose first hours may be thrown away already: its candle would
        # be of the others alone. An hour at a time: each is one short statement, and begun again
        # does no harm.
        for start in range((now - _ROLLED_BACK_S * MICROSECONDS) // day * day, now, step):
            await self._snapshots.roll_up(start, min(start + step, now))
        gone = await self._snapshots.drop_before(now - self._kept_us)
        candles = 0
        for seconds, kept_s in self._candles_kept_s.items():
            candles += await self._prune_candles(seconds, now - kept_s * MICROSECONDS)
        watches = await self._state.forget_watches(now)
        self._logger.info(
            "snapshots rolled up", dropped=len(gone), candles=candles, watches=watches
        )

    async def _prune_candles(self, seconds: int, before: int) -> int:
        gone = 0
        for _ in range(_STEPS_MAX):
            step_gone = await self._snapshots.prune_candles(seconds, before, _STEP)
            gone += step_gone
            if step_gone < _STEP:
                break
        return gone


def snapshot_of(
    market: VenueMarket, market_id: int, at: int, venue_seq: str | None = None
) -> NewSnapshot:
    """Return the snapshot of a market as it is.

    It differs from the one before if a price, a size, the open interest or the volume does; the
    volume of 24 hours changes with the clock alone, and is no reason. What a venue calls the state
    of its book is left out where it is too long to be stored.
    """
    worth = (
        market.yes_price,
        market.best_bid,
        market.best_ask,
        market.last_price,
        market.bid_quantity,
        market.ask_quantity,
        market.open_interest,
        None if market.volume_total is None else str(market.volume_total),
    )
    return NewSnapshot(
        market_id=market_id,
        digest=hashlib.blake2b(msgspec.msgpack.encode(worth), digest_size=8).digest(),
        at=at,
        venue_at=market.venue_at,
        venue_seq=venue_seq if len(venue_seq or "") <= VENUE_SEQ_LENGTH else None,
        yes_price=market.yes_price,
        best_bid=market.best_bid,
        best_ask=market.best_ask,
        last_price=market.last_price,
        bid_quantity=market.bid_quantity,
        ask_quantity=market.ask_quantity,
        open_interest=market.open_interest,
        volume=market.volume_total,
        volume_24h=market.volume_24h,
        liquidity=market.liquidity,
    )


def _snapshots(
    markets: Collection[VenueMarket], known: Mapping[str, tuple[int, bytes]], at: int
) -> list[NewSnapshot]:
    by_id = {market.external_id: market for market in markets if market.external_id in known}
    return [snapshot_of(market, known[name][0], at) for name, market in by_id.items()]
