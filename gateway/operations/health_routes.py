"""The rows at the root that operators ask: health, readiness, metrics."""

import math
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from gateway.access.budgets import Budget
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.running import EngineSide
from gateway.engine_side.standing_by import StandbyFollowing
from gateway.http.request import File, Request
from gateway.http.routing import Access, Route, Shape
from gateway.jobs.queue import JobQueue
from gateway.observability.metrics import CONTENT_TYPE, Metrics
from gateway.observability.scrapes import Scrapes
from gateway.wire.errors import Unavailable
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us

WAITING: Final = "waiting"
"""Of a process that is alive and does without what it needs."""


class Ready(AnswerStruct, frozen=True):
    """That work is taken; `warnings` only where an operator should see to something."""

    status: str
    warnings: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class FeedView(AnswerStruct, frozen=True):
    """What a gateway has heard of the engine; `silentMs` is null before the first time."""

    stale: bool
    epoch: int
    seq: int
    silent_ms: int | None


class SilenceView(AnswerStruct, frozen=True):
    """What doesn't answer the process, and since when."""

    what: str
    since: str
    silent_ms: int


class Health(AnswerStruct, frozen=True):
    """How the process is; `feed` only where the engine is elsewhere, `silence` only where it is
    here and waits for its database.
    """

    status: str
    feed: FeedView | msgspec.UnsetType = msgspec.UNSET
    silence: SilenceView | msgspec.UnsetType = msgspec.UNSET


class Condition(Protocol):
    """How what a process is there for is doing."""

    what: str
    """The process in a sentence: "The exchange is draining"."""

    def feed(self) -> FeedView | msgspec.UnsetType:
        """Return how the view is fed where the engine is elsewhere."""

    def silence(self) -> SilenceView | msgspec.UnsetType:
        """Return what doesn't answer the process."""

    def trouble(self) -> str | None:
        """Return why no work is taken now; None if it is."""


class EngineCondition:
    """Of a process with an engine, or with a view of one."""

    what = "exchange"

    def __init__(self, engine: EngineSide) -> None:
        self._engine = engine
        self._was_open = False
        """Whether commands were taken at any time."""

    def feed(self) -> FeedView | msgspec.UnsetType:
        """Return how a gateway's view is fed."""
        feed = self._engine.feed
        if not feed.follows:
            return msgspec.UNSET
        silence_s = feed.silence_s()
        silent_ms = None if math.isinf(silence_s) else int(silence_s * 1_000)
        return FeedView(feed.is_stale, feed.epoch, self._engine.view.seq, silent_ms)

    def silence(self) -> SilenceView | msgspec.UnsetType:
        """Return that the engine waits for its database."""
        since = self._engine.feed.silent_since
        if since is None:
            return msgspec.UNSET
        return SilenceView("database", iso_millis(since), (now_us() - since) // 1_000)

    def trouble(self) -> str | None:
        """Return why no orders are taken, or that a gateway doesn't hear the engine."""
        feed = self._engine.feed
        if feed.silent_since is not None:
            return f"The database doesn't answer since {iso_millis(feed.silent_since)}"
        if feed.is_stale:
            return "The feed is stale: the engine is not heard"
        if not feed.takes_commands or self._engine.commands.is_open:
            self._was_open = True
            return None
        # A gateway's way to the engine is Redis, as its feed's is: once it was open, what is cut
        # for a moment is mended before anybody has gone elsewhere, and what stays away makes the
        # feed stale.
        if feed.follows and self._was_open:
            return None
        return "The engine takes no commands"

    def is_ready(self) -> bool:
        """Say whether work is taken."""
        return self.trouble() is None


class WorkerCondition:
    """Of a process that runs jobs and nothing else."""

    what = "worker"

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def feed(self) -> FeedView | msgspec.UnsetType:
        """Return that there is no view."""
        return msgspec.UNSET

    def silence(self) -> SilenceView | msgspec.UnsetType:
        """Return that there is no engine that could wait."""
        return msgspec.UNSET

    def trouble(self) -> str | None:
        """Return that jobs aren't run: the database is away."""
        return None if self._queue.is_working else "The worker doesn't reach its jobs"


class StandbyCondition:
    """Of a process whose engine waits; ready is one that could take over, and once it has, one that
    takes work.
    """

    what = "standby"

    def __init__(self, following: StandbyFollowing) -> None:
        self._following = following
        self._leads: EngineCondition | None = None

    def leads(self, engine: EngineSide) -> None:
        """Tell of an engine from now on."""
        self._following.leads()
        self.what = EngineCondition.what
        self._leads = EngineCondition(engine)

    def feed(self) -> FeedView | msgspec.UnsetType:
        """Return how far it follows."""
        if self._leads is not None:
            return msgspec.UNSET
        is_led, silence_s = self._following.is_led, self._following.silence_s()
        silent_ms = int(silence_s * 1_000)
        return FeedView(not is_led, self._following.epoch, self._following.seq, silent_ms)

    def silence(self) -> SilenceView | msgspec.UnsetType:
        """Return that the engine waits for its database, once it leads."""
        return msgspec.UNSET if self._leads is None else self._leads.silence()

    def trouble(self) -> str | None:
        """Return why it could take nothing over."""
        if self._leads is not None:
            return self._leads.trouble()
        return self._following.trouble()


class HealthRoutes:
    """Says how the process is."""

    def __init__(
        self,
        condition: Condition,
        readiness: Readiness,
        metrics: Metrics,
        warnings: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """Serve them; `warnings` returns what `/ready` says beside that all is well."""
        self._condition = condition
        self._readiness = readiness
        self._scrapes = Scrapes(metrics.exposition)
        self._warnings = warnings

    async def health(self, _request: Request[None, None]) -> Health:
        """Say that the process answers, how a gateway's feed is, and what an engine waits for."""
        silence = self._condition.silence()
        status = "ok" if silence is msgspec.UNSET else WAITING
        return Health(status, self._condition.feed(), silence)

    async def ready(self, _request: Request[None, None]) -> Ready:
        """Say that work is taken; 503 before the start is done, while draining, in trouble."""
        if not self._readiness.is_open:
            raise Unavailable(f"The {self._condition.what} is {self._readiness.state}")
        trouble = self._condition.trouble()
        if trouble is not None:
            raise Unavailable(trouble)
        return Ready("ready", self._warnings() or msgspec.UNSET)

    async def metrics(self, _request: Request[None, None]) -> File:
        """Return the metrics in Prometheus' text format."""
        return File(CONTENT_TYPE, self._scrapes.page())

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/health",
                handler=self.health,
                access=Access.PUBLIC,
                answer=Health,
                budget=Budget.NONE,
                summary="Is the process alive",
                tag="system",
            ),
            Route(
                method="GET",
                path="/ready",
                handler=self.ready,
                access=Access.PUBLIC,
                answer=Ready,
                errors=(Unavailable,),
                budget=Budget.NONE,
                summary="Is work taken",
                tag="system",
            ),
            Route(
                method="GET",
                path="/metrics",
                handler=self.metrics,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="Metrics for Prometheus",
                tag="system",
            ),
        )
