"""The events a client may send: their names, their payloads, and who handles them.

Laws: a payload is one object, decoded as strictly as a REST body (`wire/strict_json.py`): what is
wrong is refused with the field's name. Names that the library reserves (`connect`, `disconnect`)
are unknown here like any other: a client can't reach the handlers behind them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from gateway.access.api_keys.signed_call import (
    SOCKET_METHOD,
    SOCKET_PATH,
    KeyChecks,
    signature_of_fields,
)
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.access.principals import AUDITORS_READ, Principal, TokenChecks, nobody
from gateway.access.rate_limits import RateLimits
from gateway.access.token_gate import TokenGate
from gateway.sockets.framing.frames import Message
from gateway.sockets.session import SocketSession
from gateway.wire.errors import (
    AccountSuspended,
    ApiError,
    Forbidden,
    Unauthorized,
    ValidationFailed,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import BodyStruct, decode
from persistence.clock import now_us
from persistence.loop.authority import acting_by

TOKEN_LENGTH: Final = 4_096
"""No token of ours is nearly as long; a longer one isn't looked at."""


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """A row: how the payload is decoded, and what is done with it.

    The handler runs in the step in which the event was read and answers by the session (at once or
    `answer_later`) under the ack id it is given; what it raises is the refusal.
    """

    payload: msgspec.json.Decoder[Any]
    handle: Callable[[SocketSession, Any, int | None], None]
    payload_required: bool = True
    budget: Budget = Budget.STANDARD
    cost: int = 1
    """How many events it counts as."""
    scope: Scope | None = None
    """What it asks of the API key by which the session was signed in; unsaid, it takes none."""
    answer: Any = None
    """The type of what it is acknowledged with."""
    summary: str = ""
    needs_user: bool = True
    """Whether the session has to be signed in, which the handler sees to."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that the exchange sends: its name, the types of its data, and who hears it when."""

    event: str
    types: tuple[Any, ...]
    summary: str


class AuthBody(BodyStruct, frozen=True):
    """A new access token, or what says that a call is signed with an API key."""

    token: Annotated[str, msgspec.Meta(max_length=TOKEN_LENGTH)] | None = None
    api_key: str | None = None
    timestamp: int | str | None = None
    window: int | str | None = None
    nonce: str | None = None
    signature: str | None = None

    def signed(self) -> dict[str, object]:
        """Return the fields that are given beside the token."""
        return {
            name: value
            for name, value in msgspec.to_builtins(self).items()
            if name != "token" and value is not None
        }


class NoBody(BodyStruct, frozen=True):
    """An event without a payload."""


class Pong(msgspec.Struct, frozen=True):
    """The server's time."""

    timestamp: str


class SignedInAs(msgspec.Struct, frozen=True, rename="camel"):
    """Who the session is, and until when."""

    user_id: str
    expires_at: str


class SocketSignIn:
    """Whom a token, or a call signed with an API key, stands for that comes over a socket."""

    def __init__(
        self,
        tokens: TokenChecks,
        limits: RateLimits,
        keys: KeyChecks | None = None,
        is_suspended: Callable[[int], bool] = nobody,
    ) -> None:
        """Sign in by `tokens` and `keys`; nobody whose account `is_suspended`."""
        self._is_suspended = is_suspended
        self._tokens = tokens
        self._gate = TokenGate(tokens, limits)
        self._keys = keys

    async def signed(self, address: str, fields: Mapping[str, object]) -> Principal:
        """Return who has signed a socket; raises Unauthorized, Forbidden, AccountSuspended or
        RateLimited.
        """
        if self._keys is None:
            raise Unauthorized
        call = signature_of_fields(fields).of(SOCKET_METHOD, SOCKET_PATH)
        principal = await self._keys.caller(call, address)
        await self._keys.use_up(call, principal)
        # It may have been revoked meanwhile, before anybody knew of this socket.
        refusal = None if principal.key is None else principal.key.refusal()
        if refusal is not None:
            raise refusal
        return self._standing(principal)

    async def verified(self, address: str, token: str) -> Principal:
        """Return who a token stands for; raises Unauthorized, AccountSuspended or RateLimited.

        A session may end while its token is being verified: then the token is no longer
        remembered.
        """
        try:
            raw = token.encode("ascii")
        except UnicodeEncodeError:
            raise Unauthorized from None
        await self._gate.principal(raw, address)
        principal = self._tokens.remembered(raw)
        if principal is None:
            raise Unauthorized
        return self._standing(principal)

    def _standing(self, principal: Principal) -> Principal:
        """Return who it is, if their account stands; raises AccountSuspended."""
        if self._is_suspended(principal.user_id):
            raise AccountSuspended
        return principal


