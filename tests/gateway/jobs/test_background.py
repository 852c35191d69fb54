"""Work beside a block: it ends with the block, and a failure isn't kept until then."""

import asyncio
import logging

import pytest

from gateway.jobs.background import in_background
from tests.gateway.waiting import eventually


async def test_it_ends_with_the_block() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with in_background(work()):
        await asyncio.wait_for(started.wait(), 5)
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_failure_is_said_while_the_block_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise LookupError("no such room")

    async with in_background(work()):
        await eventually(lambda: caplog.records, seconds=5)
    (said,) = caplog.records
    assert (said.levelno, said.getMessage()) == (logging.ERROR, "background work has failed")
