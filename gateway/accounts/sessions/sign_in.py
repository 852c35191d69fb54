"""Sign-in: register, log in, refresh, log out, and who a token stands for.

Laws: an unknown e-mail and a wrong password get the same answer after the same work. A change of
role and the end of a session take effect at once, sockets included (`on_revoked`,
`on_role_changed`), and in other processes within a second or two (`sessions/watch.py`).
Nobody is signed in without an account in the exchange: opening it is an idempotent command, sent at
registration and again at login if the view doesn't show it. Every event is in the audit log.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from exchange.messages.commands import OpenAccount
from gateway.access.principals import Actor, Principal, Role
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.passwords.hashing import NO_ADDRESS, Fit, Passwords
from gateway.accounts.sessions.token_cache import TokenCache
from gateway.accounts.sessions.tokens import Tokens
from gateway.accounts.settings import SignInSettings
from gateway.engine_side.ports import AccountsView
from gateway.engine_side.refusals import accepted
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    UnknownOutcome,
)
from persistence.clock import now_us
from persistence.errors import LastAdmin
from persistence.loop.ports import CommandPort
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.sessions import RotationOutcome, Sessions
from persistence.repositories.users import User, Users

WRONG_CREDENTIALS: Final = "The e-mail address or the password is wrong"
SESSION_OVER: Final = "The session has ended; log in again"
_LAST_ADMIN: Final = "last admin"
_CHANGED: Final = "ok"


class SignedIn(msgspec.Struct, frozen=True):
    """What a sign-in gives: the user, an access token and the refresh token for the cookie."""

    user: User
    access_token: str
    refresh_token: str


RevocationListener = Callable[[int, int], None]
"""Called with (user id, session id) when a session ends before its time."""
RoleListener = Callable[[int, str], None]
"""Called with (user id, new role)."""


class SignIn:
    """The service; one per process."""

    def __init__(
        self,
        settings: SignInSettings,
        users: Users,
        sessions: Sessions,
        audit: AuditLog,
        passwords: Passwords,
        tokens: Tokens,
        attempts: Attempts,
        commands: CommandPort,
        view: AccountsView,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._audit = audit
        self._passwords = passwords
        self._tokens = tokens
        self._attempts = attempts
        self._commands = commands
        self._view = view
        self._cache = TokenCache(settings.token_cache_size)
        self._starting_credits = settings.starting_credits
        self._refresh_us = settings.refresh_expires_in * 1_000_000
        self._grace_us = settings.refresh_grace_seconds * 1_000_000
        self.on_revoked: list[RevocationListener] = []
        self.on_role_changed: list[RoleListener] = []

    # -- tokens -------------------------------------------------------------------------------

    def remembered(self, token: bytes) -> Principal | None:
        """Return who a token stands for if it was verified before; never waits."""
        return self._cache.find(token)

    def is_expected(self, token: bytes) -> bool:
        """Say whether a token was issued here and hasn't come yet; never waits."""
        return self._cache.is_expected(token)

    async def verify(self, token: bytes) -> Principal:
        """Return who a token stands for; raises Unauthorized."""
        known = self._cache.find(token)
        if known is not None:
            return known
        claims = self._tokens.verify(token)
        revision = self._cache.revision
        role = await self._sessions.role_in(claims.session_id, claims.user_id)
        if role is None:
            raise Unauthorized
        principal = Principal(claims.user_id, Role(role), claims.session_id, claims.expires_at)
        self._cache.store(token, principal, revision)
        return principal

    async def recheck(self, in_use: Iterable[Principal] = ()) -> None:
        """Notice sessions that ended, and roles that changed, in another process.

        `in_use` are principals that may outlive their token here (sockets). One query.
        Every end is dealt with, whatever a listener makes of another one; raises an ExceptionGroup
        of what listeners raised, when all is done.
        """
        remembered = self._cache.principals()
        known = {principal.session_id: principal for principal in (*remembered, *in_use)}
        if not known:
            return
        roles = await self._sessions.roles_in(list(known))
        failures: list[Exception] = []
        for principal in known.values():
            if principal.session_id not in roles:
                with _collected(failures):
                    self._session_ended(principal.user_id, principal.session_id)
        for principal in remembered:
            role = roles.get(principal.session_id, principal.role)
            if role != principal.role:
                with _collected(failures):
                    self._role_changed(principal.user_id, role)
        if failures:
            raise ExceptionGroup("listeners failed", failures)

    # -- sign-in ------------------------------------------------------------------------------

    async def register(
        self,
        email: str,
        password: str,
        display_name: str | None,
        address: str,
        request_id: str,
    ) -> SignedIn:
        """Add a user and sign in; raises Conflict, RateLimited, and QueueFull or OutcomeUnknown.

        After the last two the user exists, and a login opens the account.
        """
        await self._attempts.count_address(address)
        user = await add_user(
            self._users,
            self._audit,
            self._passwords,
            email,
            password,
            display_name,
            Role.USER,
            request_id,
            address,
        )
        await self.open_account(user.id)
        return await self._sign_in(user)

    async def login(self, email: str, password: str, address: str, request_id: str) -> SignedIn:
        """Sign in; raises Unauthorized (the same for every cause) or RateLimited."""
        trail = AuditTrail(self._audit, request_id)
        attempt = await self._attempts.begin(email, address)
        found = await self._users.credentials(email)
        stored = None if found is None else found.password_hash
        try:
            fit = await self._passwords.check(stored, password, address)
        except RateLimited:
            await self._attempts.withdraw(attempt)
            raise
        if found is None or fit is Fit.NO:
            target = None if found is None else f"user:{found.user.id}"
            await trail.note(None, "auth.login", target, "refused")
            raise Unauthorized(WRONG_CREDENTIALS)
        user = found.user
        await self._attempts.succeeded(attempt)
        await trail.note(user.id, "auth.login", f"user:{user.id}", "ok")
        if fit is Fit.OUTDATED:
            # Where no place is free the next sign-in does it.
            with contextlib.suppress(RateLimited):
                renewed = await self._passwords.hash(password, address)
                await self._users.set_password_hash(user.id, renewed)
        await self.open_account(user.id)
        return await self._sign_in(user)

    async def open_account(self, user_id: int) -> None:
        """Open the user's account in the exchange if the view doesn't show it.

        Raises EngineRefused, CommandNotTaken or OutcomeUnknown: then nobody is signed in.
        """
        if user_id not in self._view.accounts:
            accepted(await self._commands.submit(OpenAccount(user_id, self._starting_credits)))

    async def _sign_in(self, user: User) -> SignedIn:
        refresh_token = secrets.token_urlsafe(32)
        at = await self._sessions.now()
        session_id = await self._sessions.open(
            user.id, _digest(refresh_token), at, at + self._refresh_us
        )
        return SignedIn(user, self._issue(user, session_id), refresh_token)

    def _issue(self, user: User, session_id: int) -> str:
        """Return a new token, which is expected from now on."""
        token = self._tokens.issue(user.id, session_id)
        self._cache.expect(token.encode("ascii"))
        return token

    async def refresh(self, refresh_token: str, request_id: str) -> SignedIn:
        """Turn a refresh token into a new pair; raises Unauthorized, reuse ends the session."""
        trail = AuditTrail(self._audit, request_id)
        successor = secrets.token_urlsafe(32)
        at = await self._sessions.now()
        rotation = await self._sessions.rotate(
            _digest(refresh_token), _digest(successor), at, at + self._refresh_us, self._grace_us
        )
        user_id, session_id = rotation.user_id, rotation.session_id
        user = None
        if rotation.outcome is RotationOutcome.ROTATED and user_id is not None:
            user = await self._users.by_id(user_id)
        if user is None or session_id is None:
            if (
                rotation.outcome is RotationOutcome.REUSED
                and user_id is not None
                and session_id is not None
            ):
                self._session_ended(user_id, session_id)
            target = None if session_id is None else f"session:{session_id}"
            outcome = rotation.outcome.value
            await trail.note(user_id, "auth.refresh", target, outcome)
            raise Unauthorized(SESSION_OVER)
        target = f"session:{session_id}"
        await trail.note(user_id, "auth.refresh", target, "ok")
        return SignedIn(user, self._issue(user, session_id), successor)

    async def logout(
        self, caller: Principal | None, refresh_token: str | None, request_id: str
    ) -> None:
        """End the session of the access token and of the refresh token, whichever are given."""
        trail = AuditTrail(self._audit, request_id)
        ended: set[tuple[int, int]] = set()
        if caller is not None:
            ended.add((caller.user_id, caller.session_id))
        if refresh_token is not None:
            owner = await self._sessions.of_token(_digest(refresh_token))
            if owner is not None:
                ended.add(owner)
        for user_id, session_id in sorted(ended):
            at = await self._sessions.now()
            await self._sessions.revoke(session_id, at)
            self._session_ended(user_id, session_id)
            target = f"session:{session_id}"
            await trail.note(user_id, "auth.logout", target, "ok")

    def _session_ended(self, user_id: int, session_id: int) -> None:
        self._cache.forget_session(session_id)
        for listener in self.on_revoked:
            listener(user_id, session_id)

    # -- roles --------------------------------------------------------------------------------

    async def set_role(self, actor: Actor, user_id: int, role: str) -> User:
        """Change a role at once; raises NotFound, or Forbidden to demote the last admin.

        Raises UnknownOutcome where the change or its audit line may be lost.
        """
        trail = AuditTrail(self._audit, actor.request_id)
        target = f"user:{user_id} {role}"
        outcome = ""
        try:
            user, outcome = await self._change_role(user_id, role)
            await trail.note(actor.user_id, "user.role", target, outcome)
        except OUTAGES as outage:
            if outcome not in ("", _CHANGED):
                raise  # nothing was changed, for certain
            # The change may be committed: whoever was known by the old role is asked for anew.
            self._cache.forget_user(user_id)
            raise UnknownOutcome(
                "Whether the role was changed is not known; look at it"
            ) from outage
        if outcome == _LAST_ADMIN:
            raise Forbidden("The last admin can't be demoted")
        if user is None:
            raise NotFound("There is no such user")
        return user

    async def _change_role(self, user_id: int, role: str) -> tuple[User | None, str]:
        """Return the user as changed, or None, and what came of it in the audit log's words."""
        try:
            user = await self._users.set_role(user_id, role)
        except LastAdmin:
            return None, _LAST_ADMIN
        if user is None:
            return None, "not found"
        self._role_changed(user_id, role)
        return user, _CHANGED

    def _role_changed(self, user_id: int, role: str) -> None:
        self._cache.forget_user(user_id)
        for listener in self.on_role_changed:
            listener(user_id, role)


@contextlib.contextmanager
def _collected(failures: list[Exception]) -> Iterator[None]:
    """Keep what the block raises for later."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a listener's, raised again when all were told
        failures.append(error)


async def add_user(
    users: Users,
    audit: AuditLog,
    passwords: Passwords,
    email: str,
    password: str,
    display_name: str | None,
    role: str,
    request_id: str,
    address: str = NO_ADDRESS,
) -> User:
    """Add a user, whose account in the exchange the first login opens; raises Conflict.

    `email` is normalised already (`fields.email_address`).
    """
    password_hash = await passwords.hash(password, address)
    trail = AuditTrail(audit, request_id)
    user = await users.insert(email, display_name, role, password_hash, now_us())
    if user is None:
        await trail.note(None, "auth.register", None, "email taken")
        raise Conflict("This e-mail address is registered already")
    await trail.note(user.id, "auth.register", f"user:{user.id}", "ok")
    return user


def _digest(refresh_token: str) -> bytes:
    # A random token of 256 bits needs no salt and no slow hash.
    return hashlib.sha256(refresh_token.encode("utf-8")).digest()
