"""What may be asked of the lists of markets, and what each word of it means.

Laws: a value that means nothing is refused with the words that would; one place says which
statuses `active`, `closed` and `resolved` stand for.
"""

from collections.abc import Collection
from enum import Enum
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CATEGORY_LENGTH
from gateway.feeds.known import OURS, PLATFORM_LENGTH
from gateway.feeds.model import ListedStatus
from gateway.feeds.words import QUERY_WORDS, words_of
from gateway.http.openapi import CHOICE
from gateway.http.paging import PageQuery
from gateway.markets.routes import MarketsQuery
from gateway.wire.errors import ValidationFailed
from gateway.wire.plain_words import one_of
from gateway.wire.strict_json import QueryStruct
from persistence.repositories.feeds.listing import ListPlace, Sort

ALL: Final = "all"
LISTED_PLATFORMS: Final = "listed platforms"
"""The choice of OpenAPI that such a field has."""
QUERY_LENGTH: Final = 100
_STATUS_WORDS: Final = {
    "active": (ListedStatus.OPEN,),
    "closed": (ListedStatus.CLOSED, ListedStatus.RESOLVING),
    "resolved": (ListedStatus.RESOLVED, ListedStatus.VOID),
} | {status.value: (status,) for status in ListedStatus}


class Order(Enum):
    """Which end of a sorted list comes first."""

    ASC = "asc"
    DESC = "desc"


_CHOICE: Final = "|".join(_STATUS_WORDS)
StatusesText = Annotated[
    str,
    msgspec.Meta(
        max_length=len(_CHOICE),
        description="one or more, separated by commas, e.g. OPEN,HALTED; unset: all",
        extra_json_schema={"pattern": f"^({_CHOICE})(,({_CHOICE}))*$"},
    ),
]
PlatformText = Annotated[
    str,
    msgspec.Meta(
        max_length=PLATFORM_LENGTH,
        description="exchange (ours), a venue that is asked, or all",
        extra_json_schema={CHOICE: LISTED_PLATFORMS},
    ),
]
CategoryText = Annotated[str, msgspec.Meta(max_length=CATEGORY_LENGTH)]
WordsText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=QUERY_LENGTH,
        description="words of the question; the beginning of each is enough, one wrong letter, too",
    ),
]


class PlatformQuery(QueryStruct, frozen=True):
    """Whose markets; unset: everybody's."""

    platform: PlatformText | None = None


class ListingQuery(MarketsQuery, frozen=True):
    """Which markets, and in what order; without `platform` ours, as ever."""

    platform: PlatformText | None = None
    status: StatusesText | None = None
    sort: Sort | None = None
    order: Order | None = None


class CategoryQuery(PageQuery, frozen=True):
    """Which markets of a category."""

    platform: PlatformText | None = None
    status: StatusesText | None = None
    sort: Sort | None = None
    order: Order | None = None


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    """What is searched for, and where."""

    q: WordsText
    platform: PlatformText | None = None
    status: StatusesText | None = None


class EventsQuery(PageQuery, frozen=True):
    """Which events."""

    platform: PlatformText | None = None
    category: CategoryText | None = None


def statuses_of(text: str | None) -> frozenset[ListedStatus] | None:
    """Return the statuses of e.g. "active,HALTED", None for None; raises ValidationFailed."""
    if text is None:
        return None
    found: set[ListedStatus] = set()
    for word in text.split(","):
        meant = _STATUS_WORDS.get(word)
        if meant is None:
            words = ", ".join(_STATUS_WORDS)
            raise ValidationFailed.of("status", f"must be of {words}, separated by commas")
        found.update(meant)
    return frozenset(found)


def platforms_of(text: str | None, venues: Collection[str]) -> tuple[bool, tuple[str, ...]]:
    """Return whether ours are asked for, and which venues; None asks for all of them.

    Raises ValidationFailed for a platform that isn't there.
    """
    if text is None or text == ALL:
        return True, tuple(venues)
    if text == OURS:
        return True, ()
    if text in venues:
        return False, (text,)
    raise ValidationFailed.of("platform", f"must be {one_of([OURS, *venues, ALL])}")


def words_asked(text: str, field: str = "q") -> list[str]:
    """Return the words of a search, each once; raises ValidationFailed if there is none."""
    words = list(dict.fromkeys(words_of(text)))
    if not words:
        raise ValidationFailed.of(field, "must hold a letter or a digit")
    return words[:QUERY_WORDS]


def is_descending(sort: Sort, order: Order | None) -> bool:
    """Return the direction: the largest and newest first, but what closes soonest first."""
    if order is None:
        return sort is not Sort.CLOSING
    return order is Order.DESC


class Place(msgspec.Struct, frozen=True):
    """Where a merged list goes on: the sort value, whether the market is ours, and its number."""

    value: int
    is_ours: bool
    number: int

    def text(self) -> str:
        """Return the cursor."""
        return f"{self.value + 1}{'o' if self.is_ours else 'v'}{self.number}"

    def among_venues(self) -> ListPlace:
        """Return the same place among the venues' markets: ours come behind those of equal value,
        counted upwards.
        """
        return self.value, 2**62 if self.is_ours else self.number


_DIGITS_MAX: Final = 19


def place_of(cursor: str | None) -> Place | None:
    """Return the place that a cursor writes; raises ValidationFailed for what was never given."""
    if cursor is None:
        return None
    for mark in "ov":
        value, found, number = cursor.partition(mark)
        if found and _is_number(value) and _is_number(number):
            return Place(int(value) - 1, mark == "o", int(number))
    raise ValidationFailed.of("cursor", "must be the nextCursor of the part before")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX and int(text) <= 2**62 + 1
