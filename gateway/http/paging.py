"""Asking for a part of a list: a page of what is counted, a slice of what only grows.

Both are bounded by settings. A slice goes on by `cursor`, as the last one gave it: that is the
place (order id, trade number, ledger entry) of the last item that was given, so what is added
meanwhile moves nothing, and a slice costs the same wherever it lies.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec

from gateway.http.request import Slice
from gateway.http.settings import PageLimits
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import QueryStruct

LimitText = Annotated[int, msgspec.Meta(ge=1, le=10_000, description="items wanted")]
OffsetText = Annotated[int, msgspec.Meta(ge=0, le=10**9, description="items to skip")]


class PageQuery(QueryStruct, frozen=True):
    """The parameters of every counted list; a list with filters inherits from it."""

    limit: LimitText | None = None
    offset: OffsetText = 0

    def bounds(self, limits: PageLimits) -> tuple[int, int]:
        """Return (limit, offset); raises ValidationFailed for more than is allowed."""
        if self.offset > limits.offset_max:
            raise ValidationFailed.of("offset", f"must be at most {limits.offset_max}")
        return page_size(self.limit, limits), self.offset


def page_size(limit: int | None, limits: PageLimits) -> int:
    """Return the items of a page; raises ValidationFailed for more than is allowed."""
    if limit is None:
        return limits.size
    if limit > limits.size_max:
        raise ValidationFailed.of("limit", f"must be at most {limits.size_max}")
    return limit


T = TypeVar("T")
V = TypeVar("V")

MINOR_MAX: Final = 2**31 - 1
"""The store numbers what lies within a command by 32 bits."""

CursorText = Annotated[
    str, msgspec.Meta(max_length=40, description="nextCursor of the slice before")
]


class SliceQuery(QueryStruct, frozen=True):
    """The parameters of every list by cursor; a list with filters inherits from it."""

    limit: LimitText | None = None
    cursor: CursorText | None = None

    def size(self, limits: PageLimits) -> int:
        """Return the items of a slice; raises ValidationFailed for more than is allowed."""
        return page_size(self.limit, limits)

    def number(self) -> int | None:
        """Return the number to go on from; raises ValidationFailed for what was never given."""
        if self.cursor is None:
            return None
        number = parse_id(self.cursor)
        if number is None:
            raise _never_given()
        return number

    def pair(self) -> tuple[int, int] | None:
        """Return the pair of numbers ("17-2") to go on from; raises ValidationFailed."""
        if self.cursor is None:
            return None
        first, _, second = self.cursor.partition("-")
        major, minor = parse_id(first), 0 if second == "0" else parse_id(second)
        if major is None or minor is None or minor > MINOR_MAX:
            raise _never_given()
        return major, minor


def _never_given() -> ValidationFailed:
    return ValidationFailed.of("cursor", "must be the nextCursor of the slice before")


def slice_of(
    found: Sequence[T], limit: int, show: Callable[[T], V], place: Callable[[T], str]
) -> Slice[V]:
    """Return a slice of at most `limit` of `found`, which was asked for with one more than that."""
    items = found[:limit]
    cursor = place(items[-1]) if len(found) > limit else None
    return Slice([show(item) for item in items], cursor)
