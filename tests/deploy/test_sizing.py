"""The sizing page's rows are what its formulas come to, whatever prices one has."""

import math
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "sizing.md"
_ROW = re.compile(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (.+) \|$", re.MULTILINE)
_TAKEN = 1_000
"""Calls a second that one machine was measured to take with a p95 far below 500 ms."""
_WRITES = 0.2


def test_rows_are_what_the_formulas_say() -> None:
    rows = _ROW.findall(PAGE.read_text("utf-8"))
    assert len(rows) >= 4
    for people, calls, rate, orders, machines, cost in rows:
        assert int(rate) == int(people) * int(calls) / 60
        assert int(orders) == int(rate) * _WRITES
        more = 0 if int(rate) <= _TAKEN else math.ceil(int(rate) * (1 - _WRITES) / _TAKEN)
        assert int(machines) == 1 + more
        beside = "" if more == 0 else " + *d* + *r*"
        assert cost == f"{'' if more == 0 else machines}*p*{beside}"


def test_what_was_measured_holds_its_promise() -> None:
    text = PAGE.read_text("utf-8")
    [p95] = re.findall(r"^\| 1000/s \|.*?\| (\d+) ms \| (\d+) ms \|", text, re.MULTILINE)[0][1:]
    assert int(p95) < 500
