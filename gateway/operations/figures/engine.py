"""The row `GET /admin/engine`: how the engine runs, for a panel that is looked at live.

Laws: everything is a count since the process began or how it is just now, so that whoever looks
twice has the figures of the time between, over whatever time; nothing is kept here for anybody.
They are of the process that answers: in one without an engine the engine's are 0.
"""

from typing import Final

from prometheus_client import Gauge, Histogram

from exchange.model.state import State
from gateway.engine_side.readiness import ViewFeed
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.observability.metrics import Metrics
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us

_UNBOUNDED: Final = "+Inf"


class SpreadBucketView(AnswerStruct, frozen=True):
    """How many of them were at most `upTo`, all smaller ones included; null: there is no bound."""

    up_to: float | None
    count: int


class SpreadView(AnswerStruct, frozen=True):
    """How what was measured is spread: how many there were, their sum, and how many up to what."""

    count: int
    sum: float
    buckets: list[SpreadBucketView]


class EngineView(AnswerStruct, frozen=True):
    """How the engine runs. Times are in seconds; spreads and counts are since the process began.

    `epoch` and `seq` are the last command that this process has seen committed, `queue` the
    commands that wait just now, `sockets` the connections that are open; `batches` the commands of
    each commit, `commits` how long one took, `matching` how long the rules took for a command, and
    `lag` how much later than asked the event loop woke. `isStale` says that the engine isn't heard.
    """

    time: str
    epoch: int
    seq: int
    is_stale: bool
    queue: int
    sockets: int
    orders: int
    trades: int
    messages_out: int
    batches: SpreadView
    commits: SpreadView
    matching: SpreadView
    lag: SpreadView


def spread(histogram: Histogram) -> SpreadView:
    """Return what a histogram without labels has counted."""
    count, total = 0, 0.0
    buckets = []
    for sample in next(iter(histogram.collect())).samples:
        if sample.name.endswith("_bucket"):
            bound = sample.labels["le"]
            up_to = None if bound == _UNBOUNDED else float(bound)
            buckets.append(SpreadBucketView(up_to, int(sample.value)))
        elif sample.name.endswith("_count"):
            count = int(sample.value)
        elif sample.name.endswith("_sum"):
            total = float(sample.value)
    return SpreadView(count, total, buckets)


def _level(gauge: Gauge) -> int:
    """Return where a gauge without labels stands."""
    return int(next(iter(gauge.collect())).samples[0].value)


class EngineRoutes:
    """Tells how the engine runs."""

    def __init__(self, view: State, feed: ViewFeed, metrics: Metrics) -> None:
        self._view = view
        self._feed = feed
        self._metrics = metrics

    async def show(self, _request: Request[None, None]) -> EngineView:
        """Return the figures of this moment."""
        metrics = self._metrics
        return EngineView(
            iso_millis(now_us()),
            self._feed.epoch,
            self._view.seq,
            self._feed.is_stale,
            _level(metrics.engine_queue_depth),
            _level(metrics.connections.sockets),
            metrics.orders_placed.count,
            metrics.trades_executed.count,
            metrics.messages_out.count,
            spread(metrics.engine_batch_size),
            spread(metrics.engine_commit_duration),
            spread(metrics.order_matching_duration),
            spread(metrics.event_loop_lag),
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/admin/engine",
                handler=self.show,
                access=Access.ADMIN,
                answer=EngineView,
                summary="Show how the engine runs: batches, commits, queue, sockets, lag",
                tag="admin",
            ),
        )
