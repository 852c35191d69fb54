"""Where the API looks up what it shows: the cache, then the store, then the venue itself.

Laws: the store answers whatever is known, so a venue that is down takes nothing away: what is old
says so. A venue is asked only for what the store hasn't got, or what is asked for as it is now;
what it says goes into the store. ExternalApiFailed (502) is the answer only where nothing is known.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from gateway.feeds.cache import Cache, Entry, Policy
from gateway.feeds.intake.catalogue import Catalogue, market_of, raw_of
from gateway.feeds.intake.rounds import Venues
from gateway.feeds.model import (
    FINAL,
    MarketsPage,
    PricePoint,
    Unrepresentable,
    VenueBook,
    VenueCandle,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.totals import TOTALS, Totals
from gateway.feeds.upstream.askers import for_a_reader
from gateway.feeds.upstream.bounds import Rate
from gateway.feeds.upstream.bucket import TokenBucket, TooManyWaiting
from gateway.feeds.venue import Venue, VenueRefused, VenueUnavailable
from gateway.jobs.supervisor import LoopClock
from gateway.wire.errors import ExternalApiFailed, NotFound
from persistence.clock import now_us
from persistence.repositories.feeds.markets import MarketRow, VenueMarkets

_NO_LIST: Final = frozenset(map(msgspec.msgpack.encode, ([], [[], 0, None])))
"""No categories, and an empty list with its total: what is there before the first are read."""
# Parts of lists are the largest entries: all of them together are 80 MiB at the most.
LISTS: Final = Policy(
    name="lists",
    fresh_s=60,
    lends_s=60,
    kept_s=600,
    entries=512,
    body_max=128 * 1_024,
    nothing=_NO_LIST,
)
LONG_LISTS: Final = Policy(
    name="long_lists",
    fresh_s=60,
    lends_s=60,
    kept_s=600,
    entries=32,
    body_max=512 * 1_024,
    nothing=_NO_LIST,
)
MARKETS: Final = Policy(name="markets", fresh_s=60, lends_s=60, kept_s=600, entries=2_048)
LIVE: Final = Policy(name="live", fresh_s=5, lends_s=0, kept_s=3_600, entries=1_024)
BOOKS: Final = Policy(name="books", fresh_s=5, lends_s=5, kept_s=3_600, entries=1_024)
TRADES: Final = Policy(name="trades", fresh_s=10, lends_s=10, kept_s=3_600, entries=512)
HISTORY: Final = Policy(name="history", fresh_s=60, lends_s=240, kept_s=3_600, entries=256)
CANDLES: Final = Policy(
    name="candles", fresh_s=60, lends_s=240, kept_s=3_600, entries=64, body_max=256 * 1_024
)
COUNTS: Final = Policy(name="counts", fresh_s=5, lends_s=5, kept_s=60, entries=4)
ABSENT: Final = Policy(name="absent", fresh_s=30, lends_s=0, kept_s=30, entries=4_096)
"""Ids that a venue has no market for, so that it isn't asked again and again."""
POLICIES: Final = (
    LISTS, LONG_LISTS, TOTALS, MARKETS, LIVE, BOOKS, TRADES, HISTORY, CANDLES, COUNTS, ABSENT
)  # fmt: skip
TRADES_MAX: Final = 200
UNLISTED: Final = Rate(per_minute=10, burst=10)
"""So often a venue is asked for ids that no list has shown: what somebody makes up would take the
requests that the jobs keep everything young with.
"""
_VENUE_ERRORS: Final = (VenueUnavailable, VenueRefused, Unrepresentable)
_REFUSED_NOT_FOUND: Final = 404

T = TypeVar("T")

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_row: Final = msgspec.msgpack.Decoder(MarketRow).decode
_decode_book: Final = msgspec.msgpack.Decoder(VenueBook).decode
_decode_trades: Final = msgspec.msgpack.Decoder(list[VenueTrade]).decode
_decode_points: Final = msgspec.msgpack.Decoder(list[PricePoint]).decode
_decode_candles: Final = msgspec.msgpack.Decoder(list[VenueCandle] | None).decode


class Known(msgspec.Struct, frozen=True):
    """A market of another platform, when it was known to be so, and whether asking failed."""

    row: MarketRow
    market: VenueMarket
    at: int
    stale: bool = False


