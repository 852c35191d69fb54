"""Counts of the event loop, as Prometheus sees them."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gateway.observability.tallies import Spread, Spreads, Tallies, Tally


def test_counts_are_read_when_asked_for() -> None:
    registry, up, down = CollectorRegistry(), Tally(), Tally()
    tallies: dict[tuple[str, ...], Tally] = {("up",): up, ("down",): down}
    Tallies("steps", "Steps taken.", tallies, labels=("way",), registry=registry)
    up.count += 3
    assert registry.get_sample_value("steps_total", {"way": "up"}) == 3
    up.count += 1
    assert generate_latest(registry).decode().splitlines() == [
        "# HELP steps_total Steps taken.",
        "# TYPE steps_total counter",
        'steps_total{way="up"} 4.0',
        'steps_total{way="down"} 0.0',
    ]


def test_a_spread_says_what_the_librarys_histogram_says() -> None:
    bounds, values = (0.001, 0.01, 0.1), [0.0, 0.001, 0.0011, 0.05, 0.1, 7.0]
    ours, theirs, spread = CollectorRegistry(), CollectorRegistry(), Spread(bounds)
    Spreads("wait", "A wait.", {("a",): spread}, labels=("route",), registry=ours)
    histogram = Histogram("wait", "A wait.", ("route",), buckets=bounds, registry=theirs)
    for value in values:
        spread.add(value)
        histogram.labels("a").observe(value)
    lines = generate_latest(theirs).decode().splitlines()
    created = [line for line in lines if "_created" in line]
    assert generate_latest(ours).decode().splitlines() == [x for x in lines if x not in created]
