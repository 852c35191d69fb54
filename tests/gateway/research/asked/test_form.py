"""The terminal's form knows of the strategies what they declare: names, bounds, defaults."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from gateway.research.strategies import STRATEGIES

TABLE: Final = Path(__file__).parents[4] / "web/src/backtests/strategies.json"
WHOLE_UNITS: Final = {"price", "shares"}
"""Of what the exchange counts; the rest is any number."""


def declared(name: str) -> dict[str, dict[str, Any]]:
    """Return what a strategy declares of each parameter, as the form has it."""
    found = msgspec.inspect.type_info(STRATEGIES[name].Parameters)
    assert isinstance(found, msgspec.inspect.StructType)
    told: dict[str, dict[str, Any]] = {}
    for field in found.fields:
        of = field.type
        assert isinstance(of, msgspec.inspect.IntType | msgspec.inspect.FloatType)
        told[field.encode_name] = {
            "is_whole": isinstance(of, msgspec.inspect.IntType),
            "least": of.gt if of.ge is None else of.ge,
            "isAbove": of.ge is None,
            "most": of.le,
            "default": field.default,
        }
    return told


def written() -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))
    return table


def test_the_form_has_every_strategy_in_its_order() -> None:
    assert [one["name"] for one in written()] == list(STRATEGIES)


@pytest.mark.parametrize("strategy", written(), ids=lambda one: str(one["name"]))
def test_the_form_has_what_a_strategy_declares(strategy: dict[str, Any]) -> None:
    told = {
        one["name"]: {
            "is_whole": one["unit"] in WHOLE_UNITS,
            **{key: one[key] for key in ("least", "isAbove", "most", "default")},
        }
        for one in strategy["parameters"]
    }
    assert told == declared(strategy["name"])
