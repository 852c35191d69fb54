"""The route table: each route declared once, for the dispatcher, OpenAPI and the access test.

    Route(method, path, handler, access, scope, body, query, answer, shape, status, errors, summary,
          tag)

Laws: a path segment is either literal or `{name}`; literal wins over `{name}` at the same place,
so the order of the table means nothing. Bodies and queries are structs that forbid unknown fields.
What takes a user says what it asks of an API key (`scope`); what doesn't say takes none. No handler
reads a raw request. `RouteTable` finds a route in one dictionary step per path segment:
a list of patterns tried in turn (as in Starlette's router) costs more the longer the table grows.
"""

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.access.principals import Principal, Role
from gateway.http.reading.query_strings import query_decoder
from gateway.wire.errors import (
    ApiError,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    NotYetReached,
    PayloadTooLarge,
    RateLimited,
    ReadsOnly,
    SecondFactorMissing,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
    UnsupportedMediaType,
    ValidationFailed,
)
from gateway.wire.scalars import NAME_LENGTH
from gateway.wire.strict_json import BodyStruct, QueryStruct

Handler = Callable[[Any], Awaitable[Any]]


class Access(enum.Enum):
    """Who may call a route; ADMIN may call what USER may, AUDITOR what either may but changes."""

    PUBLIC = "public"
    USER = "user"
    ADMIN = "admin"


class Shape(enum.Enum):
    """How `answer` sits in the envelope: itself, the items of a page or slice; a FILE, a STREAM of
    one of `media`, and a REDIRECT have none.
    """

    ONE = "one"
    PAGE = "page"
    SLICE = "slice"
    FILE = "file"
    STREAM = "stream"
    REDIRECT = "redirect"


_SIGN_IN: Final = ("/auth/", "/users/me/sessions")
_PROFILE: Final = ("/users/me", "/users/me/preferences")
_BARE: Final = (Shape.FILE, Shape.STREAM, Shape.REDIRECT)
_WITHOUT_CALLER: Final = (Budget.NONE, Budget.SIGN_IN)
"""Rows that don't ask who calls: a token or a signature that comes along isn't looked at."""
_AUDITOR: Final = Role.AUDITOR
"""An enumeration's members cost a look-up each time, on some Pythons a dear one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table.  `errors` lists what the handler itself raises; the rest is derived."""

    method: str
    path: str
    handler: Handler
    access: Access
    answer: Any
    summary: str
    tag: str
    scope: Scope | None = None
    """What it asks of an API key that calls it; a public row that isn't a GET takes no key for its
    owner, one for admins takes none.
    """
    body: type[BodyStruct] | None = None
    needs_body: bool = True
    """Whether the body has to be there; one that isn't is one without fields."""
    query: type[QueryStruct] | None = None
    shape: Shape = Shape.ONE
    status: int = 200
    errors: tuple[type[ApiError], ...] = ()
    budget: Budget = Budget.STANDARD
    cost: int = 1
    """How many calls it counts as."""
    cost_each: str = ""
    """Of what each costs as much, where that is for the body to say: the first is counted before
    the handler, which counts the others.
    """
    media: tuple[str, ...] = ()
    """What a STREAM may be."""
    says_as_of: bool = False
    """Whether a STREAM says how far it reaches, by a header (`Stream.as_of_seq`)."""
    of_account: bool = False
    """Whether it reads an account, so that the answer says how far it reaches (`AsOf`)."""
    tells_age: bool = False
    """Whether the answer may be another place's, and says how old it is then (`Told`)."""

    @property
    def counted_as(self) -> Budget:
        """Return what a call counts as: what isn't a GET is a write, if the row says no more."""
        if self.budget is Budget.STANDARD and self.method != "GET":
            return Budget.WRITE
        return self.budget

    @property
    def asks(self) -> Scope:
        """Return what the row asks of a key; where it doesn't say, no key can have it."""
        if self.access is Access.ADMIN:
            return Scope.OWNER
        if self.access is Access.PUBLIC and self.method == "GET":
            return self.scope or Scope.READ
        return self.scope or Scope.OWNER

    @property
    def is_read(self) -> bool:
        """Say whether the answer tells what the exchange knows, as of a command (`minSeq`)."""
        is_told = self.shape not in _BARE or self.says_as_of
        return self.method == "GET" and is_told and self.budget is not Budget.NONE

    @property
    def is_change(self) -> bool:
        """Say whether it changes anything but by what, and where, the caller is signed in."""
        is_read = self.method == "GET" or self.scope is Scope.READ
        return not is_read and not self.path.startswith(_SIGN_IN)

    @property
    def is_for_auditors(self) -> bool:
        """Say whether those who only read may call it: how they appear themselves is theirs, and
        what anybody may do without signing in.
        """
        own = self.path in _PROFILE and self.method != "DELETE"
        return self.access is Access.PUBLIC or not self.is_change or own

    @property
    def segments(self) -> tuple[str, ...]:
        """Return the path's parts, e.g. ("markets", "{slug}")."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names in the path, in order."""
        return tuple(part[1:-1] for part in self.segments if part.startswith("{"))

    def all_errors(self) -> tuple[type[ApiError], ...]:
        """Return every error the route can answer, the derived ones included, by status."""
        # Whoever sends a token has it looked up, which the database may keep from being done.
        errors: set[type[ApiError]] = {*self.errors, ValidationFailed, InternalError, Unavailable}
        if self.budget is not Budget.NONE:
            errors.add(RateLimited)
        if self.access is not Access.PUBLIC:
            errors.add(Unauthorized)
            errors.add(Forbidden)  # a key without the scope, an admin's row for others
        if self.parameters:
            errors.add(NotFound)  # not everything that a path can hold is a name
        if self.access is Access.ADMIN:
            errors.add(SecondFactorMissing)
        if self.is_read:
            errors.add(NotYetReached)
        if self.body is not None:
            errors |= {PayloadTooLarge, UnsupportedMediaType}
        if {Unavailable, UnknownOutcome} <= {*self.errors}:
            errors.add(ReadsOnly)  # it is for the engine, which may run elsewhere
        return tuple(sorted(errors, key=lambda error: (error.status, error.__name__)))


