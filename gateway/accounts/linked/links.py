"""Signing in by an account elsewhere, linking and unlinking one.

    begin      a browser gets a cookie and goes to the provider, with a state
    finish     it comes back: the provider is asked who it is; a page of ours gets a one-time code
    exchange   the page gets the tokens for the code; no token is ever in a URL

Laws: a state and a code are used once, while they last, and by the browser that began. Whoever
comes by an account of nobody is somebody new, without an address and a password: that a provider
tells an address which an account has signs nobody in to that account. Linking is begun by whoever
is signed in, with a fresh login, and is finished while that session stands. What is refused is in
the audit log as well.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gateway.access.principals import Principal, Role
from gateway.accounts.linked.browsers import digest, new_secret, nonce_of, verifier_of
from gateway.accounts.linked.providers import Failure, Identity, Provider, SignInFailed
from gateway.accounts.linked.revoking import Revoking
from gateway.accounts.linked.settings import LinkedSettings
from gateway.accounts.linked.tokens import LinkedTokens
from gateway.accounts.mail.notices import Notices
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.accounts.sessions.live import SignedIn
from gateway.accounts.sessions.sign_in import LOGIN, SignIn
from gateway.wire.errors import (
    ApiError,
    Conflict,
    Detail,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from persistence.clock import MICROSECONDS
from persistence.errors import AlreadyThere, LastWayIn
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.linked_accounts import Flow, Link, LinkedAccounts
from persistence.repositories.people.sessions import Client, Sessions
from persistence.repositories.people.users import Users
from persistence.repositories.people.ways_in import WaysIn

PROVIDERS: Final[Mapping[str, str]] = {"x": "X", "google": "Google"}
"""What they are called, by name."""
NO_CODE: Final = "is unknown, used, over, or another browser's; sign in again"
LINKED_ALREADY: Final = "The account has a link of this provider already; unlink it first"


class Returned(msgspec.Struct, frozen=True):
    """What a provider has sent a browser back with."""

    state: str
    code: str | None
    error: str | None


class Finished(msgspec.Struct, frozen=True):
    """What came of it, for the page that goes on: a code to exchange, or a link that was made."""

    is_link: bool
    code: str | None = None
    failure: Failure | None = None


class Linking:
    """The service; one per process."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        rows: LinkedAccounts,
        tokens: LinkedTokens,
        users: Users,
        sessions: Sessions,
        ways: WaysIn,
        audit: AuditLog,
        attempts: Attempts,
        fresh: FreshLogin,
        sign_in: SignIn,
        notices: Notices,
        revoking: Revoking,
        settings: LinkedSettings,
        require_open: Callable[[], None],
    ) -> None:
        """`require_open` raises where nobody new could get an account."""
        self._providers = providers
        self._rows = rows
        self._tokens = tokens
        self._users = users
        self._sessions = sessions
        self._ways = ways
        self._audit = audit
        self._attempts = attempts
        self._fresh = fresh
        self._sign_in = sign_in
        self._notices = notices
        self._revoking = revoking
        self._settings = settings
        self._require_open = require_open

    # -- the way there ------------------------------------------------------------------------

    async def begin(self, name: str, browser: str, address: str) -> str:
        """Return where a browser goes to sign in.

        Raises Unavailable without the provider, RateLimited, SignInFailed.
        """
        return await self._begin(name, browser, address, Flow(None, None))

    async def begin_link(self, name: str, browser: str, caller: Principal, address: str) -> str:
        """Return where a browser goes to link an account; raises FreshLoginRequired as well."""
        if name not in PROVIDERS:
            raise NotFound
        await self._fresh.require(caller)
        if any(link.provider == name for link in await self._rows.of_user(caller.user_id)):
            raise Conflict(LINKED_ALREADY)
        flow = Flow(caller.user_id, caller.session_id)
        try:
            return await self._begin(name, browser, address, flow)
        except SignInFailed:
            raise Unavailable(f"{PROVIDERS[name]} doesn't answer; try again in a moment") from None

    async def _begin(self, name: str, browser: str, address: str, flow: Flow) -> str:
        provider = self._provider(name)
        await self._attempts.count_begun(address)
        state = new_secret()
        url = await provider.authorize_url(
            state, verifier_of(browser, state), nonce_of(browser, state)
        )
        lasts_us = self._settings.flow_expires_in * MICROSECONDS
        await self._rows.begin(digest(state), digest(browser), name, flow, lasts_us)
        return url

    def _provider(self, name: str) -> Provider:
        provider = self._providers.get(name)
        if provider is None:
            reason = f"Signing in by {PROVIDERS[name]} isn't set up here: {name.upper()}_CLIENT_ID"
            raise Unavailable(f"{reason} is unset", retry_after_seconds=3_600)
        return provider

    # -- the way back -------------------------------------------------------------------------

    async def finish(
        self, name: str, browser: str | None, back: Returned, address: str, request_id: str
    ) -> Finished:
        """Take a browser that comes back from a provider; raises Unavailable without one."""
        provider = self._provider(name)
        flow = Flow(None, None)
        try:
            await self._attempts.count_address(address)
            flow = await self._flow(name, browser, back.state)
            if browser is None or back.error is not None or back.code is None:
                denied = back.error == "access_denied"
                raise SignInFailed(Failure.DENIED if denied else Failure.PROVIDER_REFUSED)
            identity = await provider.identify(
                back.code, verifier_of(browser, back.state), nonce_of(browser, back.state)
            )
            if flow.user_id is not None:
                await self._link(name, identity, flow)
                await self._note(name, flow, "ok", request_id)
                self._notices.tell(flow.user_id, f"an account of {PROVIDERS[name]} was linked")
                return Finished(is_link=True)
            user_id = await self._user_of(name, identity, request_id)
            code, lasts_us = new_secret(), self._settings.code_expires_in * MICROSECONDS
            await self._rows.new_code(digest(code), digest(browser), name, user_id, lasts_us)
            return Finished(is_link=False, code=code)
        except SignInFailed as error:
            failure = error.failure
        except RateLimited:
            failure = Failure.RATE_LIMITED
        except ApiError:
            failure = Failure.UNAVAILABLE
        await self._note(name, flow, failure.value, request_id)
        return Finished(is_link=flow.user_id is not None, failure=failure)

    async def _flow(self, name: str, browser: str | None, state: str) -> Flow:
        """Use up what the browser has begun; raises SignInFailed."""
        if browser is not None:
            flow = await self._rows.take_flow(digest(state), digest(browser), name)
            if flow is not None:
                return flow
        is_begun = await self._rows.is_begun(digest(state))
        raise SignInFailed(Failure.OTHER_BROWSER if is_begun else Failure.EXPIRED)

    async def _link(self, name: str, identity: Identity, flow: Flow) -> None:
        """Link an account elsewhere to whoever began; raises SignInFailed."""
        user_id, session_id = flow.user_id, flow.session_id
        if user_id is None or session_id is None:
            raise SignInFailed(Failure.SESSION_OVER)
        if await self._sessions.role_in(session_id, user_id) is None:
            raise SignInFailed(Failure.SESSION_OVER)
        try:
            await self._rows.add(user_id, self._tokens.sealed(name, identity))
        except AlreadyThere:
            mine = await self._rows.of_user(user_id)
            has_one = any(link.provider == name for link in mine)
            failure = Failure.LINKED_ALREADY if has_one else Failure.LINKED_ELSEWHERE
            raise SignInFailed(failure) from None

    async def _user_of(self, name: str, identity: Identity, request_id: str) -> int:
        """Return whose an account elsewhere is, somebody new if it is nobody's."""
        new = self._tokens.sealed(name, identity)
        found = await self._rows.used(new)
        if found is not None:
            return found
        if identity.email is not None and await self._users.credentials(identity.email) is not None:
            raise SignInFailed(Failure.EMAIL_TAKEN)
        self._require_open()
        try:
            user = await self._rows.add_with_user(new, Role.USER)
        except AlreadyThere:
            # Somebody was first in this moment: the same one in another tab, most likely.
            found = await self._rows.used(new)
            if found is None:
                raise SignInFailed(Failure.UNAVAILABLE) from None
            return found
        trail = AuditTrail(self._audit, request_id)
        await trail.note(user.id, "auth.register", f"user:{user.id}", "ok")
        return user.id

    async def _note(self, name: str, flow: Flow, outcome: str, request_id: str) -> None:
        trail = AuditTrail(self._audit, request_id)
        if flow.user_id is None:
            await trail.note(None, LOGIN, name, outcome)
        else:
            await trail.note(flow.user_id, "link.add", f"user:{flow.user_id} {name}", outcome)

    async def exchange(
        self,
        code: str,
        browser: str | None,
        client: Client,
        address: str,
        request_id: str,
        referral_code: str | None = None,
    ) -> SignedIn:
        """Sign in by a code; raises Unauthorized for one that doesn't hold, RateLimited, and
        ValidationFailed for a `referral_code` that is nobody's, which counts for somebody new.
        """
        await self._attempts.count_address(address)
        inviter_id, found = None, None
        if browser is not None:
            key = digest(code), digest(browser)
            if await self._rows.holds_code(*key):
                # Asked of whoever has proved something, so that nobody guesses at codes; and what
                # is wrong with this one doesn't use the other up.
                inviter_id = await self._sign_in.invitations.inviter(referral_code)
                found = await self._rows.take_code(*key)
        user = None if found is None else await self._users.by_id(found[0])
        if found is None or user is None:
            trail = AuditTrail(self._audit, request_id)
            await trail.note(None, "auth.code", None, "refused")
            raise Unauthorized(f"code: {NO_CODE}", details=(Detail("code", NO_CODE),))
        await self._sign_in.invitations.note(user.id, inviter_id)
        return await self._sign_in.admit(user, client, address, request_id, found[1])

    # -- one's own ----------------------------------------------------------------------------

    async def of_user(self, user_id: int) -> list[Link]:
        """Return somebody's links."""
        return await self._rows.of_user(user_id)

    async def unlink(self, caller: Principal, name: str, request_id: str) -> None:
        """Unlink the caller's account at a provider.

        Raises FreshLoginRequired, NotFound, LastWayIn if nobody could sign in without it.
        """
        await self._fresh.require(caller)
        trail = AuditTrail(self._audit, request_id)
        target = f"user:{caller.user_id} {name}"
        if name not in PROVIDERS:
            raise NotFound
        try:
            async with self._ways.keeping_one(caller.user_id) as connection:
                gone = await LinkedAccounts.remove(connection, caller.user_id, name)
                if gone is None:
                    raise NotFound
        except LastWayIn:
            await trail.note(caller.user_id, "link.remove", target, "last way in")
            raise
        await trail.note(caller.user_id, "link.remove", target, "ok")
        await self._revoking.put(gone, request_id)
        self._notices.tell(caller.user_id, f"an account of {PROVIDERS[name]} was unlinked")
