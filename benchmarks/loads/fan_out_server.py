"""The server of `fan_out.py`: `python -m benchmarks.loads.fan_out_server PORT BATCH SECONDS`.

Ours runs orders through the core, moves a view and publishes each execution, BATCH of them in one
step as after a commit of that size; theirs (BATCH 0) emits book messages of the same size, made
beforehand, by python-socketio's `emit` to a room. Both serve by uvicorn on uvloop with compression
off. Publishing waits for the readers: ours while any socket's transport is full, so that nothing is
conflated; theirs awaits each emit.
"""

import asyncio
import dataclasses
import itertools
import sys
import time
from typing import Any, cast

import msgspec
import socketio
import structlog
import uvloop

from benchmarks.core import ACCOUNTS, opened_engine
from benchmarks.yardsticks.serving import Json, serving
from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES
from exchange.transitions import transitions
from gateway.access.rate_limits import RateLimits
from gateway.bootstrap.feeds import make_feeds
from gateway.bootstrap.identity.api_keys import make_keys
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.settings import load_settings
from gateway.bootstrap.sockets import Hearers, open_front_sockets
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.running import EngineSide
from gateway.jobs.supervisor import Supervisor
from gateway.observability.metrics import Metrics
from gateway.sealing.seal import Seal
from gateway.sockets.app import SocketApp
from gateway.sockets.framing.transport import SocketTransport
from gateway.streaming import book_messages
from gateway.streaming.announcer import Announcer
from gateway.streaming.rooms import Rooms

SUBSCRIBERS = 200
_LIMITS = dict.fromkeys(("RATE_LIMIT_MAX_REQUESTS", "RATE_LIMIT_SOCKETS_PER_ADDRESS"), "1000000")


class Nobody:
    """Sign-in without anybody to sign in."""

    def __init__(self) -> None:
        self.on_revoked: list[Any] = []
        self.on_role_changed: list[Any] = []


def place(number: int) -> PlaceOrder:
    """Return an order that always rests, so that each command is exactly one book message."""
    outcome = YES if number % 2 else NO
    price = 100 * (1 + number // 2 % 49)
    return PlaceOrder(1 + number % ACCOUNTS, 1, BUY, outcome, LIMIT, price, 100, GTC)


class Market:
    """The core and its committed view."""

    def __init__(self) -> None:
        self._engine = opened_engine()
        # The same commands at the same times lead to the same state.
        self.view = opened_engine().state
        self.view.dirty.clear()
        self._numbers = itertools.count()

    def publish(self, publisher: Announcer) -> None:
        """Run one command and tell of it."""
        execution = self._engine.execute(2, place(next(self._numbers)))
        self._engine.state.dirty.clear()
        transitions.begin(self.view, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(self.view, event)
        publisher.on_execution(execution, self.view)
        self.view.dirty.clear()


async def ours(port: int, batch: int, seconds: float) -> None:
    """Publish by rooms and outbound queues."""
    settings = load_settings(_LIMITS)
    metrics, market = Metrics(), Market()
    hearers = Hearers(metrics)
    rooms, unused = hearers.markets, cast("Any", None)
    side = EngineSide(unused, market.view, unused, ViewFeed(1), Progress(market.view, 0.05))
    logger = structlog.get_logger()
    known = {field.name: unused for field in dataclasses.fields(People)}
    nobody = People(**known | {"sessions": Nobody()})
    limits = RateLimits(settings.limits)
    keys = make_keys(settings, unused, unused, limits, metrics, logger, Seal([bytes(32)]))
    parts = Parts(
        settings=settings,
        pool=unused,
        engine=side,
        desk=unused,
        catalogue=unused,
        people=nobody,
        factors=unused,
        revoking=unused,
        keys=keys,
        jobs=unused,
        feeds=make_feeds(settings, unused, {}, unused, metrics, logger),
        candles=unused,
        volumes=unused,
        topics=hearers.topics,
        readiness=unused,
        clock=unused,
        replays=unused,
        segments=unused,
        limits=limits,
        metrics=metrics,
        logger=logger,
        stocks=unused,
    )
    front = open_front_sockets(parts, hearers, Supervisor(metrics.jobs, logger))
    publisher = hearers.announcer()
    async with front as sockets, serving(sockets, port, SocketTransport):
        while not _all_joined(rooms):  # noqa: ASYNC110 - a benchmark may poll
            await asyncio.sleep(0.05)
        await _publish_ours(sockets, publisher, market, batch, seconds)
        await asyncio.sleep(1)


def _all_joined(rooms: Rooms) -> bool:
    market = rooms.markets.get(1)
    return market is not None and len(market.books[YES].seats) == SUBSCRIBERS


async def _publish_ours(
    sockets: SocketApp, publisher: Announcer, market: Market, batch: int, seconds: float
) -> None:
    queues = [link.outbound for link in sockets.server.links]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(batch):
            market.publish(publisher)
        await asyncio.sleep(0)
        while not all(queue.flowing for queue in queues):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.0005)


async def theirs(port: int, seconds: float) -> None:
    """Publish by python-socketio's emit."""
    server = socketio.AsyncServer(async_mode="asgi", json=Json, transports=["websocket"])
    joined = itertools.count(1)
    everybody = asyncio.Event()

    async def subscribe(sid: str, _body: object) -> dict[str, bool]:
        await server.enter_room(sid, "m:1:YES")
        if next(joined) == SUBSCRIBERS:
            everybody.set()
        return {"ok": True}

    server.on("subscribe:market", subscribe)
    messages = _messages()
    async with serving(socketio.ASGIApp(server, socketio_path="ws"), port, "websockets-sansio"):
        await everybody.wait()
        await asyncio.sleep(0.2)
        end = time.monotonic() + seconds
        for message in itertools.cycle(messages):
            if time.monotonic() >= end:
                break
            await server.emit("orderbook_update", message, room="m:1:YES")
        await asyncio.sleep(1)


def _messages() -> list[object]:
    made: list[object] = []
    for seq in range(2, 500):
        message = book_messages.delta(1, YES, 1, seq - 1, seq, {100 * (seq % 99): seq}, {}, 2**31)
        made.append(msgspec.json.decode(message.frame(0).partition(b",")[2][:-1]))
    return made


if __name__ == "__main__":
    _port, _batch, _seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    uvloop.run(ours(_port, _batch, _seconds) if _batch else theirs(_port, _seconds))
