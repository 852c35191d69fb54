"""The rows of the route table under /auth that begin or end with a mail: forgotten passwords, and
addresses to confirm.
"""

from typing import Annotated

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.accounts.fields import EMAIL_LENGTH, email_address
from gateway.accounts.mail.addresses import Addresses
from gateway.accounts.mail.tokens import MailTokenText
from gateway.accounts.passwords.choice import PasswordText
from gateway.accounts.passwords.recovery import Recovery
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, NotFound
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.people.mail_tokens import Confirmed

EmailText = Annotated[str, msgspec.Meta(max_length=EMAIL_LENGTH, description="e-mail address")]


class ForgotBody(BodyStruct, frozen=True):
    """Where a mail is to go, if somebody has that address."""

    email: EmailText


class ResetBody(BodyStruct, frozen=True):
    """The token that was mailed, and the new password."""

    token: MailTokenText
    password: PasswordText


class ConfirmBody(BodyStruct, frozen=True):
    """The token that was mailed."""

    token: MailTokenText


class ConfirmedView(AnswerStruct, frozen=True):
    """What came of it; `waiting`: the account's other address has to confirm, too."""

    outcome: Confirmed


class MailRoutes:
    """Takes what is asked for by mail, and what comes back."""

    def __init__(self, recovery: Recovery, addresses: Addresses) -> None:
        self._recovery = recovery
        self._addresses = addresses

    async def forgot(self, request: Request[ForgotBody, None]) -> None:
        """Have a mail sent by which a password can be set; the answer says nothing of anybody."""
        email = email_address(request.body.email)
        await self._recovery.ask(email, request.address, request.request_id)

    async def reset(self, request: Request[ResetBody, None]) -> None:
        """Set a password with the token of the mail."""
        body = request.body
        await self._recovery.reset(body.token, body.password, request.address, request.request_id)

    async def confirm(self, request: Request[ConfirmBody, None]) -> ConfirmedView:
        """Confirm an address with the token of the mail."""
        return ConfirmedView(await self._addresses.confirm(request.body.token, request.request_id))

    async def send_again(self, request: Request[None, None]) -> None:
        """Send the caller another mail to confirm the address by."""
        await self._addresses.send_again(request.principal, request.address, request.request_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/password/forgot",
                handler=self.forgot,
                access=Access.PUBLIC,
                body=ForgotBody,
                answer=None,
                budget=Budget.SIGN_IN,
                summary="Have a mail sent by which a forgotten password can be set anew",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/password/reset",
                handler=self.reset,
                access=Access.PUBLIC,
                body=ResetBody,
                answer=None,
                budget=Budget.SIGN_IN,
                summary="Set a password with the token that was mailed, and end every session",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/email/verify",
                handler=self.confirm,
                access=Access.PUBLIC,
                body=ConfirmBody,
                answer=ConfirmedView,
                errors=(Conflict,),
                budget=Budget.SIGN_IN,
                summary="Confirm an e-mail address with the token that was mailed",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/email/send",
                handler=self.send_again,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Conflict, NotFound),
                summary="Have another mail sent to confirm one's address by",
                tag="auth",
            ),
        )
