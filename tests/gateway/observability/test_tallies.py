"""Counts of the event loop, as Prometheus sees them."""

from prometheus_client import CollectorRegistry, generate_latest

from gateway.observability.tallies import Tallies, Tally


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
