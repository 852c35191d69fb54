"""A recorded run is readable by people and can be read back for the plots."""

from pathlib import Path

from benchmarks.harness import results
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.harness.results import Recorded, Row, Run

CONDITIONS = {"machine": "one, 2 cores", "commit": "abc1234"}


def run(*figures: Figure, failures: tuple[str, ...] = ()) -> Run:
    return Run("2026-01-02 03:04 UTC", CONDITIONS, list(figures), list(failures))


def test_runs_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Recorded runs\n", encoding="utf-8")
    beside = Yardstick("pyorderbook", [200_000.0], at_least=1.0)
    core = Figure("core: all", "commands/s", [260_000.0, 250_000.0, 300_000.0], "a note", beside)
    start = Figure("start", "s", [4.0], yardstick=Yardstick("a SELECT", [0.5], at_most=10))
    told = Figure("latency at 10 %", "ms", [4.0], yardstick=Yardstick("a commit", [0.001]))
    peer = Figure("peer: other", "commands/s", [0.02])
    results.append(run(core, start, told), path)
    results.append(run(peer), path)
    title = "2026-01-02 03:04 UTC, commit abc1234"
    assert results.read(path) == [
        Recorded(
            title,
            [
                Row("core: all", 260_000.0, "commands/s", 1.3),
                Row("start", 4.0, "s", 1.25),
                Row("latency at 10 %", 4.0, "ms", None),
            ],
        ),
        Recorded(title, [Row("peer: other", 0.02, "commands/s", None)]),
    ]


def test_a_run_that_was_held_to_numbers_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text(
        "# Recorded runs\n\n## then\n\n- machine: one\n\n"
        "| question | median | unit | lowest .. highest | rounds | held to | ratio | note |\n"
        "|---|---:|---|---|---:|---|---:|---|\n"
        "| core | 306,908 | commands/s | 1 .. 2 | 5 | at least 250,000 | 1.23x | a note |\n"
        "| bare | 368,387 | commands/s | 1 .. 2 | 5 |  |  |  |\n",
        encoding="utf-8",
    )
    rows = [Row("core", 306_908, "commands/s", 1.23), Row("bare", 368_387, "commands/s", None)]
    assert results.read(path) == [Recorded("then", rows)]


def test_an_entry_says_how_and_what_failed() -> None:
    text = results.entry(run(Figure("x|y", "s", [1.0]), failures=("rest_orders: no wrk",)))
    assert "- machine: one, 2 cores\n" in text
    assert "- FAILED: rest_orders: no wrk\n" in text
    assert "| x/y | 1 | s | 1 .. 1 | 1 |" in text


def test_the_kept_file_can_be_read() -> None:
    assert all(recorded.rows for recorded in results.read())