class FeedReader:
    """Looks up markets of other platforms."""

    def __init__(
        self, venues: Venues, markets: VenueMarkets, catalogue: Catalogue, cache: Cache
    ) -> None:
        self.venues: Final = venues
        self.markets: Final = markets
        self.cache: Final = cache
        self.totals: Final = Totals(cache)
        self._catalogue = catalogue
        clock = LoopClock()
        self._unlisted_left = {platform: TokenBucket(UNLISTED, clock) for platform in venues}

    async def named(self, name: str, *, bare_ids: bool = False) -> Known:
        """Return the market of "platform:id" or of a slug; with `bare_ids` of a venue's own id.

        Raises NotFound; ExternalApiFailed for an id that the store hasn't got while its venue is
        down.
        """
        platform, colon, external_id = name.partition(":")
        if colon:
            if platform not in self.venues or not external_id:
                raise _no_market()
            return await self._of_id(self.venues[platform], external_id)
        if not self.venues:
            raise _no_market()
        found = await self.markets.of_slug(name, self.venues)
        if not found and bare_ids:
            found = await self._with_id(name)
        if len(found) != 1:
            raise _no_market()
        return _known(found[0])

    async def _with_id(self, external_id: str) -> list[MarketRow]:
        rows = [await self.markets.find(platform, external_id) for platform in self.venues]
        return [row for row in rows if row is not None]

    async def _of_id(self, venue: Venue, external_id: str) -> Known:
        async def find() -> bytes:
            row = await self.markets.find(venue.platform, external_id)
            if row is None:
                row = await self._unlisted(venue, external_id)
            return _encode(row)

        row, _ = await self.cache.read(
            MARKETS, f"{venue.platform}:{external_id}", find, _decode_row
        )
        return _known(row)

    async def _unlisted(self, venue: Venue, external_id: str) -> MarketRow:
        """Return a market that no list has shown yet; raises NotFound, ExternalApiFailed."""

        async def ask() -> bytes:
            try:
                await self._unlisted_left[venue.platform].take(0)
            except TooManyWaiting as error:
                message = "it is asked for unknown markets too often"
                raise VenueUnavailable(venue.platform, message, error.seconds) from None
            row = await self._ask_market(venue, external_id)
            return b"" if row is None else _encode(row)

        key = f"{venue.platform}:{external_id}"
        row, _ = await answered(venue, self.cache.read(ABSENT, key, ask, _decode_row_if_any))
        if row is None:
            raise _no_market()
        return row

    async def _ask_market(self, venue: Venue, external_id: str) -> MarketRow | None:
        """Return the market as the venue says it is now, stored; None if it has none."""
        at = now_us()
        try:
            with for_a_reader():
                page: MarketsPage = await venue.some_markets([external_id])
        except VenueRefused as error:
            if error.status != _REFUSED_NOT_FOUND:
                raise
            return None
        await self._catalogue.store(venue.platform, page, at)
        if all(market.external_id != external_id for market in page.markets):
            return None
        return await self.markets.find(venue.platform, external_id)

    async def live(self, known: Known) -> Known:
        """Return a market as it is now; as it was known, marked stale, if its venue doesn't say."""
        if known.market.status in FINAL:
            return known
        venue = self.venues[known.row.platform]
        external_id = known.row.external_id

        async def ask() -> bytes:
            row = await self._ask_market(venue, external_id)
            if row is None:
                raise VenueRefused(venue.platform, _REFUSED_NOT_FOUND, "it has no such market")
            key = f"{venue.platform}:{external_id}"
            await self.cache.put(MARKETS, key, _encode(row), row.as_of)
            return _encode(row)

        try:
            row, entry = await self.cache.read(
                LIVE, f"{venue.platform}:{external_id}", ask, _decode_row
            )
        except _VENUE_ERRORS:
            return msgspec.structs.replace(known, stale=True)
        return _known(row, stale=entry.failed)

    async def book(self, known: Known) -> tuple[VenueBook, Entry]:
        """Return a market's book; raises ExternalApiFailed, NotFound where there is none.

        That of a market that is over is empty: its venue has none of it any more.
        """
        venue, market = self.venues[known.row.platform], known.market
        if market.status in FINAL:
            empty = VenueBook(
                platform=market.platform, external_id=market.external_id, bids=(), asks=()
            )
            return empty, Entry(known.at, b"")

        async def ask() -> bytes:
            with for_a_reader():
                return _encode(await venue.book(market))

        return await answered(venue, self.cache.read(BOOKS, _key(known), ask, _decode_book))

    async def trades(self, known: Known, limit: int) -> tuple[Sequence[VenueTrade], Entry]:
        """Return the newest prints, newest first; raises ExternalApiFailed, NotFound."""
        venue = self.venues[known.row.platform]

        async def ask() -> bytes:
            with for_a_reader():
                return _encode(list(await venue.trades(known.market, TRADES_MAX))[:TRADES_MAX])

        asking = self.cache.read(TRADES, _key(known), ask, _decode_trades)
        trades, entry = await answered(venue, asking)
        return trades[:limit], entry

    async def history(
        self,
        known: Known,
        start: int,
        end: int,
        interval_s: int,
        otherwise: Callable[[], Awaitable[Sequence[PricePoint]]],
    ) -> tuple[Sequence[PricePoint], Entry]:
        """Return prices, oldest first: the venue's, or ours (`otherwise`) if it doesn't answer.

        Raises ExternalApiFailed if neither has any.
        """
        venue = self.venues[known.row.platform]

        async def ask() -> bytes:
            with for_a_reader():
                return _encode(list(await venue.history(known.market, start, end, interval_s)))

        # The same interval asked for a second later is the same question.
        step = interval_s * 1_000_000
        key = f"{_key(known)}:{start // step}:{end // step}:{interval_s}"
        try:
            found, entry = await self.cache.read(HISTORY, key, ask, _decode_points)
        except _VENUE_ERRORS as error:
            points = await otherwise()
            if not points:
                raise _failed(venue, error) from error
            return points, Entry(points[-1].at, b"", True)
        return [point for point in found if start <= point.at <= end], entry

    async def candles(
        self, known: Known, start: int, end: int, interval_s: int
    ) -> tuple[Sequence[VenueCandle], Entry] | None:
        """Return the venue's candles that begin in [start, end), oldest first; None if it has none.

        Raises ExternalApiFailed, NotFound.
        """
        venue = self.venues[known.row.platform]

        async def ask() -> bytes:
            with for_a_reader():
                return _encode(await venue.candles(known.market, start, end, interval_s))

        step = interval_s * 1_000_000
        key = f"{_key(known)}:{start // step}:{end // step}:{interval_s}"
        asking = self.cache.read(CANDLES, key, ask, _decode_candles)
        found, entry = await answered(venue, asking)
        if found is None:
            return None
        return [one for one in found if start <= one.start < end], entry

    async def raw(self, known: Known) -> bytes | None:
        """Return the venue's own JSON, as it was when the market changed last."""
        stored = await self.markets.raw(known.row.id)
        if stored is None:
            return None
        text = await asyncio.to_thread(raw_of, stored)
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        return text


def _decode_row_if_any(body: bytes) -> MarketRow | None:
    return _decode_row(body) if body else None


async def answered(venue: Venue, asking: Awaitable[T]) -> T:
    """Return the answer; raises NotFound if the venue has no such thing, else ExternalApiFailed."""
    try:
        return await asking
    except _VENUE_ERRORS as error:
        if isinstance(error, VenueRefused) and error.status == _REFUSED_NOT_FOUND:
            raise NotFound(f"{venue.title} has no such thing") from error
        raise _failed(venue, error) from error


def _failed(venue: Venue, error: Any) -> ExternalApiFailed:  # noqa: ANN401 - any of three
    wait_s = getattr(error, "retry_after_s", None)
    headers = () if wait_s is None else ((b"retry-after", b"%d" % max(1, min(3_600, int(wait_s)))),)
    return ExternalApiFailed(f"{venue.title} didn't answer as it should", headers=headers)


def _known(row: MarketRow, *, stale: bool = False) -> Known:
    return Known(row, market_of(row.record, row.venue_at), row.as_of, stale)


def _key(known: Known) -> str:
    return f"{known.row.platform}:{known.row.external_id}"


def _no_market() -> NotFound:
    return NotFound("There is no such market")
