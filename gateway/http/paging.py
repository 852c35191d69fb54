"""Asking for a part of a list: a page of what is counted, a slice of what is too long to count.

Both are bounded by settings, and both go on by `cursor`, as the part before gave it: that is the
place of the last item that was given (an order's id, a trade's number, a ledger entry), so whatever
is added or removed meanwhile, no item is skipped or given twice, and a part costs the same wherever
it lies. A page may be asked for by `offset` as well, which is right only while nothing changes.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec

from gateway.http.request import Page, Slice
from gateway.http.settings import PageLimits
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import QueryStruct

MOST: Final = 10_000
"""No list gives more at once, whatever PAGE_SIZE_MAX says."""

LimitText = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="items wanted")]
OffsetText = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=10**9, description="items to skip; use cursor for a list that changes meanwhile"
    ),
]
CursorText = Annotated[
    str, msgspec.Meta(max_length=40, description="nextCursor of the part before")
]

T = TypeVar("T")
V = TypeVar("V")

MINOR_MAX: Final = 2**31 - 1
"""The store numbers what lies within a command by 32 bits."""


class SliceQuery(QueryStruct, frozen=True):
    """The parameters of every list by cursor; a list with filters inherits from it."""

    limit: LimitText | None = None
    cursor: CursorText | None = None

    def size(self, limits: PageLimits) -> int:
        """Return the items of a part; raises ValidationFailed for more than is allowed."""
        if self.limit is None:
            return limits.size
        if self.limit > limits.size_max:
            raise ValidationFailed.of("limit", f"must be at most {limits.size_max}")
        return self.limit

    def number(self) -> int | None:
        """Return the number to go on from; raises ValidationFailed for what was never given."""
        if self.cursor is None:
            return None
        number = parse_id(self.cursor)
        if number is None:
            raise never_given()
        return number

    def pair(self, minor_max: int = MINOR_MAX) -> tuple[int, int] | None:
        """Return the pair of numbers ("17-2") to go on from, the second at most `minor_max`.

        Raises ValidationFailed.
        """
        if self.cursor is None:
            return None
        first, _, second = self.cursor.partition("-")
        major, minor = parse_id(first), 0 if second == "0" else parse_id(second)
        if major is None or minor is None or minor > minor_max:
            raise never_given()
        return major, minor


class PageQuery(SliceQuery, frozen=True):
    """The parameters of every counted list; a list with filters inherits from it."""

    offset: OffsetText = 0

    def bounds(self, limits: PageLimits) -> tuple[int, int]:
        """Return (limit, offset); raises ValidationFailed for more than is allowed."""
        if self.offset > limits.offset_max:
            raise ValidationFailed.of("offset", f"must be at most {limits.offset_max}")
        if self.offset and self.cursor is not None:
            raise ValidationFailed.of("offset", "give either cursor or offset")
        return self.size(limits), self.offset


def never_given() -> ValidationFailed:
    """Return the refusal of a cursor that no answer ever held."""
    return ValidationFailed.of("cursor", "must be the nextCursor of the part before")


def slice_of(
    found: Sequence[T], limit: int, show: Callable[[T], V], place: Callable[[T], str]
) -> Slice[V]:
    """Return a slice of at most `limit` of `found`, which was asked for with one more than that."""
    items = found[:limit]
    cursor = place(items[-1]) if len(found) > limit else None
    return Slice([show(item) for item in items], cursor)


def page_of(
    found: Sequence[T],
    limit: int,
    offset: int,
    total: int,
    show: Callable[[T], V],
    place: Callable[[T], str],
) -> Page[V]:
    """Return a page of at most `limit` of `found`, which was asked for with one more than that.

    `total` counts the whole list.
    """
    part = slice_of(found, limit, show, place)
    return Page(part.items, total, limit, offset, part.next_cursor)
