"""What a handler is given: the decoded request and the caller; no HTTP plumbing.

A handler returns the answer's struct (or a `Page`, a `Slice`); failures are raised from
`wire/errors.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from gateway.access.principals import Actor, Principal
from gateway.wire.errors import NotFound, Unauthorized
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import AnswerStruct

BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")
ItemT = TypeVar("ItemT")


class Page(msgspec.Struct, Generic[ItemT], frozen=True):
    """One page of a list that is counted; `next_cursor` is None at its end."""

    items: list[ItemT]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = None

    @property
    def has_more(self) -> bool:
        """Say whether items follow."""
        return self.next_cursor is not None


class Slice(msgspec.Struct, Generic[ItemT], frozen=True):
    """One slice of a list that only grows; `next_cursor` is None at its end."""

    items: list[ItemT]
    next_cursor: str | None


class AsOf(msgspec.Struct, Generic[ItemT], frozen=True):
    """A read of an account, and how far it reaches, so that it can be ordered against the stream.

    All that the commands up to `seq` did is in it, and all the private messages up to
    `account_seq`; what is read from the store may hold more, never less.
    """

    result: ItemT
    seq: int
    account_seq: int


class AsOfView(AnswerStruct, frozen=True):
    """When something was known to be so, and whether it may have changed since."""

    at: str
    age_ms: int
    stale: bool


class Told(msgspec.Struct, Generic[ItemT], frozen=True):
    """A list that another place told, and how old that is."""

    result: ItemT
    as_of: AsOfView


class UpTo(msgspec.Struct, Generic[ItemT], frozen=True):
    """A read of what is stored behind the view: all that the commands up to `seq` did is in it."""

    result: ItemT
    seq: int


class Stream:
    """An answer that is made while it is read: a file of any length, under a name.

    `chunks` are sent one by one as the client takes them. `stop` ends them at once, since nobody
    is left, and `close` waits until nothing of it is left either; it is called in any case.
    All that commands up to `as_of_seq` did is in it; None: it is no read of the exchange.
    """

    __slots__ = ("as_of_seq", "chunks", "close", "content_type", "name", "stop")

    def __init__(
        self,
        content_type: str,
        name: str,
        chunks: AsyncIterator[bytes],
        stop: Callable[[], None],
        close: Callable[[], Awaitable[None]],
        as_of_seq: int | None = None,
    ) -> None:
        self.as_of_seq = as_of_seq
        self.content_type = content_type
        self.name = name
        self.chunks = chunks
        self.stop = stop
        self.close = close


class File(msgspec.Struct, frozen=True):
    """An answer that is not JSON in the envelope: a page, its parts, the metrics."""

    content_type: str
    body: bytes
    is_page: bool = False
    """Whether people's browsers show it, so that it gets a page's security headers."""
    is_immutable: bool = False
    """Whether what is at this address never changes, so that browsers may keep it."""
    is_asked_anew: bool = False
    """Whether browsers may keep it that ask each time whether it is still the same."""
    is_unchanged: bool = False
    """Whether the caller has it already: a 304 says so, without the body."""


class Redirect(msgspec.Struct, frozen=True):
    """An answer that sends a browser elsewhere: to a page of ours, or of somebody it asks."""

    location: str


class Request(Generic[BodyT, QueryT]):
    """One call of one route."""

    __slots__ = (
        "_headers",
        "address",
        "body",
        "caller",
        "is_https",
        "min_seq",
        "path",
        "query",
        "raw",
        "reply_headers",
        "request_id",
        "status",
    )

    def __init__(
        self,
        body: BodyT,
        query: QueryT,
        path: Mapping[str, str],
        caller: Principal | None,
        status: int,
        request_id: str,
        address: str,
        is_https: bool,
        headers: Mapping[bytes, bytes],
        min_seq: int = 0,
        raw: bytes = b"",
    ) -> None:
        self.body = body
        self.query = query
        self.path = path
        self.caller = caller
        self.status = status
        """Status of the answer; a handler may set another of the declared ones."""
        self.request_id = request_id
        self.address = address
        self.is_https = is_https
        self._headers = headers
        self.min_seq = min_seq
        """The command whose effects a read must hold; the view does, what is stored may not yet."""
        self.raw = raw
        """The body's very bytes, for what somebody else has signed."""
        self.reply_headers: list[tuple[bytes, bytes]] = []
        """What a handler adds to the answer's headers."""

    def header(self, name: bytes) -> bytes:
        """Return a header as it came, e.g. of b"cookie"; empty if there is none."""
        return self._headers.get(name, b"")

    @property
    def principal(self) -> Principal:
        """Return the caller; raises Unauthorized on a public route called without a token."""
        if self.caller is None:
            raise Unauthorized
        return self.caller

    @property
    def is_admin(self) -> bool:
        """Say whether whoever asks sees what admins see; on a public route it may be nobody."""
        return self.caller is not None and self.caller.sees_all

    @property
    def user_id(self) -> int:
        """Return the caller's user id, which is also the account id."""
        return self.principal.user_id

    @property
    def actor(self) -> Actor:
        """Return who asks, in which request."""
        return Actor(self.user_id, self.request_id)

    def path_id(self, name: str) -> int:
        """Return the id in the path; raises NotFound for what can't be one."""
        number = parse_id(self.path[name])
        if number is None:
            raise NotFound
        return number


AnyRequest = Request[Any, Any]
