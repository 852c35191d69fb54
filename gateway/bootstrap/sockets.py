"""The sockets, put together: their server, and the domains whose events they carry.

Laws: a domain's events are merged here, as its routes are in `routes.py`; a new domain with events
is a line in `open_front_sockets`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from gateway.access.client_address import ClientAddresses
from gateway.access.socket_limits import SocketLimits
from gateway.alerts.telling import HEARD as ALERTS_HEARD
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.past import resumption
from gateway.economy.bets.telling import HEARD as BETS_HEARD
from gateway.economy.stocks.telling import HEARD as STOCKS_HEARD
from gateway.economy.stocks.telling import StockTelling
from gateway.engine_side.ports import suspended_in
from gateway.feeds.watches import Watches
from gateway.jobs.supervisor import Supervisor
from gateway.observability.metrics import Metrics
from gateway.research.asked.telling import HEARD as BACKTESTS_HEARD
from gateway.research.inquiries.telling import HEARD as RESEARCH_HEARD
from gateway.sockets.app import SocketApp, open_sockets
from gateway.sockets.events import SessionEvents, SocketSignIn, merged
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.sockets.server import SocketServer
from gateway.sockets.session import SessionTools, SocketSession
from gateway.sockets.state_room import StateRoom
from gateway.sockets.topics import Topics
from gateway.streaming.announcer import Announcer
from gateway.streaming.channels.heard import HEARD
from gateway.streaming.heartbeat import Heartbeat
from gateway.streaming.market_states import MarketStates
from gateway.streaming.resuming.backlog import MissedBooks, MissedTrades
from gateway.streaming.resuming.resuming import Resuming
from gateway.streaming.resuming.socket_events import ResumeEvents
from gateway.streaming.rooms import Rooms
from gateway.streaming.socket_events import MarketEvents
from gateway.streaming.subscriptions import Subscriptions
from gateway.streaming.venue_events import VenueMarketEvents
from gateway.streaming.venue_rooms import VenueRooms
from gateway.streaming.venue_shares import VenueShares
from gateway.trading.cancel_on_disconnect import CancelOnDisconnect
from gateway.trading.dead_man_switch import DeadManSwitch
from gateway.trading.results import JustPlaced
from gateway.trading.socket_events import OrderEvents
from persistence.repositories.economy.stocks.stocks import Stocks
from persistence.repositories.past_books import PastBooks


class Hearers:
    """Who may hear: there before an engine is, which announces its commits to them.

    A domain that tells its users something of its own opens one of the `topics`.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._sent = metrics.messages_out
        self.markets: Final = Rooms()
        self.users: Final = UserRooms[SocketSession]()
        self.everybody: Final = Everybody[SocketSession]()
        self.stocks: Final = StateRoom()
        self.topics: Final = Topics(self.users, self._sent)
        self.placed: Final = JustPlaced()

    def announcer(self) -> Announcer:
        """Return the listener that tells them of a commit."""
        return Announcer(self.markets, self.users, self.everybody, self._sent, self.placed)


@asynccontextmanager
async def open_front_sockets(
    parts: Parts, hearers: Hearers, supervisor: Supervisor
) -> AsyncIterator[SocketApp]:
    """Yield the application that serves sockets, its heart beating."""
    settings, metrics, limits = parts.settings, parts.metrics, parts.limits
    rooms, feed, view = hearers.markets, parts.engine.feed, parts.engine.view
    rooms.begin_epoch(feed.epoch, view.markets)
    feed.on_epoch.append(lambda epoch, view: rooms.begin_epoch(epoch, view.markets))
    tokens = parts.people.sessions
    sign_in = SocketSignIn(tokens, limits, parts.keys.gate, suspended_in(view))
    following = parts.feeds.following
    venue_rooms = VenueRooms(following, metrics.messages_out)
    shares = VenueShares(
        of_user=settings.feeds.followed_per_user, of_address=settings.feeds.followed_per_address
    )
    subscriptions = Subscriptions(rooms, venue_rooms, shares)
    watches = Watches(parts.feeds.state, parts.logger)
    venues = VenueMarketEvents(following, venue_rooms, subscriptions, watches)
    resuming = Resuming(
        rooms,
        subscriptions,
        MissedBooks(PastBooks(parts.pool, parts.segments), parts.replays),
        MissedTrades(view, parts.engine.history),
    )
    disconnects = CancelOnDisconnect(parts.engine.commands)
    stocks = StockTelling(Stocks(parts.pool), hearers.stocks, metrics.messages_out)
    events = merged(
        SessionEvents(sign_in).events(),
        MarketEvents(view, rooms, subscriptions, venues, resuming).events(),
        OrderEvents(parts.desk, disconnects).events(),
        disconnects.events(),
        ResumeEvents(resumption(parts)).events(),
        DeadManSwitch(parts.engine.commands).events(),
        stocks.events(),
    )
    heard = (*HEARD, *ALERTS_HEARD, *BETS_HEARD, *STOCKS_HEARD, *RESEARCH_HEARD, *BACKTESTS_HEARD)
    parts.described.describe(events, heard)
    tools = SessionTools(
        users=hearers.users,
        limits=limits,
        in_flight_max=settings.sockets.in_flight_max,
        sent=metrics.messages_out,
        logger=parts.logger,
    )
    new_sockets = SocketLimits(limits)
    server = SocketServer(settings.sockets, events, tokens, sign_in, new_sockets, tools, metrics)
    parts.keys.service.on_changed.append(server.key_changed)
    tokens.on_role_changed.append(server.role_changed)
    hearers.everybody.members = lambda: [
        session for link in server.links for session in link.sessions.values()
    ]
    addresses = ClientAddresses(settings.http.trusted_proxies)
    followed = rooms, venue_rooms, subscriptions, hearers.stocks
    heart = Heartbeat(server, settings.sockets, view, feed, *followed)
    app = SocketApp(server, settings.sockets, addresses, settings.http.cors_origin, heart)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(supervisor.running(disconnects.NAME, disconnects.run))
        if parts.feeds.venues:
            works = [*following.works(), ("follow-watched", parts.feeds.watched.run)]
            for name, work in works:
                await stack.enter_async_context(supervisor.running(name, work))
        states = MarketStates(rooms, view, parts.candles)
        await stack.enter_async_context(supervisor.running(states.NAME, states.run))
        await stack.enter_async_context(supervisor.running(stocks.NAME, stocks.run))
        yield await stack.enter_async_context(open_sockets(app, feed, supervisor))
