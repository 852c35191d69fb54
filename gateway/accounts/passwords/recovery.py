"""A password that was forgotten: set anew by whoever reads the account's mail.

Laws: asking is the same work and the same answer whether there is such an account or not: what is
found out about it is found out after the answer, by the errand that writes the mail. A token is
good once, for an hour, for the address it went to. Setting the password ends every session.
"""

from datetime import timedelta

from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mail
from gateway.accounts.mail.outbox import Outbox
from gateway.accounts.mail.settings import MailSettings
from gateway.accounts.mail.tokens import new_token, no_token, token_hash
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.passwords.choice import PasswordChoice
from gateway.accounts.passwords.hashing import Passwords
from gateway.accounts.sessions.live import LiveSessions
from persistence.clock import MICROSECONDS
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.mail_tokens import MailTokens, Purpose
from persistence.repositories.people.users import Users


class Recovery:
    """Wins accounts back."""

    def __init__(
        self,
        users: Users,
        tokens: MailTokens,
        audit: AuditLog,
        outbox: Outbox,
        attempts: Attempts,
        passwords: Passwords,
        choice: PasswordChoice,
        live: LiveSessions,
        settings: MailSettings,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._audit = audit
        self._outbox = outbox
        self._attempts = attempts
        self._passwords = passwords
        self._choice = choice
        self._live = live
        self._letters = Letters(settings.frontend_url)
        self._lasts_us = settings.reset_expires_in * MICROSECONDS
        lasts = timedelta(seconds=settings.reset_expires_in)
        self._minutes = max(1, lasts // timedelta(minutes=1))

    async def ask(self, email: str, address: str, request_id: str) -> None:
        """Have a mail sent to whoever has this address, if anybody; raises Unavailable,
        RateLimited.
        """
        self._outbox.require_room()
        await self._attempts.count_mail(email, address)

        async def write() -> Mail | None:
            return await self._write(email, request_id)

        self._outbox.put(write)

    async def _write(self, email: str, request_id: str) -> Mail | None:
        trail = AuditTrail(self._audit, request_id)
        found = await self._users.credentials(email)
        if found is None:
            await trail.note(None, "auth.password.forgot", None, "unknown")
            return None
        token, digest = new_token()
        user_id = found.user.id
        expires_at = await self._tokens.now() + self._lasts_us
        if not await self._tokens.issue(digest, user_id, Purpose.RESET, email, expires_at):
            return None  # they have left meanwhile
        await trail.note(None, "auth.password.forgot", f"user:{user_id}", "ok")
        return self._letters.reset(email, token, self._minutes)

    async def reset(self, token: str, password: str, address: str, request_id: str) -> None:
        """Set another password and end every session; raises ValidationFailed, RateLimited.

        A password that may not be leaves the token good; a token that doesn't hold costs no hash.
        """
        self._choice.require(password, "password")
        trail = AuditTrail(self._audit, request_id)
        digest, at = token_hash(token), await self._tokens.now()
        done = None
        holder = await self._tokens.holder(digest, Purpose.RESET, at)
        if holder is not None:
            self._choice.require_of(await self._users.by_id(holder), password, "password")
            password_hash = await self._passwords.hash(password, address)
            done = await self._tokens.reset(digest, password_hash, at)
        if done is None:
            await trail.note(None, "auth.password.reset", None, "refused")
            raise no_token()
        user_id, ended = done
        self._live.ended(user_id, ended)
        await trail.note(user_id, "auth.password.reset", f"user:{user_id}", "ok")
        self.tell_changed(user_id)

    def tell_changed(self, user_id: int) -> None:
        """Write to the owner that the password is another one, if that can be."""

        async def write() -> Mail | None:
            user = await self._users.by_id(user_id)
            if user is None or user.email is None:
                return None
            return self._letters.password_changed(user.email)

        self._outbox.put_if_room(write)
