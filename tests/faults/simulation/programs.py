"""The programs of a run: engines and gateways, put together from the product's own parts.

Laws: nothing of the product is replaced above `asyncpg.connect` and `make_client`: recovery, the
loop, the journal, the publisher, subscriber and follower are those that run in production. What
stands in for the way from a gateway to the engine is `Fleet.send`, which loses commands and
answers, and never sends a command twice by itself: a sender that hears nothing may.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import asyncpg

from exchange.messages.commands import Command
from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.engine_side.progress import Progress
from persistence.errors import OutcomeUnknown, PersistenceError
from persistence.loop.lead_watch import LeadWatch
from persistence.loop.ports import Answer
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.clocks import database_now
from persistence.relay.channel import Channel
from persistence.relay.follower import STALE_AFTER_S, Follower, load
from persistence.relay.messages import BusMessage
from persistence.relay.publisher import RedisPublisher
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.simulation.database import Pool
from tests.faults.simulation.surroundings import CHANNEL, SECRET, Surroundings

URL: Final = "postgresql://simulated"
_OURS: Final = ".ours"
_SLACK_S: Final = 0.05
MIN_SEQ_WAIT_S: Final = 0.4

Reply = Callable[[Answer | BaseException], None]


class EngineProgram:
    """`probity engine`, from its start to its end."""

    def __init__(self, world: Surroundings, name: str, *, take_over: bool) -> None:
        self.world = world
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
            recovered = await recover(
                URL, take_over=self._take_over, lock_wait_s=3.0, stream_id=stream
            )
            # What an engine before it had under way may have come before its epoch, never after.
            world.oracle.recovered(recovered.live, recovered.view, name)
            pool = Pool(world.database)
            journal = recovered.journal
            # Its clock is bound when its module is imported, unless it is told another.
            watch = LeadWatch(lambda: journal.led_at, time.monotonic)
            watch.start()
            publisher = RedisPublisher(
                URL,
                Channel(CHANNEL, SECRET),
                stream,
                (journal.last_seq, journal.chain_hash),
                partial(database_now, pool),
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
            reason = await sequencer.failed
            world.oracle.counts["undecided commits"] += isinstance(reason, OutcomeUnknown)
            world.trace(f"{name} ends: {type(reason).__name__}: {reason}")
        except (PersistenceError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            world.trace(f"{name} didn't start: {type(error).__name__}: {error}")
        world.end(self.process)

    def on_execution(self, execution: Execution, _view: State) -> None:
        """Note what becomes visible; implements `ExecutionListener`."""
        self.world.oracle.told(execution, self.process.name)

    def take(self, command: Command, reply: Reply) -> None:
        """Take a command that came over the network; `reply` speaks to whoever sent it."""
        if self.sequencer is None:
            return
        try:
            future = self.sequencer.submit(command)
        except PersistenceError as error:
            reply(error)
            return
        future.add_done_callback(partial(self._done, command, reply))

    def _done(self, command: Command, reply: Reply, future: asyncio.Future[Answer]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self.world.oracle.answered(command, future.result(), self.process.name)
        reply(future.result() if error is None else error)


class GatewayProgram:
    """`probity gateway`, from its start to its end."""

    def __init__(self, world: Surroundings, name: str) -> None:
        self.world = world
        self.process = world.loop.process(name)
        self.follower: Follower | None = None
        self.engine: EngineProgram | None = None
        """To which it sends commands."""
        self.reading: asyncio.Task[None] | None = None
        """The last read that was begun: a loop keeps no task alive."""
        self._progress: Progress | None = None

    async def main(self) -> None:
        """Load the view and follow, until the view can't go on."""
        world, name = self.world, self.process.name
        try:
            loaded = await load(URL)
            self._progress = Progress(loaded.view, MIN_SEQ_WAIT_S)
            self.follower = Follower(
                loaded,
                URL,
                Pool(world.database),
                RedisSubscriber[BusMessage](URL, Channel(CHANNEL, SECRET)),
                [self, self._progress],
                self,
                lambda stream: stream.endswith(_OURS),
            )
            self.follower.start()
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
        if self._progress is not None:
            self._progress.on_reload(view)

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
    """The engines and gateways of a run, and the way from one to the other.

    What is sent on it may get lost, both ways; nothing is sent twice.
    """

    def __init__(self, world: Surroundings) -> None:
        self.engines: list[EngineProgram] = []
        self.gateways: list[GatewayProgram] = []
        self._world = world
        self._last_arrival: dict[tuple[str, str], float] = {}

    def living_engines(self) -> list[EngineProgram]:
        """Return those that aren't dead; they may stand still."""
        return [engine for engine in self.engines if not engine.process.is_dead]

    def start_engine(self, *, take_over: bool = False) -> None:
        """Start another engine."""
        world = self._world
        world.oracle.counts["engines"] += 1
        world.oracle.counts["takeovers"] += take_over
        program = EngineProgram(world, f"engine {len(self.engines) + 1}", take_over=take_over)
        self.engines.append(program)
        program.process.start(program.main())

    def start_gateway(self, place: int) -> None:
        """Start a gateway in its place."""
        program = GatewayProgram(self._world, f"gateway {place + 1}.{self._world.number()}")
        self.gateways[place : place + 1] = [program]
        program.process.start(program.main())

    def send(self, gateway: GatewayProgram, command: Command, reply: Reply) -> bool:
        """Send a command by a gateway; False if the gateway knows no engine."""
        world = self._world
        engine = gateway.engine
        if engine is None or engine.process.is_dead or world.dice.random() < 0.02:
            able = self.living_engines()
            engine = gateway.engine = world.dice.choice(able) if able else None
        if engine is None:
            return False
        if world.dice.random() < world.weather.message_lost / 4:
            world.trace(f"{gateway.process.name} -> {engine.process.name} loses {command}")
            return True
        # One connection: what was sent first arrives first.
        way = (gateway.process.name, engine.process.name)
        arrives = max(
            world.loop.time() + world.weather.delay(world.dice), self._last_arrival.get(way, 0.0)
        )
        self._last_arrival[way] = arrives
        world.loop.world.later(
            arrives - world.loop.time(),
            engine.process.call,
            engine.take,
            command,
            partial(self._answer, engine, gateway, reply),
        )
        return True

    def _answer(
        self,
        engine: EngineProgram,
        gateway: GatewayProgram,
        reply: Reply,
        told: Answer | BaseException,
    ) -> None:
        world = self._world
        if engine.process.is_dead or world.dice.random() < world.weather.message_lost / 4:
            return
        delay = world.weather.delay(world.dice)
        world.loop.world.later(delay, gateway.process.call, reply, told)
