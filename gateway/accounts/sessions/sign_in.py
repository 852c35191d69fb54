"""Sign-in: register and log in by password, and where every way of signing in ends.

Laws: an unknown e-mail and a wrong password get the same answer after the same work. A password
that was found right has to be the account's still when its session is opened. Whoever has a second
factor, be it since a moment, isn't signed in before it has come (`admit`). Nobody is signed in
without an account in the exchange: opening it is an idempotent command, sent at registration and
again at login if the view doesn't show it. Every event is in the audit log.
"""

from typing import Final

from exchange.messages.commands import OpenAccount
from gateway.access.principals import Role
from gateway.accounts.invitations import Invitations
from gateway.accounts.mail.addresses import Addresses
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.passwords.hashing import Fit, Hashing, Passwords, Place
from gateway.accounts.second_factor.challenges import Challenges
from gateway.accounts.sessions.live import LiveSessions, SignedIn
from gateway.accounts.settings import SignInSettings
from gateway.engine_side.ports import AccountsView
from gateway.engine_side.readiness import Readiness, ViewFeed
from gateway.engine_side.refusals import accepted
from gateway.wire.errors import (
    AccountSuspended,
    Conflict,
    ReadsOnly,
    SecondFactorRequired,
    Unauthorized,
    Unavailable,
)
from persistence.clock import now_us
from persistence.errors import FactorAdded, PasswordOvertaken, PersonLeft
from persistence.loop.ports import CommandPort
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import Client
from persistence.repositories.people.users import User, Users

WRONG_CREDENTIALS: Final = "The e-mail address or the password is wrong"
BEGIN_ANEW: Final = "The account has just got a second factor; sign in anew"
LOGIN: Final = "auth.login"
"""What the audit log calls every sign-in; the way is in its target."""


