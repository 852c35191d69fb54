"""Lists of markets of all platforms: one order over ours and the venues', and the search over both.

Laws: what of the venues' is asked for is looked up at most once a minute (`reading.LISTS`); ours in
a list are remembered by their ids and shown as they are. The order is (sort value, ours, id), so a
cursor names one place in it whatever was listed meanwhile.
"""

import heapq
from collections.abc import Collection, Sequence
from itertools import islice
from random import Random
from typing import Final

import msgspec

from gateway.feeds.api.own import OwnMarkets
from gateway.feeds.api.queries import CategoryQuery, ListingQuery, Place, is_descending
from gateway.feeds.api.reading import LISTS, LONG_LISTS, FeedReader
from gateway.feeds.api.shown import ShownRows
from gateway.feeds.api.views import CategoryView, ListedMarketView, row_view
from gateway.feeds.cache import Policy
from gateway.feeds.intake.catalogue import category_key
from gateway.feeds.model import ListedStatus
from gateway.feeds.words import are_alike, forms, terms, words_of
from gateway.http.request import Page
from persistence.clock import now_us
from persistence.repositories.feeds.listing import Listing, Sort
from persistence.repositories.feeds.markets import MarketRow
from persistence.repositories.feeds.words import RANKED_MAX, Found, SearchWords

CATEGORIES_MAX: Final = 500

_Item = int | MarketRow
"""A market of ours by its id, or a venue's."""
_Place = tuple[int, bool, int]
"""(sort value, whether it is ours, id)."""


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of a list, as it is remembered."""

    items: list[_Item]
    total: int
    next_cursor: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which markets of whom, in what order."""

    own: bool
    platforms: tuple[str, ...]
    statuses: frozenset[ListedStatus] | None = None
    category: str | None = None
    search: str | None = None
    sort: Sort = Sort.VOLUME
    descending: bool = True
    after: Place | None = None

    @classmethod
    def of(
        cls,
        query: ListingQuery | CategoryQuery,
        own: bool,
        platforms: tuple[str, ...],
        statuses: frozenset[ListedStatus] | None,
        category: str | None,
        search: str | None,
        after: Place | None,
    ) -> "Asked":
        """Return what a query asks for; if it doesn't say, the most traded first, of ours alone
        the newest.
        """
        sort = query.sort or (Sort.VOLUME if platforms else Sort.CREATED)
        return cls(
            own=own,
            platforms=platforms,
            statuses=statuses,
            category=category,
            search=search,
            sort=sort,
            descending=is_descending(sort, query.order),
            after=after,
        )

    def key(self, *more: object) -> str:
        """Return what the part is remembered by."""
        statuses = self.statuses and sorted(status.value for status in self.statuses)
        named = (self.own, self.platforms, statuses, self.category, self.search, self.sort.value)
        return repr((*named, self.descending, self.after and self.after.text(), *more))

    def listing(self) -> Listing:
        """Return the venues' part."""
        words = None if self.search is None else words_of(self.search)
        return Listing(
            platforms=self.platforms,
            statuses=None if self.statuses is None else _values(self.statuses),
            category_key=None if self.category is None else category_key(self.category),
            words=None if words is None else terms(words, {}).anywhere,
            sort=self.sort,
            descending=self.descending,
            after=None if self.after is None else self.after.among_venues(),
        )


