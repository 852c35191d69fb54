"""Every metric of the process in one registry of its own; the names are a contract (DESIGN 9).

Labels are bounded: route templates, methods we know, status codes, names of our own statements.  An
observation on the hot path goes to a child that was looked up once, not through `labels()`; what is
only counted there is a `Tally`.
"""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.observability.money import MovedCredits
from gateway.observability.refusals import RefusalMetrics
from gateway.observability.tallies import Spread, Spreads, Tallies, Tally

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_TINY: Final = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 0.1)
_COUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class HttpMetrics:
    """Requests by method and route template; those that were shed were never looked at so far."""

    __slots__ = ("_children", "_durations", "_requests", "_shed")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._shed = Tally()
        Tallies(
            "requests_shed",
            "Requests refused by their head alone since there was too much: 503.",
            {(): self._shed},
            registry=registry,
        )
        self._durations: dict[tuple[str, ...], Spread] = {}
        Spreads(
            "http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            self._durations,
            labels=("method", "route"),
            registry=registry,
        )
        self._requests: dict[tuple[str, ...], Tally] = {}
        Tallies(
            "http_requests",
            "Requests answered.",
            self._requests,
            labels=("method", "route", "status"),
            registry=registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Spread, Tally]] = {}

    def shed(self) -> None:
        """Count a request for which there was no time."""
        self._shed.count += 1

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is a template, never a path."""
        children = self._children.get((method, route, status))
        if children is None:
            children = self._child(method, route, status)
        duration, requests = children
        duration.add(seconds)
        requests.count += 1

    def _child(self, method: str, route: str, status: int) -> tuple[Spread, Tally]:
        # A client can invent methods, so those unknown share one label and no cache entry.
        known = method if method in _METHODS else "OTHER"
        children = (
            self._durations.setdefault((known, route), Spread(_FAST)),
            self._requests.setdefault((known, route, str(status)), Tally()),
        )
        if known == method:
            self._children[method, route, status] = children
        return children


class ConnectionMetrics:
    """Sockets that are open, and connections that end otherwise than their clients wish."""

    __slots__ = ("_ended", "slow_consumers_closed", "sockets")

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sockets = Gauge(
            "websocket_connections_total",
            "Sockets that are open now (a gauge, in spite of its name).",
            registry=registry,
        )
        self.slow_consumers_closed = Counter(
            "slow_consumers_closed", "Sockets closed for reading too slowly.", registry=registry
        )
        self._ended = Counter(
            "connections_ended",
            "Connections ended by us: by the state whose deadline passed, refused, or flood.",
            ("reason",),
            registry=registry,
        )

    def ended(self, reason: str) -> None:
        """Count one; the reasons are those of the table of states and two more."""
        self._ended.labels(reason).inc()


class FeedMetrics:
    """How a gateway follows its engine, and how an engine reaches its gateways."""

    __slots__ = ("batches", "foreign", "gaps", "redis_connected", "reloads", "stale")

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stale = Gauge(
            "feed_stale", "1 while this gateway doesn't hear the engine.", registry=registry
        )
        self.gaps = Counter("feed_gaps", "Gaps that were read from the journal.", registry=registry)
        self.reloads = Counter("feed_reloads", "Times the view was loaded anew.", registry=registry)
        self.foreign = Counter(
            "feed_foreign_messages",
            "Messages on the channel that no engine of this exchange sealed; they are ignored.",
            registry=registry,
        )
        self.redis_connected = Gauge(
            "redis_connected", "1 while Redis answers this process.", registry=registry
        )
        self.batches = Counter(
            "fanout_batches",
            "Committed batches by what became of them: published or dropped.",
            ("fate",),
            registry=registry,
        )


class CacheMetrics:
    """What readers asked a cache for, and what they got."""

    __slots__ = ("_requests",)

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "cache_requests",
            "Reads of a cache: hit, stale (old, and asked for anew), miss, failed (the source).",
            ("cache", "result"),
            registry=registry,
        )

    def counted(self, cache: str, result: str) -> None:
        """Count a read; both are words of ours."""
        self._requests.labels(cache, result).inc()


class CatalogueMetrics:
    """What venues list that has no form here, and what they show no more."""

    __slots__ = ("_missing", "_refused")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "feed_refused",
            "Markets and events of a venue that have no form here or can't be stored, by reason.",
            ("platform", "reason"),
            registry=registry,
        )
        self._missing = Gauge(
            "feed_missing_markets",
            "Markets that haven't ended and that neither a list nor an answer of their venue shows,"
            " as this process counted them last.",
            ("platform",),
            registry=registry,
        )

    def refused(self, platform: str, reason: str) -> None:
        """Count one; both are words of ours."""
        self._refused.labels(platform, reason).inc()

    def missing(self, platform: str, count: int) -> None:
        """Note how many there are of a platform."""
        self._missing.labels(platform).set(count)


class JobMeter:
    """The figures of one job or one continuous work, under its registered name."""

    __slots__ = ("_failures", "_success")

    def __init__(self, success: Gauge, failures: Counter) -> None:
        self._success = success
        self._failures = failures

    def succeeded(self, at: float) -> None:
        """Note when it last did what it is for, in seconds since the Unix epoch."""
        self._success.set(at)

    def failed(self) -> None:
        """Count a failure."""
        self._failures.inc()


class JobMetrics:
    """Work beside requests: jobs, and work that never ends.

    A job succeeds when a run of it ends well, continuous work whenever it checks in. The gauge is
    0 until the first success this process knows of. Prometheus shows the label `job` as
    `exported_job`, unless it is told to honour labels.
    """

    __slots__ = ("_failures", "_last_success")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last_success = Gauge(
            "job_last_success_timestamp_seconds",
            "When a job last ended well, or continuous work last did what it is for.",
            ("job",),
            registry=registry,
        )
        self._failures = Counter(
            "job_failures",
            "Runs of a job that failed, ends of continuous work that nobody asked for.",
            ("job",),
            registry=registry,
        )

    def register(self, name: str) -> JobMeter:
        """Return the meter of a name of ours; what isn't registered can't become a label."""
        return JobMeter(self._last_success.labels(name), self._failures.labels(name))


class UpstreamMeter:
    """The figures of one base URL of a venue."""

    __slots__ = ("_endpoints", "_platform", "_requests", "_success")

    def __init__(
        self, platform: str, endpoints: Iterable[str], requests: Counter, success: Gauge
    ) -> None:
        self._platform = platform
        self._endpoints = frozenset(endpoints)
        self._requests = requests
        self._success = success

    def asked(self, endpoint: str, result: str) -> None:
        """Count one try; an endpoint that wasn't registered can't become a label."""
        known = endpoint if endpoint in self._endpoints else "other"
        self._requests.labels(self._platform, known, result).inc()

    def succeeded(self, at: float) -> None:
        """Note when the venue last gave an answer, in seconds since the Unix epoch."""
        self._success.labels(self._platform).set(at)


class UpstreamMetrics:
    """What other venues are asked, and what of their answers has no form here."""

    __slots__ = ("_followed", "_requests", "_success", "unrepresentable")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "upstream_requests",
            "Tries to ask a venue, by what became of them.",
            ("platform", "endpoint", "result"),
            registry=registry,
        )
        self._success = Gauge(
            "upstream_last_success_timestamp_seconds",
            "When a venue last gave an answer; 0: never since this process began.",
            ("platform",),
            registry=registry,
        )
        self._followed = Gauge(
            "feed_followed_markets",
            "Markets of a venue that this process follows now, by its stream or by asking.",
            ("platform",),
            registry=registry,
        )
        self.unrepresentable = Counter(
            "upstream_unrepresentable",
            "What a venue showed and has no form here, by the reason.",
            ("platform", "reason"),
            registry=registry,
        )

    def watch_followed(self, platform: str, followed: Callable[[], int]) -> None:
        """Show how many of a venue's markets this process follows just now."""
        self._followed.labels(platform).set_function(followed)

    def register(self, platform: str, endpoints: Iterable[str]) -> UpstreamMeter:
        """Return the meter of one base URL; `endpoints` are all templates it will count."""
        # A venue that was away before this process began is away all the same.
        self._success.labels(platform)
        return UpstreamMeter(platform, endpoints, self._requests, self._success)


