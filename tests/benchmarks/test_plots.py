"""The drawings: what can be drawn of a run is, and the same rows give the same file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.harness import plots
from benchmarks.harness.results import Recorded, Row

CURVE = [
    Row(name, value, unit, None)
    for load in (10, 50, 90)
    for name, value, unit in (
        (f"acks at {load} % of the maximum", 100.0 * load, "acks/s"),
        (f"ack latency at {load} % of the maximum, p50", 0.1 * load, "ms"),
        (f"ack latency at {load} % of the maximum, p99", 0.5 * load, "ms"),
    )
]
HELD = [Row("REST: half crossing", 7_000.0, "orders/s", 1.1), Row("start", 3.0, "s", 0.9)]


@pytest.mark.parametrize("plot", [plots.draw_held, plots.draw_peers, plots.draw_latency])
def test_nothing_is_drawn_of_a_run_that_has_no_such_rows(
    plot: Callable[[Path, Recorded], bool], tmp_path: Path
) -> None:
    path = tmp_path / "none.svg"
    assert not plot(path, Recorded("then", [Row("x", 1.0, "s", None)]))
    assert not path.exists()


@pytest.mark.parametrize("plot", [plots.draw_held, plots.draw_latency])
def test_the_same_rows_give_the_same_file(
    plot: Callable[[Path, Recorded], bool], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    run = Recorded("then", [*HELD, *CURVE])
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    assert plot(first, run)
    assert plot(second, run)
    assert first.read_bytes() == second.read_bytes()
