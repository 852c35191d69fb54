"""Large previews take turns, whoever stops waiting for theirs."""

import asyncio
import threading
from typing import Any, cast

import pytest

from gateway.trading.previews import LargePreviews, Preview


class Slow:
    """A preview that is told when it may be."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def tell(self) -> Any:
        self.has_begun.set()
        assert self.may_end.wait(30)
        return self


async def test_a_turn_ends_with_its_thread_though_its_client_has_left() -> None:
    turns, first, second = LargePreviews(), Slow(), Slow()
    leaving = asyncio.create_task(turns.tell(cast("Preview", first)))
    assert await asyncio.to_thread(first.has_begun.wait, 30)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    staying = asyncio.create_task(turns.tell(cast("Preview", second)))
    await asyncio.sleep(0.1)
    assert not second.has_begun.is_set()
    first.may_end.set()
    second.may_end.set()
    assert cast("object", await staying) is second
