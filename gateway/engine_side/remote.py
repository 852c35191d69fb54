"""The engine's side in a process without an engine: a view that follows, and a way in by a stream.

    Redis, PostgreSQL --> Follower --> view, rooms, metrics        commands --> Redis --> engine

What `engine_side/running.py` gives to a process that has an engine, this gives to `probity
gateway`; the rest of the process can't tell the two apart but by `ViewFeed`. With
GATEWAY_COMMANDS=off commands are refused, with where to send them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from exchange.messages.commands import Command
from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.engine_side.observers import BusWatch
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.running import EngineSide, RunningEngine
from gateway.engine_side.settings import EngineSettings
from gateway.engine_side.stream import LifeWatch, stream_commands
from gateway.jobs.supervisor import CheckIn, Supervisor, Work
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.settings.reader import SettingsError
from gateway.wire.errors import ReadsOnly
from persistence.errors import EngineElsewhere
from persistence.journal.segments.segments import Segments
from persistence.loop.ports import Answer, CommandPort, ExecutionListener
from persistence.postgres.database import DeadlinePool
from persistence.relay.channel import Channel, is_made_with
from persistence.relay.commands.shared_clock import READ_S, SharedClock
from persistence.relay.commands.writer import StreamCommands
from persistence.relay.follower import Follower
from persistence.relay.loading import load
from persistence.relay.looks import identity_of
from persistence.relay.messages import BusMessage
from persistence.relay.subscriber import RedisSubscriber
from persistence.repositories.history import History

_LOOK_S: Final = 0.2
"""How often the view's freshness is looked at; with `STALE_AFTER_S` it stays below 3 s."""
OTHER_KEY: Final = (
    "JWT_PRIVATE_KEY: isn't the key of the engine's process, whose tokens and feed this one"
    " couldn't check: give both the same"
)


class NoEngine:
    """A `CommandPort` that takes nothing and says why."""

    is_open = False

    def submit(self, command: Command) -> asyncio.Future[Answer]:  # noqa: ARG002 - the port's
        """Refuse; raises EngineElsewhere."""
        raise EngineElsewhere(ReadsOnly.default_message)


class RemoteFeed:
    """Keeps `ViewFeed`, metrics and the log in step with a follower.

    Implements `persistence.relay.follower.FeedListener` and
    `persistence.loop.ports.ExecutionListener`.
    """

    def __init__(self, feed: ViewFeed, metrics: Metrics, logger: Logger) -> None:
        self._feed = feed
        self._metrics = metrics
        self._logger = logger
        metrics.feed.stale.set(feed.is_stale)
        metrics.engine_epoch.set(feed.epoch)

    def on_execution(self, execution: Execution, _view: State) -> None:
        """Note how far the view has come."""
        self._metrics.engine_last_sequence.set(execution.seq)

    def on_epoch(self, epoch: int, view: State) -> None:
        """Go on under another engine: every book followed begins with a snapshot."""
        self._lead(epoch, view)
        self._logger.info("another engine leads", epoch=epoch, seq=view.seq)

    def on_gap(self) -> None:
        """Count a gap."""
        self._metrics.feed.gaps.inc()
        self._logger.info("a gap in the feed is read from the journal")

    def on_reload(self, epoch: int, view: State) -> None:
        """Begin anew; whoever listened has missed something."""
        self._lead(epoch, view)
        self._metrics.feed.reloads.inc()
        self._metrics.engine_last_sequence.set(view.seq)
        self._logger.warning("the view was loaded anew", epoch=epoch, seq=view.seq)
        for listener in self._feed.on_reload:
            listener(view)

    def look(self, follower: Follower) -> None:
        """Compare what is said of the view's freshness with what is so."""
        is_stale = not follower.is_fresh
        if is_stale is self._feed.is_stale:
            return
        self._feed.is_stale = is_stale
        self._metrics.feed.stale.set(is_stale)
        if is_stale:
            self._logger.warning("the feed is stale", seq=follower.view.seq)
        else:
            self._logger.info("the feed is live", seq=follower.view.seq)
        for listener in self._feed.on_stale:
            listener(is_stale)

    def _lead(self, epoch: int, view: State) -> None:
        self._feed.epoch = epoch
        self._metrics.engine_epoch.set(epoch)
        for listener in self._feed.on_epoch:
            listener(epoch, view)


