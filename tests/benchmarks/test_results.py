"""A recorded run is readable by people and can be read back for the plots."""

from pathlib import Path

from benchmarks.harness import results
from benchmarks.harness.report import Figure
from benchmarks.harness.results import Recorded, Row, Run

CONDITIONS = {"machine": "one, 2 cores", "commit": "abc1234"}


def run(*figures: Figure, failures: tuple[str, ...] = ()) -> Run:
    return Run("2026-01-02 03:04 UTC", CONDITIONS, list(figures), list(failures))


def test_runs_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Recorded runs\n", encoding="utf-8")
    core = Figure("core: all", "commands/s", [260_000.0, 250_000.0, 300_000.0], 250_000.0, "a note")
    start = Figure("start", "s", [4.0], ceiling=5.0)
    peer = Figure("peer: other", "commands/s", [0.02])
    results.append(run(core, start), path)
    results.append(run(peer), path)
    title = "2026-01-02 03:04 UTC, commit abc1234"
    assert results.read(path) == [
        Recorded(
            title,
            [Row("core: all", 260_000.0, "commands/s", 1.04), Row("start", 4.0, "s", 1.25)],
        ),
        Recorded(title, [Row("peer: other", 0.02, "commands/s", None)]),
    ]


def test_an_entry_says_how_and_what_failed() -> None:
    text = results.entry(run(Figure("x|y", "s", [1.0]), failures=("rest_orders: no wrk",)))
    assert "- machine: one, 2 cores\n" in text
    assert "- FAILED: rest_orders: no wrk\n" in text
    assert "| x/y | 1 | s | 1 .. 1 | 1 |" in text


def test_the_kept_file_can_be_read() -> None:
    assert all(recorded.rows for recorded in results.read())
