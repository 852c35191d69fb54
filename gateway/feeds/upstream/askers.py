"""On whose behalf a venue is asked: a job's, which keeps everything young, or a reader's.

Readers may be many, and what each asks for is their choice; so what they ask of an address has a
share of our own limit there (`Bounds.readers_share`), and the rest is the jobs' alone. Who asks is
known by the context of the call, since between the two lies a venue's client, which needn't know.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_IS_READER: Final = ContextVar("a reader asks a venue", default=False)


@contextmanager
def for_a_reader() -> Iterator[None]:
    """Count what is asked in the block to the readers' share."""
    token = _IS_READER.set(True)
    try:
        yield
    finally:
        _IS_READER.reset(token)


def is_for_a_reader() -> bool:
    """Say whether a reader waits for what is asked now."""
    return _IS_READER.get()
