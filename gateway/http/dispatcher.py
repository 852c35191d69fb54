"""The dispatcher: takes a request through the checks of its row of the route table, in order.

    find the route (404, 405) -> who calls -> rate limit (429) -> (401) -> role, standing (403)
    -> query (400) -> body (413, 415, 400) -> as far as ?minSeq= asks (504) -> handler -> envelope

so that nobody learns by a 400 what they may not call, and a flood is refused before it costs a
body. Of a request that is signed with an API key the body comes before that all, since it is part
of what was signed; its handler acts by a right that may end (`persistence.loop.authority`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from gateway.access.api_keys.signed_call import (
    KEY_HEADER,
    KeyChecks,
    SignedCall,
    signature_of_headers,
)
from gateway.access.api_keys.standing import LACKS_SCOPE, NOT_BY_KEY, Scope
from gateway.access.budgets import Budget
from gateway.access.connections import ConnectionState
from gateway.access.principals import AUDITORS_READ, Principal, Role, TokenChecks, nobody
from gateway.access.rate_limits import RateLimits
from gateway.access.token_gate import TokenGate
from gateway.engine_side.progress import Progress
from gateway.http.edge import TRACE, Trace
from gateway.http.reading.bodies import BODY_HAS_COME, BodyReader, has_body
from gateway.http.reading.hanging_up import asked_by
from gateway.http.reading.held_flow import GOES_ON
from gateway.http.reading.query_strings import parse_query, refuse_query, take_min_seq
from gateway.http.reading.whole_answers import whole_answer
from gateway.http.request import Request, Stream
from gateway.http.responses import JSON, encode_result, send_stream, send_unchanged, whole_error
from gateway.http.routing import BoundRoute, RouteTable, Shape
from gateway.wire.errors import (
    AccountSuspended,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    SecondFactorMissing,
    Unauthorized,
)
from gateway.wire.failures import answer_of
from gateway.wire.strict_json import EMPTY_BODY, decode
from persistence.loop.authority import acting_by

_TEXT: Final = b"text/plain; charset=utf-8"
_BEARER: Final = b"bearer "

_OWNER: Final = Scope.OWNER
"""An enumeration's members cost a look-up each time, on some Pythons a dear one."""


def _nothing(_state: ConnectionState) -> None:
    """Hear under another server than ours that an answer goes on."""


