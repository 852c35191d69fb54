"""The terminal's form offers every strategy that is told, with all that it takes."""

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.research.asked.offered import offered

WEB: Final = Path(__file__).parents[4] / "web"
WHOLE_UNITS: Final = {"price", "shares"}
"""Of what the exchange counts; the rest is any number."""


def told() -> dict[str, Any]:
    """Return what `GET /backtests/strategies` says."""
    found = msgspec.json.encode(offered(available=True, tapes=["sample"]))
    shown: dict[str, Any] = json.loads(found)
    return shown


def test_the_forms_tests_have_what_is_told() -> None:
    kept = json.loads((WEB / "tests/backtests/offered.json").read_text("utf-8"))
    assert kept == told()


def test_the_form_has_words_for_each_strategy_and_a_unit_for_each_parameter() -> None:
    form = (WEB / "src/backtests/strategies.ts").read_text("utf-8")
    texts = (WEB / "src/backtests/texts.ts").read_text("utf-8")
    table = form.partition("const UNITS = {")[2].partition("}")[0]
    units = dict(re.findall(r'(\w+): "(\w+)"', table))
    for one in told()["strategies"]:
        assert re.search(rf'"?{one["name"]}"?: "', texts), one["name"]
        assert f'"{one["name"]}"' in form, one["name"]
        for parameter in one["parameters"]:
            name, is_whole = parameter["name"], parameter["kind"] == "integer"
            assert (units[name] in WHOLE_UNITS) is is_whole, name
            assert f"p_{name}:" in texts, name
