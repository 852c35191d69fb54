"""The rows of the route table under /referrals: one's code, and who came by it."""

import base64
import contextlib
import secrets
from typing import Final

import asyncpg

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.settings import EconomySettings
from gateway.http.paging import SliceQuery, slice_of
from gateway.http.request import AsOf, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.views import read_mark
from gateway.wire.errors import Unavailable
from gateway.wire.scalars import iso_millis, money_text, time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.economy.referrals import Invited, Referrals

CODE_BYTES: Final = 6
TRIES: Final = 5
_LENGTH: Final = 10


class ReferralsView(AnswerStruct, frozen=True):
    """One's code and what came of it: how many came by it (`invited`), how many of them placed an
    order (`rewarded`), and what one was given for them (`earned`). `bonus` is what both are given
    for the next one, `bonusesLeft` for how many more one is.
    """

    code: str
    bonus: str
    invited: int
    rewarded: int
    earned: str
    bonuses_left: int


class InvitedView(AnswerStruct, frozen=True):
    """Somebody who came by one's code. `status` is INVITED until a first order, then PENDING, and
    REWARDED once `amount` was given; NOT_GIVEN, with the `reason`, if it wasn't.
    """

    id: str
    status: str
    amount: str
    reason: str | None
    created_at: str
    rewarded_at: str | None


class ReferralRoutes:
    """Shows what one's invitations came to."""

    def __init__(
        self, rows: Referrals, view: State, settings: EconomySettings, pages: PageLimits
    ) -> None:
        self._rows = rows
        self._view = view
        self._settings = settings
        self._pages = pages

    async def show(self, request: Request[None, None]) -> AsOf[ReferralsView]:
        """Return the caller's code, made when it is first asked for."""
        user_id, mark = request.user_id, read_mark(self._view, request.user_id)
        code = await self._code(user_id)
        counts = await self._rows.counts(user_id)
        given = await self._rows.given_to(user_id)
        return mark.on(
            ReferralsView(
                code,
                money_text(self._settings.referral_bonus_credits),
                counts.invited,
                counts.rewarded,
                money_text(counts.earned),
                max(0, self._settings.referrals_max - given),
            )
        )

    async def _code(self, user_id: int) -> str:
        for _ in range(TRIES):
            # Another one's by a chance of one in 2^48 for each person there is.
            with contextlib.suppress(asyncpg.UniqueViolationError):
                return await self._rows.code_of(user_id, new_code())
        raise Unavailable

    async def list_invited(self, request: Request[None, SliceQuery]) -> AsOf[Slice[InvitedView]]:
        """Return a slice of who came by the caller's code, newest first."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, before = query.size(self._pages), query.number() or STORED_MAX
        found = await self._rows.page(request.user_id, before, limit + 1)
        return mark.on(slice_of(found, limit, invited_view, lambda one: str(one.invited_id)))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/referrals/me",
                handler=self.show,
                access=Access.USER,
                scope=Scope.READ,
                answer=ReferralsView,
                summary="Show the code by which one invites, and what came of it",
                tag="economy",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/referrals/me/invited",
                handler=self.list_invited,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=InvitedView,
                shape=Shape.SLICE,
                summary="List who came by one's code, newest first",
                tag="economy",
                of_account=True,
            ),
        )


def new_code() -> str:
    """Return a code that nobody could guess."""
    return base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().rstrip("=").lower()[:_LENGTH]


def invited_view(one: Invited) -> InvitedView:
    """Return somebody who was invited, by number alone."""
    status, amount, reason = "INVITED", one.amount or 0, None
    if one.rewarded_at is not None:
        status = {"DONE": "REWARDED", "PENDING": "PENDING"}.get(one.status or "", "NOT_GIVEN")
    if status == "NOT_GIVEN":
        amount, reason = 0, one.note
    return InvitedView(
        str(one.invited_id),
        status,
        money_text(amount),
        reason,
        iso_millis(one.created_at),
        time_if_known(one.rewarded_at),
    )
