"""Following markets over a socket: `subscribe:market`, `unsubscribe:market`."""

from typing import Annotated, Literal

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.messages.terms import Outcome
from exchange.model.market import Market
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.markets.lookup import find_market, required_market_name
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.streaming.channels.channel import BY_DEFAULT, Channel, Wish
from gateway.streaming.resuming.resuming import Resuming
from gateway.streaming.rooms import Rooms
from gateway.streaming.subscriptions import Left, Subscription, Subscriptions, left, subscription
from gateway.streaming.venue_events import VenueMarketEvents, no_market
from gateway.wire.errors import ValidationFailed
from gateway.wire.plain_words import one_of
from gateway.wire.strict_json import BodyStruct

ChannelsText = Annotated[list[Channel], msgspec.Meta(min_length=1, max_length=16)]


class MarketBody(BodyStruct, frozen=True):
    """A market of any platform by its id or its slug, and what of it; without `outcome` both books
    are meant, without `channels` book, trades and lifecycle.
    """

    market: str | None = None
    market_id: str | None = None
    slug: str | None = None
    outcome: Outcome | None = None
    channels: ChannelsText | None = None

    def wish(self, *, is_light: bool = False) -> Wish:
        """Return what is meant; raises ValidationFailed for what fits no channel that is named."""
        named = BY_DEFAULT if self.channels is None else tuple(dict.fromkeys(self.channels))
        of_book = tuple(Outcome) if self.outcome is None else (self.outcome,)
        if Channel.BOOK not in named:
            for field, is_given in (("outcome", self.outcome is not None), ("depth", is_light)):
                if is_given:
                    raise ValidationFailed.of(field, "goes with the channel book only")
            of_book = ()
        return Wish(of_book, named, is_light, self.channels is not None or is_light)


SeqNumber = Annotated[int, msgspec.Meta(ge=0, le=STORED_MAX)]


class SubscribeBody(MarketBody, frozen=True):
    """What to follow of a market; `depth` 1: of its book the best level a side alone.

    With `after_seq` (the market's, of `epoch`) one goes on from there instead of a snapshot.
    """

    depth: Literal[1] | None = None
    after_seq: SeqNumber | None = None
    epoch: SeqNumber | None = None

    def check_place(self) -> None:
        """Raise ValidationFailed for a place to go on from that can't be one."""
        if self.epoch is not None and self.after_seq is None:
            raise ValidationFailed.of("epoch", "goes with afterSeq only")
        if self.after_seq is None:
            return
        if self.channels is not None and not set(self.channels) & set(BY_DEFAULT):
            raise ValidationFailed.of("afterSeq", "goes with book, trades or lifecycle")
        if self.depth is not None:
            message = "doesn't go with depth: the best levels are told as they are"
            raise ValidationFailed.of("afterSeq", message)


class MarketEvents:
    """Lets sessions follow markets."""

    def __init__(
        self,
        view: State,
        rooms: Rooms,
        subscriptions: Subscriptions,
        venues: VenueMarketEvents,
        resuming: Resuming,
    ) -> None:
        self._view = view
        self._rooms = rooms
        self._subscriptions = subscriptions
        self._venues = venues
        self._resuming = resuming

    def subscribe(self, session: SocketSession, body: SubscribeBody, ack_id: int | None) -> None:
        """Join a market's rooms; the ack comes first, then the snapshots, in one step."""
        name, wish = required_market_name(body), body.wish(is_light=body.depth is not None)
        body.check_place()
        if self._is_elsewhere(session, name):
            if body.after_seq is not None:
                message = "is for our own markets; those of other venues begin with a snapshot"
                raise ValidationFailed.of("afterSeq", message)
            self._venues.subscribe(session, name, wish, ack_id)
            return
        market = self._ours(session, name)
        self._check_open(wish)
        self._subscriptions.check_room_for(session, market.id, wish)
        self._resuming.give_up(session, market.id)
        if body.after_seq is not None:
            self._resuming.begin(session, market, wish, body.after_seq, body.epoch, ack_id)
            return
        epoch, seq, trade_no = self._rooms.epoch, market.seq, market.trade_no
        session.ack(ack_id, subscription(str(market.id), market.slug, epoch, seq, trade_no, wish))
        self._subscriptions.join(session, market, wish)

    def unsubscribe(self, session: SocketSession, body: MarketBody, ack_id: int | None) -> None:
        """Leave a market's rooms; leaving one that wasn't joined is no mistake."""
        name, wish = required_market_name(body), body.wish()
        if self._is_elsewhere(session, name):
            self._venues.unsubscribe(session, name, wish, ack_id)
            return
        market = self._ours(session, name)
        self._resuming.give_up(session, market.id)
        self._subscriptions.leave(session, market.id, wish)
        session.ack(ack_id, left(str(market.id), wish))

    def _check_open(self, wish: Wish) -> None:
        for number, channel in enumerate(wish.channels):
            if not self._rooms.is_open(channel):
                told = [one.value for one in Channel if self._rooms.is_open(one)]
                raise ValidationFailed.of(
                    f"channels[{number}]", f"must be {one_of(told)}: nobody tells the others here"
                )

    def _ours(self, session: SocketSession, name: str) -> Market:
        market = find_market(self._view, name, drafts=_sees_drafts(session))
        if market is None:
            raise no_market()
        return market

    def _is_elsewhere(self, session: SocketSession, name: str) -> bool:
        ours = find_market(self._view, name, drafts=_sees_drafts(session))
        return ours is None and self._venues.may_know(name)

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "subscribe:market": SocketEvent(
                msgspec.json.Decoder(SubscribeBody),
                self.subscribe,
                scope=Scope.READ,
                answer=Subscription,
                summary="Follow a market; a snapshot of each book comes behind the answer",
                needs_user=False,
            ),
            "unsubscribe:market": SocketEvent(
                msgspec.json.Decoder(MarketBody),
                self.unsubscribe,
                scope=Scope.READ,
                answer=Left,
                summary="Follow it no longer",
                needs_user=False,
            ),
        }


def _sees_drafts(session: SocketSession) -> bool:
    return session.principal is not None and session.principal.sees_all
