"""Once a second every session is told where it stands, so that silence is never taken for calm.

A heartbeat goes through the same queue as everything else and carries, for each market followed,
the seq of the last book message and the number of the last trade queued to this socket, and the
account's sequence. The same beat sends Engine.IO's pings and ends the sockets that don't answer:
one task for all sockets instead of one each, so a fault with one of them must not end it.
"""

import asyncio
from collections.abc import Collection
from typing import Final

import msgspec

from gateway.sockets.frames import Message
from gateway.sockets.link import SocketLink
from gateway.sockets.services import SocketServices
from gateway.sockets.session import SocketSession
from gateway.sockets.untold import Untold
from gateway.streaming.rooms import Rooms
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us

INTERVAL_SECONDS: Final = 1.0


class MarketBeat(msgspec.Struct, frozen=True, rename="camel"):
    """Where a market stood when the heartbeat was queued."""

    market_id: str
    seq: int
    trade_no: int


class HeartbeatMessage(msgspec.Struct, frozen=True, rename="camel"):
    """One heartbeat; `accountSeq` is null before sign-in."""

    timestamp: str
    epoch: int
    markets: list[MarketBeat]
    account_seq: int | None
    stale: bool
    """Whether the engine is not heard, so that things may have changed meanwhile."""


class Heartbeat:
    """Beats for all sockets."""

    def __init__(self, services: SocketServices, links: Collection[SocketLink]) -> None:
        self._services = services
        self._links = links
        self._untold = Untold()

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + INTERVAL_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
            self.beat(loop.time())

    def beat(self, now: float) -> None:
        """Queue a heartbeat for every session and a ping where one is due.  O(books followed)."""
        settings = self._services.settings
        interval = settings.socket_ping_interval_seconds
        timeout = settings.socket_ping_timeout_seconds
        timestamp = iso_millis(now_us())
        markets = self._markets(self._services.rooms)
        for link in list(self._links):
            link.ping(now, interval, timeout)
            for session in link.sessions.values():
                try:
                    session.send(self._message(session, timestamp, markets))
                except Exception as error:  # noqa: BLE001 - the others' hearts go on
                    self._untold.send_away((session,), error)

    @staticmethod
    def _markets(rooms: Rooms) -> dict[int, MarketBeat]:
        return {
            market_id: MarketBeat(str(market_id), room.seq, room.trade_no)
            for market_id, room in rooms.markets.items()
        }

    def _message(
        self, session: SocketSession, timestamp: str, markets: dict[int, MarketBeat]
    ) -> Message:
        account_seq = None
        if session.principal is not None:
            account = self._services.view.accounts.get(session.principal.user_id)
            account_seq = 0 if account is None else account.seq
        followed = [markets[market_id] for market_id in session.followed()]
        epoch = self._services.rooms.epoch
        return Message(
            "heartbeat",
            HeartbeatMessage(timestamp, epoch, followed, account_seq, self._services.feed.is_stale),
        )
