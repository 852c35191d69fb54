"""Following markets over a socket: `subscribe:market`, `unsubscribe:market`."""

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.state import State
from gateway.markets.lookup import find_market, named_market, required_market_name
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.streaming.rooms import Rooms
from gateway.streaming.subscriptions import Left, Subscription, Subscriptions
from gateway.streaming.venue_events import VenueMarketEvents
from gateway.wire.strict_json import BodyStruct


class SubscribeBody(BodyStruct, frozen=True):
    """A market of any platform by its id or its slug; without `outcome` both books are meant."""

    market: str | None = None
    market_id: str | None = None
    slug: str | None = None
    outcome: Outcome | None = None

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return which books are meant."""
        return tuple(Outcome) if self.outcome is None else (self.outcome,)


class MarketEvents:
    """Lets sessions follow markets."""

    def __init__(
        self, view: State, rooms: Rooms, subscriptions: Subscriptions, venues: VenueMarketEvents
    ) -> None:
        self._view = view
        self._rooms = rooms
        self._subscriptions = subscriptions
        self._venues = venues

    def subscribe(self, session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
        """Join a market's rooms; the ack comes first, then the snapshots, in one step."""
        name, outcomes = required_market_name(body), body.outcomes()
        if self._is_elsewhere(session, name):
            self._venues.subscribe(session, name, outcomes, ack_id)
            return
        market = named_market(self._view, name, drafts=_sees_drafts(session))
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
        name = required_market_name(body)
        if self._is_elsewhere(session, name):
            self._venues.unsubscribe(session, name, body.outcomes(), ack_id)
            return
        market = named_market(self._view, name, drafts=_sees_drafts(session))
        self._subscriptions.leave(session, market.id, body.outcomes())
        session.ack(ack_id, Left(str(market.id), body.outcomes()))

    def _is_elsewhere(self, session: SocketSession, name: str) -> bool:
        ours = find_market(self._view, name, drafts=_sees_drafts(session))
        return ours is None and self._venues.may_know(name)

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        payload = msgspec.json.Decoder(SubscribeBody)
        return {
            "subscribe:market": SocketEvent(payload, self.subscribe),
            "unsubscribe:market": SocketEvent(payload, self.unsubscribe),
        }


def _sees_drafts(session: SocketSession) -> bool:
    return session.principal is not None and session.principal.is_admin
