"""Pages of private messages that an account missed.

    view (how far) -> store (where) -> journal, part by part -> replay pool -> view (slugs) -> JSON

Laws: a page ends where the view was when it was asked for, so nothing is told here before it is
told live, and what comes live afterwards begins where the last page ends; the loop fetches and
sends bytes, and computes nothing. Numbers are never split: a page has all messages of each number
in it (an order's with its fills). So many pages are made at once for an account, and no more.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from exchange.model.state import State
from gateway.engine_side.replays import ReplayPool
from gateway.http.request import AsOf
from gateway.http.settings import PageLimits
from gateway.streaming.resuming.past_messages import joined, replay_part
from gateway.trading.views import read_mark
from gateway.wire.errors import Detail, OutOfRange, RateLimited, Unavailable, ValidationFailed
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.account_events import (
    PAGE_BYTES,
    AccountEvents,
    Missed,
    TakenRow,
    TooFarBack,
)

PAGE_COST: Final = 5
"""Hundreds of commands are read and replayed for one: so many calls it counts as."""
AT_ONCE: Final = 2
"""So many pages are made for one account at the same time."""


class AccountEventView(AnswerStruct, frozen=True):
    """A private message as it was told: the socket event's name, and its payload."""

    event: str
    data: dict[str, Any]


class MissedView(AnswerStruct, frozen=True):
    """What an account missed, oldest first.

    `accountSeq` is how far it goes: ask on from there while there `hasMore`. `currentSeq` is how
    far the account had come.
    """

    events: list[AccountEventView]
    account_seq: int
    current_seq: int
    has_more: bool


class MissedPage(AnswerStruct, frozen=True):
    """A `MissedView` whose events are JSON already."""

    events: msgspec.Raw
    account_seq: int
    current_seq: int
    has_more: bool


class Resumption:
    """Tells accounts what they missed."""

    def __init__(
        self, view: State, events: AccountEvents, replays: ReplayPool, pages: PageLimits
    ) -> None:
        self._view = view
        self._events = events
        self._replays = replays
        self._pages = pages
        self._busy: Counter[int] = Counter()

    async def page(
        self, account_id: int, after: int, limit: int | None, field: str
    ) -> AsOf[MissedPage]:
        """Return the messages with numbers above `after`, at most `limit` numbers.

        `field` is what the caller calls `after`.

        Raises:
            ValidationFailed: more are wanted than a page may have.
            OutOfRange: `after` lies ahead of the account, or further back than anything is kept.
            RateLimited: the account has other pages on the way.
            Unavailable: too many look into the past, or what was stored of it lies too far behind.
        """
        size = self._pages.size if limit is None else limit
        if size > self._pages.size_max:
            raise ValidationFailed.of("limit", f"must be at most {self._pages.size_max}")
        mark = read_mark(self._view, account_id)
        current = mark.account_seq
        if after > current:
            raise _ahead(field, after, current)
        until = min(after + size, current)
        if after == until:
            return mark.on(MissedPage(msgspec.Raw(b"[]"), after, current, has_more=False))
        with self._turn(account_id):
            try:
                missed = await self._events.find(account_id, after + 1, until)
            except TooFarBack as error:
                raise _too_far_back(field, after, error.first) from None
            events, reached = await self._replayed(account_id, missed, after, until, mark.seq)
        if reached == after:
            behind = mark.seq - missed.progress
            message = f"the past is stored up to {behind} commands ago only; try again in a moment"
            raise Unavailable(message, retry_after_seconds=5)
        page = MissedPage(msgspec.Raw(events), reached, current, has_more=reached < current)
        return mark.on(page)

    async def _replayed(
        self, account_id: int, missed: Missed, after: int, until: int, newest: int
    ) -> tuple[bytes, int]:
        """Return the messages as a JSON array, and the last number in it."""
        image, reached, read = missed.image, after, 0
        found: list[bytes] = []
        async for rows in self._events.parts(missed, newest):
            wanted = account_id, image, rows, reached, until
            done = await self._replays.run(replay_part, *wanted)
            image, reached = done.image, done.reached
            text = joined(done.events, self._slug_of)
            if text:
                found.append(text)
            read += _size(rows)
            if reached == until or (found and read >= PAGE_BYTES):
                break
        return b"[%b]" % b",".join(found), reached

    def _slug_of(self, market_id: int) -> str:
        return self._view.markets[market_id].slug

    @contextmanager
    def _turn(self, account_id: int) -> Iterator[None]:
        if self._busy[account_id] >= AT_ONCE:
            message = f"An account may ask for at most {AT_ONCE} pages of its past at once"
            raise RateLimited(1, message, limit="resume", size=AT_ONCE)
        self._busy[account_id] += 1
        try:
            yield
        finally:
            self._busy[account_id] -= 1
            if not self._busy[account_id]:
                del self._busy[account_id]


def _size(rows: list[TakenRow]) -> int:
    return sum(len(taken.row.payload) for taken in rows)


def _ahead(field: str, after: int, current: int) -> OutOfRange:
    message = f"is {after}, but the account has come to {current}"
    details = Detail(field, message), Detail("currentSeq", str(current))
    return OutOfRange(f"{field}: {message}", details=details)


def _too_far_back(field: str, after: int, first: int) -> OutOfRange:
    begin = first - 1
    message = f"is {after}, but nothing is kept before {begin}: read the account, and begin there"
    details = Detail(field, message), Detail("firstSeq", str(begin))
    return OutOfRange(f"{field}: {message}", details=details)
