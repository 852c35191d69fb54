"""The row `GET /admin/users/{id}`: all that is known of one user, on one page.

Laws: nothing secret is in it, no hash, no key's material. It holds addresses and names, so that
somebody was looked at is a line of the audit log, which the person finds in what they take along.
Every list in it is bounded: by what one person may have, else by `SESSIONS` and `AUDIT_LINES`.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from exchange.messages.terms import Standing
from exchange.model.state import State
from gateway.access.budgets import Tier
from gateway.access.rate_limits import RateLimits
from gateway.accounts.api_keys.keys import ApiKeys
from gateway.accounts.api_keys.routes import ApiKeyView, api_key_view
from gateway.accounts.linked.routes import LinkView, link_view
from gateway.accounts.passkeys.views import PasskeyView
from gateway.accounts.profile.views import UserView
from gateway.accounts.sessions.own_routes import SessionView, session_view
from gateway.accounts.wallets.routes import WalletView, wallet_view
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.operations.audit.routes import AuditView
from gateway.operations.trading_limit_routes import TradingLimitsView, limits_fields
from gateway.trading.views import BalanceView, balance_view
from gateway.wire.errors import NotFound
from gateway.wire.scalars import time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.users import Users
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows
from persistence.repositories.second_factor.passkeys import PasskeyRows

SESSIONS: Final = 200
AUDIT_LINES: Final = 50
"""The latest ones."""
COST: Final = 10
"""Calls that it counts as: it looks into ten tables."""


class FactorsView(AnswerStruct, frozen=True):
    """Second factors: since when there are codes of an app, and what else there is."""

    totp_since: str | None
    passkeys: list[PasskeyView]
    recovery_codes_left: int


class AccountPictureView(AnswerStruct, frozen=True):
    """The account in the exchange: what it holds, how many orders are open, what bounds them.

    `limits` are its own, which take the place of its markets'.
    """

    standing: Standing
    balance: BalanceView
    positions: int
    """Outcomes of which it holds shares."""
    open_orders: int
    dead_man_at: str | None
    """When its dead-man switch ends its orders; null: it is off."""
    limits: TradingLimitsView


class UserPictureView(UserView, frozen=True):
    """A user with all that belongs to one: ways in, sessions, keys, account, latest audit lines."""

    ways_in: list[str]
    second_factors: FactorsView
    wallets: list[WalletView]
    links: list[LinkView]
    sessions: list[SessionView]
    api_keys: list[ApiKeyView]
    rate_tier: Tier
    account: AccountPictureView | None
    """Null before it is opened."""
    audit: list[AuditView]
    """The latest lines about the user, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSources:
    """Where what belongs to a person is read."""

    users: Users
    ways: WaysIn
    sessions: Sessions
    factors: FactorRows
    passkeys: PasskeyRows
    wallets: Wallets
    links: LinkedAccounts
    keys: ApiKeys
    audit: AuditLog
    limits: RateLimits
    view: State


class UserPictureRoutes:
    """Shows one user whole."""

    def __init__(self, sources: PictureSources) -> None:
        self._of = sources

    async def show(self, request: Request[None, None]) -> UserPictureView:
        """Return all that is known of a user."""
        of, user_id = self._of, request.path_id("id")
        user = await of.users.by_id(user_id)
        if user is None:
            raise NotFound("There is no such user")
        lines = await of.audit.about(user_id, AUDIT_LINES)
        trail = AuditTrail(of.audit, request.request_id)
        await trail.note(request.user_id, "user.read", f"user:{user_id}", "ok")
        at = await of.sessions.now()
        sessions, _ = await of.sessions.page(user_id, at, SESSIONS, 0)
        caller = request.principal.session_id
        return UserPictureView(
            **msgspec.structs.asdict(UserView.of(user)),
            ways_in=await of.ways.of(user_id),
            second_factors=await self._factors(user_id),
            wallets=[wallet_view(one) for one in await of.wallets.of_user(user_id)],
            links=[link_view(one) for one in await of.links.of_user(user_id)],
            sessions=[session_view(one, one.id == caller) for one in sessions],
            api_keys=[api_key_view(one) for one in await of.keys.of_user(user_id)],
            rate_tier=of.limits.tier_of(user_id),
            account=account_picture(of.view, user_id),
            audit=[AuditView.of(line) for line in lines],
        )

    async def _factors(self, user_id: int) -> FactorsView:
        state = await self._of.factors.state(user_id)
        passkeys = await self._of.passkeys.of_user(user_id)
        shown = [PasskeyView.of(one) for one in passkeys]
        return FactorsView(time_if_known(state.totp_since), shown, state.recovery_codes)

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/admin/users/{id}",
                handler=self.show,
                access=Access.ADMIN,
                answer=UserPictureView,
                cost=COST,
                errors=(NotFound,),
                summary="Show one user whole: ways in, sessions, keys, account, audit lines",
                tag="admin",
            ),
        )


def account_picture(view: State, user_id: int) -> AccountPictureView | None:
    """Return what an account holds and is bound by; None before it is opened."""
    account = view.accounts.get(user_id)
    if account is None:
        return None
    held = account.positions.values()
    positions = sum(bool(one.quantity) for both in held for one in (both.yes, both.no))
    return AccountPictureView(
        account.standing,
        balance_view(account.available, account.locked),
        positions,
        len(account.orders),
        time_if_known(account.dead_man),
        TradingLimitsView(*limits_fields(account.limits)),
    )
