"""Following markets over a socket: `subscribe:market`, `unsubscribe:market`."""

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.state import State
from gateway.markets.lookup import named_market, required_market_name
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.streaming.rooms import Rooms
from gateway.streaming.subscriptions import Subscriptions
from gateway.wire.strict_json import BodyStruct


class SubscribeBody(BodyStruct, frozen=True):
    """A market by its id or its slug; without `outcome` both books are meant."""

    market: str | None = None
    market_id: str | None = None
    slug: str | None = None
    outcome: Outcome | None = None

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return which books are meant."""
        return tuple(Outcome) if self.outcome is None else (self.outcome,)


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


class MarketEvents:
    """Lets sessions follow markets."""

    def __init__(self, view: State, rooms: Rooms, subscriptions: Subscriptions) -> None:
        self._view = view
        self._rooms = rooms
        self._subscriptions = subscriptions

    def subscribe(self, session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
        """Join a market's rooms; the ack comes first, then the snapshots, in one step."""
        market = named_market(self._view, required_market_name(body))
        outcomes = body.outcomes()
        self._subscriptions.check_room_for(session, market.id, outcomes)
        session.ack(
            ack_id,
            Subscription(
                str(market.id),
                market.slug,
                outcomes,
                self._rooms.epoch,
                market.seq,
                market.trade_no,
            ),
        )
        self._subscriptions.join(session, market, outcomes)

    def unsubscribe(self, session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
        """Leave a market's rooms; leaving one that wasn't joined is no mistake."""
        market = named_market(self._view, required_market_name(body))
        self._subscriptions.leave(session, market.id, body.outcomes())
        session.ack(ack_id, Left(str(market.id), body.outcomes()))

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        payload = msgspec.json.Decoder(SubscribeBody)
        return {
            "subscribe:market": SocketEvent(payload, self.subscribe),
            "unsubscribe:market": SocketEvent(payload, self.unsubscribe),
        }
