"""The programs of a run: engines and gateways, put together from the product's own parts.

Laws: nothing of the product is replaced above `asyncpg.connect` and `make_client`: recovery, the
loop, the journal, the publisher, subscriber and follower, and both ends of the stream of commands
are those that run in production. Only the way from a client to a gateway is `Fleet.send`, which
loses commands and answers and never sends one twice: a client that hears nothing may.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, cast

import asyncpg

from exchange.messages.commands import Command
from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.engine_side.progress import Progress
from gateway.engine_side.stream import LifeWatch
from persistence.errors import EngineClosed, OutcomeUnknown, PersistenceError
from persistence.loop.lead_watch import LeadWatch
from persistence.loop.ports import Answer
from persistence.loop.recovery import Recovered, recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.clocks import database_now
from persistence.postgres.database import OUTAGES, DeadlinePool
from persistence.relay.channel import Channel
from persistence.relay.commands.answering import Answering
from persistence.relay.commands.messages import answer_channel, command_stream
from persistence.relay.commands.reader import CommandReader
from persistence.relay.commands.shared_clock import READ_S, SharedClock
from persistence.relay.commands.writer import StreamCommands
from persistence.relay.follower import STALE_AFTER_S, Follower
from persistence.relay.loading import load
from persistence.relay.messages import BusMessage
from persistence.relay.publisher import RedisPublisher
from persistence.relay.subscriber import RedisSubscriber
from persistence.standby.lease import Standing
from persistence.standby.standby import Standby
from tests.faults.simulation.database import Pool
from tests.faults.simulation.surroundings import CHANNEL, SECRET, Surroundings

URL: Final = "postgresql://simulated"
_OURS: Final = ".ours"
_SLACK_S: Final = 0.05
_LOOK_S: Final = 0.2
_COMPARE_S: Final = 2.0
_LESS: Final = 4
"""A client's message is lost so much less often than one of Redis."""
MIN_SEQ_WAIT_S: Final = 0.15

Reply = Callable[[Answer | BaseException], None]


