"""Our own markets as the lists of all platforms need them: sorted, and searched by words.

Laws: read from the committed view, so never old; the words are indexed as markets appear, and anew
when one was edited. A search has the tiers of `persistence/repositories/feeds/words.py`, so ours
and theirs can be merged.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Sequence

from exchange.messages.terms import MarketStatus
from exchange.model.market import DRAFT, OPEN, Market
from exchange.model.state import State
from gateway.feeds.api.views import ListedMarketView, own_market
from gateway.feeds.intake.catalogue import category_key
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import ListedStatus
from gateway.feeds.words import are_alike, forms, words_of
from gateway.markets.routes import matching
from gateway.markets.volumes import MarketVolumes
from persistence.repositories.candles import Turnover
from persistence.repositories.feeds.listing import Sort
from persistence.repositories.feeds.markets import UNKNOWN

WHOLE, BEGUN, ELSEWHERE, GUESSED = 3, 2, 1, 0
"""The tiers of a match."""


def our_statuses(statuses: Collection[ListedStatus] | None) -> frozenset[MarketStatus] | None:
    """Return those of the statuses that a market of ours can have."""
    if statuses is None:
        return None
    names = {status.value for status in MarketStatus}
    return frozenset(MarketStatus(one.value) for one in statuses if one.value in names)


def sort_value(market: Market, paid: Turnover | None, sort: Sort) -> int:
    """Return what a market of ours is sorted by, comparable with the venues'.

    Its volume is all that was paid in it; it has no figure of liquidity.
    """
    if sort is Sort.VOLUME:
        return UNKNOWN if paid is None else paid.total
    if sort is Sort.CREATED:
        return market.created_at
    return market.close_time if sort is Sort.CLOSING else UNKNOWN


class OwnMarkets:
    """Finds markets of ours."""

    def __init__(self, view: State, volumes: MarketVolumes, mirrored: Mirrored) -> None:
        self._view = view
        self._volumes = volumes
        self._mirrored = mirrored
        self._indexed: dict[int, tuple[str, ...]] = {}
        """The texts that are indexed, by market id."""
        self._places: dict[str, dict[int, bool]] = {}
        """Word -> market id -> whether it is in the question."""
        self._sorted: list[str] = []
        self._forms: dict[str, set[str]] = {}

    def sorted(
        self,
        sort: Sort,
        *,
        descending: bool,
        statuses: Collection[ListedStatus] | None,
        category: str | None,
        search: str | None,
    ) -> list[tuple[int, int]]:
        """Return (sort value, id) of the markets that are asked for, in order.  O(markets)."""
        found = matching(self._view, our_statuses(statuses), None, search)
        if category is not None:
            # As theirs are found, and as `categories` counts them.
            key = category_key(category)
            found = [market for market in found if category_key(market.category) == key]
        paid = self._volumes.of
        places = [(sort_value(market, paid(market), sort), market.id) for market in found]
        places.sort(reverse=descending)
        return places

    def shown(self, number: int, now: int) -> ListedMarketView | None:
        """Return a market in the one view, by its id."""
        market = self._view.markets.get(number)
        if market is None:
            return None
        return own_market(market, self._volumes.of(market), now, self._mirrored)

    def categories(self) -> Iterator[tuple[str, bool]]:
        """Yield the category of each market that has one, and whether it is open."""
        for market in self._view.markets.values():
            if market.category and market.status is not DRAFT:
                yield market.category, market.status is OPEN

    def unknown(self, words: Sequence[str]) -> list[str]:
        """Return those with which no word of a market of ours begins."""
        self._index()
        return [word for word in words if next(self._beginning_with(word), None) is None]

    def alike(self, word: str) -> list[str]:
        """Return the words that differ from it by one letter."""
        near = {found for form in forms(word) for found in self._forms.get(form, ())}
        return sorted(found for found in near if are_alike(found, word))

    def search(
        self,
        words: Sequence[str],
        guesses: dict[str, Sequence[str]],
        statuses: Collection[ListedStatus] | None,
    ) -> list[tuple[int, int]]:
        """Return (tier, id) of the markets that hold every word, best first."""
        self._index()
        tiers: dict[int, int] | None = None
        for word in words:
            found = self._with(word, guesses.get(word, ()))
            if tiers is not None:
                found = {
                    number: min(tier, tiers[number])
                    for number, tier in found.items()
                    if number in tiers
                }
            tiers = found
        wanted = our_statuses(statuses)
        return sorted(
            (
                (tier, number)
                for number, tier in (tiers or {}).items()
                if (status := self._view.markets[number].status) is not DRAFT
                and (wanted is None or status in wanted)
            ),
            reverse=True,
        )

    def _with(self, word: str, guesses: Sequence[str]) -> dict[int, int]:
        """Return the best tier of each market for one word."""
        found: dict[int, int] = {}
        for guess in guesses:
            for number in self._places.get(guess, ()):
                found[number] = GUESSED
        if guesses:
            return found
        for known in self._beginning_with(word):
            for number, in_question in self._places[known].items():
                tier = ELSEWHERE if not in_question else WHOLE if known == word else BEGUN
                found[number] = max(tier, found.get(number, tier))
        return found

    def _beginning_with(self, word: str) -> Iterator[str]:
        for place in range(bisect_left(self._sorted, word), len(self._sorted)):
            if not self._sorted[place].startswith(word):
                return
            yield self._sorted[place]

    def _index(self) -> None:
        """Take in what isn't indexed yet; everything anew where a text was edited."""
        markets = self._view.markets
        if any(_texts(markets[number]) != texts for number, texts in self._indexed.items()):
            self._indexed, self._places, self._sorted, self._forms = {}, {}, [], {}
        if len(self._indexed) == len(markets):
            return
        for market in markets.values():
            if market.id in self._indexed:
                continue
            texts = self._indexed[market.id] = _texts(market)
            for text, in_question in ((" ".join(texts[1:]), False), (market.question, True)):
                for word in words_of(text):
                    self._place(word, market.id, in_question=in_question)

    def _place(self, word: str, number: int, *, in_question: bool) -> None:
        places = self._places.get(word)
        if places is None:
            places = self._places[word] = {}
            insort(self._sorted, word)
            for form in forms(word):
                self._forms.setdefault(form, set()).add(word)
        places[number] = in_question


def _texts(market: Market) -> tuple[str, ...]:
    """Return what is searched; comparing what is the same costs nothing, since it is one object."""
    return market.question, market.slug, market.category, market.description
