"""The rows of the route table under /admin that concern people: users, roles, the audit log."""

from typing import Final

from gateway.access.principals import Role
from gateway.accounts.routes import UserView
from gateway.http.paging import PageQuery
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.wire.errors import NotFound, UnknownOutcome
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.audit import AuditEntry


class RoleBody(BodyStruct, frozen=True):
    """The role a user gets."""

    role: Role


class AuditView(AnswerStruct, frozen=True):
    """One line of the audit log."""

    id: str
    at: str
    actor_id: str | None
    action: str
    target: str | None
    outcome: str
    request_id: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """Return the view of a line."""
        actor_id = None if entry.actor_id is None else str(entry.actor_id)
        return cls(
            str(entry.id),
            iso_millis(entry.at),
            actor_id,
            entry.action,
            entry.target,
            entry.outcome,
            entry.request_id,
        )


async def users(request: Request[None, PageQuery]) -> Page[UserView]:
    """Return one page of the users, oldest first."""
    limit, offset = request.query.bounds(request.services.settings)
    found, total = await request.services.users.page(limit, offset)
    return Page([UserView.of(user) for user in found], total, limit, offset)


async def set_role(request: Request[RoleBody, None]) -> UserView:
    """Change a user's role at once."""
    user_id = request.path_id("id")
    user = await request.services.auth.set_role(
        request.principal, user_id, request.body.role, request.request_id
    )
    return UserView.of(user)


async def audit(request: Request[None, PageQuery]) -> Page[AuditView]:
    """Return one page of the audit log, newest first."""
    limit, offset = request.query.bounds(request.services.settings)
    entries, total = await request.services.audit.page(limit, offset)
    return Page([AuditView.of(entry) for entry in entries], total, limit, offset)


ROUTES: Final = (
    Route(
        method="GET",
        path="/admin/users",
        handler=users,
        access=Access.ADMIN,
        query=PageQuery,
        answer=UserView,
        shape=Shape.PAGE,
        summary="List the users",
        tag="admin",
    ),
    Route(
        method="PATCH",
        path="/admin/users/{id}/role",
        handler=set_role,
        access=Access.ADMIN,
        body=RoleBody,
        answer=UserView,
        errors=(NotFound, UnknownOutcome),
        summary="Change a user's role",
        tag="admin",
    ),
    Route(
        method="GET",
        path="/admin/audit",
        handler=audit,
        access=Access.ADMIN,
        query=PageQuery,
        answer=AuditView,
        shape=Shape.PAGE,
        summary="Read the audit log",
        tag="admin",
    ),
)
