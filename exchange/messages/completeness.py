"""Whoever has a table of messages or words asks here, at import, whether it deals with them all.

A forgotten one is then an error of the start that names it, not a KeyError under trade.
"""

from collections.abc import Iterable
from enum import EnumMeta
from typing import Any, get_args

from exchange.messages.errors import InvariantViolated


def require_all(kinds: Any, keys: Iterable[Any], table: str) -> None:  # noqa: ANN401 - a union has no type
    """Raise InvariantViolated, naming them, unless `keys` are all of `kinds`, each once.

    Args:
        kinds: a union of messages (`Command`, `Event`) or an Enum.
        keys: of the table, or of several that share the kinds among them.
        table: what it is called in the error.
    """
    wanted = list(kinds) if isinstance(kinds, EnumMeta) else list(get_args(kinds))
    found = list(keys)
    problems = {
        "misses": [kind for kind in wanted if kind not in found],
        "repeats": [kind for kind in wanted if found.count(kind) > 1],
        "has a stranger": [kind for kind in found if kind not in wanted],
    }
    for problem, which in problems.items():
        if which:
            names = ", ".join(getattr(kind, "name", None) or kind.__name__ for kind in which)
            raise InvariantViolated(f"{table} {problem}: {names}")
