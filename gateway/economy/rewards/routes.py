"""The rows of the route table under /economy/daily-credits: the day's reward, and one's streak."""

from typing import Final

import msgspec

from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.rewards.claims import Claims
from gateway.economy.rewards.rules import TENTHS, reward, start_of, tenths
from gateway.economy.settings import EconomySettings
from gateway.http.request import AsOf, Request
from gateway.http.routing import Access, Route
from gateway.trading.views import BalanceView, balance_view, read_mark
from gateway.wire.errors import Conflict, NotFound, Refused, Unavailable, UnknownOutcome
from gateway.wire.scalars import iso_millis, money_text
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS

_DAY_US: Final = 86_400 * MICROSECONDS


class DailyCreditsView(AnswerStruct, frozen=True):
    """What was given for a UTC day: `multiplier` times the base, by how many days in a row it is.

    `balance` is the account's right after it, `nextAt` when the next day begins.
    """

    day: str
    amount: str
    streak: int
    multiplier: str
    balance: BalanceView
    next_at: str
    next_amount: str
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class DailyStandingView(AnswerStruct, frozen=True):
    """Whether today's reward was claimed (`claimed`), and what the next one is: its `amount`,
    `streak` and `multiplier`, from `availableAt` on. Who misses that day begins anew.
    """

    claimed: bool
    streak: int
    amount: str
    multiplier: str
    available_at: str


class DailyCreditsRoutes:
    """Gives the day's reward."""

    def __init__(self, claims: Claims, view: State, settings: EconomySettings) -> None:
        self._claims = claims
        self._view = view
        self._base = settings.daily_reward_credits

    async def claim(self, request: Request[None, None]) -> DailyCreditsView:
        """Claim today's reward."""
        given, intent, is_repeat = await self._claims.claim(request.user_id, request.request_id)
        return DailyCreditsView(
            given.day.isoformat(),
            money_text(given.amount),
            given.streak,
            multiplier_text(given.streak),
            balance_view(intent.available or 0, intent.locked or 0),
            iso_millis(start_of(given.day) + _DAY_US),
            money_text(reward(self._base, given.streak + 1)),
            True if is_repeat else msgspec.UNSET,
        )

    async def standing(self, request: Request[None, None]) -> AsOf[DailyStandingView]:
        """Show one's streak, and what the next reward is."""
        if not self._base:
            raise NotFound("There are no daily credits here")
        mark = read_mark(self._view, request.user_id)
        today, streak, day = await self._claims.standing(request.user_id)
        return mark.on(
            DailyStandingView(
                today is not None,
                streak,
                money_text(reward(self._base, streak)),
                multiplier_text(streak),
                iso_millis(start_of(day)),
            )
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/economy/daily-credits",
                handler=self.claim,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=DailyCreditsView,
                errors=(NotFound, Conflict, Refused, Unavailable, UnknownOutcome),
                summary="Claim the credits of the day",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/economy/daily-credits",
                handler=self.standing,
                access=Access.USER,
                scope=Scope.READ,
                answer=DailyStandingView,
                errors=(NotFound,),
                summary="Show one's streak, and what the next day is worth",
                tag="economy",
                of_account=True,
            ),
        )


def multiplier_text(streak: int) -> str:
    """Return by what a streak's day multiplies the base, e.g. "1.30"."""
    whole, rest = divmod(tenths(streak), TENTHS)
    return f"{whole}.{rest}0"
