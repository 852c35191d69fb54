"""The engine of this process: recovered, listening to commands, telling sockets and metrics.

Its listeners are called after each commit, in the order given here, and never wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.engine_metrics import EngineMetrics
from gateway.engine_side import EngineSide
from gateway.metrics import Metrics
from gateway.publisher import Publisher
from gateway.rooms import Rooms
from gateway.settings import Settings
from persistence.database import DeadlinePool
from persistence.history import History
from persistence.recovery import recover
from persistence.sequencer import Sequencer


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """The engine's side, the rooms it tells of every commit, and the sign that it can't go on."""

    side: EngineSide
    rooms: Rooms
    failed: asyncio.Future[BaseException]


@asynccontextmanager
async def run_engine(
    settings: Settings, url: str, pool: DeadlinePool, metrics: Metrics, *, accept_tip: bool = False
) -> AsyncIterator[RunningEngine]:
    """Recover the engine and yield it running; drain it at the end.

    `url` reaches the database directly, past any pooler.
    Raises what `persistence.recovery.recover` raises.
    """
    recovered = await recover(url, settings.data_dir, accept_tip=accept_tip)
    epoch = recovered.journal.epoch
    rooms = Rooms(epoch)
    observer = EngineMetrics(metrics)
    metrics.engine_epoch.set(epoch)
    metrics.engine_last_sequence.set(recovered.view.seq)
    sequencer = Sequencer(
        recovered,
        pool,
        listeners=(Publisher(rooms, metrics.socket_messages.labels("out")), observer),
        observer=observer,
        queue_bound=settings.engine_queue_size,
    )
    sequencer.start()
    try:
        side = EngineSide(sequencer, recovered.view, History(pool), epoch)
        yield RunningEngine(side, rooms, sequencer.failed)
    finally:
        await sequencer.stop()
