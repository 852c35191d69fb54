"""The wallets of accounts: signing in by one, linking and unlinking them, proving oneself again.

Laws: a nonce is ours, lasts minutes and is used up before a signature is looked at, so that
nothing is tried twice. A wallet is one account's. Whoever comes by a wallet of nobody is somebody
new, without an address and a password. Linking and unlinking ask for a fresh login, and the last
way into an account stays. What is refused is in the audit log as well; a wallet's address never
is.
"""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.access.principals import Principal, Role
from gateway.accounts.mail.notices import Notices
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.accounts.sessions.live import SignedIn
from gateway.accounts.sessions.sign_in import LOGIN, SignIn
from gateway.accounts.wallets import libraries
from gateway.accounts.wallets.messages import FIELD, SignInMessage, parse
from gateway.accounts.wallets.settings import WalletSettings
from gateway.accounts.wallets.signatures import Signatures
from gateway.accounts.wallets.terms import DoesNotHold, Terms
from gateway.wire.errors import (
    ApiError,
    Conflict,
    Detail,
    Forbidden,
    LimitReached,
    NotFound,
    Unauthorized,
    ValidationFailed,
)
from persistence.clock import MICROSECONDS
from persistence.errors import AlreadyThere, BoundReached, LastWayIn
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import Client, Sessions
from persistence.repositories.people.users import User, Users
from persistence.repositories.people.wallets import Wallet, Wallets
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows

WAY: Final = "wallet"
NO_NONCE: Final = "holds a nonce that is unknown, used or over; ask for another one"
HAS_FACTOR: Final = "The account has a second factor: prove that one by POST /auth/step-up"
LINKED_ALREADY: Final = "This wallet is linked to this account already"
LINKED_ELSEWHERE: Final = "This wallet is linked to another account"


class Nonce(msgspec.Struct, frozen=True):
    """A nonce and when it begins and ends, in microseconds."""

    text: str
    issued_at: int
    ends_at: int


