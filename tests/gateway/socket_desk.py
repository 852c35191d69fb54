"""Sockets on a real port: uvicorn, the real rules, sign-in by name, no database."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from starlette.types import ASGIApp

from exchange.messages.commands import CreateMarket, OpenAccount
from exchange.messages.terms import FeeModel
from exchange.model.market import Market
from gateway.access.principals import Principal, Role
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.server import Server, make_server
from gateway.bootstrap.settings import Settings, load_settings
from gateway.bootstrap.sockets import Hearers, open_front_sockets
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.running import EngineSide
from gateway.feeds.venue import Venue
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.sockets.app import SocketApp
from gateway.streaming.rooms import Rooms
from gateway.wire.errors import Unauthorized
from tests.gateway.commit_fake import CommitFake
from tests.gateway.made_of import UNUSED, made_of, people_of

EPOCH = 7
FAR = 2**40
CREDITS = 10_000_000_000
CLOSE_TIME = 4_000_000_000_000_000


class NamesFake:
    """Sign-in by name: the token "3" is user 3, of session 3; it can end, and expire."""

    def __init__(self) -> None:
        self.on_revoked: list[Any] = []
        self.on_role_changed: list[Any] = []
        self.expires_at: dict[str, int] = {}
        self.roles: dict[str, Role] = {}
        self.known: dict[bytes, Principal] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def is_expected(self, _token: bytes) -> bool:
        return False

    def remembered(self, token: bytes) -> Principal | None:
        return self.known.get(token)

    async def verify(self, token: bytes) -> Principal:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        text = token.decode()
        name = text.partition(":")[0]
        if not name.isdigit():
            raise Unauthorized
        expires_at = self.expires_at.get(text, FAR)
        role = self.roles.get(name, Role.USER)
        principal = self.known[token] = Principal(int(name), role, int(name), expires_at)
        return principal

    def end(self, user_id: int) -> None:
        self.known = {t: p for t, p in self.known.items() if p.user_id != user_id}
        for listener in self.on_revoked:
            listener(user_id, user_id)


@dataclass
class SocketDesk:
    """The running server and what is behind it."""

    port: int
    engine: CommitFake
    names: NamesFake
    sockets: SocketApp
    settings: Settings
    metrics: Metrics
    log: io.StringIO
    hearers: Hearers
    feed: ViewFeed
    server: Server
    parts: Parts

    @property
    def open_connections(self) -> int:
        return len(self.server.server_state.connections)

    @property
    def rooms(self) -> Rooms:
        return self.hearers.markets

    @property
    def users(self) -> dict[int, Any]:
        return dict(self.hearers.users.rooms)

    def market(self, slug: str = "rain") -> Market:
        return self.engine.view.market_by_slug[slug]

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def create_market(slug: str = "rain", **changes: Any) -> CreateMarket:
    terms: dict[str, Any] = {
        "slug": slug,
        "question": "Will it rain?",
        "description": "",
        "category": "",
        "close_time": CLOSE_TIME,
        "tick_size": 100,
        "min_quantity": 1,
        "maker_fee": 0,
        "taker_fee": 0,
        "fee_model": FeeModel.FLAT,
        "draft": False,
    }
    return CreateMarket(**(terms | changes))


@asynccontextmanager
async def open_socket_desk(
    *,
    people: int = 5,
    commit_seconds: float = 0.0,
    pool: Any = UNUSED,
    venues: Mapping[str, Venue] | None = None,
    around: Callable[[ASGIApp], ASGIApp] = lambda sockets: sockets,
    **changes: object,
) -> AsyncIterator[SocketDesk]:
    """Serve sockets on a free port; people 1..n have 10 000 credits, "rain" and "snow" are open.

    `around` may put the sockets behind another application; `venues` are asked for other
    platforms' markets, and stored by `pool`.
    """
    environment = {
        "RATE_LIMIT_MAX_REQUESTS": "1000000",
        "RATE_LIMIT_USER_MAX_REQUESTS": "1000000",
        "RATE_LIMIT_SOCKETS_PER_ADDRESS": "1000000",
        "RATE_LIMIT_SOCKETS_PER_USER": "1000000",
        "SHUTDOWN_TIMEOUT_SECONDS": "2",
    }
    settings = load_settings(environment | {name: str(value) for name, value in changes.items()})
    engine, names, metrics, log = (
        CommitFake(commit_seconds=commit_seconds),
        NamesFake(),
        Metrics(),
        io.StringIO(),
    )
    hearers, history = Hearers(metrics), cast("Any", engine)
    side = EngineSide(engine, engine.view, history, ViewFeed(EPOCH), Progress(engine.view, 0.05))
    logger = configure_logs("debug", log)
    known = people_of(sessions=names)
    parts = made_of(
        settings, side, pool=pool, people=known, hearers=hearers, metrics=metrics, logger=logger,
        venues=venues,
    )  # fmt: skip
    front = open_front_sockets(parts, hearers, Supervisor(metrics.jobs, logger))
    engine.listeners.append(hearers.announcer())
    engine.run(create_market(), create_market("snow"))
    engine.run(*(OpenAccount(number, CREDITS) for number in range(1, people + 1)))
    async with front as sockets:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            ended, readiness = metrics.connections.ended, parts.readiness
            shed = metrics.http.shed
            server = make_server(around(sockets), settings, readiness, [], ended, shed)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                port: int = listening.getsockname()[1]
                yield SocketDesk(
                    port,
                    engine,
                    names,
                    sockets,
                    settings,
                    metrics,
                    log,
                    hearers,
                    side.feed,
                    server,
                    parts,
                )
            finally:
                await sockets.drain()
                server.should_exit = True
                await serving
                parts.replays.close()
    engine.check()