class SignIn:
    """The service; one per process."""

    def __init__(
        self,
        settings: SignInSettings,
        users: Users,
        live: LiveSessions,
        audit: AuditLog,
        passwords: Passwords,
        attempts: Attempts,
        commands: CommandPort,
        view: AccountsView,
        addresses: Addresses,
        challenges: Challenges,
        invitations: Invitations,
    ) -> None:
        self.invitations = invitations
        """Whoever adds somebody notes there who invited them."""
        self._users = users
        self._live = live
        self._audit = audit
        self._passwords = passwords
        self._attempts = attempts
        self._commands = commands
        self._view = view
        self._addresses = addresses
        self._challenges = challenges
        self._starting_credits = settings.starting_credits

    async def register(
        self,
        email: str,
        password: str,
        display_name: str | None,
        client: Client,
        address: str,
        request_id: str,
        referral_code: str | None = None,
    ) -> SignedIn:
        """Add a user and sign in; raises Conflict, RateLimited, ValidationFailed for a code that is
        nobody's, and QueueFull or OutcomeUnknown.

        After the last two the user exists, and a login opens the account.
        """
        async with self._passwords.place(address) as place:
            await self._attempts.count_address(address)
            inviter_id = await self.invitations.inviter(referral_code)
            user = await add_user(
                self._users,
                self._audit,
                place,
                email,
                password,
                display_name,
                Role.USER,
                request_id,
            )
        await self.invitations.note(user.id, inviter_id)
        self._addresses.welcome(user)
        return await self.enter(user, client)

    async def login(
        self, email: str, password: str, client: Client, address: str, request_id: str
    ) -> SignedIn:
        """Sign in; raises Unauthorized (the same for every cause), RateLimited, or what `admit`
        does.
        """
        trail = AuditTrail(self._audit, request_id)
        async with self._passwords.place(address) as place:
            attempt = await self._attempts.begin(email, address)
            found = await self._users.credentials(email)
            fit = await place.check(None if found is None else found.password_hash, password)
            if found is None or fit is Fit.NO:
                target = None if found is None else f"user:{found.user.id}"
                await trail.note(None, LOGIN, target, "refused")
                raise Unauthorized(WRONG_CREDENTIALS)
            user, checked = found.user, found.password_hash
            await self._attempts.succeeded(attempt)
            if fit is Fit.OUTDATED and checked is not None:
                checked = await self._hashed_anew(place, user.id, checked, password)
        try:
            return await self.admit(user, client, address, request_id, "password", checked)
        except PasswordOvertaken:
            # It was set anew between the look and the session: whoever did has ended all others.
            await trail.note(None, LOGIN, f"user:{user.id}", "overtaken")
            raise Unauthorized(WRONG_CREDENTIALS) from None

    async def _hashed_anew(
        self, place: Place, user_id: int, before: str, password: str
    ) -> str | None:
        """Return the hash that a right password has from now on: `before`, which is out of date,
        if the account has another password by now.
        """
        anew = await place.hash(password)
        if await self._users.rehash(user_id, before, anew):
            return anew
        # Another sign-in was faster, or somebody who set another one: the password says which.
        stored = await self._users.password_hash(user_id)
        return before if await place.check(stored, password) is Fit.NO else stored

    async def admit(
        self,
        user: User,
        client: Client,
        address: str,  # noqa: ARG002 - every way in says where from
        request_id: str,
        way: str,
        password_hash: str | None = None,
    ) -> SignedIn:
        """Sign somebody in who has proved one factor, by `way` (e.g. "password", "wallet").

        Of a password the hash is given that it was held against. Raises AccountSuspended, for who
        has proved that much is told so; SecondFactorRequired, with a challenge, if the account has
        a second one; else what `proved` does. All of it is in the audit log.
        """
        trail = AuditTrail(self._audit, request_id)
        target = f"user:{user.id} {way}"
        if self._live.is_suspended(user.id):
            await trail.note(user.id, LOGIN, target, "suspended")
            raise AccountSuspended
        try:
            await self._challenges.require_none(user.id, way, password_hash)
            return await self.proved(
                user, client, request_id, way, password_hash, without_factor=True
            )
        except SecondFactorRequired:
            await trail.note(user.id, LOGIN, target, "second factor")
            raise
        except FactorAdded:
            # In this moment; whoever has it begins anew, and is asked for it.
            await trail.note(None, LOGIN, target, "overtaken")
            raise Unauthorized(BEGIN_ANEW) from None

    async def proved(
        self,
        user: User,
        client: Client,
        request_id: str,
        way: str,
        password_hash: str | None = None,
        *,
        without_factor: bool = False,
    ) -> SignedIn:
        """Sign somebody in who has proved all there is to prove, the first factor by `way`.

        Raises AccountSuspended, and Unauthorized for who has left in this moment, which are in the
        audit log like a sign-in; else what `enter` does.
        """
        trail = AuditTrail(self._audit, request_id)
        target = f"user:{user.id} {way}"
        if self._live.is_suspended(user.id):
            await trail.note(user.id, LOGIN, target, "suspended")
            raise AccountSuspended
        await trail.note(user.id, LOGIN, target, "ok")
        try:
            return await self.enter(user, client, password_hash, without_factor=without_factor)
        except PersonLeft:
            await trail.note(None, LOGIN, target, "overtaken")
            raise Unauthorized from None

    async def enter(
        self,
        user: User,
        client: Client,
        password_hash: str | None = None,
        *,
        without_factor: bool = False,
    ) -> SignedIn:
        """Open a session for somebody, of which the audit log knows already.

        Raises AccountSuspended, PersonLeft where the account is gone, PasswordOvertaken where
        `password_hash` isn't its hash any more, FactorAdded where it has a second factor and was to
        be `without_factor`, and what `open_account` does.
        """
        await self.open_account(user.id)
        return await self._live.open(user, client, password_hash, without_factor=without_factor)

    async def open_account(self, user_id: int) -> None:
        """Open the user's account in the exchange if the view doesn't show it.

        Raises EngineRefused, CommandNotTaken or OutcomeUnknown: then nobody is signed in.
        """
        if user_id not in self._view.accounts:
            accepted(await self._commands.submit(OpenAccount(user_id, self._starting_credits)))


def require_open(readiness: Readiness, feed: ViewFeed) -> None:
    """Raise Unavailable or ReadsOnly where nobody new could get an account in the exchange."""
    if not readiness.is_open:
        raise Unavailable
    if not feed.takes_commands:
        raise ReadsOnly


async def add_user(
    users: Users,
    audit: AuditLog,
    passwords: Hashing,
    email: str,
    password: str,
    display_name: str | None,
    role: str,
    request_id: str,
) -> User:
    """Add a user, whose account in the exchange the first login opens; raises Conflict.

    `email` is normalised already (`fields.email_address`).
    """
    password_hash = await passwords.hash(password)
    trail = AuditTrail(audit, request_id)
    user = await users.insert(email, display_name, role, password_hash, now_us())
    if user is None:
        await trail.note(None, "auth.register", None, "email taken")
        raise Conflict("This e-mail address is registered already")
    await trail.note(user.id, "auth.register", f"user:{user.id}", "ok")
    return user