class MarketLists:
    """Gives parts of lists."""

    def __init__(
        self, own: OwnMarkets, reader: FeedReader, words: SearchWords, random: Random
    ) -> None:
        self._own = own
        self._reader = reader
        self._words = words
        self._random = random
        self._shown_rows = ShownRows()

    async def page(self, asked: Asked, limit: int, offset: int) -> Page[ListedMarketView]:
        """Return a page of a list."""
        if not asked.platforms:
            part = await self._part(asked, limit, offset)
        else:

            async def fetch() -> bytes:
                return _encode(await self._part(asked, limit, offset))

            key = asked.key(limit, offset)
            part, _ = await self._reader.cache.read(_kept(limit), key, fetch, _decode)
        return self._shown(part, limit, offset)

    async def _part(self, asked: Asked, limit: int, offset: int) -> _Part:
        listing = asked.listing()
        places = self._own_places(asked)
        total = len(places)
        if asked.platforms:
            total += await self._total(listing)
        if asked.after is not None:
            after = (asked.after.value, asked.after.is_ours, asked.after.number)
            places = [p for p in places if (p < after if asked.descending else p > after)]
        if not places and asked.platforms:
            return await self._venues_part(listing, total, limit, offset)
        theirs: list[_Place] = []
        # Whatever lies before the page, no more than all of ours are between theirs: so theirs are
        # looked at from that many places earlier on, and what is before those changes nothing.
        skipped = max(0, offset - len(places)) if asked.platforms else 0
        if asked.platforms:
            wanted = len(places) + limit + 1
            found = await self._reader.markets.places(listing, wanted, skipped)
            theirs = [(value, False, number) for value, number in found]
        merged = heapq.merge(places, theirs, reverse=asked.descending)
        first = offset - skipped
        shown = list(islice(merged, first, first + limit + 1))
        rows = await self._rows([number for _, is_ours, number in shown[:limit] if not is_ours])
        # A venue's market may have gone between the two questions.
        items: list[_Item] = [
            number if is_ours else rows[number]
            for _, is_ours, number in shown[:limit]
            if is_ours or number in rows
        ]
        return _Part(items, total, Place(*shown[limit - 1]).text() if len(shown) > limit else None)

    async def _venues_part(self, listing: Listing, total: int, limit: int, offset: int) -> _Part:
        found = await self._reader.markets.page(listing, limit + 1, offset)
        items: list[_Item] = [row for _, row in found[:limit]]
        if len(found) <= limit:
            return _Part(items, total)
        value, last = found[limit - 1]
        return _Part(items, total, Place(value, False, last.id).text())

    async def _total(self, listing: Listing) -> int:
        """Return how long the venues' part of a list is, whichever page of it is shown."""
        whole = msgspec.structs.replace(listing, after=None, sort=Sort.VOLUME, descending=True)
        return await self._reader.totals.of(
            f"markets {whole!r}", lambda: self._reader.markets.count(whole)
        )

    def _own_places(self, asked: Asked) -> list[_Place]:
        if not asked.own:
            return []
        found = self._own.sorted(
            asked.sort,
            descending=asked.descending,
            statuses=asked.statuses,
            category=asked.category,
            search=asked.search,
        )
        return [(value, True, number) for value, number in found]

    async def _rows(self, numbers: Sequence[int]) -> dict[int, MarketRow]:
        return await self._reader.markets.by_ids(numbers) if numbers else {}

    def _shown(self, part: _Part, limit: int, offset: int) -> Page[ListedMarketView]:
        now = now_us()
        views: list[ListedMarketView] = []
        for item in part.items:
            if isinstance(item, MarketRow):
                views.append(self._shown_rows.view(item, now))
            elif (shown := self._own.shown(item, now)) is not None:
                views.append(shown)
        return Page(views, part.total, limit, offset, part.next_cursor)

    async def search(
        self, words: Sequence[str], asked: Asked, limit: int, offset: int
    ) -> Page[ListedMarketView]:
        """Return a page of what holds every word (or its like), the best first."""

        async def fetch() -> bytes:
            return _encode(await self._search(words, asked, limit, offset))

        if not asked.platforms:
            part = await self._search(words, asked, limit, offset)
        else:
            key = asked.key("search", tuple(words), limit, offset)
            part, _ = await self._reader.cache.read(_kept(limit), key, fetch, _decode)
        return self._shown(part, limit, offset)

    async def _search(self, words: Sequence[str], asked: Asked, limit: int, offset: int) -> _Part:
        # Further back nothing is ranked, so there is nothing.
        most = min(offset + limit + 1, RANKED_MAX)
        theirs, count = await self._theirs(words, {}, asked, most)
        # What holds every word shows that each is known: only a search in vain is worth a guess.
        guesses = {} if theirs else await self._guesses(words, asked)
        if guesses:
            theirs, count = await self._theirs(words, guesses, asked, most)
        ours = self._own.search(words, guesses, asked.statuses) if asked.own else []
        ranked: list[tuple[int, bool, float, int]] = [(tier, True, 0.0, n) for tier, n in ours]
        ranked += [(one.tier, False, one.rank, one.market_id) for one in theirs]
        total = len(ours) + count
        # Sorting is stable: theirs stay in the store's order, which is by volume among equals.
        ranked.sort(key=lambda one: (one[0], one[1], one[2]), reverse=True)
        shown = ranked[offset : offset + limit]
        rows = await self._rows([number for _, is_ours, _, number in shown if not is_ours])
        items: list[_Item] = [
            number if is_ours else rows[number]
            for _, is_ours, _, number in shown
            if is_ours or number in rows
        ]
        has_more = len(ranked) > offset + limit
        return _Part(items, total, str(offset + limit) if has_more else None)

    async def _theirs(
        self, words: Sequence[str], guesses: dict[str, Sequence[str]], asked: Asked, most: int
    ) -> tuple[list[Found], int]:
        """Return the venues' best markets for words, and how many there are."""
        if not asked.platforms:
            return [], 0
        statuses = None if asked.statuses is None else _values(asked.statuses)
        return await self._words.search(terms(words, guesses), asked.platforms, statuses, most)

    async def _guesses(self, words: Sequence[str], asked: Asked) -> dict[str, Sequence[str]]:
        """Return words that are like those with which nothing begins, by these."""
        unknown: Collection[str] = words
        if asked.own:
            unknown = self._own.unknown([*unknown])
        if asked.platforms and unknown:
            unknown = await self._words.unknown([*unknown])
        found: dict[str, Sequence[str]] = {}
        for word in unknown:
            near = set(self._own.alike(word)) if asked.own else set()
            shapes = forms(word)
            if asked.platforms and shapes:
                stored = await self._words.alike(shapes)
                near.update(other for other in stored if are_alike(other, word))
            found[word] = sorted(near)[:_GUESSES_MAX]
        return found

    async def categories(self, own: bool, platforms: tuple[str, ...]) -> list[CategoryView]:
        """Return the categories, the largest first."""
        counted: dict[str, tuple[str, int, int]] = {}
        if platforms:

            async def fetch() -> bytes:
                return _encode(await self._reader.markets.categories(platforms, CATEGORIES_MAX))

            key = f"categories {platforms}"
            rows, _ = await self._reader.cache.read(LISTS, key, fetch, _decode_categories)
            for row in rows:
                counted[row[0]] = row[1], row[2], row[3]
        for name, is_open in self._own.categories() if own else ():
            key = category_key(name)
            known, markets, active = counted.get(key, (name, 0, 0))
            counted[key] = known, markets + 1, active + is_open
        views = [CategoryView(key, *counts) for key, counts in counted.items()]
        views.sort(key=lambda view: (-view.markets, view.category))
        return views[:CATEGORIES_MAX]

    async def random(self, own: bool, platforms: tuple[str, ...]) -> ListedMarketView | None:
        """Return an open market, any; None if there is none."""
        statuses = frozenset({ListedStatus.OPEN})
        ours: list[tuple[int, int]] = []
        if own:
            ours = self._own.sorted(
                Sort.CREATED, descending=True, statuses=statuses, category=None, search=None
            )
        # Ours are few: where there are both, each side has its turn as often.
        if ours and (not platforms or self._random.random() < 1 / 2):
            return self._own.shown(self._random.choice(ours)[1], now_us())
        if platforms:
            row = await self._reader.markets.random(platforms, self._random.random())
            if row is not None:
                return row_view(row, now_us())
        return self._own.shown(self._random.choice(ours)[1], now_us()) if ours else None


_GUESSES_MAX: Final = 8
_LONG: Final = 50
"""A page with more markets is a long one."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Part).decode
_decode_categories: Final = msgspec.msgpack.Decoder(list[tuple[str, str, int, int]]).decode


def _kept(limit: int) -> Policy:
    """Return how a page of that length is remembered: of long ones few."""
    return LISTS if limit <= _LONG else LONG_LISTS


def _values(statuses: frozenset[ListedStatus]) -> tuple[str, ...]:
    return tuple(sorted(status.value for status in statuses))
