"""Work that goes on beside a block and ends with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block and cancel it at its end; a failure is logged at once."""
    task = asyncio.create_task(work)
    task.add_done_callback(_say_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _say_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("background work has failed", exc_info=error)
