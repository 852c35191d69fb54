"""A page of Polymarket's lists as one `MarketsPage`: what has no form is refused by reason, what
came twice is kept once.

Laws: pure functions of the answer's text; they run in a thread, element by element, so that the
event loop waits for one element at most.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.feeds import reading
from gateway.feeds.model import (
    MarketsPage,
    Unrepresentable,
    VenueEvent,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.polymarket.answers import ClobPage, GammaTag, SearchAnswer
from gateway.feeds.polymarket.books import venue_trade
from gateway.feeds.polymarket.clob_markets import clob_market
from gateway.feeds.polymarket.markets import gamma_event, gamma_market
from gateway.feeds.reading import Misread, Raw, items
from gateway.feeds.upstream.bodies import elements

_clob_page: Final = msgspec.json.Decoder(ClobPage).decode
_tag: Final = msgspec.json.Decoder(GammaTag).decode
_search: Final = msgspec.json.Decoder(SearchAnswer).decode
LAST_CURSOR: Final = "LTE="
"""What the CLOB says behind its last page: base64 of -1."""


class _Page:
    """Collects a page."""

    def __init__(self) -> None:
        self._markets: dict[str, tuple[VenueMarket, bytes]] = {}
        self._events: dict[str, VenueEvent] = {}
        self._refused: list[tuple[str, str]] = []
        self._unread: dict[tuple[str, str], None] = {}

    def add(self, raw: Raw, of: VenueEvent | None = None) -> None:
        """Take a market of Gamma."""
        try:
            market, event, unread = gamma_market(raw, of)
        except Unrepresentable as error:
            self.refuse(error)
            return
        self._keep(market, raw, unread)
        if event is not None:
            self._events[event.external_id] = event

    def add_event(self, raw: Raw) -> None:
        """Take an event of Gamma and the markets in it."""
        try:
            event, markets = gamma_event(raw)
        except Unrepresentable as error:
            self.refuse(error)
            return
        self._events[event.external_id] = event
        for market in markets:
            self.add(market, event)

    def add_clob(self, raw: Raw) -> None:
        """Take a market of the CLOB."""
        try:
            market, unread = clob_market(raw)
        except Unrepresentable as error:
            self.refuse(error)
            return
        self._keep(market, raw, unread)

    def refuse(self, error: Unrepresentable) -> None:
        """Note what has no form here."""
        self._refused.append((str(error).partition(": ")[2], error.reason))

    def _keep(self, market: VenueMarket, raw: Raw, unread: Iterable[str]) -> None:
        self._markets[market.external_id] = (market, bytes(raw))
        for name in unread:
            self._unread[market.external_id, name] = None

    def made(self, next_cursor: str | None = None) -> MarketsPage:
        """Return the page."""
        kept = self._markets.values()
        return MarketsPage(
            markets=tuple(market for market, _ in kept),
            events=tuple(self._events.values()),
            raw=tuple(raw for _, raw in kept),
            refused=tuple(self._refused),
            unread=tuple(self._unread),
            next_cursor=next_cursor,
        )


def market_list(text: bytes) -> tuple[MarketsPage, int]:
    """Return a page of Gamma's /markets, and how many rows it had."""
    raws, page = elements(text), _Page()
    for raw in raws:
        page.add(raw)
    return page.made(), len(raws)


def event_list(text: bytes) -> tuple[MarketsPage, int]:
    """Return a page of Gamma's /events, and how many events it had."""
    raws, page = elements(text), _Page()
    for raw in raws:
        page.add_event(raw)
    return page.made(), len(raws)


def search_result(text: bytes) -> MarketsPage:
    """Return what /public-search found."""
    page = _Page()
    for raw in items(_search(text).events) or []:
        page.add_event(raw)
    return page.made()


def clob_list(text: bytes) -> MarketsPage:
    """Return a page of the CLOB's /markets; its cursor is None behind the last."""
    found, page = _clob_page(text), _Page()
    for raw in found.data:
        page.add_clob(raw)
    cursor = found.next_cursor
    return page.made(cursor if cursor not in {"", LAST_CURSOR} else None)


def reasons(page: MarketsPage) -> Counter[str]:
    """Return how often what of a page was refused, and which fields were left out, by reason."""
    counts = Counter(reason for _, reason in page.refused)
    counts.update(f"unread:{name}" for _, name in page.unread)
    return counts


def print_list(text: bytes) -> tuple[list[VenueTrade], list[str]]:
    """Return the Data-API's prints, each once, and why others were refused."""
    made: dict[str, VenueTrade] = {}
    refused = []
    for raw in elements(text):
        try:
            trade = venue_trade(raw)
            made[trade.trade_id] = trade
        except Unrepresentable as error:
            refused.append(error.reason)
    return list(made.values()), refused


def tag_list(text: bytes) -> list[tuple[str, str]]:
    """Return (label, slug) of Gamma's /tags; a tag without either is left out."""
    found = []
    for raw in elements(text):
        tag = _tag(raw)
        label, slug = _soft(tag.label), _soft(tag.slug)
        if label and slug:
            found.append((label, slug))
    return found


def _soft(raw: Raw) -> str | None:
    try:
        return reading.text(raw)
    except Misread:
        return None
