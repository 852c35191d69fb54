"""The bounds of a run, so small that a day of some hundred commands reaches them.

Laws: the bounds keep the proportions that `exchange.messages.bounds` asks of them; they are set in
the modules that read them, for the length of a run.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Final
from unittest import mock

from exchange import engine
from exchange.model import idempotency
from persistence.journal import tables
from persistence.loop import intake, isolation, open_batch, sequencer
from persistence.relay import follower

RECENT_IDS: Final = 150
BATCH_COMMANDS: Final = 48
CHUNK_COMMANDS: Final = 16
_HURRIED: Final = 8
_BATCH: Final = BATCH_COMMANDS // 2
assert RECENT_IDS > 2 * BATCH_COMMANDS > 2 * CHUNK_COMMANDS

_BOUNDS: Final[tuple[tuple[ModuleType, str, int], ...]] = (
    (engine, "RECENT_IDS", RECENT_IDS),
    (idempotency, "RECENT_IDS", RECENT_IDS),
    (idempotency, "BATCH_COMMANDS", BATCH_COMMANDS),
    (tables, "RECENT_IDS", RECENT_IDS),
    (intake, "CHUNK_COMMANDS", CHUNK_COMMANDS),
    (intake, "_MOST_BETWEEN", BATCH_COMMANDS - CHUNK_COMMANDS),
    (open_batch, "BATCH_BOUND", _BATCH),
    (open_batch, "HURRIED_BOUND", _HURRIED),
    (sequencer, "BATCH_BOUND", _BATCH),
    (sequencer, "_LARGE_BATCH", _BATCH // 2),
    (isolation, "BATCH_BOUND", _BATCH),
    (follower, "RELOAD_COMMANDS", CHUNK_COMMANDS),
)


@contextmanager
def tightened() -> Iterator[None]:
    """Set them."""
    with ExitStack() as stack:
        for module, name, value in _BOUNDS:
            stack.enter_context(mock.patch.object(module, name, value))
        yield