@asynccontextmanager
async def follow_engine(
    redis_url: str,
    url: str,
    pool: DeadlinePool,
    listeners: Sequence[ExecutionListener],
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
    *,
    secret: bytes,
    segments: Segments,
    settings: EngineSettings,
) -> AsyncIterator[RunningEngine]:
    """Load the view and yield it following; `url` reaches the database past any pooler.

    `secret` is what the engine's process has too, `segments` are the journal's. A process that
    can't say how old its view is must not go on: that watch is fatal. Redis may be away: the
    view is stale until it is there.
    Raises DatabaseUnavailable, and SettingsError if the engine that leads has another secret.
    """
    identity = await identity_of(pool)
    loaded = await load(url)
    is_known = partial(is_made_with, secret)
    stream = loaded.look.stream_id
    if stream is not None and not is_known(stream):
        raise SettingsError(OTHER_KEY)
    takes = settings.gateway_commands
    feed = ViewFeed(loaded.look.epoch, takes_commands=takes, follows=True, is_stale=True)
    remote = RemoteFeed(feed, metrics, logger)
    metrics.engine_last_sequence.set(loaded.view.seq)
    progress = Progress(loaded.view, settings.min_seq_wait_seconds)
    feed.on_reload.append(progress.on_reload)
    told: list[ExecutionListener] = [*listeners, remote, progress]
    way: StreamCommands | None = None
    if takes:
        view, said = loaded.view, (metrics, logger, lambda: not feed.is_stale)
        way = stream_commands(redis_url, identity, secret, view, pool, settings, *said)
        told.append(way)  # behind all others: who is answered reads what was done everywhere here
        feed.on_reload.append(way.on_reload)
    follower = Follower(
        loaded,
        url,
        pool,
        RedisSubscriber[BusMessage](
            redis_url, Channel(identity, secret), BusWatch(metrics.feed, logger)
        ),
        told,
        remote,
        is_known,
    )
    feed.silence_s = lambda: follower.silence_s
    follower.start()
    try:
        async with AsyncExitStack() as stack:
            if way is not None:
                await _begin_to_send(stack, way, LifeWatch(way, follower, pool), supervisor)
            watch = _every_look(partial(_note_freshness, remote, follower))
            await stack.enter_async_context(supervisor.running("view-freshness", watch, fatal=True))
            if way is not None:
                stack.push_async_callback(way.stop)
            commands: CommandPort = NoEngine() if way is None else way
            side = EngineSide(commands, loaded.view, History(pool, segments), feed, progress)
            yield RunningEngine(side, follower.failed)
    finally:
        await follower.stop()


async def _begin_to_send(
    stack: AsyncExitStack, way: StreamCommands, life: LifeWatch, supervisor: Supervisor
) -> None:
    """Send to whichever engine leads, and know what time it is there, until the stack ends."""
    lives = supervisor.running("engine-lives", _every_look(life.look), fatal=True)
    for running in (supervisor.running("engine-clock", _read(way.clock)), lives):
        await stack.enter_async_context(running)
    way.start()


def _every_look(look: Callable[[], Awaitable[None]]) -> Work:
    """Do it every now and then: each work by itself, since one may wait for a silent database."""

    async def watch(check_in: CheckIn) -> None:
        while True:
            await look()
            check_in()
            await asyncio.sleep(_LOOK_S)

    return watch


async def _note_freshness(remote: RemoteFeed, follower: Follower) -> None:
    remote.look(follower)


def _read(clock: SharedClock) -> Work:
    async def read(check_in: CheckIn) -> None:
        while True:
            await clock.look()
            check_in()
            await asyncio.sleep(READ_S if clock.is_known else _LOOK_S)

    return read
