"""`probity` that notes where each order was when: a program in the place of `probity`.

What it notes it writes to the file that PROBITY_STAMPS names when it ends (`stamps.Told`). It
stands where tracing would (`gateway/engine_side/ports.EngineTrace`), so a server that isn't this
one has nothing to do with it. Noting an order takes about 3 us of the hundred that it costs.
"""

import asyncio
import gc
import os
import time
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

import msgspec
from starlette.types import ASGIApp

from benchmarks.loads.stamps import FILE, Stamped, Told
from exchange.messages.commands import Command, PlaceOrder
from gateway.bootstrap import compose
from gateway.cli.main import main
from persistence.loop.ports import Answer, CommandPort, EngineObserver

_REMEMBERED: Final = 64
"""Batches: more than can be committed before what is in them is answered."""
_FIELDS: Final = len(Stamped._fields)


class Stamps:
    """Stands where tracing would; see the module."""

    def __init__(self) -> None:
        self.engine = self
        self._orders: dict[int, array[float]] = {}
        self._pauses = array("d")
        self._last_seqs: deque[int] = deque([0], maxlen=_REMEMBERED)
        self._commits: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=_REMEMBERED)
        """When each batch was written, and when it was durable; the first one is none."""
        self._behind_s = time.time() - time.monotonic()

    def requests(self, application: ASGIApp) -> ASGIApp:
        """Leave requests alone."""
        return application

    def observer(self, inner: EngineObserver) -> EngineObserver:
        """Return an observer that hears what `inner` does."""
        return _Observer(inner, self.committed)

    def commands(self, inner: CommandPort) -> CommandPort:
        """Return a way in that notes what goes through it."""
        return _Commands(inner, self.sent)

    def committed(self, seconds: float, last_seq: int) -> None:
        """Note a batch that is durable now."""
        now = time.monotonic()
        self._last_seqs.append(last_seq)
        self._commits.append((now - seconds, now))

    def sent(self, command: Command, future: asyncio.Future[Answer]) -> None:
        """Note an order that was taken."""
        if type(command) is PlaceOrder:
            done = partial(self._answered, command.account_id, time.monotonic())
            future.add_done_callback(done)

    def _answered(self, account_id: int, submitted: float, future: asyncio.Future[Answer]) -> None:
        now, answer = time.monotonic(), future.result()
        place = bisect_left(self._last_seqs, answer.seq)
        (_, before), (written, durable) = self._commits[place - 1], self._commits[place]
        ran = answer.at / 1_000_000 - self._behind_s
        noted = self._orders.setdefault(account_id, array("d"))
        noted.extend((submitted, ran, before, written, durable, now))

    def collected(self, phase: str, _about: dict[str, int]) -> None:
        """Note when the garbage collector begins and when it ends; for `gc.callbacks`."""
        if len(self._pauses) % 2 == (phase == "stop"):
            self._pauses.append(time.monotonic())

    def told(self) -> Told:
        """Return what was noted."""
        orders = {
            account_id: [Stamped(*noted[at : at + _FIELDS]) for at in range(0, len(noted), _FIELDS)]
            for account_id, noted in self._orders.items()
        }
        return Told(orders, list(zip(self._pauses[::2], self._pauses[1::2], strict=False)))


class _Commands:
    """A `CommandPort` that tells what it takes."""

    def __init__(
        self, inner: CommandPort, sent: Callable[[Command, asyncio.Future[Answer]], None]
    ) -> None:
        self._inner = inner
        self._sent = sent

    @property
    def is_open(self) -> bool:
        return self._inner.is_open

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        future = self._inner.submit(command)
        self._sent(command, future)
        return future


class _Observer:
    """An `EngineObserver` that tells of commits."""

    def __init__(self, inner: EngineObserver, told: Callable[[float, int], None]) -> None:
        self._inner = inner
        self._told = told
        self.executed = inner.executed
        self.queued = inner.queued
        self.stalled = inner.stalled

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:
        self._told(seconds, last_seq)
        self._inner.committed(commands, seconds, last_seq, epoch)


def run() -> None:
    """Run `probity` with what is noted of it, and write that."""
    stamps = Stamps()
    gc.callbacks.append(stamps.collected)
    try:
        with patch.object(compose, "open_tracing", lambda *_: stamps):
            main()
    finally:
        gc.callbacks.remove(stamps.collected)
        Path(os.environ[FILE]).write_bytes(msgspec.json.encode(stamps.told()))


if __name__ == "__main__":
    run()
