"""What people call their watchlists and portfolios, and the markets they put there.

A name is trimmed, in Unicode's composed form (NFC), and can be read: 1 to 100 characters of one
line, none of them a control character.
"""

import unicodedata
from typing import Annotated, Final

import msgspec

from gateway.feeds.known import NAME_LENGTH_MAX, platform_text
from gateway.http.openapi import STORED_LENGTH
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import stored_text

NAME_LENGTH: Final = 100
DESCRIPTION_LENGTH: Final = 1_000
_RAW_LENGTH: Final = 4
"""Times as long may a text be before it is trimmed and its accents are joined with letters."""

NameText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=_RAW_LENGTH * NAME_LENGTH,
        description=f"1 to {NAME_LENGTH} characters, blanks around them don't count",
        examples=["US elections"],
        extra_json_schema={STORED_LENGTH: NAME_LENGTH, "pattern": r"\S"},
    ),
]
DescriptionText = Annotated[
    str,
    msgspec.Meta(
        max_length=_RAW_LENGTH * DESCRIPTION_LENGTH,
        description=f"at most {DESCRIPTION_LENGTH} characters",
        extra_json_schema={STORED_LENGTH: DESCRIPTION_LENGTH},
    ),
]
MarketIdText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="a market's id, with its platform before a colon unless it is ours or"
        " `platform` says it; ours by its slug, too",
        examples=["kalshi:KXHIGHNY-26JAN31-B40"],
        extra_json_schema={"pattern": "^[!-~]+$"},
    ),
]
PlatformText = Annotated[str, platform_text("unset: as marketId says, or ours")]


def name_of(text: str, field: str = "name") -> str:
    """Return a name as it is stored; raises ValidationFailed naming `field`."""
    name = one_line(text, field, NAME_LENGTH)
    if not name:
        raise ValidationFailed.of(field, f"must have 1 to {NAME_LENGTH} characters beside blanks")
    return name


def one_line(text: str, field: str, most: int) -> str:
    """Return a text of one line, trimmed and in NFC; raises ValidationFailed naming `field`."""
    line = stored_text(text.strip(), field, most)
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in line):
        raise ValidationFailed.of(field, "must be one line without control characters")
    return line


def description_of(text: str, field: str = "description") -> str:
    """Return a description as it is stored; raises ValidationFailed naming `field`."""
    return stored_text(text.strip(), field, DESCRIPTION_LENGTH)