class EngineProgram:
    """`probity engine`, from its start to its end."""

    def __init__(
        self, world: Surroundings, name: str, *, take_over: bool = False, waits: bool = False
    ) -> None:
        self.world = world
        self.is_waiting = waits
        """Whether it is a standby, whose turn hasn't come."""
        self.process = world.loop.process(name)
        self.sequencer: Sequencer | None = None
        self._take_over = take_over

    @property
    def is_serving(self) -> bool:
        """Whether it takes commands."""
        return self.sequencer is not None and self.sequencer.is_open and not self.process.is_dead

    @property
    def states(self) -> tuple[State, State]:
        """The live state and the view of one that runs."""
        assert self.sequencer is not None
        return self.sequencer._engine.state, self.sequencer._publisher.view

    @property
    def seqs(self) -> tuple[int, int]:
        """How far both have come."""
        if self.sequencer is None:
            return 0, 0
        live, view = self.states
        return live.seq, view.seq

    async def main(self) -> None:
        """Recover, run, and end when the engine can't go on."""
        world, name = self.world, self.process.name
        try:
            stream = f"{world.number():032x}{_OURS}"
            if self.is_waiting:
                recovered = await self._take_turn(stream)
            else:
                recovered = await recover(
                    URL, take_over=self._take_over, lock_wait_s=3.0, stream_id=stream
                )
            # What an engine before it had under way may have come before its epoch, never after.
            world.oracle.recovered(recovered.live, recovered.view, name)
            pool = Pool(world.database)
            journal = recovered.journal
            clock = SharedClock(partial(database_now, pool))
            with suppress(*OUTAGES, asyncpg.InterfaceError):
                await clock.read()
            answering = Answering(URL, lambda sender: answer_channel(CHANNEL, sender, SECRET))
            answering.start()
            # Its clock is bound when its module is imported, unless it is told another.
            watch = LeadWatch(lambda: journal.led_at, time.monotonic)
            watch.start()
            publisher = RedisPublisher(
                URL,
                Channel(CHANNEL, SECRET),
                stream,
                (journal.last_seq, journal.chain_hash),
                clock.read,
                is_sure=watch.is_sure,
            )
            publisher.start()
            world.trace(f"{name} leads with epoch {journal.epoch} from {journal.last_seq}")
            sequencer = Sequencer(
                recovered,
                pool,
                listeners=[self],
                batch_listeners=[publisher],
                queue_bound=world.queue_bound,
                commit_timeout_s=world.commit_timeout_s,
            )
            self.sequencer = sequencer
            sequencer.start()
            to_this_life = command_stream(CHANNEL, stream, SECRET)
            CommandReader(URL, to_this_life, answering, self, clock.latest).start()
            reason = await sequencer.failed
            world.oracle.counts["undecided commits"] += isinstance(reason, OutcomeUnknown)
            world.trace(f"{name} ends: {type(reason).__name__}: {reason}")
        except (PersistenceError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            world.trace(f"{name} didn't start: {type(error).__name__}: {error}")
        world.end(self.process)

    def on_execution(self, execution: Execution, _view: State) -> None:
        """Note what becomes visible; implements `ExecutionListener`."""
        self.world.oracle.told(execution, self.process.name)

    async def _take_turn(self, stream: str) -> Recovered:
        """Wait as `probity engine --standby` does, until it is this one's turn."""
        standby = Standby(URL, self, compare_s=_COMPARE_S)
        await standby.run()
        self.is_waiting = False
        self.world.trace(f"{self.process.name} takes over at {standby.seq}")
        self.world.oracle.counts["turns of a standby"] += 1
        return await standby.recover(URL, stream_id=stream)

    def followed(self, standing: Standing, seq: int) -> None:
        """Nothing to note; implements `StandbyObserver`, as what follows."""

    def compared(self, _seq: int, _state: bytes) -> None:
        """Count it."""
        self.world.oracle.counts["comparisons of a standby"] += 1

    def left_comparing(self, behind: int) -> None:
        """Note it."""
        self.world.trace(f"{self.process.name} leaves a comparison, {behind} behind")

    def loaded(self, seq: int) -> None:
        """Note it."""
        self.world.trace(f"{self.process.name} waits from {seq}")

    def differs(self, problem: str) -> None:
        """Note what must not be."""
        self.world.violated(f"{self.process.name} has another state than the tables: {problem}")

    def away(self, reason: str) -> None:
        """Nothing to note."""

    @property
    def is_open(self) -> bool:
        """Whether commands are taken; implements `CommandPort`, for what comes by the stream."""
        return self.is_serving

    def submit(self, command: Command) -> "asyncio.Future[Answer]":
        """Hand a command on to the engine, and look at what it answers."""
        if self.sequencer is None:
            raise EngineClosed("the engine takes no commands")
        future = self.sequencer.submit(command)
        future.add_done_callback(partial(self._done, command))
        return future

    def _done(self, command: Command, future: "asyncio.Future[Answer]") -> None:
        if not future.cancelled() and future.exception() is None:
            self.world.oracle.answered(command, future.result(), self.process.name)


class GatewayProgram:
    """`probity gateway`, from its start to its end."""

    def __init__(self, world: Surroundings, name: str) -> None:
        self.world = world
        self.process = world.loop.process(name)
        self.follower: Follower | None = None
        self.way: StreamCommands | None = None
        self.reading: asyncio.Task[None] | None = None
        """The last read that was begun: a loop keeps no task alive."""
        self._progress: Progress | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes commands."""
        return not self.process.is_dead and self.way is not None and self.way.is_open

    async def main(self) -> None:
        """Load the view and follow, until the view can't go on."""
        world, name = self.world, self.process.name
        try:
            loaded = await load(URL)
            pool = Pool(world.database)
            way = StreamCommands(
                URL,
                CHANNEL,
                SECRET,
                loaded.view,
                SharedClock(partial(database_now, pool)),
                self._hears,
                lives_s=world.commit_timeout_s,
                bound=world.queue_bound,
                stream_bound=world.queue_bound,
            )
            self._progress = Progress(loaded.view, MIN_SEQ_WAIT_S)
            self.follower = Follower(
                loaded,
                URL,
                pool,
                RedisSubscriber[BusMessage](URL, Channel(CHANNEL, SECRET)),
                [self, self._progress, way],
                self,
                lambda stream: stream.endswith(_OURS),
            )
            self.follower.start()
            way.start()
            self.way = way
            self._watching = asyncio.create_task(
                self._watch(LifeWatch(way, self.follower, cast("DeadlinePool", pool)))
            )
            world.trace(f"{name} follows from {loaded.view.seq}")
            reason = await self.follower.failed
            world.trace(f"{name} ends: {type(reason).__name__}: {reason}")
            if not isinstance(reason, asyncpg.PostgresError):
                world.violated(f"{name} can't follow: {reason!r}")
        except (PersistenceError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            world.trace(f"{name} didn't start: {type(error).__name__}: {error}")
        world.end(self.process)

    def on_execution(self, execution: Execution, _view: State) -> None:
        """Note what becomes visible; implements `ExecutionListener`."""
        self.world.oracle.told(execution, self.process.name)

    def on_epoch(self, epoch: int, view: State) -> None:
        """Note another leader; implements `FeedListener`."""
        self.world.trace(f"{self.process.name} follows epoch {epoch} at {view.seq}")

    def on_gap(self) -> None:
        """Note a gap; implements `FeedListener`."""
        self.world.oracle.counts["gaps"] += 1

    def on_reload(self, epoch: int, view: State) -> None:
        """Let those go on who wait; implements `FeedListener`."""
        self.world.oracle.counts["reloads"] += 1
        self.world.trace(f"{self.process.name} loaded anew at {view.seq}, epoch {epoch}")
        self.world.oracle.same_at(view, f"the view of {self.process.name}")
        if self._progress is not None and self.way is not None:
            self._progress.on_reload(view)
            self.way.on_reload(view)

    def take(self, command: Command, reply: Reply) -> None:
        """Send a client's command to the engine; `reply` speaks to the client."""
        if self.way is None:
            return
        try:
            future = self.way.submit(command)
        except PersistenceError as error:
            reply(error)
            return
        future.add_done_callback(partial(self._done, reply))

    def _done(self, reply: Reply, future: "asyncio.Future[Answer]") -> None:
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is None and self.follower is not None:
            answer = future.result()
            if self.follower.view.seq < answer.seq:
                self.world.violated(
                    f"{self.process.name} tells command {answer.seq}, its view is at"
                    f" {self.follower.view.seq}"
                )
        reply(future.result() if error is None else error)

    def _hears(self) -> bool:
        return self.follower is not None and self.follower.is_fresh

    async def _watch(self, life: LifeWatch) -> None:
        """See who leads, and what time it is, as `gateway.engine_side.remote` does: what ends that
        ends the process.
        """
        way, ends = self.way, 0.0
        try:
            while way is not None:
                await life.look()
                if asyncio.get_running_loop().time() >= ends:
                    await way.clock.look()
                    if way.clock.is_known:
                        ends = asyncio.get_running_loop().time() + READ_S
                await asyncio.sleep(_LOOK_S)
        except asyncpg.PostgresError as error:
            self.world.trace(f"{self.process.name} can't see who leads: {error}")
            self.world.end(self.process)

    async def read(self, account: int, min_seq: int, reply: Callable[[object], None]) -> None:
        """Answer what an account has, as of `min_seq` or later."""
        follower, progress = self.follower, self._progress
        if follower is None or progress is None:
            return
        try:
            await progress.reach(min_seq)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader is told
            reply(error)
            return
        view = follower.view
        found = view.accounts.get(account)
        held = (
            None if found is None else (found.available, found.locked, tuple(sorted(found.orders)))
        )
        if follower.is_fresh:
            moment = self.world.loop.time() - STALE_AFTER_S - _SLACK_S
            missed = self.world.oracle.durable_before(moment)
            if view.seq < missed:
                self.world.violated(
                    f"{self.process.name} calls fresh what it has at {view.seq}, though {missed}"
                    f" was durable {STALE_AFTER_S} s ago"
                )
        reply((view.seq, held))


class Fleet:
    """The engines and gateways of a run, and how clients reach them."""

    def __init__(self, world: Surroundings) -> None:
        self.engines: list[EngineProgram] = []
        self.gateways: list[GatewayProgram] = []
        self._world = world

    def living_engines(self) -> list[EngineProgram]:
        """Return those that lead or mean to, and aren't dead; they may stand still."""
        alive = [engine for engine in self.engines if not engine.process.is_dead]
        return [engine for engine in alive if not engine.is_waiting]

    def has_standby(self) -> bool:
        """Say whether one waits."""
        return any(one.is_waiting and not one.process.is_dead for one in self.engines)

    def start_engine(self, *, take_over: bool = False, waits: bool = False) -> None:
        """Start another engine, or one that waits for its turn."""
        world = self._world
        world.oracle.counts["engines"] += 1
        world.oracle.counts["takeovers"] += take_over
        name = f"engine {len(self.engines) + 1}"
        program = EngineProgram(world, name, take_over=take_over, waits=waits)
        self.engines.append(program)
        program.process.start(program.main())

    def start_gateway(self, place: int) -> None:
        """Start a gateway in its place."""
        program = GatewayProgram(self._world, f"gateway {place + 1}.{self._world.number()}")
        self.gateways[place : place + 1] = [program]
        program.process.start(program.main())

    def send(self, gateway: GatewayProgram, command: Command, reply: Reply) -> bool:
        """Let a client send a command to a gateway; False if it certainly didn't go off.

        The command may get lost, and so may what comes back.
        """
        world = self._world
        if gateway.process.is_dead:
            return False
        if not self._is_lost():
            delay = world.weather.delay(world.dice)
            back = partial(self._answer, gateway, reply)
            world.loop.world.later(delay, gateway.process.call, gateway.take, command, back)
        return True

    def _answer(self, gateway: GatewayProgram, reply: Reply, told: Answer | BaseException) -> None:
        world = self._world
        if not gateway.process.is_dead and not self._is_lost():
            world.loop.world.later(world.weather.delay(world.dice), reply, told)

    def _is_lost(self) -> bool:
        return self._world.dice.random() < self._world.weather.message_lost / _LESS
