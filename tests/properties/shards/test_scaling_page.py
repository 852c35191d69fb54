"""The table of docs/scaling.md is what its formulas and figures come to."""

import math
import re
from pathlib import Path
from typing import Final

TEXT: Final = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text("utf-8")
_ROW: Final = re.compile(
    r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \| (.+) \|$", re.MULTILINE
)


def figure(words: str) -> int:
    """Return a measured figure of the page."""
    [found] = re.findall(rf"^\| {words}[^|]*\| (\d+)", TEXT, re.MULTILINE)
    return int(found)


def test_rows_are_what_the_formulas_say() -> None:
    an_engine, a_gateway = figure("durable orders a second"), figure("sockets of one gateway")
    a_trade = figure("disk of a trade")
    rows = _ROW.findall(TEXT)
    assert [int(row[0]) for row in rows] == [10_000, 100_000, 500_000, 1_000_000]
    for people, at_once, orders, engines, gateways, trades, disk, cost in rows:
        assert int(at_once) == int(people) // 20
        assert int(orders) == int(at_once) // 20
        assert int(engines) == math.ceil(int(orders) / an_engine)
        assert int(gateways) == math.ceil(int(at_once) / a_gateway)
        assert int(trades) == int(orders) * 86_400 // 4
        assert float(disk) == round(365 * int(trades) * a_trade / 1e12, 1)
        machines = 2 * int(engines) + int(gateways) + 1
        databases = "" if engines == "1" else engines
        assert cost == f"{machines}*p* + {databases}*d* + *r* + {disk}*s*"


def test_every_planted_bug_is_told() -> None:
    [said] = re.findall(r"(\w+) planted bugs", TEXT)
    assert said == "Seven"
