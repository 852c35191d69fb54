"""The rows of the route table under /admin that concern people: users and roles."""

from typing import Annotated, Final

import msgspec

from exchange.messages.terms import Standing
from gateway.access.principals import Role
from gateway.accounts.profile.views import UserView
from gateway.accounts.roles import Roles
from gateway.engine_side.audited import AuditedCommands
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import NotFound, ProposalRequired, UnknownOutcome
from gateway.wire.strict_json import BodyStruct
from persistence.journal.codes import STANDING
from persistence.repositories.people.users import User, Users

_STANDINGS: Final = {code: standing for standing, code in STANDING.items()}


class RoleBody(BodyStruct, frozen=True):
    """The role a user gets."""

    role: Role


WordText = Annotated[
    str,
    msgspec.Meta(
        max_length=100, description="an id, or a part of an address, username or display name"
    ),
]


class UsersQuery(PageQuery, frozen=True):
    """Which users; unset: all."""

    q: WordText | None = None
    role: Role | None = None
    status: Standing | None = None


class ListedUserView(UserView, frozen=True):
    """A user among others; `standing` is the account's, ACTIVE before it is opened."""

    standing: Standing


def listed_user(found: tuple[User, int]) -> ListedUserView:
    """Return the view of a user whose account's standing has this stored code."""
    user, standing = found
    shown = msgspec.structs.asdict(UserView.of(user))
    return ListedUserView(**shown, standing=_STANDINGS[standing])


class UserAdminRoutes:
    """Looks after the users."""

    def __init__(
        self, roles: Roles, users: Users, pages: PageLimits, commands: AuditedCommands
    ) -> None:
        self._commands = commands
        self._roles = roles
        self._users = users
        self._pages = pages

    async def users(self, request: Request[None, UsersQuery]) -> Page[ListedUserView]:
        """Return one page of the users, oldest first."""
        query = request.query
        (limit, offset), after = query.bounds(self._pages), query.number() or 0
        standing = None if query.status is None else STANDING[query.status]
        found, total = await self._users.search(
            query.q, query.role, standing, limit + 1, offset, after
        )
        return page_of(found, limit, offset, total, listed_user, lambda one: str(one[0].id))

    async def set_role(self, request: Request[RoleBody, None]) -> UserView:
        """Change a user's role at once."""
        self._commands.require_alone("user.role")
        user_id = request.path_id("id")
        user = await self._roles.set_role(request.actor, user_id, request.body.role)
        return UserView.of(user)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/admin/users",
                handler=self.users,
                access=Access.ADMIN,
                query=UsersQuery,
                answer=ListedUserView,
                shape=Shape.PAGE,
                summary="List the users, or look for some",
                tag="admin",
            ),
            Route(
                method="PATCH",
                path="/admin/users/{id}/role",
                handler=self.set_role,
                access=Access.ADMIN,
                body=RoleBody,
                answer=UserView,
                errors=(NotFound, ProposalRequired, UnknownOutcome),
                summary="Change a user's role",
                tag="admin",
            ),
        )
