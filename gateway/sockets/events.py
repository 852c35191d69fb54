"""The events a client may send: their names, their payloads, and who handles them.

Laws: a payload is one object, decoded as strictly as a REST body (`wire/strict_json.py`): what is
wrong is refused with the field's name. Names that the library reserves (`connect`, `disconnect`)
are unknown here like any other: a client can't reach the handlers behind them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from exchange.messages.terms import Outcome
from gateway.access.principals import Principal
from gateway.sockets.frames import Message
from gateway.sockets.services import SocketServices
from gateway.sockets.session import SocketSession
from gateway.trading.order_bodies import named_market
from gateway.wire.errors import ApiError, Unauthorized, ValidationFailed
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import BodyStruct, decode
from persistence.clock import now_us

MARKET_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """A row: how the payload is decoded, and what is done with it.

    The handler runs in the step in which the event was read and answers by the session (at once or
    `answer_later`) under the ack id it is given; what it raises is the refusal.
    """

    payload: msgspec.json.Decoder[Any]
    handle: Callable[[SocketSession, Any, int | None], None]
    payload_required: bool = True


class SubscribeBody(BodyStruct, frozen=True):
    """A market by its id or its slug; without `outcome` both books are meant."""

    market_id: str | None = None
    slug: str | None = None
    outcome: Outcome | None = None

    def name(self) -> str:
        """Return the id or slug; raises ValidationFailed unless exactly one is given."""
        if (self.market_id is None) == (self.slug is None):
            raise ValidationFailed.of("marketId", "give either marketId or slug")
        return (self.market_id or self.slug or "")[:MARKET_LENGTH]

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return which books are meant."""
        return tuple(Outcome) if self.outcome is None else (self.outcome,)


class TokenBody(BodyStruct, frozen=True):
    """A new access token."""

    token: str


class NoBody(BodyStruct, frozen=True):
    """An event without a payload."""


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What the session now hears; the snapshots of the books follow as messages."""

    market_id: str
    slug: str
    outcomes: tuple[Outcome, ...]
    epoch: int
    seq: int
    trade_no: int


class Left(msgspec.Struct, frozen=True, rename="camel"):
    """What the session no longer hears."""

    market_id: str
    outcomes: tuple[Outcome, ...]


class Pong(msgspec.Struct, frozen=True):
    """The server's time."""

    timestamp: str


class SignedInAs(msgspec.Struct, frozen=True, rename="camel"):
    """Who the session is, and until when."""

    user_id: str
    expires_at: str


def subscribe(session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
    """Join a market's rooms; the ack comes first, then the snapshots, in one step."""
    services = session.services
    market = named_market(services.view, body.name())
    outcomes = body.outcomes()
    session.check_room_for(market.id, outcomes)
    session.ack(
        ack_id,
        Subscription(
            str(market.id),
            market.slug,
            outcomes,
            services.rooms.epoch,
            market.seq,
            market.trade_no,
        ),
    )
    session.subscribe(market, outcomes)


def unsubscribe(session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
    """Leave a market's rooms; leaving one that wasn't joined is no mistake."""
    market = named_market(session.services.view, body.name())
    session.unsubscribe(market.id, body.outcomes())
    session.ack(ack_id, Left(str(market.id), body.outcomes()))


def ping(session: SocketSession, _body: NoBody | None, ack_id: int | None) -> None:
    """Answer with the time, as an ack and as a `pong`."""
    pong = Pong(iso_millis(now_us()))
    session.ack(ack_id, pong)
    session.send(Message("pong", pong))


def authenticate(session: SocketSession, body: TokenBody, ack_id: int | None) -> None:
    """Sign the session in, or in anew before its token expires."""
    session.run(ack_id, _sign_in(session, body.token))


async def _sign_in(session: SocketSession, token: str) -> SignedInAs:
    principal = await verified(session.services, session.link.address, token)
    session.sign_in(principal)
    return SignedInAs(str(principal.user_id), iso_millis(principal.expires_at * 1_000_000))


async def verified(services: SocketServices, address: str, token: str) -> Principal:
    """Return who a token stands for; raises Unauthorized or RateLimited.

    An unknown token costs a signature check and a query, so they are counted. A session may end
    while its token is being verified: then the token is no longer remembered.
    """
    auth = services.auth
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise Unauthorized from None
    if auth.remembered(raw) is None:
        services.limits.count_address(address)
        await auth.verify(raw)
    principal = auth.remembered(raw)
    if principal is None:
        raise Unauthorized
    return principal


_RAW_EVENT: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NAME: Final = msgspec.json.Decoder(str)

EVENTS: Final[dict[str, SocketEvent]] = {
    "subscribe:market": SocketEvent(msgspec.json.Decoder(SubscribeBody), subscribe),
    "unsubscribe:market": SocketEvent(msgspec.json.Decoder(SubscribeBody), unsubscribe),
    "ping": SocketEvent(msgspec.json.Decoder(NoBody), ping, payload_required=False),
    "session:authenticate": SocketEvent(msgspec.json.Decoder(TokenBody), authenticate),
}


def read_event(text: str, events: dict[str, SocketEvent]) -> tuple[SocketEvent, Any]:
    """Return the row and the payload of an event's JSON; raises ValidationFailed."""
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
        raise ValidationFailed.of("event", "is not a known event")
    if len(parts) > 2:  # noqa: PLR2004 - a name and a payload
        raise ValidationFailed.of("payload", "must be a single object")
    if len(parts) == 1:
        if event.payload_required:
            raise ValidationFailed.of("payload", "is required")
        return event, None
    return event, decode(bytes(parts[1]), event.payload)


def handle(
    session: SocketSession, ack_id: int | None, text: str, events: dict[str, SocketEvent]
) -> None:
    """Handle one event and see that it is answered."""
    try:
        session.admit()
        event, payload = read_event(text, events)
        event.handle(session, payload, ack_id)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: every event is answered
        session.refuse_failure(ack_id, error)


def handle_binary(session: SocketSession, ack_id: int | None) -> None:
    """Refuse an event with binary attachments, which follow and are not looked at."""
    try:
        session.admit()
        raise ValidationFailed.of("payload", "must not be binary")
    except ApiError as error:
        session.refuse(ack_id, error)