class WalletSignIn:
    """The service; one per process."""

    def __init__(
        self,
        wallets: Wallets,
        users: Users,
        sessions: Sessions,
        ways: WaysIn,
        audit: AuditLog,
        attempts: Attempts,
        fresh: FreshLogin,
        sign_in: SignIn,
        notices: Notices,
        factors: FactorRows,
        signatures: Signatures,
        terms: Terms,
        settings: WalletSettings,
        require_open: Callable[[], None],
    ) -> None:
        """`require_open` raises where nobody new could get an account."""
        self._wallets = wallets
        self._users = users
        self._sessions = sessions
        self._ways = ways
        self._audit = audit
        self._attempts = attempts
        self._fresh = fresh
        self._sign_in = sign_in
        self._notices = notices
        self._factors = factors
        self._signatures = signatures
        self._terms = terms
        self._settings = settings
        self._require_open = require_open

    # -- proving ------------------------------------------------------------------------------

    async def nonce(self, address: str) -> Nonce:
        """Return a nonce for somebody at an address; raises RateLimited, Unavailable."""
        libraries.require_installed()
        await self._attempts.count_begun(address)
        text = secrets.token_hex(16)
        lasts_us = self._settings.nonce_expires_in * MICROSECONDS
        ends_at = await self._wallets.new_nonce(text, lasts_us)
        return Nonce(text, ends_at - lasts_us, ends_at)

    async def _proved(self, text: str, signature: str, address: str) -> SignInMessage:
        """Return a message that holds; raises DoesNotHold, and what is wrong with its form."""
        message = parse(text)
        libraries.require_installed()
        await self._attempts.count_address(address)
        self._terms.check(message, await self._sessions.now())
        if not await self._wallets.take_nonce(message.nonce):
            raise DoesNotHold(FIELD, NO_NONCE)
        await self._signatures.check(message, text, signature, address)
        return message

    # -- signing in ---------------------------------------------------------------------------

    async def sign_in(
        self,
        text: str,
        signature: str,
        client: Client,
        address: str,
        request_id: str,
        referral_code: str | None = None,
    ) -> SignedIn:
        """Sign in whoever's wallet has signed; raises Unauthorized naming what doesn't hold.

        Somebody new came by the code, if there is one; ValidationFailed for one that is nobody's.
        """
        trail = AuditTrail(self._audit, request_id)
        try:
            message = await self._proved(text, signature, address)
        except (DoesNotHold, ValidationFailed) as refusal:
            await trail.note(None, LOGIN, WAY, "refused")
            if isinstance(refusal, ValidationFailed):
                raise
            details = (Detail(refusal.field, refusal.message),)
            raise Unauthorized(str(refusal), details=details) from None
        # Asked of whoever has proved something, so that nobody guesses at codes.
        inviter_id = await self._sign_in.invitations.inviter(referral_code)
        user = await self._user_of(message, trail)
        await self._sign_in.invitations.note(user.id, inviter_id)
        return await self._sign_in.admit(user, client, address, request_id, WAY)

    async def _user_of(self, message: SignInMessage, trail: AuditTrail) -> User:
        """Return whose the wallet is, somebody new if it is nobody's."""
        kind, address = message.kind.value, message.address
        found = await self._wallets.used(kind, address)
        if found is None:
            self._require_open()
            try:
                user = await self._wallets.add_with_user(kind, address, Role.USER)
            except AlreadyThere:
                # Somebody was first in this moment: the same one in another tab, most likely.
                found = await self._wallets.used(kind, address)
            else:
                await trail.note(user.id, "auth.register", f"user:{user.id}", "ok")
                return user
        owner = None if found is None else await self._users.by_id(found.user_id)
        if owner is None:
            raise Unauthorized  # they have left in this moment
        return owner

    # -- one's own ----------------------------------------------------------------------------

    async def step_up(
        self, caller: Principal, text: str, signature: str, address: str, request_id: str
    ) -> int:
        """Take a wallet of the caller for a fresh login; return until when it counts (us).

        Raises Conflict for an account with a second factor, which is asked for that one.
        """
        if await self._factors.has(caller.user_id):
            raise Conflict(HAS_FACTOR)
        trail = AuditTrail(self._audit, request_id)
        try:
            message = await self._proved(text, signature, address)
            found = await self._wallets.used(message.kind.value, message.address)
            if found is None or found.user_id != caller.user_id:
                raise DoesNotHold(FIELD, "is of a wallet that isn't linked to this account")
        except (DoesNotHold, ValidationFailed) as refusal:
            await trail.note(caller.user_id, "auth.step-up", "wallet", "refused")
            raise _as_answer(refusal) from None
        return await self._fresh.prove(caller, request_id)

    async def of_user(self, user_id: int) -> list[Wallet]:
        """Return somebody's wallets, oldest first."""
        return await self._wallets.of_user(user_id)

    async def link(
        self, caller: Principal, text: str, signature: str, address: str, request_id: str
    ) -> Wallet:
        """Link a wallet to the caller's account.

        Raises FreshLoginRequired, Forbidden for what doesn't hold, Conflict for a wallet that is
        linked, LimitReached.
        """
        await self._fresh.require(caller)
        trail = AuditTrail(self._audit, request_id)
        user_id, most = caller.user_id, self._settings.per_user
        target = f"user:{user_id}"
        try:
            message = await self._proved(text, signature, address)
            wallet = await self._wallets.add(user_id, message.kind.value, message.address, most)
        except (DoesNotHold, ValidationFailed) as refusal:
            await trail.note(user_id, "wallet.link", target, "refused")
            raise _as_answer(refusal) from None
        except BoundReached:
            await trail.note(user_id, "wallet.link", target, "too many")
            raise LimitReached.of("wallets", most) from None
        except AlreadyThere:
            await trail.note(user_id, "wallet.link", target, "linked already")
            mine = await self._wallets.of_user(user_id)
            is_mine = any(found.address == message.address for found in mine)
            raise Conflict(LINKED_ALREADY if is_mine else LINKED_ELSEWHERE) from None
        await trail.note(user_id, "wallet.link", f"{target} wallet:{wallet.id}", "ok")
        self._notices.tell(user_id, "a wallet was linked")
        return wallet

    async def unlink(self, caller: Principal, wallet_id: int, request_id: str) -> None:
        """Unlink one of the caller's wallets.

        Raises FreshLoginRequired, NotFound, LastWayIn if nobody could sign in without it.
        """
        await self._fresh.require(caller)
        trail = AuditTrail(self._audit, request_id)
        target = f"user:{caller.user_id} wallet:{wallet_id}"
        try:
            async with self._ways.keeping_one(caller.user_id) as connection:
                gone = await Wallets.remove(connection, caller.user_id, wallet_id)
                if gone is None:
                    raise NotFound
        except LastWayIn:
            await trail.note(caller.user_id, "wallet.unlink", target, "last way in")
            raise
        await trail.note(caller.user_id, "wallet.unlink", target, "ok")
        self._notices.tell(caller.user_id, "a wallet was unlinked")


def _as_answer(refusal: DoesNotHold | ValidationFailed) -> ApiError:
    """Return what somebody is told who is signed in: a 401 would be about the token."""
    if isinstance(refusal, ValidationFailed):
        return refusal
    return Forbidden(str(refusal), details=(Detail(refusal.field, refusal.message),))
