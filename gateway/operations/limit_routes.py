"""The rows about limits of calls: one's own buckets, and the tiers that admins give; what binds
one's own orders is shown with them (`trading_limit_routes.py` sets it).

A tier takes effect here at once. That it was given in another process is read from the database now
and then (`TierWatch`); nobody is shut out meanwhile, and nothing but a pace depends on it.
"""

from typing import Final

from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Tier
from gateway.access.rate_limits import RateLimits
from gateway.http.request import AsOf, Request
from gateway.http.routing import Access, Route
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.markets.lookup import MarketText, asked_market
from gateway.operations.trading_limit_routes import OwnLimitsView, limits_fields, market_fields
from gateway.trading.views import read_mark
from gateway.wire.errors import NotFound, UnknownOutcome
from gateway.wire.strict_json import AnswerStruct, BodyStruct, QueryStruct
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.rate_tiers import RateTiers

INTERVAL_SECONDS: Final = 5.0


class BucketView(AnswerStruct, frozen=True):
    """One limit of one's own: `size` calls at once, and as many more in each `windowSeconds`.

    `nextIn` is in how many seconds there will be one more, 0 for a full bucket.
    """

    name: str
    counts: str
    size: int
    window_seconds: float
    refill_per_second: float
    remaining: int
    next_in: float


class UserLimitsView(AnswerStruct, frozen=True):
    """How often one may call, and how much of that is left now in the process that answers.

    `trading` is what binds one's orders in the market that is asked for, without one one's own
    limits alone, which take the place of those of any market.
    """

    tier: Tier
    buckets: list[BucketView]
    trading: OwnLimitsView


class LimitsQuery(QueryStruct, frozen=True):
    """In which market."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


class TierBody(BodyStruct, frozen=True):
    """The tier a user gets."""

    tier: Tier


class TierView(AnswerStruct, frozen=True):
    """A user's tier, and how many times as large it makes the user's buckets."""

    user_id: str
    tier: Tier
    factor: int


class TierWatch:
    """Continuous work: what other processes gave."""

    NAME: Final = "rate-tiers"

    def __init__(self, tiers: RateTiers, limits: RateLimits) -> None:
        self._tiers = tiers
        self._limits = limits

    async def load(self) -> None:
        """Take the tiers as they stand."""
        found = await self._tiers.all()
        self._limits.set_tiers({user_id: Tier(name) for user_id, name in found.items()})

    async def run(self, check_in: CheckIn) -> None:
        """Take them anew until cancelled; each time checks in."""
        await look_again(self.load, check_in, pause_s=INTERVAL_SECONDS)


class LimitRoutes:
    """Shows limits and gives tiers."""

    def __init__(self, limits: RateLimits, tiers: RateTiers, audit: AuditLog, view: State) -> None:
        self._view = view
        self._limits = limits
        self._tiers = tiers
        self._audit = audit

    async def get_own(self, request: Request[None, LimitsQuery]) -> AsOf[UserLimitsView]:
        """Return the caller's buckets, this call in them, and what binds the caller's orders.

        A call signed with an API key is told of the key's buckets.
        """
        mark = read_mark(self._view, request.user_id)
        market = asked_market(self._view, request.query)
        account = self._view.accounts.get(request.user_id)
        found = self._limits.buckets_of(request.principal.counted_as)
        buckets = [
            BucketView(
                policy.name,
                policy.counts,
                level.size,
                window_s,
                round(level.size / window_s, 3),
                level.remaining,
                round(level.next_s, 3),
            )
            for policy, level, window_s in found
        ]
        own = None if account is None else account.limits
        there = None if market is None else market.limits
        trading = OwnLimitsView(*limits_fields(own, there), *market_fields(there))
        tier = self._limits.tier_of(request.user_id)
        return mark.on(UserLimitsView(tier, buckets, trading))

    async def set_tier(self, request: Request[TierBody, None]) -> TierView:
        """Give a user a tier, at once."""
        user_id, tier = request.path_id("id"), request.body.tier
        name = None if tier is Tier.STANDARD else tier.value
        if not await self._tiers.set(user_id, name):
            raise NotFound("There is no such user")
        if tier is Tier.STANDARD:
            # A market maker by role has another one where none was given.
            tier = Tier(await self._tiers.of(user_id) or Tier.STANDARD)
        self._limits.set_tier(user_id, tier)
        trail = AuditTrail(self._audit, request.request_id)
        try:
            await trail.note(request.user_id, "user.rate_tier", f"user:{user_id}", tier.value)
        except OUTAGES as outage:
            raise UnknownOutcome from outage
        return TierView(str(user_id), tier, tier.factor)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/user/limits",
                handler=self.get_own,
                access=Access.USER,
                scope=Scope.READ,
                query=LimitsQuery,
                answer=UserLimitsView,
                of_account=True,
                errors=(NotFound,),
                summary="Show how often one may call, and what binds one's orders",
                tag="user",
            ),
            Route(
                method="PUT",
                path="/admin/users/{id}/rate-tier",
                handler=self.set_tier,
                access=Access.ADMIN,
                body=TierBody,
                answer=TierView,
                errors=(NotFound, UnknownOutcome),
                summary="Say how many times as much a user may call",
                tag="admin",
            ),
        )
