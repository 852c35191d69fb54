"""Time on the wire: ISO-8601, UTC, "Z", milliseconds; inside it is integer microseconds."""

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.wire.errors import ValidationFailed

_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_LENGTH: Final = 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """Return the wall clock in microseconds since the Unix epoch."""
    return time.time_ns() // 1_000


@lru_cache(maxsize=1_024)
def iso_millis(at: int) -> str:
    """Return e.g. "2026-01-31T12:00:00.250Z" for microseconds since the epoch."""
    # What happened at one time is told several times, in messages and answers.
    second, micros = divmod(at, 1_000_000)
    return f"{_second_text(second)}.{micros // 1_000:03d}Z"


@lru_cache(maxsize=1_024)
def _second_text(second: int) -> str:
    # Of new times most fall into the same second, and strftime is by far the dearest part.
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def parse_time(text: str, field: str) -> int:
    """Return the microseconds since the epoch of an ISO-8601 time with a zone.

    Raises ValidationFailed naming `field` for any other text.
    """
    match = _ISO.fullmatch(text) if len(text) <= _LENGTH else None
    if match is None:
        raise ValidationFailed.of(field, 'must be an ISO-8601 time such as "2026-01-31T12:00:00Z"')
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationFailed.of(field, "is no time of the calendar") from None
    since = moment - _EPOCH
    if since.days < 0:
        raise ValidationFailed.of(field, "must not lie before 1970")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
