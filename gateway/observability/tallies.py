"""Counts made by the event loop many thousand times a second, shown as Prometheus counters.

The client library's counter takes a lock and checks its labels at each step; these belong to one
event loop, so counting is an addition. They are read when somebody asks.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

_NO_LABELS: Final[tuple[str, ...]] = ()


class Tally:
    """One count."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Tallies(Collector):
    """A Prometheus counter made of tallies, one for each combination of its labels' values."""

    def __init__(
        self,
        name: str,
        documentation: str,
        tallies: Mapping[tuple[str, ...], Tally],
        *,
        labels: tuple[str, ...] = _NO_LABELS,
        scale: int = 1,
        registry: CollectorRegistry,
    ) -> None:
        """Show `tallies`, by their labels' values, under `name` with "_total" behind it; what is
        shown is the count divided by `scale`.
        """
        self._name = name
        self._documentation = documentation
        self._tallies = tallies
        self._labels = labels
        self._scale = scale
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield what is counted so far."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, tally in self._tallies.items():
            family.add_metric(values, tally.count / self._scale)
        yield family