class Dispatcher:
    """An ASGI application that serves a route table."""

    def __init__(
        self,
        table: RouteTable,
        tokens: TokenChecks,
        limits: RateLimits,
        bodies: BodyReader,
        progress: Progress | None,
        keys: KeyChecks | None = None,
        is_suspended: Callable[[int], bool] = nobody,
    ) -> None:
        """Serve `table`; `progress` is that of the process's view, None where there is none.

        Without `keys` nobody comes by an API key; `is_suspended` says whose account is.
        """
        self._is_suspended = is_suspended
        self._table = table
        self._gate = TokenGate(tokens, limits)
        self._limits = limits
        self._bodies = bodies
        self._progress = progress
        self._keys = keys

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request; every failure that has an answer gets it here."""
        trace: Trace = scope[TRACE]
        try:
            await self._serve(scope, trace, receive, send)
        except Exception as error:
            answer = answer_of(error)
            if answer is None:
                raise
            if isinstance(answer, RateLimited) and answer.says_limit:
                trace.limit_headers = ()
            await send(whole_error(answer, trace.request_id))

    def _require_standing(self, bound: BoundRoute, caller: Principal | None) -> None:
        """Raise AccountSuspended where a suspended account would change something."""
        if bound.is_change and caller is not None and self._is_suspended(caller.user_id):
            raise AccountSuspended

    async def _serve(self, scope: AsgiScope, trace: Trace, receive: Receive, send: Send) -> None:
        path = scope["path"][len(scope.get("root_path", "")) :]
        try:
            if scope["method"] == "OPTIONS":
                await self._options(path, trace, send)
                return
            bound, values = self._table.find(scope["method"], path)
        except (NotFound, MethodNotAllowed):
            trace.limit_headers = self._limits.spend(Budget.STANDARD, None, trace.address)
            raise
        trace.route = bound.template
        caller, raw = await self._admit(bound, scope, trace, receive)
        self._require_standing(bound, caller)
        is_read = bound.is_read
        parameters = parse_query(scope["query_string"]) if scope["query_string"] else {}
        min_seq = take_min_seq(parameters) if is_read and parameters else 0
        query = None
        if bound.query is not None:
            query = bound.query.decode(parameters)
        elif parameters:
            refuse_query(parameters)
        body, raw = await self._body(bound, scope, trace, receive, raw)
        request: Request[Any, Any] = Request(
            body,
            query,
            values,
            caller,
            bound.status,
            trace.request_id,
            trace.address,
            trace.is_https,
            trace.headers,
            min_seq,
            raw,
        )
        if min_seq and self._progress is not None:
            await self._progress.reach(min_seq)
        # A read holds all that was committed before it, what is done itself as well.
        seq = self._seq()
        try:
            key = None if caller is None else caller.key
            with asked_by(receive) if key is None else acting_by(key):
                result = await bound.handler(request)
        finally:
            if bound.counts_more and caller is not None:
                trace.limit_headers = self._limits.writes_left(caller.counted_as)
        if isinstance(result, Stream):
            enter = scope.get("extensions", {}).get(GOES_ON, _nothing)
            goes_on = partial(enter, ConnectionState.ANSWER)
            await send_stream(receive, send, request.status, result, goes_on)
            return
        if not bound.is_json:
            await self._send_bare(bound, request, result, trace, send)
            return
        if not is_read:
            seq = self._seq()
        answer = encode_result(result, bound.shape, trace.request_id, seq)
        await send(whole_answer(request.status, JSON, answer, tuple(request.reply_headers)))

    async def _send_bare(
        self,
        bound: BoundRoute,
        request: Request[Any, Any],
        result: Any,  # noqa: ANN401 - the row's
        trace: Trace,
        send: Send,
    ) -> None:
        """Send what isn't JSON: a file, or where to go."""
        if bound.shape is Shape.FILE:
            trace.is_page, trace.is_immutable = result.is_page, result.is_immutable
            trace.is_asked_anew = result.is_asked_anew
            if result.is_unchanged:
                await send_unchanged(send, tuple(request.reply_headers))
                return
            kind, headers = result.content_type.encode(), tuple(request.reply_headers)
            await send(whole_answer(request.status, kind, result.body, headers))
            return
        there = (b"location", result.location.encode("ascii"))
        await send(whole_answer(request.status, _TEXT, b"", (there, *request.reply_headers)))

    def _seq(self) -> int | msgspec.UnsetType:
        """Return how far this process knows what was committed."""
        return msgspec.UNSET if self._progress is None else self._progress.seq

    async def _body(
        self, bound: BoundRoute, scope: AsgiScope, trace: Trace, receive: Receive, raw: bytes | None
    ) -> tuple[Any, bytes]:
        """Return the body as the row decodes it, and its bytes; `raw` was read already."""
        if bound.unset_body is not None and not has_body(trace.headers):
            return bound.unset_body, b""
        if bound.body_decoder is not None:
            if raw is None:
                raw = await self._read(scope, trace, receive)
            return decode(raw, bound.body_decoder), raw
        if has_body(trace.headers) and scope["method"] not in {"GET", "HEAD"}:
            # A client library may send {} where nothing is asked for; more than that is unknown.
            if raw is None:
                raw = await self._read(scope, trace, receive)
            decode(raw or b"{}", EMPTY_BODY)
        return None, b""

    async def _read(self, scope: AsgiScope, trace: Trace, receive: Receive) -> bytes:
        body: bytes | None = scope.get("extensions", {}).get(BODY_HAS_COME)
        if body is not None:
            return self._bodies.whole(trace.headers, body)
        return await self._bodies.read(trace.headers, receive)

    async def _admit(
        self, bound: BoundRoute, scope: AsgiScope, trace: Trace, receive: Receive
    ) -> tuple[Principal | None, bytes | None]:
        """Return who calls, counted and allowed, None for nobody on a public route; and the body
        if it had to be read for that.
        """
        caller: Principal | None = None
        headers = trace.headers
        if bound.asks_who:
            if KEY_HEADER in headers and self._keys is not None:
                return await self._admit_signed(self._keys, bound, scope, trace, receive)
            authorization = headers.get(b"authorization")
            if authorization is not None:
                caller = await self._identify(authorization, trace)
        self._count(bound, trace, caller)
        if caller is None:
            if bound.needs_user:
                raise Unauthorized
        elif not bound.admits(caller):
            if caller.role is Role.ADMIN and caller.lacks_factor:
                raise SecondFactorMissing
            raise Forbidden(AUDITORS_READ if caller.is_auditor else "")
        return caller, None

    async def _admit_signed(
        self,
        keys: KeyChecks,
        bound: BoundRoute,
        scope: AsgiScope,
        trace: Trace,
        receive: Receive,
    ) -> tuple[Principal | None, bytes | None]:
        """Do as `_admit` does where a request says that it is signed.

        On a public route a signature that doesn't hold is nobody's, as a token that doesn't is.
        """
        raw: bytes | None = None
        caller: Principal | None = None
        refusal: Unauthorized | Forbidden = Unauthorized()
        call: SignedCall | None = None
        try:
            signature = signature_of_headers(scope["headers"])
            if has_body(trace.headers):
                raw = await self._read(scope, trace, receive)
            path, query = scope["raw_path"], scope["query_string"]
            call = signature.of(scope["method"], path, query, raw or b"")
            caller = await keys.caller(call, trace.address)
        except (Unauthorized, Forbidden) as error:
            refusal = error
        self._count(bound, trace, caller)
        if caller is not None and call is not None:
            try:
                if caller.key is None or not caller.key.allows(bound.asks):
                    raise Forbidden(NOT_BY_KEY if bound.asks is _OWNER else LACKS_SCOPE)
                # Behind the limit: what it refuses may be sent again as it is.
                await keys.use_up(call, caller)
            except (Unauthorized, Forbidden) as error:
                caller, refusal = None, error
        if caller is None and bound.needs_user:
            raise refusal
        return caller, raw

    def _count(self, bound: BoundRoute, trace: Trace, caller: Principal | None) -> None:
        """Count the call as the row says; raises RateLimited."""
        trace.user_id = None if caller is None else caller.user_id
        counted_as = None if caller is None else caller.counted_as
        trace.limit_headers = self._limits.spend(
            bound.budget, counted_as, trace.address, bound.cost
        )

    async def _identify(self, authorization: bytes, trace: Trace) -> Principal | None:
        """Return the bearer of a token that holds, else None; raises RateLimited."""
        if authorization[:7].lower() != _BEARER:
            return None
        try:
            return await self._gate.principal(authorization[7:].lstrip(b" "), trace.address)
        except Unauthorized:
            return None

    async def _options(self, path: str, trace: Trace, send: Send) -> None:
        allow = self._table.allowed(path).encode("ascii")
        trace.limit_headers = self._limits.spend(Budget.STANDARD, None, trace.address)
        answer = encode_result(None, Shape.ONE, trace.request_id, self._seq())
        await send(whole_answer(200, JSON, answer, ((b"allow", allow),)))
