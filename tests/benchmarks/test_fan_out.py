"""The fan-out's two servers start as they are and deliver to whoever subscribed."""

import sys

import pytest

from benchmarks import fan_out


@pytest.mark.parametrize("batch", [fan_out.THEIRS, 8])
def test_what_is_published_arrives(batch: int) -> None:
    rate, note = fan_out.one_round(batch, seconds=2.5)
    assert rate > 10
    assert "of the server's CPU each" in note


def test_a_server_that_ends_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(RuntimeError, match="ended before it listened"):
        fan_out.one_round(8)
