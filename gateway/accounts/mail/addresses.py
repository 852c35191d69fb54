"""Whose an e-mail address is: confirming it, changing it, taking it away.

Laws: an address becomes an account's only when mail to it has come back, and only with a fresh
login; if the one of before was confirmed, it is asked too. Whether somebody else has an address is
told to nobody but whoever reads its mail. Mails are counted by the address they go to.
"""

from datetime import timedelta

from gateway.access.principals import Principal
from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mail
from gateway.accounts.mail.outbox import Errand, Outbox
from gateway.accounts.mail.settings import MailSettings
from gateway.accounts.mail.tokens import new_token, no_token, token_hash
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.wire.errors import Conflict, NotFound
from persistence.clock import MICROSECONDS
from persistence.errors import AlreadyThere, LastWayIn
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.mail_tokens import (
    Confirmed,
    MailTokens,
    Purpose,
    forget_addresses,
)
from persistence.repositories.people.users import User, Users
from persistence.repositories.people.ways_in import ADDRESS_WAY, WaysIn

CONFIRMED_ALREADY = "The e-mail address is confirmed already"
NO_ADDRESS_YET = "The account has no e-mail address"
TAKEN = "Another account has this e-mail address by now"


class Addresses:
    """Looks after people's e-mail addresses."""

    def __init__(
        self,
        users: Users,
        tokens: MailTokens,
        ways: WaysIn,
        audit: AuditLog,
        outbox: Outbox,
        attempts: Attempts,
        fresh: FreshLogin,
        settings: MailSettings,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._ways = ways
        self._audit = audit
        self._outbox = outbox
        self._attempts = attempts
        self._fresh = fresh
        self._letters = Letters(settings.frontend_url)
        self._lasts_us = settings.confirm_expires_in * MICROSECONDS
        self._hours = max(1, timedelta(seconds=settings.confirm_expires_in) // timedelta(hours=1))

    def welcome(self, user: User) -> None:
        """Ask somebody who has just registered whether mail comes through, if that can be."""
        if user.email is not None:
            self._outbox.put_if_room(self._errand(user.id, user.email, user.email, Purpose.VERIFY))

    async def send_again(self, caller: Principal, address: str, request_id: str) -> None:
        """Send the caller another mail to confirm the address by; raises Conflict."""
        user = await self._user(caller)
        if user.email is None:
            raise Conflict(NO_ADDRESS_YET)
        if user.email_verified_at is not None:
            raise Conflict(CONFIRMED_ALREADY)
        self._outbox.require_room()
        await self._attempts.count_mail(user.email, address)
        self._outbox.put(self._errand(user.id, user.email, user.email, Purpose.VERIFY))
        await self._note(user.id, "user.email.send", "ok", request_id)

    async def confirm(self, token: str, request_id: str) -> Confirmed:
        """Take a token that was mailed; raises ValidationFailed, Conflict for a taken address."""
        at = await self._tokens.now()
        try:
            found = await self._tokens.confirm(token_hash(token), at)
        except AlreadyThere:
            await self._note(None, "user.email.confirm", "taken", request_id)
            raise Conflict(TAKEN) from None
        if found is None:
            await self._note(None, "user.email.confirm", "refused", request_id)
            raise no_token()
        await self._note(found.user_id, "user.email.confirm", found.outcome.value, request_id)
        if found.old_email is not None:
            mail = self._letters.address_changed(found.old_email)
            self._outbox.put_if_room(_ready(mail))
        return found.outcome

    async def pending(self, user_id: int) -> str | None:
        """Return the address that somebody has asked for and that isn't confirmed yet."""
        return await self._tokens.pending(user_id)

    async def require_change(self, caller: Principal, email: str | None, address: str) -> None:
        """Raise what keeps the caller from changing the address: FreshLoginRequired, Unavailable,
        RateLimited, LastWayIn.
        """
        await self._fresh.require(caller)
        # Said before anything that is changed with it; `change` sees to it in any case.
        if email is None and await self._ways.of(caller.user_id) == [ADDRESS_WAY]:
            raise LastWayIn
        if email is not None:
            self._outbox.require_room(2)
            await self._attempts.count_mail(email, address)

    async def change(self, caller: Principal, email: str | None, request_id: str) -> None:
        """Ask for another address, or take it away (None); after `require_change`.

        Raises LastWayIn if nobody could sign in without it.
        """
        user = await self._user(caller)
        if email == user.email:
            return
        if email is None:
            async with self._ways.keeping_one(user.id) as connection:
                await connection.execute(
                    "UPDATE users SET email = NULL, email_verified_at = NULL WHERE id = $1", user.id
                )
                await forget_addresses(connection, user.id)
            await self._note(user.id, "user.email.remove", "ok", request_id)
            return
        expires_at = await self._tokens.now() + self._lasts_us
        asks_old = await self._tokens.begin_change(user.id, email, expires_at)
        self._outbox.put(self._errand(user.id, email, email, Purpose.CHANGE_NEW))
        if asks_old and user.email is not None:
            self._outbox.put(self._errand(user.id, email, user.email, Purpose.CHANGE_OLD))
        await self._note(user.id, "user.email.change", "asked", request_id)

    def _errand(self, user_id: int, email: str, to: str, purpose: Purpose) -> Errand:
        """Return what makes a token about `email` and the mail that takes it to `to`."""

        async def write() -> Mail | None:
            token, digest = new_token()
            expires_at = await self._tokens.now() + self._lasts_us
            if not await self._tokens.issue(digest, user_id, purpose, email, expires_at):
                return None  # they have left meanwhile
            letters = {
                Purpose.VERIFY: self._letters.verify,
                Purpose.CHANGE_NEW: self._letters.change_new,
                Purpose.CHANGE_OLD: self._letters.change_old,
            }
            return letters[purpose](to, token, self._hours)

        return write

    async def _user(self, caller: Principal) -> User:
        user = await self._users.by_id(caller.user_id)
        if user is None:
            raise NotFound
        return user

    async def _note(self, user_id: int | None, action: str, outcome: str, request_id: str) -> None:
        target = None if user_id is None else f"user:{user_id}"
        await AuditTrail(self._audit, request_id).note(user_id, action, target, outcome)


def _ready(mail: Mail) -> Errand:
    async def write() -> Mail:
        return mail

    return write
