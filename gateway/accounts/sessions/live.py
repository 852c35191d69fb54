"""The sessions that are signed in: opened, renewed, ended, and whom a token stands for.

Laws: the end of a session and a change of role take effect at once, sockets included (`on_revoked`,
`on_role_changed`), and in other processes within a second or two (`sessions/watch.py`). A refresh
token is used once; one that comes back later was stolen, and its whole session ends. No token lives
longer than its session. How somebody proves who they are is no concern of this file: whoever does
so (by password today) asks for a session here.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator

import msgspec

from gateway.access.principals import Principal, Role, nobody
from gateway.accounts.sessions.refusals import Refusal, Refusals
from gateway.accounts.sessions.token_cache import TokenCache
from gateway.accounts.sessions.tokens import ExpiredToken, Lost, Tokens
from gateway.accounts.settings import SignInSettings
from gateway.wire.errors import AccountSuspended, Unauthorized
from persistence.clock import MICROSECONDS
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import (
    Client,
    RoleNow,
    RotationOutcome,
    Sessions,
)
from persistence.repositories.people.users import User, Users

SESSION_OVER = "The session has ended; log in again"


class SignedIn(msgspec.Struct, frozen=True):
    """What a sign-in gives: the user, an access token and the refresh token for the cookie."""

    user: User
    access_token: str
    expires_in: int
    """Seconds that the access token lives."""
    refresh_token: str
    refresh_expires_in: int
    """Seconds that the refresh token lives."""


RevocationListener = Callable[[int, int], None]
"""Called with (user id, session id) when a session ends before its time."""
RoleListener = Callable[[int, str], None]
"""Called with (user id, new role)."""


class LiveSessions:
    """The service; one per process."""

    def __init__(
        self,
        settings: SignInSettings,
        users: Users,
        sessions: Sessions,
        audit: AuditLog,
        tokens: Tokens,
        refusals: Refusals,
        is_suspended: Callable[[int], bool] = nobody,
        *,
        admins_need_factor: bool = False,
    ) -> None:
        """Open and end sessions; nobody whose account `is_suspended` gets a new one."""
        self.is_suspended = is_suspended
        self._users = users
        self._sessions = sessions
        self._audit = audit
        self._tokens = tokens
        self._refusals = refusals
        self._cache = TokenCache(settings.token_cache_size)
        self._access_s = settings.access_expires_in
        self._refresh_us = settings.refresh_expires_in * MICROSECONDS
        self._grace_us = settings.refresh_grace_seconds * MICROSECONDS
        self._ends_us = settings.session_ends_in * MICROSECONDS
        self._most = settings.sessions_max
        self._admins_need_factor = admins_need_factor
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
        try:
            claims = self._tokens.verify(token)
        except Unauthorized as error:
            is_over = isinstance(error, ExpiredToken)
            await self._refusals.note(Refusal.EXPIRED if is_over else Refusal.FORGED)
            raise
        revision = self._cache.revision
        found = await self._sessions.role_in(claims.session_id, claims.user_id)
        if found is None:
            raise Unauthorized
        principal = Principal(
            claims.user_id,
            Role(found.role),
            claims.session_id,
            claims.expires_at,
            lacks_factor=self._lacks_factor(found),
        )
        self._cache.store(token, principal, revision)
        return principal

    async def recheck(self, in_use: Iterable[Principal] = ()) -> None:
        """Notice sessions that ended, and roles that changed, in another process.

        `in_use` are principals that may outlive their token here (sockets). One query.
        Where a key holds no longer no token is believed for having been seen before; where that is
        before its time who uses one has to come anew: somebody else may have had the key.
        Every end is dealt with, whatever a listener makes of another one; raises an ExceptionGroup
        of what listeners raised, when all is done.
        """
        failures: list[Exception] = []
        lost, in_use = self._tokens.lost_keys(), [*in_use]
        if lost is not Lost.NONE:
            self._cache.forget_all()
        if lost is Lost.TAKEN:
            for principal in in_use:
                with _collected(failures):
                    self._ended(principal.user_id, principal.session_id)
        remembered = self._cache.principals()
        known = {principal.session_id: principal for principal in (*remembered, *in_use)}
        roles = await self._sessions.roles_in(list(known)) if known else {}
        for principal in known.values():
            if principal.session_id not in roles:
                with _collected(failures):
                    self._ended(principal.user_id, principal.session_id)
        for principal in known.values():
            found = roles.get(principal.session_id)
            if found is None:
                continue
            if found.role != principal.role:
                with _collected(failures):
                    self.role_changed(principal.user_id, found.role)
            elif self._lacks_factor(found) != principal.lacks_factor:
                self.forget(principal.user_id)
        if failures:
            raise ExceptionGroup("listeners failed", failures)

    def _lacks_factor(self, found: RoleNow) -> bool:
        return self._admins_need_factor and not found.has_factor

    # -- sessions -----------------------------------------------------------------------------

    async def open(
        self,
        user: User,
        client: Client,
        password_hash: str | None = None,
        *,
        without_factor: bool = False,
    ) -> SignedIn:
        """Begin a session for somebody who has just proved who they are.

        Whoever has too many loses the one that was used longest ago. Where it was a password that
        proved it, `password_hash` has to be the account's still; `without_factor` there may be none
        yet. Raises AccountSuspended, PersonLeft, PasswordOvertaken, FactorAdded.
        """
        if self.is_suspended(user.id):
            raise AccountSuspended
        refresh_token = secrets.token_urlsafe(32)
        at = await self._sessions.now()
        ends_at = at + self._ends_us
        expires_at = min(at + self._refresh_us, ends_at)
        session_id = await self._sessions.open(
            user.id,
            _digest(refresh_token),
            at,
            expires_at,
            ends_at=ends_at,
            client=client,
            password_hash=password_hash,
            without_factor=without_factor,
        )
        self.ended(user.id, await self._sessions.revoke_beyond(user.id, at, self._most))
        return self._signed_in(user, session_id, refresh_token, at, ends_at)

    async def refresh(self, refresh_token: str, client: Client, request_id: str) -> SignedIn:
        """Turn a refresh token into a new pair; raises Unauthorized, reuse ends the session."""
        trail = AuditTrail(self._audit, request_id)
        successor = secrets.token_urlsafe(32)
        at = await self._sessions.now()
        rotation = await self._sessions.rotate(
            _digest(refresh_token),
            _digest(successor),
            at,
            at + self._refresh_us,
            self._grace_us,
            client,
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
                self._ended(user_id, session_id)
            target = None if session_id is None else f"session:{session_id}"
            outcome = rotation.outcome.value
            await trail.note(user_id, "auth.refresh", target, outcome)
            raise Unauthorized(SESSION_OVER)
        target = f"session:{session_id}"
        await trail.note(user_id, "auth.refresh", target, "ok")
        return self._signed_in(user, session_id, successor, at, rotation.ends_at)

    def _signed_in(
        self, user: User, session_id: int, refresh_token: str, at: int, ends_at: int
    ) -> SignedIn:
        """Return what is handed out; the access token is expected from now on."""
        left_us = ends_at - at
        expires_in = max(1, min(self._access_s, left_us // MICROSECONDS))
        token = self._tokens.issue(user.id, session_id, expires_in)
        self._cache.expect(token.encode("ascii"))
        refresh_s = max(1, min(self._refresh_us, left_us) // MICROSECONDS)
        return SignedIn(user, token, expires_in, refresh_token, refresh_s)

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
            self._ended(user_id, session_id)
            target = f"session:{session_id}"
            await trail.note(user_id, "auth.logout", target, "ok")

    async def end_own(self, user_id: int, session_id: int) -> bool:
        """End a session of that user if it stands; say whether it did."""
        at = await self._sessions.now()
        if not await self._sessions.revoke_own(user_id, session_id, at):
            return False
        self._ended(user_id, session_id)
        return True

    async def end_all(self, user_id: int, but: int = 0) -> int:
        """End all sessions of a user `but` one; return how many those were."""
        ended = await self._sessions.revoke_all(user_id, await self._sessions.now(), but)
        self.ended(user_id, ended)
        return len(ended)

    def ended(self, user_id: int, session_ids: Iterable[int]) -> None:
        """Have it known here that sessions, which the store has ended, are over."""
        failures: list[Exception] = []
        for session_id in session_ids:
            with _collected(failures):
                self._ended(user_id, session_id)
        if failures:
            raise ExceptionGroup("listeners failed", failures)

    def _ended(self, user_id: int, session_id: int) -> None:
        self._cache.forget_session(session_id)
        for listener in self.on_revoked:
            listener(user_id, session_id)

    # -- roles --------------------------------------------------------------------------------

    def forget(self, user_id: int) -> None:
        """Ask the store anew, at the next use, what somebody may do."""
        self._cache.forget_user(user_id)

    def role_changed(self, user_id: int, role: str) -> None:
        """Have it known here that somebody has another role."""
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


def _digest(refresh_token: str) -> bytes:
    # A random token of 256 bits needs no salt and no slow hash.
    return hashlib.sha256(refresh_token.encode("utf-8")).digest()
