"""The engine's loop: commands come out of the queue, run, are committed, visible, and answered.

::

    queue -> intake: look up forgotten ids -> run -> growing batch -> seal -> commit
                                                                                |
    answer <- listeners <- committed view <-------------------------------------+

Laws: batch k+1 runs while k commits, and nothing of it is visible before its own commit; the
growing batch is sealed when the connection is free, and before that if it is full, or large with
nothing at hand to grow by; timers run also when no command comes; a chunk never keeps the event
loop longer than a millisecond or two. What PostgreSQL refuses for certain is isolated
(`isolation`); a database that is silent is waited for, but nobody is made to wait with it
(`stall`); everything else that fails ends the engine: nothing more is answered but "unknown",
`failed` is set, and the process exits and recovers.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from exchange.engine import Engine
from exchange.messages.commands import Command
from exchange.proof.running_balances import RunningBalances
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import (
    BatchRefused,
    DatabaseUnavailable,
    EngineClosed,
    EngineStalled,
    OutcomeUnknown,
)
from persistence.journal.journal import SealedBatch
from persistence.journal.segments.segments import Segments
from persistence.journal.tip import Tip
from persistence.loop.alarm import Alarm
from persistence.loop.authority import current_authority
from persistence.loop.client_ids.known_ids import KnownIds
from persistence.loop.command_queue import (
    QUEUE_COMMANDS,
    CommandQueue,
    Waiting,
    refuse_unstorable_text,
)
from persistence.loop.committed_view import TURN_S, CommittedView
from persistence.loop.first_answers import refuse
from persistence.loop.intake import Intake
from persistence.loop.isolation import rerun_alone
from persistence.loop.left_work import LeftWork
from persistence.loop.open_batch import BATCH_BOUND, Batch
from persistence.loop.ports import (
    Answer,
    BatchListener,
    EngineObserver,
    ExecutionListener,
    Unobserved,
)
from persistence.loop.recovery import Recovered
from persistence.loop.running_order import RunningOrder
from persistence.loop.stall import COMMIT_TIMEOUT_S, StallWatch
from persistence.postgres.database import Fetching

_LARGE_BATCH: Final = BATCH_BOUND // 2
_CLOSE_TIMEOUT_S: Final = 2.0
_SILENT_S: Final = 1.0
"""An answer that takes so long is no matter of load."""
_LONGEST_WAIT_S: Final = 0.5
"""The clock may be set, and a database may fall silent: look so often."""


class Sequencer:
    """A running engine; implements `ports.CommandPort`. Made from what recovery gives."""

    def __init__(
        self,
        recovered: Recovered,
        store: Fetching,
        *,
        listeners: Sequence[ExecutionListener] = (),
        batch_listeners: Sequence[BatchListener] = (),
        observer: EngineObserver | None = None,
        clock: Callable[[], int] = now_us,
        queue_bound: int = QUEUE_COMMANDS,
        commit_timeout_s: float = COMMIT_TIMEOUT_S,
        segments: Segments | None = None,
    ) -> None:
        """Take over the engine.

        Args:
            recovered: the states and the dedicated connection; closed by `stop`.
            store: a pool for looking up client ids and first answers.
            listeners: told of every committed command, in order.
            batch_listeners: told of every committed batch, in order.
            observer: told of batches, for metrics.
            clock: microseconds since the Unix epoch; may jump.
            queue_bound: the most commands that wait.
            commit_timeout_s: how long a silent database may keep anybody waiting.
            segments: of the journal, for first answers of long ago; as `JournalSource`.
        """
        # Asked for once: finding the running loop is a system call in Python 3.11.
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[BaseException] = self._loop.create_future()
        """Done when the engine can't go on, with the reason."""
        self._recovered = recovered
        self._journal = recovered.journal
        self._engine = Engine(recovered.live)
        self._balances = RunningBalances(recovered.live)
        self._store = store
        self._batch_listeners = list(batch_listeners)
        self._publisher = CommittedView(recovered.view, store, listeners, segments)
        self._observer: EngineObserver = observer or Unobserved()
        self._clock = clock
        self._queue = CommandQueue(queue_bound)
        self._known_ids = KnownIds(store)
        self._intake = Intake(self._queue, store, self._known_ids, self._wake)
        self._left = LeftWork()
        self._order = RunningOrder(self._intake)
        self._batch = Batch()
        self._in_flight: Batch | None = None
        self._committed: deque[Batch] = deque()
        """Waiting to be published; few, since nothing more runs before they are."""
        self._commit: asyncio.Task[None] | None = None
        self._unanswered: Sequence[asyncio.Future[Answer] | None] = ()
        """Of the batch that is being published, or of those that are being isolated."""
        self._wakeup = asyncio.Event()
        self._alarm = Alarm(self._loop, self._wakeup.set)
        self._draining = False
        self._watch = StallWatch(
            self._asked_at, commit_timeout_s, self._observer, self._tell_unknown, self._abandon
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return self._is_running and not self._watch.is_stalled

    @property
    def _is_running(self) -> bool:
        return self._task is not None and not self._draining and not self.failed.done()

    def start(self) -> None:
        """Begin to work."""
        self._watch.start()
        self._known_ids.start()
        self._task = asyncio.create_task(self._run(), name="sequencer")

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        """Enqueue a command; see `ports.CommandPort`.

        Raises:
            ValueError: a text in it can't be encoded; the edge should have refused it.
        """
        if not self._is_running:
            raise EngineClosed("the engine takes no commands")
        if self._watch.is_shut:
            self._watch.look()
            if self._watch.is_shut:
                raise EngineStalled("the engine's database doesn't answer, nothing was done")
        refuse_unstorable_text(command)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._queue.put(Waiting(command, future, current_authority()))
        self._wakeup.set()
        return future

    async def drain(self) -> None:
        """Take nothing more, and return when everything that was taken is answered."""
        self._draining = True
        self._wakeup.set()
        if self._task is not None:
            await asyncio.shield(self._task)
        await self._publisher.close()
        await self._known_ids.close()

    async def stop(self) -> None:
        """Drain, write the tip, and let the lead go."""
        await self.drain()
        self._alarm.stop()
        self._watch.close()
        if self._recovered.tip is not None:
            await self._recovered.tip.close()
        if self.failed.done():
            self._recovered.connection.terminate()
            await asyncio.sleep(0)
        else:
            # One that falls silent now is cut.
            with contextlib.suppress(TimeoutError):
                await self._recovered.connection.close(timeout=_CLOSE_TIMEOUT_S)

    async def _run(self) -> None:
        try:
            while await self._turn():
                pass
        except Exception as error:  # noqa: BLE001 - the engine's outermost boundary: it ends here
            self._fail(error)

    async def _turn(self) -> bool:
        """Do what can be done now, or wait; False when drained."""
        self._wakeup.clear()
        worked = await self._publish_committed()
        if worked:
            # The answers are made in the next turn of the loop and written in the one after it:
            # what runs now can wait for them, since its commit comes behind the one under way.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        worked |= await self._finish_commit()
        if self._intake.fill(self._engine.state):
            self._observer.queued(len(self._queue))
        worked |= self._execute()
        worked |= self._start_commit() or self._seal_early()
        due = self._order.has_own(self._engine.state)
        if worked and (self._committed or len(self._intake) or len(self._queue) or due):
            await asyncio.sleep(0)
        elif self._draining and self._is_idle():
            return False
        else:
            if self._commit is None:
                self._ask_for_life()
            await self._wait()
        return True

    def _execute(self) -> bool:
        """Run what fits into one turn of the event loop, in its `RunningOrder`."""
        # Time may have been later than the clock is: what was due then has run.
        at = max(self._clock(), self._engine.state.now)
        timers = self._engine.state.timers
        left = self._left.is_due(timers, at)
        if not self._batch.can_grow or not (self._order.has_next(self._engine.state, at) or left):
            return False
        engine, balances, batch = self._engine, self._balances, self._batch
        before, started = len(batch), time.monotonic()
        while True:
            self._order.run_next(batch, engine, balances, at)
            elapsed = time.monotonic() - started
            if elapsed > TURN_S or not batch.can_grow:
                break
            if not self._order.has_next(engine.state, at):
                break
            at = max(self._clock(), engine.state.now)
        if left and batch.can_grow and not (timers.is_due(at) or engine.state.volatile):
            self._left.run(batch, engine, balances, at)
        self._observer.executed(len(self._batch) - before, elapsed)
        return True

    def _start_commit(self) -> bool:
        """Write what there is if the connection is free."""
        if self._commit is not None or not len(self._batch):
            return False
        self._commit = asyncio.create_task(self._commit_batches())
        self._commit.add_done_callback(self._wake)
        return True

    async def _commit_batches(self) -> None:
        """Commit batch after batch, each as soon as the one before it is; stop when none is left.

        A task of its own, so that the database doesn't wait while a batch is published; nobody
        cancels it.
        """
        while len(self._batch):
            self._in_flight = self._batch
            self._batch = Batch(is_hurried=self._intake.is_hurried)
            sealed = self._in_flight.sealed or self._seal(self._in_flight)
            started = time.monotonic()
            await self._journal.write(sealed)
            elapsed = time.monotonic() - started
            commands = sealed.last_seq - sealed.first_seq + 1
            self._observer.committed(commands, elapsed, sealed.last_seq, self._journal.epoch)
            self._note_commit(sealed)
            self._committed.append(self._in_flight)
            self._in_flight = None
            self._wakeup.set()

    def _ask_for_life(self) -> None:
        """See that the database is there, with a question of its own if there is no other."""
        if self._recovered.connection.is_closed():
            raise OutcomeUnknown("the database ended the engine's session")
        if time.monotonic() - self._journal.heard_at >= _LONGEST_WAIT_S and not self._draining:
            self._commit = asyncio.create_task(self._journal.ping())
            self._commit.add_done_callback(self._wake)

    def _seal_early(self) -> bool:
        """Seal a batch that is full, or large with nothing at hand to grow by, so that the database
        need not wait for it later.
        """
        batch = self._batch
        idle = not len(self._queue) and self._intake.is_idle
        if batch.sealed is not None or batch.operations < (_LARGE_BATCH if idle else BATCH_BOUND):
            return False
        self._seal(batch)
        return True

    def _seal(self, batch: Batch) -> SealedBatch:
        return batch.seal(self._engine, self._balances, self._journal)

    async def _publish_committed(self) -> bool:
        """Make what is committed visible and answer it, in order."""
        worked = bool(self._committed)
        while self._committed:
            batch = self._committed.popleft()
            self._unanswered = batch.futures
            await self._publisher.publish(batch)
            self._unanswered = ()
        return worked

    async def _finish_commit(self) -> bool:
        """See how the writing of batches ended, once everything committed is published."""
        if self._commit is None or not self._commit.done():
            return False
        commit, self._commit = self._commit, None
        try:
            commit.result()
        except BatchRefused:
            await self._isolate()
        return True

    async def _isolate(self) -> None:
        """Run the commands of a refused batch, and of the one built upon it, one by one."""
        refused = [] if self._in_flight is None else [*self._in_flight.commands()]
        waiting = [*refused, *self._batch.commands()]
        self._unanswered = [item.future for item in waiting]
        self._journal.reach(self._batch.reached)  # which was never sealed
        self._in_flight, self._batch = None, Batch()
        self._engine.state.dismantle()
        async for engine, balances, batch in rerun_alone(
            self._recovered.connection, self._journal, waiting, self._clock
        ):
            self._engine, self._balances = engine, balances
            if batch is not None and batch.sealed is not None:
                self._note_commit(batch.sealed)
                await self._publisher.publish(batch)
        self._unanswered = ()

    def _note_commit(self, sealed: SealedBatch) -> None:
        if self._recovered.tip is not None:
            self._recovered.tip.committed(Tip(sealed.last_seq, sealed.hash))
        for listener in self._batch_listeners:
            listener.on_batch(sealed.row())

    def _is_idle(self) -> bool:
        return self._intake.is_idle and not (
            len(self._queue) or len(self._batch) or self._commit is not None or self._committed
        )

    async def _wait(self) -> None:
        """Sleep until there is something to do, at the latest until the next timer is due."""
        delay = _LONGEST_WAIT_S
        state = self._engine.state
        now = max(self._clock(), state.now)
        if self._batch.can_grow:
            due = state.timers.next_due(now + round(_LONGEST_WAIT_S * MICROSECONDS))
            delay = delay if due is None else max(due - now, 0) / MICROSECONDS
            left = self._left.delay(state.timers, now)
            delay = delay if left is None else min(delay, left)
        self._alarm.within(delay)
        await self._wakeup.wait()

    def _wake(self, _done: object) -> None:
        self._wakeup.set()

    def _fail(self, cause: BaseException) -> None:
        """End: everybody who waits hears that the outcome is unknown, nothing more is written."""
        self.failed.set_result(cause)
        self._refuse_all(cause)

    def _refuse_all(self, cause: BaseException) -> None:
        """Tell everybody who waits that the outcome is unknown; what hasn't run never will."""
        waiting = list(self._unanswered)
        for batch in (*self._committed, self._in_flight, self._batch):
            if batch is not None:
                waiting += batch.futures
        waiting += [item.future for item in self._intake.abandon()]
        waiting += [item.future for item in self._queue.take(len(self._queue))]
        for future in waiting:
            if future is not None:
                refuse(future, cause)

    # -- a silent database ----------------------------------------------------------------------

    def _asked_at(self) -> float | None:
        """Return since when a question of the engine's own session is open; look-ups of client ids
        go by the pool, which may just be busy: they count while the session is silent too.
        """
        asked, looked_up = self._journal.asked_at, self._intake.asked_at
        if asked is None or looked_up is None or time.monotonic() - asked < _SILENT_S:
            return asked
        return min(asked, looked_up)

    def _tell_unknown(self) -> None:
        self._refuse_all(DatabaseUnavailable("the database doesn't answer"))
        if self._draining:
            # Nobody is left who would hear a late answer; the next start reads what became of it.
            self._abandon()

    def _abandon(self) -> None:
        """End the session: what is asked fails at once, and with it the engine."""
        self._watch.close()
        self._recovered.connection.terminate()
