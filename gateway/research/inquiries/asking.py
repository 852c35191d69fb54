"""Asking: a question is checked, its cost held, and it is queued; a search is answered at once.

Laws: an answer to the same question (its words without case and spacing, of the same market, kind
and format) is taken for nothing while it is young, whoever had it found: it holds nothing but what
the web says; one that is asked while the same is under way waits for that (`following.py`).
Otherwise its cost is held first, so nothing is asked that the month's budgets, one's
own and everybody's, have no room for. A search is paid before it is made and paid back if it surely
wasn't; one whose answer is lost may have been, and stays paid. So a process that dies between costs
its owner a search and never leaves cents held.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gateway.feeds.known import KnownMarket
from gateway.research.inquiries.outputs import Found
from gateway.research.inquiries.parallel import Lost, Parallel, ServiceFailed
from gateway.research.inquiries.settings import SEARCH, ResearchSettings, cents_text
from gateway.wire.errors import Conflict, ExternalApiFailed, LimitReached, Unavailable
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import BoundReached
from persistence.repositories.research.budgets import MonthlyBudget
from persistence.repositories.research.inquiries import (
    Bounds,
    BudgetUsedUp,
    Inquiries,
    Inquiry,
    NewInquiry,
    TooManyKept,
)

_OFF: Final = "Research isn't set up here: PARALLEL_API_KEY is unset"
_OFF_FOR_S: Final = 3_600
_TOKEN_BYTES: Final = 16


def month_of(at: int) -> int:
    """Return the month of UTC that a time lies in, as year * 100 + month."""
    day = datetime.fromtimestamp(at // MICROSECONDS, UTC)
    return day.year * 100 + day.month


def question_text(query: str, market: KnownMarket | None) -> str:
    """Return what is sent: the question, with the market that it is about."""
    if market is None:
        return query
    closes = ""
    if market.close_time is not None:
        day = datetime.fromtimestamp(market.close_time // MICROSECONDS, UTC)
        closes = f" It closes on {day:%Y-%m-%d}."
    return f'{query}\n\nThis is about the prediction market "{market.question}".{closes}'


def same_key(text: str, processor: str, output: str) -> bytes:
    """Return what questions share that one answer is good for."""
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.sha256(f"{processor}\0{output}\0{words}".encode()).digest()


class Asking:
    """Takes questions; one a process with routes."""

    def __init__(
        self,
        rows: Inquiries,
        service: Parallel | None,
        settings: ResearchSettings,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """`service` is None where research is off."""
        self._rows = rows
        self._service = service
        self._settings = settings
        self._clock = clock

    @property
    def is_on(self) -> bool:
        """Whether anything can be asked."""
        return self._service is not None

    async def ask(
        self,
        user_id: int,
        query: str,
        market: KnownMarket | None,
        processor: str,
        output: str,
        request_id: str | None,
    ) -> Inquiry:
        """Queue a question, or return its known answer.

        Raises Unavailable where research is off, LimitReached, Conflict for a request id that was
        used for another question.
        """
        self._require_service()
        now, text = self._clock(), question_text(query, market)
        new = NewInquiry(
            user_id=user_id,
            request_id=request_id,
            query=query,
            platform=None if market is None else market.ref.platform,
            external_id=None if market is None else market.ref.external_id,
            processor=processor,
            format=output,
            input=text,
            key=same_key(text, processor, output),
            token=secrets.token_urlsafe(_TOKEN_BYTES),
            cost=self._settings.costs[processor],
            month=month_of(now),
        )
        own = self._settings
        bounds = Bounds(own.at_once, own.month, own.most)
        try:
            found = await self._rows.ask(
                new, bounds, now, now - self._settings.known_s * MICROSECONDS
            )
        except TooManyKept:
            raise LimitReached.of("research", bounds.kept) from None
        except BoundReached:
            most = f"at most {bounds.under_way} of your questions are researched at a time"
            raise LimitReached(f"{most}; wait for one") from None
        except BudgetUsedUp as used:
            raise self._used_up(used.standing, new.cost) from None
        if not found.is_same(new):
            raise Conflict("requestId: was used for another question")
        return found

    async def search(self, user_id: int, query: str, most: int) -> list[Found]:
        """Return pages about something.

        Raises Unavailable where research is off or the service is busy, LimitReached,
        ExternalApiFailed.
        """
        service, now = self._require_service(), self._clock()
        cost, month = self._settings.costs[SEARCH], month_of(now)
        try:
            await self._rows.pay(user_id, month, cost, self._settings.month)
        except BudgetUsedUp as used:
            raise self._used_up(used.standing, cost) from None
        try:
            return await service.search(query, most)
        except Lost as failure:
            raise ExternalApiFailed(
                f"The search failed: {failure}; it may have been paid, so it counts"
            ) from None
        except ServiceFailed as failure:
            await self._rows.pay_back(user_id, month, cost)
            raise ExternalApiFailed(f"The search failed: {failure}; it cost nothing") from None

    async def budget(self, user_id: int) -> tuple[int, MonthlyBudget]:
        """Return the month, and how somebody's budget of it stands."""
        month = month_of(self._clock())
        return month, await self._rows.budget(user_id, month)

    def _require_service(self) -> Parallel:
        if self._service is None:
            raise Unavailable(_OFF, retry_after_seconds=_OFF_FOR_S)
        return self._service

    def _used_up(self, standing: MonthlyBudget, cost: int) -> LimitReached:
        own, costs = self._settings, f"This costs {cents_text(cost)} cents, and"
        if own.budget_of_all > 0 and standing.left_of_all(own.month) < cost:
            left, most = standing.left_of_all(own.month), own.budget_of_all
            return LimitReached(
                f"{costs} {cents_text(left)} of the {cents_text(most)} that all here may spend this"
                " month are left"
            )
        left, most = standing.left(own.month), own.budget
        return LimitReached(
            f"{costs} {cents_text(left)} of this month's {cents_text(most)} are left"
        )
