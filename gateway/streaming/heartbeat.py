"""Once a second every session is told where it stands, so that silence is never taken for calm.

A heartbeat goes through the same queue as everything else and carries, for each market followed,
the seq of the last book message and the number of the last trade queued to this socket, and the
account's sequence; for a light reader the last book message is one of the best levels. The same
beat sends Engine.IO's pings; a socket that doesn't answer is ended by its own deadline. One task
for all sockets instead of one each, so a fault with one of them must not end it.
"""

import asyncio
from typing import Final

import msgspec

from exchange.model.state import State
from gateway.engine_side.readiness import ViewFeed
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.framing.frames import Message
from gateway.sockets.server import SocketServer
from gateway.sockets.session import SocketSession
from gateway.sockets.settings import SocketSettings
from gateway.sockets.state_room import StateRoom
from gateway.sockets.untold import Untold
from gateway.streaming.channels.channel import Channel, Place
from gateway.streaming.rooms import MarketRooms, Rooms
from gateway.streaming.subscriptions import MarketKey, Subscriptions
from gateway.streaming.venue_rooms import VenueMarketRooms, VenueRooms
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us

INTERVAL_SECONDS: Final = 1.0


class MarketBeat(msgspec.Struct, frozen=True, rename="camel"):
    """Where a market stood when the heartbeat was queued; `epoch` and what is behind it are told of
    markets of other venues alone.
    """

    market_id: str
    seq: int
    trade_no: int
    epoch: int | msgspec.UnsetType = msgspec.UNSET
    stale: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether its venue is not heard, so that things may have changed."""
    as_of: str | msgspec.UnsetType = msgspec.UNSET
    """When its venue told something of it last."""
    lifecycle_seq: int | msgspec.UnsetType = msgspec.UNSET
    """Of the last `market_updated`; this and what is below only for sessions that named channels,
    of those they follow.
    """
    ticker_seq: int | msgspec.UnsetType = msgspec.UNSET
    candles_seq: int | msgspec.UnsetType = msgspec.UNSET


class HeartbeatMessage(msgspec.Struct, frozen=True, rename="camel"):
    """One heartbeat; `accountSeq` is null before sign-in."""

    timestamp: str
    epoch: int
    markets: list[MarketBeat]
    account_seq: int | None
    stale: bool
    """Whether the engine, or its database, is not heard, so that things may have changed."""
    topic_epoch: int | msgspec.UnsetType = msgspec.UNSET
    topics: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    """How far each private stream has come that said anything (`sockets/topics.py`)."""
    stocks_seq: int | msgspec.UnsetType = msgspec.UNSET
    """Of the last `stock_updated`, for who follows stocks."""


class Heartbeat:
    """Beats for all sockets."""

    def __init__(
        self,
        server: SocketServer,
        settings: SocketSettings,
        view: State,
        feed: ViewFeed,
        rooms: Rooms,
        venue_rooms: VenueRooms,
        subscriptions: Subscriptions,
        stocks: StateRoom,
    ) -> None:
        self._server = server
        self._settings = settings
        self._view = view
        self._feed = feed
        self._rooms = rooms
        self._venue_rooms = venue_rooms
        self._subscriptions = subscriptions
        self._stocks = stocks
        self._untold = Untold()

    async def run(self, check_in: CheckIn) -> None:
        """Beat until cancelled; continuous work of a supervisor."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + INTERVAL_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
            self.beat(loop.time())
            check_in()

    def beat(self, now: float) -> None:
        """Queue a heartbeat for every session and a ping where one is due.  O(books followed)."""
        interval = self._settings.ping_interval_seconds
        timestamp = iso_millis(now_us())
        markets = self._markets()
        for link in list(self._server.links):
            link.ping(now, interval)
            for session in link.sessions.values():
                try:
                    session.send(self._message(session, timestamp, markets))
                except Exception as error:  # noqa: BLE001 - the others' hearts go on
                    self._untold.send_away((session,), error)

    def _markets(self) -> dict[MarketKey, MarketBeat]:
        beats: dict[MarketKey, MarketBeat] = {
            market_id: MarketBeat(str(market_id), room.seq, room.trade_no)
            for market_id, room in self._rooms.markets.items()
        }
        for name, venue_room in self._venue_rooms.markets.items():
            one = venue_room.followed
            seq = one.seq if one.shows_book else 0
            beats[name] = MarketBeat(
                name, seq, one.trade_no, one.epoch, one.is_stale, iso_millis(one.told_at)
            )
        return beats

    def _named(self, market_id: MarketKey, place: Place, beat: MarketBeat) -> MarketBeat:
        """Return where a market stands for a session that chose its channels."""
        rooms: VenueMarketRooms | MarketRooms
        if isinstance(market_id, str):
            rooms = self._venue_rooms.markets[market_id]
        else:
            rooms = self._rooms.markets[market_id]
        told: dict[str, int] = {}
        if place.is_light and rooms.top is not None:
            told["seq"] = min(beat.seq, rooms.top.seq)
        if Channel.LIFECYCLE in place.channels:
            told["lifecycle_seq"] = rooms.lifecycle_seq
        for channel, room in rooms.states.items():
            if channel in place.channels:
                told[f"{channel.value}_seq"] = room.seq
        return msgspec.structs.replace(beat, **told)

    def _message(
        self, session: SocketSession, timestamp: str, markets: dict[MarketKey, MarketBeat]
    ) -> Message:
        account_seq = None
        topic_epoch: int | msgspec.UnsetType = msgspec.UNSET
        topics: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
        if session.principal is not None:
            user_id = session.principal.user_id
            account = self._view.accounts.get(user_id)
            account_seq = 0 if account is None else account.seq
            room = self._server.users.rooms[user_id]
            if room.topics:
                topic_epoch, topics = room.topic_epoch, room.topics
        followed = [
            self._named(market_id, place, markets[market_id])
            if place.is_named
            else markets[market_id]
            for market_id, place in self._subscriptions.followed(session).items()
        ]
        beat = HeartbeatMessage(
            timestamp,
            self._rooms.epoch,
            followed,
            account_seq,
            self._feed.is_stale,
            topic_epoch,
            topics,
            self._stocks.seq if session in self._stocks.members else msgspec.UNSET,
        )
        return Message("heartbeat", beat)
