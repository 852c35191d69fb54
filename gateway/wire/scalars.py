"""How one value is written: ids, numbers and times.

An id is the decimal string of the positive integer it is inside. A time is ISO-8601, UTC, "Z",
milliseconds; inside it is integer microseconds. Numbers have the forms of `exchange.messages.units`
and are remembered, as are times: the same few come again and again. An order's price is one of a
market's ticks, most quantities are round, a balance is told in an answer and in a message.
"""

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE, STORED_MAX
from exchange.messages.units import format_money, format_price, format_quantity
from gateway.wire.errors import ValidationFailed

_REMEMBERED: Final = 8_192
_MILLISECOND: Final = 1_000

price_text: Final = lru_cache(PRICE_SCALE)(format_price)
quantity_text: Final = lru_cache(_REMEMBERED)(format_quantity)
money_text: Final = lru_cache(_REMEMBERED)(format_money)


def price_if_known(price: int | None) -> str | None:
    """Return a price's text, None for none."""
    return None if price is None else price_text(price)


def quantity_if_known(quantity: int | None) -> str | None:
    """Return a quantity's text, None for none."""
    return None if quantity is None else quantity_text(quantity)


NAME_LENGTH: Final = 255
"""No slug, id or clientOrderId is longer, in a path or elsewhere."""

_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def parse_id(text: str) -> int | None:
    """Return the id that `text` writes (1 to 2^62-1, plain ASCII digits), None if it is none."""
    if _ID.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= STORED_MAX else None


TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})$"
)
"""Of a time that comes in: no finer than times are shown, so that nothing of it is lost."""
TimeText = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="ISO-8601 with a zone, at most 3 decimals of a second",
        extra_json_schema={"pattern": TIME_PATTERN, "examples": ["2026-01-31T12:00:00Z"]},
    ),
]
_ISO: Final = re.compile(TIME_PATTERN.strip("^$"), re.ASCII)
_LENGTH: Final = 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1_024)
def iso_millis(at: int) -> str:
    """Return e.g. "2026-01-31T12:00:00.250Z" for microseconds since the epoch."""
    # What happened at one time is told several times, in messages and answers.
    second, micros = divmod(at, 1_000_000)
    return f"{_second_text(second)}.{micros // 1_000:03d}Z"


def time_if_known(at: int | None) -> str | None:
    """Return a time's text, None for none."""
    return None if at is None else iso_millis(at)


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
        example = '"2026-01-31T12:00:00Z", at most 3 decimals of a second'
        raise ValidationFailed.of(field, f"must be an ISO-8601 time such as {example}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationFailed.of(field, "is no time of the calendar") from None
    since = moment - _EPOCH
    if since.days < 0:
        raise ValidationFailed.of(field, "must not lie before 1970")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def parse_range(
    begin: str | None, end: str | None, names: tuple[str, str] = ("from", "to")
) -> tuple[int | None, int | None]:
    """Return the first and the last microsecond of two times, both included; None for none.

    `names` are those of the two fields. Raises ValidationFailed naming the one that is no time, or
    the second if it lies before the first.
    """
    first = None if begin is None else parse_time(begin, names[0])
    # What is written in milliseconds is all of its last one.
    last = None if end is None else parse_time(end, names[1]) + _MILLISECOND - 1
    if first is not None and last is not None and first > last:
        raise ValidationFailed.of(names[1], f"must not lie before {names[0]}")
    return first, last
