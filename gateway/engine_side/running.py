"""The engine of this process: recovered, listening to commands, telling whoever listens.

Its listeners are called after each commit, in the order given here, and never wait. With REDIS_URL
its batches also go to the gateways that follow it, and their commands come to it (`stream.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from exchange.messages.bounds import HALT_S
from exchange.messages.limit_commands import BeginPostOnly
from exchange.messages.terms import ExchangeMode
from exchange.model.state import State
from gateway.engine_side import ports
from gateway.engine_side.cancels_first import Takeover, cancels_first
from gateway.engine_side.observers import BusWatch, EngineMetrics
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.settings import EngineSettings, StoreSettings
from gateway.engine_side.stream import EngineEnd
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from persistence.journal.journal import Journal
from persistence.journal.segments.segments import Segments
from persistence.loop.lead_watch import LeadWatch
from persistence.loop.ports import CommandPort, ExecutionListener
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import DeadlinePool
from persistence.relay.channel import Channel, new_stream
from persistence.relay.looks import identity_of
from persistence.relay.publisher import RedisPublisher
from persistence.repositories.history import History


@dataclass(frozen=True, slots=True)
class EngineSide:
    """What the gateway holds of the engine: commands in, committed state and history out."""

    commands: CommandPort
    view: State
    history: ports.History
    feed: ViewFeed
    progress: Progress


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """The engine's side, and the sign that it can't go on."""

    side: EngineSide
    failed: asyncio.Future[BaseException]


@asynccontextmanager
async def run_engine(
    store: StoreSettings,
    settings: EngineSettings,
    url: str,
    pool: DeadlinePool,
    listeners: Sequence[ExecutionListener],
    metrics: Metrics,
    logger: Logger,
    *,
    secret: bytes,
    accept_tip: bool = False,
    takeover: Takeover | None = None,
    traced: ports.EngineTrace | None = None,
) -> AsyncIterator[RunningEngine]:
    """Recover the engine and yield it running; drain it at the end.

    `url` reaches the database directly, past any pooler; `listeners` hear of every commit, in
    their order, before the metrics do; `secret` is what gateways have to share to follow; `traced`
    sees what becomes of each command. With `takeover` it goes on where a standby is.
    Raises what `persistence.loop.recovery.recover` raises.
    """
    stream = new_stream(secret)
    segments = Segments(store.segments_folder)
    recovered = await (recover if takeover is None else takeover.recover)(
        url, store.data_dir, accept_tip=accept_tip, stream_id=stream, segments=segments
    )
    epoch = recovered.journal.epoch
    feed = ViewFeed(epoch)
    observer = EngineMetrics(metrics, feed, logger)
    progress = Progress(recovered.view, settings.min_seq_wait_seconds)
    metrics.engine_epoch.set(epoch)
    metrics.engine_last_sequence.set(recovered.view.seq)
    async with AsyncExitStack() as stack:
        publisher, end = None, None
        if store.redis_url is not None:
            identity, journal = await identity_of(pool), recovered.journal
            far = identity, stream, secret, pool, metrics, logger
            end = EngineEnd(store.redis_url, *far)
            publisher = RedisPublisher(
                store.redis_url,
                Channel(identity, secret),
                stream,
                (journal.last_seq, journal.chain_hash),
                end.clock.read,
                BusWatch(metrics.feed, logger),
                is_sure=_watched(journal, stack),
            )
            stack.push_async_callback(publisher.stop)
            await stack.enter_async_context(end.answering())
        sequencer = Sequencer(
            recovered,
            pool,
            listeners=(*listeners, observer, progress),
            batch_listeners=[] if publisher is None else [publisher],
            observer=observer if traced is None else traced.observer(observer),
            queue_bound=settings.queue_size,
            commit_timeout_s=settings.commit_timeout_seconds,
            segments=segments,
        )
        sequencer.start()
        stack.push_async_callback(sequencer.stop)
        await _hold_takers_back(sequencer, recovered.view, settings, takeover, logger)
        commands = sequencer if traced is None else traced.commands(sequencer)
        commands = cancels_first(commands, takeover)
        if publisher is not None and end is not None:
            await stack.enter_async_context(end.reading(commands))
            # A gateway that hears an engine sends to it.
            publisher.start()
        side = EngineSide(commands, recovered.view, History(pool, segments), feed, progress)
        yield RunningEngine(side, sequencer.failed)


def _watched(journal: Journal, stack: AsyncExitStack) -> Callable[[], bool]:
    """Return what says whether the lead is still sure, until the stack ends."""
    watch = LeadWatch(lambda: journal.led_at)
    watch.start()
    stack.callback(watch.close)
    return watch.is_sure


async def _hold_takers_back(
    commands: CommandPort,
    view: State,
    settings: EngineSettings,
    takeover: Takeover | None,
    logger: Logger,
) -> None:
    """Begin the post-only period of a restart or a takeover, before anybody else is heard.

    Not of the very first start, and not where an admin has said what the exchange takes.
    """
    seconds = settings.post_only_after_restart_seconds
    if takeover is not None:
        # It counts from now on, and is to last behind the time of cancels alone.
        seconds = takeover.post_only_s and takeover.cancel_only_s + takeover.post_only_s
        seconds = min(seconds, HALT_S)
    was_open = view.mode is ExchangeMode.OPEN or view.post_only_until is not None
    if seconds and view.seq and was_open:
        await commands.submit(BeginPostOnly(seconds))
        logger.info("only post-only orders are taken after the restart", seconds=seconds)
