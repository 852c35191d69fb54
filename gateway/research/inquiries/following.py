"""Taking questions through: sent, followed, read; by whoever runs jobs.

    due ── QUEUED:   its intent is stored, it is sent, its run's id is stored; where the same is
       |             asked already it waits for what comes of that
       ├── STARTING: whoever sent it died: UNKNOWN, and never sent again
       ├── RUNNING:  its stream is read, or it is asked after; ended, its result is stored
       └── UNKNOWN:  nothing came for `UNKNOWN_S`: ended, and paid

Laws: a run of ours is paid once: what may have been sent is not sent again. What it held is spent
where the run was or may have been paid, and released where the service refused or failed it. A
service that asks to be left alone for a while is, up to a bound: nothing more is sent to it then. A
stream that ends or breaks costs nothing: the run is asked after, and its stream is read again. What
is under way at once is bounded, each of it in time; what a worker leaves is due again when its
lease ends.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from gateway.jobs.job import Arguments, Job, every
from gateway.jobs.turns import take_turns
from gateway.observability.logs import Logger
from gateway.research.inquiries.outputs import Malformed, Progress, cut, progress_of
from gateway.research.inquiries.parallel import Busy, Lost, Parallel, Run, ServiceFailed, Turned
from gateway.research.inquiries.tallies import ResearchMetrics
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.steps import Begun, Due, InquirySteps

AT_ONCE: Final = 8
SPAN_S: Final = 50.0
"""After so long nothing more is begun by a run of the job; the next one does."""
FOLLOWED_S: Final = 40.0
"""So long at most a stream is read before it is somebody else's turn."""
RUN_S: Final = 180.0
"""What a run of the job may take: `SPAN_S`, and a turn that is begun at its end (a stream, and two
questions of 30 s).
"""
LEASE_S: Final = 120
AGAIN_S: Final = 10
"""A run whose stream ended is asked after again after so long."""
SHARED_S: Final = 3
"""One that waits for the answer of another looks again after so long."""
SAVED_S: Final = 2.0
"""So often at most it is stored how far a run is."""
WAITS_S: Final = (2, 10, 60, 300)
"""Between tries to send what the service had no room for; after the last one it has failed."""
LEFT_ALONE_S: Final = 900
"""So long at most the service is left alone at its word, instead of a shorter wait."""
UNKNOWN_S: Final = 3_600
LONGEST_S: Final = 4 * 3_600
"""A run that goes on for longer has failed."""
PRUNED: Final = 1_000
MESSAGES_KEPT_S: Final = 24 * 3_600
UNSEEN_KEPT_S: Final = 3_600
"""So long what was deleted meanwhile is there for those that waited for its answer."""


