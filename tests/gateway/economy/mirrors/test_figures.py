"""What is told of mirrors to operators."""

from prometheus_client import CollectorRegistry

from gateway.economy.mirrors.figures import MirrorMetrics


def test_a_status_that_none_has_any_more_is_none() -> None:
    registry = CollectorRegistry()
    metrics = MirrorMetrics(registry)
    metrics.counted({"MAKING": 2, "disputed": 0})
    # As the table counts: what nobody has isn't there.
    metrics.counted({"OPEN": 2, "disputed": 0})
    shown = [
        registry.get_sample_value("mirrors", {"status": status}) for status in ("MAKING", "OPEN")
    ]
    assert shown == [0, 2]
