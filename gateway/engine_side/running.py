"""The engine of this process: recovered, listening to commands, telling sockets and metrics.

Its listeners are called after each commit, in the order given here, and never wait. With REDIS_URL
its batches also go to the gateways that follow it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from exchange.model.state import State
from gateway.engine_side import ports
from gateway.engine_side.observers import BusWatch, EngineMetrics
from gateway.engine_side.readiness import ViewFeed
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.settings.settings import Settings
from gateway.streaming.announcer import Announcer
from gateway.streaming.rooms import Rooms
from persistence.loop.ports import CommandPort
from persistence.loop.recovery import Recovered, recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import DeadlinePool
from persistence.relay.publisher import RedisPublisher
from persistence.repositories.history import History


@dataclass(frozen=True, slots=True)
class EngineSide:
    """What the gateway holds of the engine: commands in, committed state and history out."""

    commands: CommandPort
    view: State
    history: ports.History
    feed: ViewFeed


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """The engine's side, the rooms it tells of every commit, and the sign that it can't go on."""

    side: EngineSide
    rooms: Rooms
    failed: asyncio.Future[BaseException]


@asynccontextmanager
async def run_engine(
    settings: Settings,
    url: str,
    pool: DeadlinePool,
    metrics: Metrics,
    logger: Logger,
    *,
    accept_tip: bool = False,
) -> AsyncIterator[RunningEngine]:
    """Recover the engine and yield it running; drain it at the end.

    `url` reaches the database directly, past any pooler.
    Raises what `persistence.loop.recovery.recover` raises.
    """
    recovered = await recover(url, settings.data_dir, accept_tip=accept_tip)
    epoch = recovered.journal.epoch
    rooms = Rooms(epoch)
    observer = EngineMetrics(metrics)
    metrics.engine_epoch.set(epoch)
    metrics.engine_last_sequence.set(recovered.view.seq)
    async with AsyncExitStack() as stack:
        publishers = []
        if settings.redis_url is not None:
            publisher = _publisher(settings.redis_url, recovered, BusWatch(metrics.feed, logger))
            publisher.start()
            stack.push_async_callback(publisher.stop)
            publishers.append(publisher)
        sequencer = Sequencer(
            recovered,
            pool,
            listeners=(Announcer(rooms, metrics.messages_out), observer),
            batch_listeners=publishers,
            observer=observer,
            queue_bound=settings.engine_queue_size,
        )
        sequencer.start()
        stack.push_async_callback(sequencer.stop)
        side = EngineSide(sequencer, recovered.view, History(pool), ViewFeed(epoch))
        yield RunningEngine(side, rooms, sequencer.failed)


def _publisher(redis_url: str, recovered: Recovered, observer: BusWatch) -> RedisPublisher:
    journal = recovered.journal
    return RedisPublisher(
        redis_url,
        recovered.database_id,
        journal.epoch,
        (journal.last_seq, journal.chain_hash),
        observer,
    )
