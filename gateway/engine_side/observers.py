"""How the engine, the event loop and the way to other processes are doing, as metrics."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.events import (
    CommandRejected,
    FundsCredited,
    OrderPlaced,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.engine_side.readiness import ViewFeed
from gateway.jobs.supervisor import CheckIn, Work
from gateway.observability.logs import Logger
from gateway.observability.metrics import FeedMetrics, Metrics
from persistence.clock import MICROSECONDS, now_us
from persistence.relay.messages import BusObserver

LAG_INTERVAL_SECONDS: Final = 0.5
_MOVES: Final = frozenset({FundsCredited, FundsDebited, CashTransferred})
FOREIGN_SAID_SECONDS: Final = 1.0
"""Between two lines about messages that aren't the engine's."""


class EngineMetrics:
    """Implements `persistence.loop.ports.EngineObserver` and `ExecutionListener`."""

    __slots__ = ("_feed", "_logger", "_metrics")

    def __init__(self, metrics: Metrics, feed: ViewFeed, logger: Logger) -> None:
        self._metrics = metrics
        self._feed = feed
        self._logger = logger

    def executed(self, commands: int, seconds: float) -> None:
        """Note that the rules ran; what is observed is the mean of the commands run together."""
        if commands:
            self._metrics.order_matching_duration.observe(seconds / commands)

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:
        """Note a batch that is committed."""
        metrics = self._metrics
        metrics.engine_batch_size.observe(commands)
        metrics.engine_commit_duration.observe(seconds)
        metrics.engine_last_sequence.set(last_seq)
        metrics.engine_epoch.set(epoch)

    def queued(self, depth: int) -> None:
        """Note how many commands wait."""
        self._metrics.engine_queue_depth.set(depth)

    def stalled(self, seconds: float | None) -> None:
        """Say that the database is silent, or that it answers again."""
        is_stale, feed = seconds is not None, self._feed
        if seconds is not None:
            feed.silent_since = now_us() - int(seconds * MICROSECONDS)
            self._logger.warning("the database doesn't answer", silent_ms=round(seconds * 1_000))
        elif feed.silent_since is not None:
            silent_ms = (now_us() - feed.silent_since) // 1_000
            feed.silent_since = None
            self._logger.warning("the database answers again", silent_ms=silent_ms)
        self._metrics.engine_stalled.set(is_stale)
        feed.is_stale = is_stale
        for listener in feed.on_stale:
            listener(is_stale)

    def on_execution(self, execution: Execution, _view: State) -> None:
        """Count accepted orders, trades, refusals, and credits that moved beside the book."""
        orders = trades = 0
        for event in execution.events:
            kind = type(event)
            if kind is TradeExecuted:
                trades += 1
            elif kind is OrderPlaced:
                orders += 1
            elif kind is CommandRejected:
                refused: CommandRejected = event  # type: ignore[assignment]
                self._metrics.refusals.by_reason[refused.reason].count += 1
            elif kind in _MOVES:
                self._metrics.moved.moved(event)  # type: ignore[arg-type]
        if trades:
            self._metrics.moved.traded(execution)
        if orders:
            self._metrics.orders_placed.count += orders
        if trades:
            self._metrics.trades_executed.count += trades


def event_loop_watch(metrics: Metrics) -> Work:
    """Return the work that observes how much later than asked the event loop wakes."""

    async def watch(check_in: CheckIn) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            metrics.event_loop_lag.observe(max(0.0, loop.time() - due))
            check_in()

    return watch


class BusWatch(BusObserver):
    """Watches one end of the fan-out."""

    def __init__(
        self, metrics: FeedMetrics, logger: Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._logger = logger
        self._clock = clock
        self._said_at = -math.inf
        self._unsaid = 0

    def connected(self, is_connected: bool, reason: str) -> None:
        """Note that Redis answers, or why it doesn't."""
        self._metrics.redis_connected.set(is_connected)
        if is_connected:
            self._logger.info("redis answers")
        else:
            self._logger.warning("redis doesn't answer", reason=reason)

    def engine_heard(self, is_heard: bool) -> None:
        """Say that an engine speaks, or that nobody does on a Redis that answers."""
        if is_heard:
            self._logger.info("the engine is heard over redis")
        else:
            self._logger.warning(
                "redis answers, but no engine is heard on its channel: does it run, and is"
                " REDIS_URL set there?"
            )

    def garbled(self) -> None:
        """Count messages that no engine of ours sealed, and say so once a second at most."""
        self._metrics.foreign.inc()
        self._unsaid += 1
        if self._clock() - self._said_at >= FOREIGN_SAID_SECONDS:
            self._logger.warning(
                "messages that the exchange's engine didn't send are ignored", messages=self._unsaid
            )
            self._said_at = self._clock()
            self._unsaid = 0

    def published(self, rows: int) -> None:
        """Count batches that Redis has taken."""
        self._metrics.batches.labels("published").inc(rows)

    def dropped(self, rows: int) -> None:
        """Count batches that gateways have to read from the journal."""
        self._metrics.batches.labels("dropped").inc(rows)
