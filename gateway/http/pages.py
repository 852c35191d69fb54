"""Asking for a page of a list: `limit` and `offset`, bounded by settings."""

from typing import Annotated

import msgspec

from gateway.settings.settings import Settings
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import QueryStruct

LimitText = Annotated[int, msgspec.Meta(ge=1, le=10_000, description="items wanted")]
OffsetText = Annotated[int, msgspec.Meta(ge=0, le=10**9, description="items to skip")]


class PageQuery(QueryStruct, frozen=True):
    """The parameters of every counted list; a list with filters inherits from it."""

    limit: LimitText | None = None
    offset: OffsetText = 0

    def bounds(self, settings: Settings) -> tuple[int, int]:
        """Return (limit, offset); raises ValidationFailed for more than the settings allow."""
        if self.offset > settings.page_offset_max:
            raise ValidationFailed.of("offset", f"must be at most {settings.page_offset_max}")
        return page_size(self.limit, settings), self.offset


def page_size(limit: int | None, settings: Settings) -> int:
    """Return the items of a page; raises ValidationFailed for more than the settings allow."""
    if limit is None:
        return settings.page_size
    if limit > settings.page_size_max:
        raise ValidationFailed.of("limit", f"must be at most {settings.page_size_max}")
    return limit
