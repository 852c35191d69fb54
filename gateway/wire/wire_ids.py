"""Ids on the wire: decimal strings of the positive integers they are inside."""

import re
from typing import Final

from exchange.messages.bounds import STORED_MAX

_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def parse_id(text: str) -> int | None:
    """Return the id that `text` writes (1 to 2^62-1, plain ASCII digits), None if it is none."""
    if _ID.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= STORED_MAX else None
