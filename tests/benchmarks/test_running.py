"""One benchmark that fails hides none of the others, and says so at the end."""

import importlib.util
import re
from pathlib import Path
from typing import Final

import pytest

from benchmarks import __main__ as command
from benchmarks.harness import one_benchmark
from benchmarks.harness.one_benchmark import BenchmarkFailed, measure_in_child
from benchmarks.harness.report import Figure, Yardstick

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_a_failure_is_told_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(name: str) -> list[Figure]:
        if name == "broken":
            raise BenchmarkFailed("no wrk")
        return [Figure(name, "s", [1.0])]

    monkeypatch.setattr(command, "measure_in_child", measured)
    monkeypatch.setattr(command, "conditions", dict)
    assert command.main(["broken", "sound"], record=False) == 1
    said = capsys.readouterr().out
    assert "broken: FAILED: no wrk\n" in said
    assert "sound " in said
    assert "1 failed, 0 missed" in said
    assert command.main(["sound"], record=False) == 0


def test_a_missed_ratio_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Figure("slow", "commands/s", [1.0], yardstick=Yardstick("theirs", [2.0], at_least=1))
    monkeypatch.setattr(command, "measure_in_child", lambda _name: [slow])
    monkeypatch.setattr(command, "conditions", dict)
    assert command.main(["slow"], record=False) == 1


def test_every_benchmark_is_where_it_is_looked_for() -> None:
    assert all(importlib.util.find_spec(f"benchmarks.{name}") for name in command.ALL)


def test_every_benchmark_is_told_of_with_what_it_is_held_to() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line[:2] == "| "]
    told = {name for cells in rows for name in re.findall(r"`([\w.]+)`", cells[1])}
    assert sorted(set(command.ALL) - told) == []


def test_a_benchmark_that_ends_in_an_error_has_failed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchmarkFailed, match="exit code 1"):
        measure_in_child("no_such_benchmark")
    assert "No module named" in capfd.readouterr().err


def test_a_benchmark_that_takes_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(one_benchmark, "LONGEST_S", 0.2)
    # In the background of a shell that doesn't let it hear of a Ctrl-C, it has to be killed.
    monkeypatch.setattr(one_benchmark, "_GRACE_S", 1)
    with pytest.raises(BenchmarkFailed, match=r"not done after 0\.2 s"):
        measure_in_child("core")
    capfd.readouterr()
