"""What becomes of a command, as spans, seen from where it is sent.

::

    command            sent ---------------------------------------------------> answered
      queue            sent ------> run
      batch                         run ------> written
      commit                                    written ------> durable
      publish                                                   durable ------> answered

Laws: the engine knows nothing of this; when a command ran is told by its answer, when its batch was
committed by what the metrics hear. Only its kind, its number and its batch's size are told: nothing
of whose it is or what it asks for.
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from functools import partial
from time import time_ns
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import Span, StatusCode, Tracer, get_current_span, set_span_in_context

from exchange.messages.commands import Command
from persistence.loop.ports import Answer, CommandPort, EngineObserver

_REMEMBERED: Final = 256
"""Batches: more than can be committed before what is in them is answered."""
_NANOSECONDS: Final = 1_000_000_000


class TracedEngine:
    """Watches one engine: makes the two ends that it is seen by."""

    def __init__(self, tracer: Tracer, clock: Callable[[], int] = time_ns) -> None:
        """Make spans by `tracer`; `clock` tells nanoseconds since the epoch."""
        self._tracer = tracer
        self._clock = clock
        self._last_seqs: deque[int] = deque(maxlen=_REMEMBERED)
        self._commits: deque[tuple[int, int, int]] = deque(maxlen=_REMEMBERED)
        """Of each batch, by its last command: how many there are, and the commit in nanoseconds."""

    def observer(self, inner: EngineObserver) -> EngineObserver:
        """Return an observer that hears what `inner` does."""
        return _Observer(inner, self)

    def commands(self, inner: CommandPort) -> CommandPort:
        """Return a way in that traces what goes through it."""
        return _Commands(inner, self)

    def committed(self, commands: int, seconds: float, last_seq: int) -> None:
        """Note a batch that is durable now."""
        ended = self._clock()
        self._last_seqs.append(last_seq)
        self._commits.append((commands, ended - round(seconds * _NANOSECONDS), ended))

    def sent(self, command: Command, future: asyncio.Future[Answer]) -> None:
        """Note a command that was taken, and follow it if its trace is recorded."""
        parent = get_current_span().get_span_context()
        if parent.is_valid and not parent.trace_flags.sampled:
            return
        done = partial(self._answered, type(command).__name__, self._clock(), get_current())
        future.add_done_callback(done)

    def _answered(
        self, kind: str, sent: int, context: Context, future: asyncio.Future[Answer]
    ) -> None:
        now = self._clock()
        whole = self._tracer.start_span(
            "command", context, attributes={"probity.command": kind}, start_time=sent
        )
        if whole.is_recording():
            self._tell(whole, sent, now, future)
        whole.end(now)

    def _tell(self, whole: Span, sent: int, now: int, future: asyncio.Future[Answer]) -> None:
        if future.cancelled():
            return  # whoever waited has gone; it went on
        error = future.exception()
        if error is not None:
            whole.set_status(StatusCode.ERROR, type(error).__name__)
            return
        answer = future.result()
        whole.set_attributes({"probity.seq": answer.seq, "probity.replayed": answer.replayed})
        place = bisect_left(self._last_seqs, answer.seq)
        if answer.replayed or place == len(self._last_seqs):
            return
        commands, began, durable = self._commits[place]
        if answer.seq <= self._last_seqs[place] - commands:
            return  # of a batch that was committed one by one
        ran = min(max(answer.at * 1_000, sent), began)
        inside = set_span_in_context(whole)
        for name, start, end in (
            ("queue", sent, ran),
            ("batch", ran, began),
            ("commit", began, durable),
            ("publish", durable, now),
        ):
            part = self._tracer.start_span(name, inside, start_time=start)
            if name == "commit":
                part.set_attribute("probity.batch.commands", commands)
            part.end(max(start, end))


class _Commands:
    """A `CommandPort` that tells a `TracedEngine` what it takes."""

    def __init__(self, inner: CommandPort, traced: TracedEngine) -> None:
        self._inner = inner
        self._traced = traced

    @property
    def is_open(self) -> bool:
        return self._inner.is_open

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        future = self._inner.submit(command)
        self._traced.sent(command, future)
        return future


class _Observer:
    """An `EngineObserver` that tells a `TracedEngine` of commits."""

    def __init__(self, inner: EngineObserver, traced: TracedEngine) -> None:
        self._traced = traced
        self._inner = inner
        self.executed = inner.executed
        self.queued = inner.queued
        self.stalled = inner.stalled

    def committed(self, commands: int, seconds: float, last_seq: int, epoch: int) -> None:
        self._traced.committed(commands, seconds, last_seq)
        self._inner.committed(commands, seconds, last_seq, epoch)