class Metrics:
    """All metrics; whoever owns what is measured gets the metric handed in."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.http = HttpMetrics(registry)
        self.messages_in = Tally()
        self.messages_out = Tally()
        # "_total" is added to a counter's name where it is shown.
        Tallies(
            "websocket_messages",
            "Messages by direction.",
            {("in",): self.messages_in, ("out",): self.messages_out},
            labels=("direction",),
            registry=registry,
        )
        self.connections = ConnectionMetrics(registry)
        self.orders_placed = Tally()
        self.trades_executed = Tally()
        Tallies(
            "orders_placed",
            "Orders the engine accepted.",
            {(): self.orders_placed},
            registry=registry,
        )
        Tallies("trades_executed", "Trades.", {(): self.trades_executed}, registry=registry)
        self.moved = MovedCredits(registry)
        self.refusals = RefusalMetrics(registry)
        self.order_matching_duration = Histogram(
            "order_matching_duration_seconds",
            "Time the core takes for one command.",
            buckets=_TINY,
            registry=registry,
        )
        self.database_query_duration = Histogram(
            "database_query_duration_seconds",
            "Time of a statement of the pool, by its verb; commits are counted apart.",
            ("verb",),
            buckets=_FAST,
            registry=registry,
        )
        self.engine_batch_size = Histogram(
            "engine_batch_size", "Commands of one commit.", buckets=_COUNTS, registry=registry
        )
        self.engine_commit_duration = Histogram(
            "engine_commit_duration_seconds",
            "Time of one commit.",
            buckets=_FAST,
            registry=registry,
        )
        self.engine_queue_depth = Gauge(
            "engine_queue_depth", "Commands waiting for the engine.", registry=registry
        )
        self.engine_last_sequence = Gauge(
            "engine_last_sequence", "Last committed command.", registry=registry
        )
        self.engine_epoch = Gauge("engine_epoch", "Epoch of the engine.", registry=registry)
        self.engine_stalled = Gauge(
            "engine_stalled", "1 while the engine's database doesn't answer.", registry=registry
        )
        self.feed = FeedMetrics(registry)
        self.jobs = JobMetrics(registry)
        self.upstream = UpstreamMetrics(registry)
        self.cache = CacheMetrics(registry)
        self.catalogue = CatalogueMetrics(registry)
        self.event_loop_lag = Histogram(
            "event_loop_lag_seconds",
            "How much later than asked the event loop wakes.",
            buckets=_FAST,
            registry=registry,
        )

    def watch_pool(self, size: int, in_use: Callable[[], int]) -> None:
        """Show how many connections the process' pool may have, and how many are lent just now."""
        pooled = Gauge("database_pool_size", "Connections there may be.", registry=self.registry)
        pooled.set(size)
        Gauge(
            "database_pool_in_use", "Connections of the pool that are lent.", registry=self.registry
        ).set_function(in_use)

    def watch_projector(self) -> Gauge:
        """Show how far the projector has come, in the process that looks after it."""
        return Gauge(
            "projector_last_sequence",
            "Last command that is in candles and whatever else follows from the journal.",
            registry=self.registry,
        )

    def queried(self, verb: str, seconds: float) -> None:
        """Note a statement of the pool that ended."""
        self.database_query_duration.labels(verb).observe(seconds)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