class SessionEvents:
    """What concerns the session itself."""

    def __init__(self, sign_in: SocketSignIn) -> None:
        self._sign_in = sign_in

    def ping(self, session: SocketSession, _body: NoBody | None, ack_id: int | None) -> None:
        """Answer with the time, as an ack and as a `pong`."""
        pong = Pong(iso_millis(now_us()))
        session.ack(ack_id, pong)
        session.send(Message("pong", pong))

    def authenticate(self, session: SocketSession, body: AuthBody, ack_id: int | None) -> None:
        """Sign the session in, or in anew before its token expires."""
        fields = body.signed()
        if (body.token is None) == (not fields):
            message = "send a token, or apiKey, timestamp, nonce and signature"
            raise ValidationFailed.of("token", message)
        session.run(ack_id, self._signed_in(session, body.token, fields))

    async def _signed_in(
        self, session: SocketSession, token: str | None, fields: Mapping[str, object]
    ) -> SignedInAs:
        address = session.link.address
        if token is None:
            principal = await self._sign_in.signed(address, fields)
        else:
            principal = await self._sign_in.verified(address, token)
        session.sign_in(principal)
        return SignedInAs(str(principal.user_id), iso_millis(principal.expires_at * 1_000_000))

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "ping": SocketEvent(
                msgspec.json.Decoder(NoBody),
                self.ping,
                payload_required=False,
                scope=Scope.READ,
                answer=Pong,
                summary="Ask for the time; a `pong` comes, too",
                needs_user=False,
            ),
            "session:authenticate": SocketEvent(
                msgspec.json.Decoder(AuthBody),
                self.authenticate,
                budget=Budget.SESSION,
                scope=Scope.READ,
                answer=SignedInAs,
                summary="Sign in, or anew before the token runs out",
                needs_user=False,
            ),
        }


def merged(*domains: Mapping[str, SocketEvent]) -> dict[str, SocketEvent]:
    """Return the rows of all domains; raises ValueError where two have an event of one name."""
    found: dict[str, SocketEvent] = {}
    for events in domains:
        for name, event in events.items():
            if name in found:
                raise ValueError(f"two handlers for the event {name}")
            found[name] = event
    return found


_RAW_EVENT: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NAME: Final = msgspec.json.Decoder(str)


def named_event(
    text: str, events: Mapping[str, SocketEvent]
) -> tuple[SocketEvent, list[msgspec.Raw]]:
    """Return the row of an event's JSON, and its parts unread; raises ValidationFailed."""
    try:
        parts = _RAW_EVENT.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValidationFailed.of("event", "is not a JSON array of a name and a payload") from None
    if not parts:
        raise ValidationFailed.of("event", "has no name")
    try:
        name = _NAME.decode(parts[0])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValidationFailed.of("event", "must begin with its name") from None
    event = events.get(name)
    if event is None:
        raise ValidationFailed.of("event", f"is not a known event; known are {', '.join(events)}")
    return event, parts


def read_payload(event: SocketEvent, parts: list[msgspec.Raw]) -> Any:  # noqa: ANN401 - the row's
    """Return the payload of an event; raises ValidationFailed."""
    if len(parts) > 2:  # noqa: PLR2004 - a name and a payload
        raise ValidationFailed.of("payload", "must be a single object")
    if len(parts) == 1:
        if event.payload_required:
            raise ValidationFailed.of("payload", "is required")
        return None
    return decode(bytes(parts[1]), event.payload)


def handle(
    session: SocketSession, ack_id: int | None, text: str, events: Mapping[str, SocketEvent]
) -> None:
    """Handle one event and see that it is answered.

    It is counted as its row says as soon as its name is known; its payload is read after that.
    """
    try:
        try:
            event, parts = named_event(text, events)
        except ValidationFailed:
            session.admit(Budget.STANDARD)
            raise
        session.admit(event.budget, event.cost)
        authority = session.authority
        if authority is None:
            if session.only_reads and event.scope is not Scope.READ:
                raise Forbidden(AUDITORS_READ)
            event.handle(session, read_payload(event, parts), ack_id)
        else:
            session.require_scope(event.scope)
            with acting_by(authority):
                event.handle(session, read_payload(event, parts), ack_id)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: every event is answered
        session.refuse_failure(ack_id, error)


def handle_binary(session: SocketSession, ack_id: int | None) -> None:
    """Refuse an event with binary attachments, which follow and are not looked at."""
    try:
        session.admit(Budget.STANDARD)
        raise ValidationFailed.of("payload", "must not be binary")
    except ApiError as error:
        session.refuse(ack_id, error)
