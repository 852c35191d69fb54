"""Commands between processes: the engine's end reads them, a gateway's end sends them.

::

    gateway   CommandPort ─> stream of the engine that leads ─> the engine's own CommandPort
              answers, once this process's view holds them  <─

Who leads is what the follower of this process was told by its database; when that changes, those
who wait are told what became of what they sent (`LifeWatch`).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from exchange.model.state import State
from gateway.engine_side.settings import EngineSettings
from gateway.observability.command_stream import CommandStreamMetrics
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from persistence.loop.ports import CommandPort
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, absence_waited_for
from persistence.relay.commands.answering import Answering
from persistence.relay.commands.lives import reached_by
from persistence.relay.commands.messages import answer_channel, command_stream
from persistence.relay.commands.observer import CommandsObserver
from persistence.relay.commands.reader import CommandReader
from persistence.relay.commands.shared_clock import SharedClock
from persistence.relay.commands.writer import StreamCommands
from persistence.relay.follower import Follower
from persistence.relay.messages import COMMAND_TIMEOUT_S


class CommandsWatch(CommandsObserver):
    """Counts what an end of the stream says, and logs what an operator should know."""

    def __init__(self, metrics: Metrics, logger: Logger) -> None:
        self._metrics = CommandStreamMetrics(metrics.registry)
        self._logger = logger

    def connected(self, is_connected: bool, reason: str) -> None:
        """Say that Redis takes commands, or why it doesn't."""
        if is_connected:
            self._logger.info("redis carries commands")
        else:
            self._logger.warning("redis carries no commands", reason=reason)

    def arrived(self) -> None:
        """Count a command."""
        self._metrics.count("taken")

    def garbled(self) -> None:
        """Count an entry of a stranger's."""
        self._metrics.count("foreign")

    def repeated(self) -> None:
        """Count a command that came again."""
        self._metrics.count("repeated")

    def made(self) -> None:
        """Count a stream that was made."""
        self._metrics.count("made")

    def went_back(self) -> None:
        """Say that Redis holds what it held before."""
        self._metrics.count("restored")
        self._logger.warning("redis was put back to an older state: what was executed is passed by")

    def untold(self, answers: int) -> None:
        """Count answers that Redis didn't take."""
        self._metrics.count("untold", answers)

    def sent(self, commands: int) -> None:
        """Count commands that Redis has taken."""
        self._metrics.count("sent", commands)

    def unanswered(self) -> None:
        """Count a command whose outcome nobody knows here."""
        self._metrics.count("unanswered")


class EngineEnd:
    """The engine's end: its clock is there first, its answers before the engine and its reader
    behind it, so that they end the other way round.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        life: str,
        secret: bytes,
        pool: DeadlinePool,
        metrics: Metrics,
        logger: Logger,
    ) -> None:
        self.clock = SharedClock(partial(database_now, pool))
        self._url = url
        self._stream = command_stream(identity, life, secret)
        self._watch = CommandsWatch(metrics, logger)
        self._answering = Answering(
            url, lambda sender: answer_channel(identity, sender, secret), self._watch
        )

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Answer senders while the block runs, and at its end tell what waits."""
        await self.clock.look()
        self._answering.start()
        try:
            yield
        finally:
            await self._answering.stop()

    @asynccontextmanager
    async def reading(self, commands: CommandPort) -> AsyncIterator[None]:
        """Read commands for an engine that runs, while the block runs; gateways may send at once
        then, where Redis is there.
        """
        reader = CommandReader(
            self._url,
            self._stream,
            self._answering,
            commands,
            self.clock.latest,
            self._watch,
        )
        reader.start()
        try:
            await reader.begun(COMMAND_TIMEOUT_S)
            yield
        finally:
            await reader.stop()


class LifeWatch:
    """Tells the way in which engine leads, as the follower has it from the database."""

    def __init__(self, commands: StreamCommands, follower: Follower, pool: DeadlinePool) -> None:
        self._commands = commands
        self._follower = follower
        self._pool = pool
        commands.lead(follower.stream)

    async def look(self) -> None:
        """Compare; of a life that has ended, tell those who wait what it did."""
        before = self._commands.lead(self._follower.stream)
        if before is None or before == self._follower.stream:
            return
        reached = None
        with absence_waited_for():
            reached = await reached_by(self._pool, before)
        self._commands.life_ended(before, reached)


def stream_commands(
    url: str,
    identity: str,
    secret: bytes,
    view: State,
    pool: DeadlinePool,
    settings: EngineSettings,
    metrics: Metrics,
    logger: Logger,
    is_heard: Callable[[], bool],
) -> StreamCommands:
    """Return a gateway's way in, to be started; its clock is to be read now and then."""
    return StreamCommands(
        url,
        identity,
        secret,
        view,
        SharedClock(partial(database_now, pool)),
        is_heard,
        lives_s=settings.commit_timeout_seconds,
        bound=settings.queue_size,
        stream_bound=settings.command_stream_size,
        observer=CommandsWatch(metrics, logger),
    )
