"""Whether the rules run compiled (in a wheel, docs/decisions/0009) or as they are written here."""

from typing import Final

from exchange import engine

COMPILED: Final = not engine.__file__.endswith(".py")
