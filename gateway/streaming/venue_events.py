"""Following markets of other venues over a socket, behind `subscribe:market`.

Laws: what a name means is looked up as in REST, which may take a while; what one session asks is
worked off in its order, and what is joined is joined in the step of its ack. A name that can't be
one is no market, and nobody is asked. How many markets one session may follow is bounded.
"""

import asyncio
import re
from typing import Final

from exchange.messages.reasons import Reason
from gateway.engine_side.refusals import EngineRefused
from gateway.feeds.live.following import READERS, Following
from gateway.feeds.watches import Watches
from gateway.sockets.session import SocketSession
from gateway.streaming.channels.channel import BY_DEFAULT, Wish
from gateway.streaming.subscriptions import Subscriptions, left, subscription
from gateway.streaming.venue_rooms import VenueRooms
from gateway.wire.errors import NotFound, ValidationFailed
from gateway.wire.plain_words import one_of

_NAME: Final = re.compile(r"[!-.0-~]{1,255}", re.ASCII)
"""Printable ASCII but "/": no venue's market is named otherwise."""


class VenueMarketEvents:
    """Lets sessions follow markets of other venues."""

    def __init__(
        self,
        following: Following,
        rooms: VenueRooms,
        subscriptions: Subscriptions,
        watches: Watches,
    ) -> None:
        self._following = following
        self._rooms = rooms
        self._subscriptions = subscriptions
        self._watches = watches
        self._turns: dict[SocketSession, asyncio.Lock] = {}

    def may_know(self, name: str) -> bool:
        """Say whether a name that isn't one of ours may be of another venue's market."""
        return bool(self._following.reader.venues) and _NAME.fullmatch(name) is not None

    def subscribe(self, session: SocketSession, name: str, wish: Wish, ack_id: int | None) -> None:
        """Join a market's rooms once it is known which it is; the ack comes first.

        Raises ValidationFailed for channels that no other venue's markets have.
        """
        for number, channel in enumerate(wish.channels):
            if channel not in BY_DEFAULT:
                told = one_of([one.value for one in BY_DEFAULT])
                raise ValidationFailed.of(
                    f"channels[{number}]", f"must be {told} for a market of another venue"
                )
        session.run_acking(ack_id, self._subscribe(session, name, wish, ack_id))

    def unsubscribe(
        self, session: SocketSession, name: str, wish: Wish, ack_id: int | None
    ) -> None:
        """Leave a market's rooms."""
        session.run_acking(ack_id, self._unsubscribe(session, name, wish, ack_id))

    async def _subscribe(
        self, session: SocketSession, name: str, wish: Wish, ack_id: int | None
    ) -> None:
        async with self._turn(session):
            try:
                known = await self._following.reader.named(name)
            except NotFound:
                raise no_market() from None
            await self._watches.note(known.row.id)
            market_id = f"{known.row.platform}:{known.row.external_id}"
            # Nothing is waited for from here on: a session that ends meanwhile is seen before.
            self._subscriptions.check_room_for(session, market_id, wish)
            followed = self._following.follow(known, READERS)
            self._following.flush(followed)
            slug, trade_no = followed.market.slug, followed.trade_no
            ack = subscription(market_id, slug, followed.epoch, followed.seq, trade_no, wish)
            session.ack(ack_id, ack)
            self._subscriptions.join_venue(session, followed, wish)

    async def _unsubscribe(
        self, session: SocketSession, name: str, wish: Wish, ack_id: int | None
    ) -> None:
        async with self._turn(session):
            market_id = self._followed_as(session, name)
            if market_id is None:
                try:
                    known = await self._following.reader.named(name)
                except NotFound:
                    raise no_market() from None
                market_id = f"{known.row.platform}:{known.row.external_id}"
            self._subscriptions.leave(session, market_id, wish)
            session.ack(ack_id, left(market_id, wish))

    def _followed_as(self, session: SocketSession, name: str) -> str | None:
        """Return the id of a market that the session follows by this id or slug."""
        for market_id in self._subscriptions.followed(session):
            rooms = self._rooms.markets.get(market_id) if isinstance(market_id, str) else None
            if rooms is not None and name in {rooms.followed.id, rooms.followed.market.slug}:
                return rooms.followed.id
        return None

    def _turn(self, session: SocketSession) -> asyncio.Lock:
        turn = self._turns.get(session)
        if turn is None:
            turn = self._turns[session] = asyncio.Lock()
            session.on_end(lambda: self._ended(session))
        return turn

    def _ended(self, session: SocketSession) -> None:
        self._turns.pop(session, None)


def no_market() -> EngineRefused:
    """Return the refusal that a name of ours gets, too."""
    return EngineRefused(Reason.MARKET_NOT_FOUND, "there is no such market", "market")
