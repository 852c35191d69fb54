"""A strategy by its name, or from a file of one's own, and its parameters from the command line.

A file is run as it is: it is the caller's own program, on the caller's own machine.
"""

import importlib.util
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import Strategy

SWEEP_MAX: Final = 1_000
"""Most runs of one sweep."""


class NotLoaded(ValueError):
    """There is no such strategy, or what was given for it can't be read; the text says which."""


def strategy_of(name: str) -> type[Strategy]:
    """Return one of the five, or the one that a file defines; raises NotLoaded."""
    known = STRATEGIES.get(name)
    if known is not None:
        return known
    path = Path(name)
    if path.suffix != ".py":
        raise NotLoaded(f"{name}: neither a file of Python nor one of {', '.join(STRATEGIES)}")
    if not path.is_file():
        raise NotLoaded(f"{name}: there is no such file")
    spec = importlib.util.spec_from_file_location("strategy_of_the_caller", path)
    if spec is None or spec.loader is None:
        raise NotLoaded(f"{name}: can't be loaded")
    module = importlib.util.module_from_spec(spec)
    # Annotations that are texts are looked up in the module, which is found here.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NotLoaded(f"{name}: {type(error).__name__}: {error}") from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise NotLoaded(f"{name}: defines {len(found)} strategies, not one")
    return found[0]


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """Return `k=v` texts as a dictionary; raises NotLoaded."""
    made: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise NotLoaded(f"{option} {text}: must be name=value")
        if name in made:
            raise NotLoaded(f"{option} {text}: {name} is given twice")
        made[name] = value
    return made


def sweep(params: Mapping[str, str], swept: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield every set of parameters that a sweep asks for; raises NotLoaded for too many."""
    both = params.keys() & swept.keys()
    if both:
        raise NotLoaded(f"{', '.join(sorted(both))}: is both set and swept")
    choices = [[(name, value) for value in text.split(",")] for name, text in swept.items()]
    runs = 1
    for choice in choices:
        runs *= len(choice)
    if runs > SWEEP_MAX:
        raise NotLoaded(f"--sweep: {runs} runs are more than {SWEEP_MAX}")
    for chosen in itertools.product(*choices):
        yield {**params, **dict(chosen)}
