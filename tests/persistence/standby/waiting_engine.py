"""A standby beside an engine, and what it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from persistence.standby.lease import Standing
from persistence.standby.standby import Standby
from tests.persistence.running import until


class Heard:
    """Notes what a `StandbyObserver` is told."""

    def __init__(self) -> None:
        self.standing: Standing | None = None
        self.seq = 0
        self.compared_at: list[int] = []
        self.left: list[int] = []
        self.problems: list[str] = []
        self.loads = 0
        self.reasons: list[str] = []

    def followed(self, standing: Standing, seq: int) -> None:
        self.standing, self.seq = standing, seq

    def compared(self, seq: int, state: bytes) -> None:
        assert len(state) == 32
        self.compared_at.append(seq)

    def left_comparing(self, behind: int) -> None:
        self.left.append(behind)

    def loaded(self, seq: int) -> None:
        self.loads += 1

    def differs(self, problem: str) -> None:
        self.problems.append(problem)

    def away(self, reason: str) -> None:
        self.reasons.append(reason)


class Waiting:
    """One that follows."""

    def __init__(self, url: str, **options: Any) -> None:
        self.heard = Heard()
        self.standby = Standby(url, self.heard, **options)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.standby.run())

    async def reaches(self, seq: int) -> None:
        """Wait until it has followed so far."""
        await until(lambda: self.heard.seq >= seq)

    async def is_due(self) -> None:
        async with asyncio.timeout(30):
            await self.standby.due.wait()


@contextlib.asynccontextmanager
async def waiting(url: str, **options: Any) -> AsyncIterator[Waiting]:
    """A standby that follows, until the block ends."""
    one = Waiting(url, **options)
    one.start()
    try:
        yield one
    finally:
        assert one.task is not None
        one.task.cancel()
        await asyncio.wait([one.task])