class Following:
    """Takes questions through."""

    def __init__(
        self,
        steps: InquirySteps,
        service: Parallel | None,
        metrics: ResearchMetrics,
        logger: Logger,
        *,
        kept_s: int,
        known_s: int,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Without a `service` what is under way waits for one, and ends when its time is over. For
        `known_s` the same question is answered as before.
        """
        self._steps = steps
        self._service = service
        self._metrics = metrics
        self._logger = logger
        self._kept_us = kept_s * MICROSECONDS
        self._known_us = known_s * MICROSECONDS
        self._clock = clock
        self._alone_until = 0
        """Until when the service asked whoever sends here to send nothing more."""

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs: one that goes on, and one that tidies."""
        return (
            Job(name="research", schedule=every(2), run=self.run, time_limit_s=RUN_S, tries=1),
            Job(
                name="research-housekeeping",
                schedule="47 * * * *",
                run=self.prune,
                time_limit_s=600,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Take on what is due, for some time; nothing, if there is nothing."""
        await self.follow()

    async def prune(self, _arguments: Arguments) -> None:
        """Throw away what was answered long ago."""
        now, gone = self._clock(), 0
        while True:
            step = await self._steps.prune(
                now - self._kept_us,
                now - MESSAGES_KEPT_S * MICROSECONDS,
                now - UNSEEN_KEPT_S * MICROSECONDS,
                PRUNED,
            )
            gone += step
            if step < PRUNED:
                break
        self._logger.info("answers of research are tidied", gone=gone)

    async def follow(self, span_s: float = SPAN_S) -> int:
        """Take on what is due and falls due meanwhile; return how many turns went well.

        Raises the first of what went wrong on our side, after all others had their turn.
        """
        return await take_turns(self._take, self._turn, self._failed, span_s=span_s)

    async def _take(self, under_way: Collection[Due]) -> list[Due]:
        free, now = AT_ONCE - len(under_way), self._clock()
        if free == 0:
            return []
        again_at = now + LEASE_S * MICROSECONDS
        return await self._steps.take(now, again_at, [due.id for due in under_way], free)

    async def _turn(self, due: Due) -> int:
        await self._step(due)
        return 1

    def _failed(self, due: Due, error: Exception) -> None:
        self._logger.error("research went wrong", research=due.id, exc_info=error)

    async def _step(self, due: Due) -> None:
        now = self._clock()
        if due.status == "STARTING":
            await self._steps.lost(due.id, now, now + UNKNOWN_S * MICROSECONDS)
        elif due.status == "UNKNOWN":
            lost = "its answer was lost; it may have been paid"
            await self._end(due, "UNKNOWN", lost, is_paid=True)
        elif now - (due.started_at or due.created_at) > LONGEST_S * MICROSECONDS:
            is_paid = due.status == "RUNNING"
            await self._end(due, due.status, "it took too long", is_paid=is_paid)
        elif self._service is None:
            await self._steps.due_at(due.id, now + 60 * MICROSECONDS)
        elif due.status == "QUEUED":
            await self._send(self._service, due)
        elif due.run_id is not None:
            await self._follow(self._service, due, due.run_id)

    async def _send(self, service: Parallel, due: Due) -> None:
        now = self._clock()
        # Else not a try of this one's: it would be refused like the one that was told so.
        may_send = now >= self._alone_until
        begun = await self._steps.begin(due.id, now, self._known_us, may_send=may_send)
        if begun is Begun.WAIT:
            await self._steps.due_at(due.id, now + SHARED_S * MICROSECONDS)
        elif begun is Begun.LATER:
            await self._steps.due_at(due.id, self._alone_until)
        if begun is not Begun.SEND:
            return
        try:
            run = await service.begin(due.input, due.processor, due.format, due.token)
        except Turned as refusal:
            await self._end(due, "STARTING", str(refusal), is_paid=False)
        except Busy as failure:
            now = self._clock()
            self._alone_until = max(self._alone_until, now + _wait_us(0, failure))
            if due.tries >= len(WAITS_S):
                await self._end(due, "STARTING", str(failure), is_paid=False)
                return
            until = max(now + WAITS_S[due.tries] * MICROSECONDS, self._alone_until)
            await self._steps.put_off(due.id, now, until)
        except Lost:
            now = self._clock()
            await self._steps.lost(due.id, now, now + UNKNOWN_S * MICROSECONDS)
            self._metrics.ended("lost")
        else:
            await self._steps.has_run(due.id, self._clock(), run.id)

    async def _follow(self, service: Parallel, due: Due, run_id: str) -> None:
        """Read a run's stream, then ask how it stands, and store what came of it if it ended."""
        try:
            async with asyncio.timeout(FOLLOWED_S):
                await self._read_stream(service, due, run_id)
        except (Busy, TimeoutError):
            pass  # The stream is for show; how the run stands is asked.
        try:
            run = await service.run(run_id)
            if run.is_active:
                await self._steps.due_at(due.id, self._clock() + AGAIN_S * MICROSECONDS)
            elif run.status == "completed":
                answer = await service.result(run_id)
                if await self._steps.complete(due.id, self._clock(), answer):
                    self._metrics.ended("completed")
            else:
                reason = run.error or f"the service says that it is {cut(run.status, 40)}"
                await self._end(due, "RUNNING", reason, is_paid=False)
        except (Turned, Malformed) as failure:
            # It was paid, and nobody will ever be able to read it.
            await self._end(due, "RUNNING", str(failure), is_paid=True)
        except ServiceFailed as failure:
            await self._steps.due_at(due.id, self._clock() + _wait_us(AGAIN_S, failure))

    async def _read_stream(self, service: Parallel, due: Due, run_id: str) -> None:
        """Store how far a run is as its stream says, until that ends or says that the run has."""
        loop, progress, saved, saved_at = asyncio.get_running_loop(), Progress(), Progress(), 0.0
        async with service.events(run_id) as events:
            async for event in events:
                if _has_ended(event):
                    return
                progress = progress_of(event, progress)
                if progress == saved or loop.time() - saved_at < SAVED_S:
                    continue
                saved, saved_at, now = progress, loop.time(), self._clock()
                text = msgspec.json.encode(progress).decode()
                again_at = now + LEASE_S * MICROSECONDS
                if not await self._steps.progress(due.id, now, text, again_at):
                    return

    async def _end(self, due: Due, status: str, error: str, *, is_paid: bool) -> None:
        if await self._steps.fail(due.id, status, self._clock(), error, is_paid=is_paid):
            self._metrics.ended("failed")


def _has_ended(event: dict[str, Any]) -> bool:
    """Whether an event says that its run goes on no more; what it says is asked anyhow."""
    if event.get("type") != "task_run.state":
        return False
    try:
        return not Run(event.get("run")).is_active
    except Malformed:
        return False


def _wait_us(least_s: float, failure: ServiceFailed) -> int:
    """Return how long to wait after a failure, in microseconds: as long as the service asked for,
    up to the bound, and at least `least_s`.
    """
    asked_s = failure.wait_s if isinstance(failure, Busy) else 0.0
    return round(max(least_s, min(asked_s, LEFT_ALONE_S)) * MICROSECONDS)
