"""The markets of other venues as the catalogue has them, for whoever asks by name.

Prices are those of the last time a job saw them (`KnownMarket.as_of` says when), but of a market
that is asked for as it is now. A single market that no list has shown yet is asked of its venue,
where there is a way to it; many at once never are. Records are decoded in a thread where there are
many.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Resolution
from gateway.feeds.api.reading import FeedReader, Known
from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.known import KnownMarket, MarketRef
from gateway.feeds.model import FINAL, VenueMarket
from gateway.wire.errors import NotFound
from persistence.repositories.feeds.markets import MarketRow, VenueMarkets

STEP: Final = 250
"""So many are asked for at once; where there are more than half as many, a thread decodes them."""
_PAYOUTS: Final = {Resolution.YES: PRICE_SCALE, Resolution.NO: 0}


class KnownVenueMarkets:
    """Answers for the markets of these platforms."""

    def __init__(
        self, platforms: Iterable[str], rows: VenueMarkets, reader: FeedReader | None = None
    ) -> None:
        """Answer by what is stored, and by the venues that `reader` has."""
        self.platforms = tuple(platforms)
        self._rows = rows
        self._reader = reader

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market of the venue's own id; raises ExternalApiFailed.

        That is where the store hasn't got it and its venue is down.
        """
        row = await self._rows.find(platform, external_id)
        if row is not None:
            return known_of_row(row)
        found = await self._read(platform, external_id)
        return None if found is None else known_of_venue(found.market, found.at)

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market as its venue has it now, or as it was stored if that doesn't answer."""
        found = await self._read(platform, external_id)
        if found is None or self._reader is None:
            return await self.known(platform, external_id)
        now = await self._reader.live(found)
        return known_of_venue(now.market, now.at)

    async def _read(self, platform: str, external_id: str) -> Known | None:
        if self._reader is None or platform not in self._reader.venues:
            return None
        try:
            return await self._reader.named(f"{platform}:{external_id}")
        except NotFound:
            return None

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        """Return those of these that there are."""
        found: dict[MarketRef, KnownMarket] = {}
        for platform in self.platforms:
            names = [ref.external_id for ref in refs if ref.platform == platform]
            for start in range(0, len(names), STEP):
                rows = await self._rows.find_some(platform, names[start : start + STEP])
                if 2 * len(rows) > STEP:
                    markets = await asyncio.to_thread(_known_of_rows, rows)
                else:
                    markets = _known_of_rows(rows)
                found |= {market.ref: market for market in markets}
        return found

    async def of_slug(self, slug: str) -> KnownMarket | None:
        """Return the market that bears a slug; None if several do."""
        rows = await self._rows.of_slug(slug, self.platforms)
        return known_of_row(rows[0]) if len(rows) == 1 else None


def known_of_row(row: MarketRow) -> KnownMarket:
    """Return what is known of a stored market."""
    return known_of_venue(market_of(row.record, row.venue_at), row.as_of)


def known_of_venue(market: VenueMarket, as_of: int | None) -> KnownMarket:
    """Return what is known of a venue's market as it was at a time."""
    is_final = market.status in FINAL
    payout = market.yes_payout
    if payout is None and is_final and market.resolution is not None:
        payout = _PAYOUTS.get(market.resolution)
    return KnownMarket(
        ref=MarketRef(market.platform, market.external_id),
        slug=market.slug,
        question=market.question,
        category=market.category,
        status=market.status,
        close_time=market.close_time,
        yes_price=None if is_final else market.yes_price,
        last_price=None if is_final else market.last_price,
        best_bid=market.best_bid,
        best_ask=market.best_ask,
        resolution=market.resolution,
        yes_payout=payout,
        currency=market.currency,
        fees=market.fees,
        as_of=as_of,
    )


def _known_of_rows(rows: Iterable[MarketRow]) -> list[KnownMarket]:
    return [known_of_row(row) for row in rows]
