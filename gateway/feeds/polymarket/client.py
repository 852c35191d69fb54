"""Polymarket as a venue: what it is asked, and how its answers become the one format.

Laws: lists come by Gamma's events, whose tags say what a market is about, one page after another by
offset; a page that is the one before again ends the list with an error, and a list has a last
offset; a page that moved under us may hold a row twice, which is harmless. Gamma hides what is
closed unless it is asked for, so the whole list is what is open and then what is closed, and
markets by id are asked for twice. What has no form here is counted by reason and logged once for
each.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakSet
from zlib import crc32

import msgspec

from gateway.feeds import reading
from gateway.feeds.model import (
    FINAL,
    ListedStatus,
    MarketsPage,
    PricePoint,
    Unrepresentable,
    VenueBook,
    VenueCandle,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.polymarket import pages
from gateway.feeds.polymarket.answers import Midpoint
from gateway.feeds.polymarket.books import (
    clob_book,
    holds,
    price_points,
    venue_book,
)
from gateway.feeds.polymarket.clob_markets import clob_market
from gateway.feeds.polymarket.markets import CURRENCY, PLATFORM
from gateway.feeds.polymarket.settings import PolymarketSettings
from gateway.feeds.polymarket.socket import MarketSocket
from gateway.feeds.reading import Misread
from gateway.feeds.upstream.bodies import elements
from gateway.feeds.upstream.bounds import Bounds, Rate
from gateway.feeds.upstream.client import Upstream
from gateway.feeds.upstream.reconnecting import SocketBounds
from gateway.feeds.upstream.settings import UpstreamSettings
from gateway.feeds.venue import Condition, Venue, VenueRefused, VenueTools, VenueUnavailable
from gateway.jobs.supervisor import Clock
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics

EVENTS: Final = "/events"
MARKETS: Final = "/markets"
SEARCH: Final = "/public-search"
TAGS: Final = "/tags"
GAMMA: Final = (EVENTS, MARKETS, SEARCH, TAGS)
BOOK: Final = "/book"
BOOKS: Final = "/books"
HISTORY: Final = "/prices-history"
MIDPOINT: Final = "/midpoint"
CLOB_MARKET: Final = "/markets/{id}"
CLOB: Final = (BOOK, BOOKS, HISTORY, MIDPOINT, MARKETS, CLOB_MARKET)
TRADES: Final = "/trades"

PAGE: Final = 100
"""Events a page; a large one has some hundred markets, and what is over `Bounds.body_bytes` is
refused."""
OFFSET_MAX: Final = 100_000
IDS_MAX: Final = 40
"""Ids in one address, which has 66 characters for each."""
TRADES_MAX: Final = 500
BOOKS_MAX: Final = 100
_BURST_PART: Final = 0.4
"""Of what is allowed a minute so much may go at once, and the rest comes steadily."""
_MINUTE: Final = 60
_CLOSED_FIRST: Final = "closed"
_CURSOR: Final = re.compile(r"([01])\.([0-9]{1,9})\.([0-9]{1,10})", re.ASCII)
_MICROSECONDS: Final = 1_000_000

_midpoint: Final = msgspec.json.Decoder(Midpoint).decode


class Polymarket:
    """One venue's questions and answers."""

    platform = PLATFORM
    title = "Polymarket"
    currency = CURRENCY

    def __init__(
        self,
        settings: PolymarketSettings,
        metrics: Metrics,
        logger: Logger,
        *,
        bounds: Bounds | None = None,
        socket_bounds: SocketBounds | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._metrics = metrics
        self._logger = logger
        self._socket_bounds = socket_bounds
        self._said: set[str] = set()
        self._sockets: WeakSet[MarketSocket] = WeakSet()
        burst = max(1, int(settings.requests_per_minute * _BURST_PART))
        rate = Rate(per_minute=max(1, settings.requests_per_minute - burst), burst=burst)
        key = settings.api_key
        headers = {"authorization": f"Bearer {key}"} if key else {}

        def upstream(url: str, endpoints: Sequence[str]) -> Upstream:
            return Upstream(
                PLATFORM,
                url,
                endpoints,
                rate,
                metrics.upstream,
                logger,
                bounds=bounds,
                headers=headers,
                clock=clock,
            )

        self._gamma = upstream(settings.api_url, GAMMA)
        self._clob = upstream(settings.clob_url, CLOB)
        self._data = upstream(settings.data_url, (TRADES,))

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        """Return a page of the venue's list, from the beginning for None."""
        is_closed, offset, before = _position(cursor)
        query = [
            ("limit", str(PAGE)),
            ("offset", str(offset)),
            ("order", "id"),
            ("ascending", "false"),
            ("closed", "true" if is_closed else "false"),
        ]
        page, rows = await self._gamma.ask(EVENTS, pages.event_list, query=query)
        self._count(page)
        seen = crc32("\n".join(event.external_id for event in page.events).encode("utf-8"))
        if rows and seen == before:
            raise VenueUnavailable(PLATFORM, "the list gives the same page again and again")
        if rows == PAGE and offset + rows > OFFSET_MAX:
            raise VenueUnavailable(PLATFORM, f"the list has no end after {offset} events")
        following = None
        if rows == PAGE:
            following = f"{int(is_closed)}.{offset + rows}.{seen}"
        elif not (is_closed or live_only):
            following = _CLOSED_FIRST
        return msgspec.structs.replace(page, next_cursor=following)

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        """Return these as they are now, as many as the venue has."""
        found = [
            await self._by_id(external_ids[at : at + IDS_MAX])
            for at in range(0, len(external_ids), IDS_MAX)
        ]
        return MarketsPage(
            markets=tuple(market for page in found for market in page.markets),
            events=tuple({e.external_id: e for page in found for e in page.events}.values()),
            raw=tuple(raw for page in found for raw in page.raw),
            refused=tuple(refused for page in found for refused in page.refused),
            unread=tuple(unread for page in found for unread in page.unread),
        )

    async def book(self, market: VenueMarket) -> VenueBook:
        """Return the market's book, of its YES token."""
        token = _token(market)

        def parse(text: bytes) -> tuple[VenueBook, bool | None]:
            found = clob_book(text)
            return venue_book(found, market.external_id), holds(found)

        book, has_held = await self._clob.ask(BOOK, parse, query=[("token_id", token)])
        self._check_hash(has_held)
        return book

    async def books(self, markets: Sequence[VenueMarket]) -> list[VenueBook]:
        """Return the books of several markets at once, as many as the venue has."""
        by_token = {_token(market): market.external_id for market in markets[:BOOKS_MAX]}

        def parse(text: bytes) -> tuple[list[VenueBook], list[str], bool]:
            made, refused, is_sound = [], [], True
            for raw in elements(text):
                try:
                    found = clob_book(raw)
                    if (external_id := by_token.get(found.asset_id)) is not None:
                        made.append(venue_book(found, external_id))
                        is_sound = is_sound and holds(found) is not False
                except Unrepresentable as error:
                    refused.append(error.reason)
            return made, refused, is_sound

        body = msgspec.json.encode([{"token_id": token} for token in by_token])
        made, refused, is_sound = await self._clob.ask(BOOKS, parse, body=body)
        self._check_hash(is_sound)
        for reason in refused:
            self._refuse(reason)
        return made

    async def midpoint(self, market: VenueMarket) -> int | None:
        """Return the price in the middle between YES's best ones, None where there is none."""
        found = await self._clob.ask(MIDPOINT, _midpoint, query=[("token_id", _token(market))])
        try:
            return reading.near_price(reading.decimal(found.mid))
        except Misread:
            raise Unrepresentable("malformed", market.external_id) from None

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        """Return the newest prints, newest first, of both outcomes."""
        query = [
            ("market", market.external_id),
            ("limit", str(max(1, min(limit, TRADES_MAX)))),
            ("takerOnly", "true"),
        ]
        made, refused = await self._data.ask(TRADES, pages.print_list, query=query)
        for reason in refused:
            self._refuse(reason)
        mine = [trade for trade in made if trade.external_id == market.external_id]
        return sorted(mine, key=lambda trade: trade.venue_at, reverse=True)[:limit]

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        """Return what YES was worth from `start` to `end`, oldest first, about every interval."""
        query = [
            ("market", _token(market)),
            ("startTs", str(start // _MICROSECONDS)),
            ("endTs", str(-(-end // _MICROSECONDS))),
            ("fidelity", str(max(1, interval_s // _MINUTE))),
        ]
        points, refused = await self._clob.ask(HISTORY, price_points, query=query)
        if refused:
            self._refuse("no_price", refused)
        return [point for point in points if start <= point.at <= end]

    async def candles(
        self,
        market: VenueMarket,  # noqa: ARG002 - as every venue is asked
        start: int,  # noqa: ARG002
        end: int,  # noqa: ARG002
        interval_s: int,  # noqa: ARG002
    ) -> Sequence[VenueCandle] | None:
        """Return None: the venue has no candles."""
        return None

    async def search(self, text: str, limit: int) -> MarketsPage:
        """Return the markets that the venue's own search finds for a text."""
        query = [("q", text), ("limit_per_type", str(limit)), ("events_status", "active")]
        page = await self._gamma.ask(SEARCH, pages.search_result, query=query)
        self._count(page)
        return page

    async def tags(self, limit: int, offset: int) -> list[tuple[str, str]]:
        """Return (label, slug) of the venue's tags."""
        query = [("limit", str(limit)), ("offset", str(offset))]
        return await self._gamma.ask(TAGS, pages.tag_list, query=query)

    async def clob_page(self, cursor: str | None) -> MarketsPage:
        """Return a page of the CLOB's own list, which knows every market and its winner."""
        query = [("next_cursor", cursor)] if cursor else []
        page = await self._clob.ask(MARKETS, pages.clob_list, query=query)
        self._count(page)
        if page.next_cursor is not None and page.next_cursor == cursor:
            raise VenueUnavailable(PLATFORM, "the list gives the same cursor again")
        return page

    def stream(self) -> MarketSocket:
        """Return a new connection to the market channel."""
        socket = MarketSocket(
            self._settings.ws_url,
            self._metrics,
            self._logger,
            bounds=self._socket_bounds,
        )
        self._sockets.add(socket)
        return socket

    def conditions(self) -> Sequence[Condition]:
        """Return how things stand with each address."""
        asked = [one.condition() for one in (self._gamma, self._clob, self._data)]
        return [*asked, *(socket.condition() for socket in self._sockets if socket.is_open)]

    async def close(self) -> None:
        """Close all connections; nobody asks any more."""
        for one in (self._gamma, self._clob, self._data):
            await one.close()

    async def _by_id(self, external_ids: Sequence[str]) -> MarketsPage:
        """Return at most `IDS_MAX` markets, open or closed; a result that Gamma doesn't state is
        asked of the CLOB.
        """
        open_page, _ = await self._ask_for(external_ids, is_closed=False)
        found = {market.external_id for market in open_page.markets}
        refused = {external_id for external_id, _ in open_page.refused}
        missing = [one for one in external_ids if one not in found | refused]
        if not missing:
            return open_page
        closed_page, _ = await self._ask_for(missing, is_closed=True)
        decided = [await self._decided(market) for market in closed_page.markets]
        return MarketsPage(
            markets=(*open_page.markets, *decided),
            events=(*open_page.events, *closed_page.events),
            raw=(*open_page.raw, *closed_page.raw),
            refused=(*open_page.refused, *closed_page.refused),
            unread=(*open_page.unread, *closed_page.unread),
        )

    async def _ask_for(
        self, external_ids: Sequence[str], *, is_closed: bool
    ) -> tuple[MarketsPage, int]:
        query = [("condition_ids", one) for one in external_ids]
        query += [("limit", str(len(external_ids))), ("include_tag", "true")]
        if is_closed:
            query.append(("closed", "true"))
        page, rows = await self._gamma.ask(MARKETS, pages.market_list, query=query)
        self._count(page)
        return page, rows

    async def _decided(self, market: VenueMarket) -> VenueMarket:
        if market.status is not ListedStatus.CLOSED:
            return market
        path = {"id": market.external_id}
        try:
            there, _ = await self._clob.ask(CLOB_MARKET, clob_market, path=path)
        except (VenueRefused, VenueUnavailable, Unrepresentable):
            # It stays closed without a result; the next look asks again.
            return market
        if there.status not in FINAL or there.stream_keys != market.stream_keys:
            return market
        return msgspec.structs.replace(
            market,
            status=there.status,
            resolution=there.resolution,
            yes_payout=there.yes_payout,
            yes_price=None,
            best_bid=None,
            best_ask=None,
            last_price=None,
        )

    def _count(self, page: MarketsPage) -> None:
        for reason, times in pages.reasons(page).items():
            self._refuse(reason, times)

    def _refuse(self, reason: str, times: int = 1) -> None:
        self._metrics.upstream.unrepresentable.labels(PLATFORM, reason).inc(times)
        if reason not in self._said:
            self._said.add(reason)
            self._logger.warning("venue's object has no form here", platform=PLATFORM, why=reason)

    def _check_hash(self, has_held: bool | None) -> None:
        if has_held is False:
            self._refuse("hash_differs")


def _position(cursor: str | None) -> tuple[bool, int, int | None]:
    """Return what a cursor of ours says: whether what is closed is listed, from which offset, and
    what the page before it held.
    """
    if cursor is None:
        return False, 0, None
    if cursor == _CLOSED_FIRST:
        return True, 0, None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError(f"no cursor of ours: {cursor[:40]}")
    return found[1] == "1", int(found[2]), int(found[3])


def _token(market: VenueMarket) -> str:
    if not market.stream_keys:
        raise Unrepresentable("no_token", market.external_id)
    return market.stream_keys[0]


@asynccontextmanager
async def open_polymarket(tools: VenueTools) -> AsyncIterator[Venue]:
    """Yield Polymarket, as its settings say; its connections are closed with the block."""
    bounds = tools.settings(UpstreamSettings).bounds()
    settings = tools.settings(PolymarketSettings)
    client = Polymarket(settings, tools.metrics, tools.logger, bounds=bounds)
    try:
        yield client
    finally:
        await client.close()
