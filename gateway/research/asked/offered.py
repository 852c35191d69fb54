"""What may be asked for: the strategies with their parameters, and the tapes that there are.

Laws: what a strategy takes is read from its declaration (`Strategy.Parameters`), which is what a
request is checked by (`bodies.py`); so what is told is what is taken.
"""

from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.research.asked.plan import tape_name
from gateway.research.playing import SAMPLE
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import Strategy
from gateway.wire.strict_json import AnswerStruct

TAPES_MAX: Final = 1_000
_LOOKED_AT: Final = 10_000
"""Entries of the operator's folder."""

Kind = Literal["integer", "number"]


class ParameterView(AnswerStruct, frozen=True):
    """A parameter of a strategy: a whole number (`integer`) or any, what it is unless it is given,
    and its bounds, as JSON Schema names them; null for one that isn't there.
    """

    name: str
    kind: Kind
    default: int | float
    minimum: int | float | None
    exclusive_minimum: int | float | None
    maximum: int | float | None


class StrategyView(AnswerStruct, frozen=True):
    """A strategy by its name, what it does, and what it takes."""

    name: str
    title: str
    parameters: list[ParameterView]


class OfferedView(AnswerStruct, frozen=True):
    """What `POST /backtests` may name; without `available` it is answered 503.

    `tapes` are `sample`, which is made up, and those of the operator by name, at most 1 000.
    """

    available: bool
    strategies: list[StrategyView]
    tapes: list[str]


def offered(*, available: bool, tapes: list[str]) -> OfferedView:
    """Return all that may be asked for."""
    return OfferedView(available, _STRATEGIES, tapes)


def tapes_in(folder: Path | None) -> list[str]:
    """Return the names of tapes: the sample, and those in a folder, which is read."""
    if folder is None:
        return [SAMPLE]
    try:
        found = {tape_name(path) for path in islice(folder.iterdir(), _LOOKED_AT)}
    except OSError:
        found = set()
    names = sorted(name for name in found if name is not None and name != SAMPLE)
    return [SAMPLE, *names[: TAPES_MAX - 1]]


def _strategy(name: str, strategy: type[Strategy]) -> StrategyView:
    declared = msgspec.inspect.type_info(strategy.Parameters)
    if not isinstance(declared, msgspec.inspect.StructType):
        raise TypeError(f"{name} declares no parameters")
    return StrategyView(name, strategy.title, [_parameter(field) for field in declared.fields])


def _parameter(field: msgspec.inspect.Field) -> ParameterView:
    told, default = field.type, field.default
    is_whole = isinstance(told, msgspec.inspect.IntType)
    if not isinstance(told, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        raise TypeError(f"{field.name} is no number")
    if not isinstance(default, int | float):
        raise TypeError(f"{field.name} has no default")
    kind: Kind = "integer" if is_whole else "number"
    return ParameterView(field.encode_name, kind, default, told.ge, told.gt, told.le)


_STRATEGIES: Final = [_strategy(name, strategy) for name, strategy in STRATEGIES.items()]