class BoundRoute:
    """A route with its decoders built, as the dispatcher uses it."""

    __slots__ = (
        "admin_only",
        "asks",
        "asks_who",
        "body_decoder",
        "budget",
        "cost",
        "counts_more",
        "handler",
        "is_change",
        "is_for_auditors",
        "is_json",
        "is_read",
        "needs_user",
        "parameters",
        "query",
        "route",
        "shape",
        "status",
        "template",
        "unset_body",
    )

    def __init__(self, route: Route, template: str) -> None:
        self.route = route
        self.template = template
        self.handler = route.handler
        self.parameters = route.parameters
        self.needs_user = route.access is not Access.PUBLIC
        self.admin_only = route.access is Access.ADMIN
        self.is_for_auditors = route.is_for_auditors
        # What is traded, the engine itself refuses or lets go on.
        self.is_change = route.is_change and route.scope is not Scope.TRADE
        self.asks = route.asks
        self.budget = route.counted_as
        self.asks_who = self.budget not in _WITHOUT_CALLER
        self.cost = route.cost
        self.counts_more = bool(route.cost_each)
        self.is_read = route.is_read
        self.body_decoder = None if route.body is None else msgspec.json.Decoder(route.body)
        self.unset_body = None if route.body is None or route.needs_body else route.body()
        self.query = None if route.query is None else query_decoder(route.query)
        self.shape = route.shape
        self.is_json = route.shape not in _BARE
        self.status = route.status

    def admits(self, caller: Principal) -> bool:
        """Say whether the caller's role may call it."""
        if caller.role is _AUDITOR:
            return self.is_for_auditors
        return not self.admin_only or caller.is_admin


class _Node:
    __slots__ = ("allow", "any", "literal", "methods")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, BoundRoute] = {}
        self.allow = ""


class RouteTable:
    """The rows, and the tree that finds one by method and path."""

    def __init__(self, routes: Iterable[Route], prefix: str = "/api/v1") -> None:
        self.routes: Final = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route, prefix)

    def _add(self, route: Route, prefix: str) -> None:
        node = self._root
        for part in route.segments:
            if part.startswith("{"):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literal.setdefault(part, _Node())
        if route.method in node.methods:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.methods[route.method] = bound = BoundRoute(route, prefix + route.path)
        if route.method == "GET":
            node.methods["HEAD"] = bound
        node.allow = ", ".join(sorted({*node.methods, "OPTIONS"}))

    def find(self, method: str, path: str) -> tuple[BoundRoute, Mapping[str, str]]:
        """Return the route and the path's values.

        Raises NotFound for a path of no route, MethodNotAllowed (with Allow) for another method.
        """
        node, values = self._walk(path)
        route = node.methods.get(method)
        if route is None:
            raise MethodNotAllowed(node.allow)
        if not values:
            return route, {}
        if len(values) == 1:
            return route, {route.parameters[0]: values[0]}
        return route, dict(zip(route.parameters, values, strict=True))

    def allowed(self, path: str) -> str:
        """Return the Allow header of a path; raises NotFound for a path of no route."""
        return self._walk(path)[0].allow

    def _walk(self, path: str) -> tuple[_Node, list[str]]:
        node = self._root
        values: list[str] = []
        for part in path[1:].split("/"):
            following = node.literal.get(part)
            if following is None:
                following = node.any
                if following is None or not _is_path_value(part):
                    raise NotFound
                values.append(part)
            node = following
        if not node.methods:
            raise NotFound
        return node, values


def _is_path_value(part: str) -> bool:
    return 0 < len(part) <= NAME_LENGTH and "\x00" not in part and part.isprintable()
