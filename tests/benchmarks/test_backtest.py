"""The benchmark of backtests: what it holds itself to, with and without the peer."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.backtest import measuring as backtest
from benchmarks.backtest.measuring import Round


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
