"""The rows of the route table under /users/me/sessions: where one is signed in, and ending that.

Laws: a session is its owner's alone, somebody else's is a 404 like one that never was. Ending one
takes effect at once, its sockets included.
"""

from gateway.access.api_keys.standing import Scope
from gateway.accounts.sessions.live import LiveSessions
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import NotFound
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.sessions import Session, Sessions


class SessionView(AnswerStruct, frozen=True):
    """A session that stands: `device` as the program calls itself, `address` an IPv6 one's /64."""

    id: str
    device: str | None
    address: str | None
    created_at: str
    last_seen_at: str
    """When it was opened or its tokens were renewed the last time."""
    expires_at: str
    current: bool
    """Whether the call came from it."""


class EndedView(AnswerStruct, frozen=True):
    """How many sessions were ended."""

    ended: int


class SessionRoutes:
    """Shows one's sessions, and ends them."""

    def __init__(
        self, rows: Sessions, live: LiveSessions, audit: AuditLog, pages: PageLimits
    ) -> None:
        self._rows = rows
        self._live = live
        self._audit = audit
        self._pages = pages

    async def list_sessions(self, request: Request[None, PageQuery]) -> Page[SessionView]:
        """Return one page of the caller's sessions, oldest first."""
        query, caller = request.query, request.principal
        limit, offset = query.bounds(self._pages)
        after = query.number() or 0
        at = await self._rows.now()
        found, total = await self._rows.page(caller.user_id, at, limit + 1, offset, after)

        def shown(session: Session) -> SessionView:
            return session_view(session, session.id == caller.session_id)

        return page_of(found, limit, offset, total, shown, lambda one: str(one.id))

    async def end_session(self, request: Request[None, None]) -> None:
        """End one session."""
        session_id = request.path_id("id")
        if not await self._live.end_own(request.user_id, session_id):
            raise NotFound
        trail = AuditTrail(self._audit, request.request_id)
        await trail.note(request.user_id, "session.end", f"session:{session_id}", "ok")

    async def end_others(self, request: Request[None, None]) -> EndedView:
        """End every session but the one that calls."""
        caller = request.principal
        ended = await self._live.end_all(caller.user_id, caller.session_id)
        trail = AuditTrail(self._audit, request.request_id)
        target = f"user:{caller.user_id}"
        await trail.note(caller.user_id, "session.end-others", target, "ok")
        return EndedView(ended)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/users/me/sessions",
                handler=self.list_sessions,
                access=Access.USER,
                scope=Scope.OWNER,
                query=PageQuery,
                answer=SessionView,
                shape=Shape.PAGE,
                summary="List where one is signed in",
                tag="users",
            ),
            Route(
                method="DELETE",
                path="/users/me/sessions",
                handler=self.end_others,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=EndedView,
                summary="Sign out everywhere else",
                tag="users",
            ),
            Route(
                method="DELETE",
                path="/users/me/sessions/{id}",
                handler=self.end_session,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="End one session",
                tag="users",
            ),
        )


def session_view(session: Session, is_current: bool) -> SessionView:
    """Return what its owner is shown of a session."""
    return SessionView(
        str(session.id),
        session.device,
        session.address,
        iso_millis(session.created_at),
        iso_millis(session.seen_at),
        iso_millis(session.expires_at),
        is_current,
    )
