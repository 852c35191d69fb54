"""Work that is left where it is as soon as something else has to be done.

Law: it is the work's to bear that: what it holds belongs to whoever goes on.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def beside(work: Coroutine[Any, Any, None], watch: Coroutine[Any, Any, None]) -> None:
    """Do `work` to its end, or until `watch` ends, whichever is first; raises what `work` does."""
    tasks = [asyncio.create_task(work), asyncio.create_task(watch)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
