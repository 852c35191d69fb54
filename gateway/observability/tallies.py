"""Counts made by the event loop many thousand times a second, shown as Prometheus counters.

The client library's counter takes a lock and checks its labels at each step, its histogram two and
looks at its bounds one by one; these belong to one event loop, so counting is an addition. They are
read when somebody asks, and those that are counted may become more meanwhile.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

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
        for values, tally in list(self._tallies.items()):
            family.add_metric(values, tally.count / self._scale)
        yield family


class Spread:
    """How often something lay within each of some bounds, which rise, and the sum of it all."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value: at the first bound that it isn't above, if there is one."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def rising(self) -> list[tuple[str, float]]:
        """Return each bound, as Prometheus writes it, and how many lay within it."""
        rising, so_far = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self.counts, strict=True):
            so_far += count
            rising.append((floatToGoString(bound), float(so_far)))  # type: ignore[no-untyped-call]
        return rising


class Spreads(Collector):
    """A Prometheus histogram made of spreads, one for each combination of its labels' values."""

    def __init__(
        self,
        name: str,
        documentation: str,
        spreads: Mapping[tuple[str, ...], Spread],
        *,
        labels: tuple[str, ...],
        registry: CollectorRegistry,
    ) -> None:
        """Show `spreads`, by their labels' values, under `name`."""
        self._name = name
        self._documentation = documentation
        self._spreads = spreads
        self._labels = labels
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield what is counted so far."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, spread in list(self._spreads.items()):
            family.add_metric(values, spread.rising(), spread.total)
        yield family
