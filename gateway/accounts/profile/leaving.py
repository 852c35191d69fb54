"""Taking everything along, and leaving for good.

Laws: both ask for a fresh login. What is kept about a person is `persistence.repositories.people.
personal_data`'s list. Whoever leaves has no cash, no shares and no open orders in the exchange: the
engine closes the account for ever, or refuses; only then the person's data goes, and what they
traded stays in the books under a number that is nobody's. A crash in between leaves a closed
account whose owner can sign in and leave again. Stocks aren't the engine's: whether there are any
is looked at while the person's row is held, without which nobody buys one, until the account is
closed and can pay for none.
"""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from exchange.messages.commands import CloseAccount, DebitAccount
from exchange.messages.reasons import Reason
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.access.principals import Principal
from gateway.accounts.linked.revoking import Revoking
from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mail
from gateway.accounts.mail.outbox import Outbox
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.accounts.sessions.live import LiveSessions
from gateway.engine_side.refusals import EngineRefused, accepted
from gateway.http.request import Request, Stream
from gateway.http.routing import Access, Route, Shape
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    FreshLoginRequired,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import BodyStruct
from persistence.errors import LastAdmin
from persistence.loop.ports import CommandPort
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.personal_data import PARTS, Part, PersonalData
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.users import Users

AT_ONCE: Final = 4
"""People who take their data along at the same time; and so many who leave."""
COST: Final = 50
"""Calls that it counts as: it reads all there is."""
GIVEN_UP: Final = "given up by its owner"
LAST_ADMIN: Final = "The last admin can't leave"
_OVER: Final = (Reason.ACCOUNT_NOT_FOUND, Reason.ACCOUNT_CLOSED)
"""There is nothing (left) to close."""


class LeaveBody(BodyStruct, frozen=True):
    """Whether credits that are left are given up; without that nobody leaves who has any."""

    forfeit_credits: bool = False


class LeavingRoutes:
    """Lets people take their data along, and leave."""

    def __init__(
        self,
        data: PersonalData,
        sessions: Sessions,
        users: Users,
        audit: AuditLog,
        live: LiveSessions,
        fresh: FreshLogin,
        revoking: Revoking,
        outbox: Outbox,
        commands: CommandPort,
        view: State,
    ) -> None:
        self._data = data
        self._sessions = sessions
        self._users = users
        self._audit = audit
        self._live = live
        self._fresh = fresh
        self._revoking = revoking
        self._outbox = outbox
        self._commands = commands
        self._view = view
        self._under_way = 0
        self._leaving = 0

    async def export(self, request: Request[None, None]) -> Stream:
        """Return all that is kept about the caller, as one JSON object that is made while read."""
        caller = request.principal
        await self._fresh.require(caller)
        if self._under_way >= AT_ONCE:
            raise Unavailable("Too many people take their data along; try again in a minute")
        trail = AuditTrail(self._audit, request.request_id)
        await trail.note(caller.user_id, "user.export", f"user:{caller.user_id}", "ok")
        at = await self._sessions.now()
        self._under_way += 1
        is_open = True

        async def close() -> None:
            nonlocal is_open
            self._under_way -= is_open
            is_open = False

        chunks = self._chunks(caller.user_id, at)
        return Stream("application/json", f"probity-{caller.user_id}.json", chunks, _nothing, close)

    async def _chunks(self, user_id: int, at: int) -> AsyncIterator[bytes]:
        head = {"userId": str(user_id), "exportedAt": iso_millis(at)}
        yield msgspec.json.encode(head)[:-1]
        for part in PARTS:
            yield b',"%s":[' % camel(part.name).encode("ascii")
            async for chunk in self._rows(part, user_id):
                yield chunk
            yield b"]"
        yield b"}"

    async def _rows(self, part: Part, user_id: int) -> AsyncIterator[bytes]:
        is_first = True
        async for piece in self._data.pieces(part, user_id):
            rows = [{camel(name): _told(value) for name, value in row.items()} for row in piece]
            text = msgspec.json.encode(rows)[1:-1]
            yield text if is_first else b"," + text
            is_first = False

    async def leave(self, request: Request[LeaveBody, None]) -> None:
        """Delete the caller for good; raises EngineRefused while something is left or open."""
        caller = request.principal
        await self._fresh.require(caller)
        trail = AuditTrail(self._audit, request.request_id)
        target = f"user:{caller.user_id}"
        user = await self._users.by_id(caller.user_id)
        if user is None:
            raise NotFound
        if await self._users.is_last_admin(user.id):
            await trail.note(user.id, "user.delete", target, "last admin")
            raise Forbidden(LAST_ADMIN)
        try:
            has_stocks = await self._close(caller, forfeits=request.body.forfeit_credits)
        except EngineRefused as refusal:
            await trail.note(caller.user_id, "user.delete", target, refusal.reason.name)
            raise
        if has_stocks:
            await trail.note(user.id, "user.delete", target, "stocks")
            raise Conflict("You have shares of stocks; sell them first")
        links = await self._revoking.of_user(user.id)
        try:
            ended = await self._data.erase(caller.user_id, await self._sessions.now())
        except LastAdmin:
            await trail.note(caller.user_id, "user.delete", target, "last admin")
            raise Forbidden(LAST_ADMIN) from None
        await trail.note(caller.user_id, "user.delete", target, "ok")
        self._live.ended(caller.user_id, ended or ())
        for link in links:
            await self._revoking.put(link, request.request_id)
        if user.email is not None:
            mail = Letters(None).deleted(user.email)

            async def write() -> Mail:
                return mail

            self._outbox.put_if_room(write)

    async def _close(self, caller: Principal, *, forfeits: bool) -> bool:
        """Close the account unless there are stocks; say whether there are.

        Nothing in it asks for another connection: many who leave can't wait for one another.
        """
        if self._leaving >= AT_ONCE:
            raise Unavailable("Too many people leave just now; try again in a moment")
        self._leaving += 1
        try:
            async with self._data.held(caller.user_id) as has_stocks:
                if not has_stocks:
                    await self._close_account(caller, forfeits=forfeits)
            return has_stocks
        finally:
            self._leaving -= 1

    async def _close_account(self, caller: Principal, *, forfeits: bool) -> None:
        """Close the account in the exchange for ever; raises what the engine says against it."""
        account = self._view.accounts.get(caller.user_id)
        if account is not None and forfeits and account.available:
            debit = DebitAccount(caller.user_id, account.available, GIVEN_UP)
            accepted(await self._commands.submit(debit))
        try:
            accepted(await self._commands.submit(CloseAccount(caller.user_id)))
        except EngineRefused as refusal:
            if refusal.reason not in _OVER:
                raise

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/users/me/export",
                handler=self.export,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                shape=Shape.STREAM,
                media=("application/json",),
                cost=COST,
                errors=(FreshLoginRequired,),
                summary="Take along all that is kept about oneself",
                tag="users",
            ),
            Route(
                method="DELETE",
                path="/users/me",
                handler=self.leave,
                access=Access.USER,
                scope=Scope.OWNER,
                body=LeaveBody,
                needs_body=False,
                answer=None,
                errors=(
                    Conflict,
                    Forbidden,
                    FreshLoginRequired,
                    NotFound,
                    Refused,
                    Unavailable,
                    UnknownOutcome,
                ),
                summary="Leave for good: one's data goes, the exchange's books stay",
                tag="users",
            ),
        )


def camel(name: str) -> str:
    """Return a column's name as the wire writes names."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _told(value: object) -> object:
    """Return a value as the wire writes it: no number that a reader could round."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _nothing() -> None:
    """Stop nothing: a piece is read at a time, and none without a reader."""
