"""The benchmark of backtests: what it holds itself to, with and without the peer."""

from pathlib import Path

import msgspec
import pytest

from benchmarks import __main__ as command
from benchmarks.__main__ import ALL
from benchmarks.backtest import measuring as backtest
from benchmarks.backtest.measuring import Round
from benchmarks.harness import plots, results


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backtest, "STEPS", 400)
    monkeypatch.setattr(backtest, "CORE_STEPS", 500)
    monkeypatch.setattr(backtest, "ROUNDS", 1)
    monkeypatch.setattr(backtest, "PACKAGES", tmp_path)


def test_without_the_peer_it_says_so_and_holds_itself_to_the_core() -> None:
    speed, sent, tape = backtest.measure()
    assert speed.yardstick is not None
    assert (speed.unit, speed.yardstick.at_least) == ("commands/s", 0.3)
    assert sent.is_met, "a maker that sleeps would be quick"
    assert sent.median > backtest.SENT_AT_LEAST
    assert (tape.yardstick, "not installed" in tape.note) == (None, True)


def test_what_it_measures_is_recorded_and_read_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`make bench` runs it among all, and each of its figures becomes a row that is held."""
    path = tmp_path / "RESULTS.md"
    path.write_text("# Recorded runs\n", encoding="utf-8")
    append = results.append
    monkeypatch.setattr(results, "append", lambda run: append(run, path))
    monkeypatch.setattr(plots, "draw", lambda: "no plots")
    monkeypatch.setattr(command, "conditions", lambda: {"machine": "one"})
    monkeypatch.setattr(command, "ALL", ("backtest",))
    monkeypatch.setattr(command, "measure_in_child", lambda _name: backtest.measure())
    assert "backtest" in ALL
    command.main([], record=True)
    (recorded,) = results.read(path)
    rate, sent, tape = recorded.rows
    assert (rate.unit, sent.unit, tape.unit) == ("commands/s", "a 1 000 events", "events/s")
    assert rate.times is not None
    assert sent.times is not None
    assert sent.times >= 1
    assert tape.times is None


def test_the_peer_is_told_with_what_it_models(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hftbacktest").mkdir()
    program = tmp_path / "benchmarks" / "backtest"
    program.mkdir(parents=True)
    for folder in (program, program.parent):
        (folder / "__init__.py").touch()
    said = msgspec.json.encode(Round(0.5, 300, 7, "2.4")).decode()
    (program / "hftbacktest_peer.py").write_text(
        f"import sys\nfor _ in sys.stdin:\n    print('{said}', flush=True)\n"
    )
    monkeypatch.setattr(backtest, "ROOT", tmp_path)
    *_, tape = backtest.measure()
    assert tape.yardstick is not None
    assert tape.yardstick.held == "", "only told"
    assert "without accounts" in tape.note
    assert "7 trades" in tape.note
