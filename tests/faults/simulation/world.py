"""A run: a database, a Redis, engines, gateways and clients on virtual time, and what befalls them.

::

    opening ──> a day with faults ──> they end, everything is mended ──> everybody agrees?

Laws: a seed decides everything, and faults come from dice of their own; whatever dies is started
again, as an init would do. After the last fault the whole has to come back by itself, within
`MENDED_S`. The trace is what happened, in order; its hash is the run's.
"""

import asyncio
import gc
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Final
from unittest import mock

import asyncpg

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import Command, CreateMarket, OpenAccount
from exchange.messages.terms import FeeModel
from exchange.proof import invariants
from persistence.loop.stall import StallWatch
from persistence.relay import publisher, subscriber
from persistence.relay.commands import answering, reader, writer
from tests.faults.simulation import people
from tests.faults.simulation.crowd import Crowd
from tests.faults.simulation.faults import Faults
from tests.faults.simulation.oracle import content_of
from tests.faults.simulation.people import Client
from tests.faults.simulation.programs import Fleet
from tests.faults.simulation.surroundings import Surroundings
from tests.faults.simulation.tightened import tightened
from tests.faults.simulation.virtual_loop import EPOCH_US, VirtualLoop, virtual_time
from tests.properties.day_orders import ACCOUNTS

DAY_S: Final = 12.0
MENDED_S: Final = 150.0
"""A statement may hang for 70 s, and an engine waits for it for 60; a gateway may take the
database's clock for what it was before it was put right, for some seconds."""
_OPENED_S: Final = 30.0
_CLOSES_IN_US: Final = 2_000_000_000
_DEADLINE_SLACK_US: Final = 1_000_000
_FIRST_CLIENT: Final = 11
"""Accounts below are the crowd's."""
_CLIENTS: Final = 3
_CASH: Final = 500 * MONEY_SCALE


@dataclass
class Outcome:
    """What came of a run."""

    seed: int
    hash: str
    problems: list[str]
    counts: Counter[str]
    lines: list[str]


class World:
    """One run while it goes on: everybody in their surroundings."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.around = around = Surroundings(seed, loop)
        self._loop, self._dice, self._oracle = loop, around.dice, around.oracle
        self._fleet = Fleet(around)
        self._clients = [
            Client(around, self._fleet, _FIRST_CLIENT + number, Random(around.dice.random()))
            for number in range(_CLIENTS)
        ]
        self._crowd = Crowd(around, self._fleet, Random(around.dice.random()))
        self._faults = Faults(around, self._fleet, Random(around.dice.random()))
        around.database.on_statement = self._faults.at_statement
        self._is_over = False

    async def main(self) -> None:
        """Live through the day."""
        around = self.around
        around.trace(f"faults: {', '.join(self._faults.kinds)}; {around.weather}")
        storm = dict(around.weather.__dict__)
        around.weather.calm_down()
        self._loop.world.start(self._watch())
        for place in range(self._dice.choice((1, 2, 2, 3))):
            self._fleet.start_gateway(place)
        await self._until(self._is_well, _OPENED_S)
        for command in self._opening():
            await self._clients[0].process.start(self._clients[0].ask(command))
        around.weather.__dict__.update(storm)
        for client in self._clients:
            client.process.start(client.main())
        self._crowd.process.start(self._crowd.main())
        self._loop.world.start(self._faults.main())
        await self._until(lambda: False, DAY_S)
        around.close()
        if not around.problems:
            await self._end()
        self._is_over = True

    def _opening(self) -> list[Command]:
        """Return what opens accounts and two markets."""
        owners = [*ACCOUNTS, *[client.account for client in self._clients]]
        accounts = [OpenAccount(owner, _CASH) for owner in owners]
        markets = [
            CreateMarket(
                slug=f"opening-{number}",
                question="Will it rain?",
                description="",
                category="",
                close_time=EPOCH_US + _CLOSES_IN_US + number,
                tick_size=100,
                min_quantity=1,
                maker_fee=0,
                taker_fee=(0, 100)[number],
                fee_model=FeeModel.QUADRATIC,
                draft=False,
            )
            for number in range(2)
        ]
        return [*accounts, *markets]

    async def _end(self) -> None:
        """See that everything comes back, and that everybody tells the same."""
        self.around.trace("everything is mended")
        self._faults.mend()
        if not await self._until(self._is_well, MENDED_S):
            ails = ", ".join(self._ails())
            self.around.violated(f"{MENDED_S} s after the last fault: {ails}")
            return
        for client in self._clients:
            if not await self._is_answered(client):
                self.around.violated(f"{client.name} isn't answered after all was mended")
        if not await self._until(self._is_well, MENDED_S):
            self.around.violated(f"not everybody came to the end: {', '.join(self._ails())}")
            return
        self._compare()

    async def _is_answered(self, client: Client) -> bool:
        """Let a client ask until it is answered, or its time is over."""
        ends = self._loop.time() + MENDED_S
        while self._loop.time() < ends:
            answer = await client.process.start(client.ask(people.last_word(client)))
            if answer is not None:
                return True
            await asyncio.sleep(1.0)
        return False

    async def _watch(self) -> None:
        """Start what is dead again, after a while."""
        while not self._is_over:
            if self.around.has_standby and self._fleet.engines:
                # Whatever ends is started again as a standby; the last one there is may lead.
                if not self._fleet.has_standby():
                    self._fleet.start_engine(waits=True)
            elif not self._fleet.living_engines():
                self._fleet.start_engine(take_over=self._dice.random() < 0.3)
            for place, gateway in enumerate(self._fleet.gateways):
                if gateway.process.is_dead:
                    self._fleet.start_gateway(place)
            await asyncio.sleep(self._dice.uniform(0.1, 1.0))

    async def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; False after so many seconds, or if something is violated."""
        ends = self._loop.time() + seconds
        while not condition():
            if self._loop.time() >= ends or self.around.problems:
                return False
            await asyncio.sleep(0.1)
        return True

    def _ails(self) -> list[str]:
        """Return what isn't as it should be."""
        ails, seq = [], self._oracle.seq
        alive = self._fleet.living_engines()
        if len(alive) != 1 or not alive[0].is_serving:
            ails.append(f"{[one.process.name for one in alive]} run")
        elif alive[0].seqs != (seq, seq):
            ails.append(f"the engine is at {alive[0].seqs}, not at {seq}")
        for gateway in self._fleet.gateways:
            follower = gateway.follower
            if gateway.process.is_dead or follower is None or not follower.is_fresh:
                ails.append(f"{gateway.process.name} isn't fresh")
            elif follower.view.seq != seq:
                ails.append(f"{gateway.process.name} is behind")
            elif not gateway.is_open:
                ails.append(f"{gateway.process.name} takes no commands")
        overdue = self._oracle.overdue(self.around.database.now_us() - _DEADLINE_SLACK_US)
        if overdue is not None:
            ails.append(f"{overdue} is overdue")
        return ails

    def _is_well(self) -> bool:
        return not self._ails()

    def _compare(self) -> None:
        """Hold everybody's state and history against the oracle's."""
        oracle = self._oracle
        oracle.check_laws()
        for engine in self._fleet.living_engines():
            live, view = engine.states
            oracle.same(live, f"the live state of {engine.process.name}")
            oracle.same(view, f"the view of {engine.process.name}")
            invariants.check(live)
        for gateway in self._fleet.gateways:
            if gateway.follower is not None:
                oracle.same(gateway.follower.view, f"the view of {gateway.process.name}")
        sent: Counter[str] = Counter()
        for client in self._clients:
            people.check(client, self._crowd.sent)
            for entry in client.asked:
                sent[repr(content_of(entry.command))] += entry.times
        self._crowd.check(_FIRST_CLIENT, sent)


@contextmanager
def _simulated(around: Surroundings) -> Iterator[None]:
    """Put the simulated machines where the product reaches for real ones."""
    # What it warns of is what a run is made of.
    logging.disable(logging.CRITICAL)
    with (
        ExitStack() as stack,
        mock.patch.object(asyncpg, "connect", around.database.connect),
        mock.patch.object(publisher, "make_client", around.redis.client),
        mock.patch.object(subscriber, "make_client", around.redis.client),
        mock.patch.object(writer, "make_client", around.redis.client),
        mock.patch.object(reader, "make_client", around.redis.client),
        mock.patch.object(answering, "make_client", around.redis.client),
        mock.patch.object(secrets, "token_bytes", around.dice.randbytes),
        # Bound when its module was imported.
        mock.patch.object(StallWatch.__init__, "__defaults__", (time.monotonic,)),
    ):
        stack.callback(logging.disable, logging.NOTSET)
        if around.is_tight:
            stack.enter_context(tightened())
        yield


def run(seed: int) -> Outcome:
    """Run a seed from its begin to its end."""
    gc.disable()
    try:
        with virtual_time(Random(f"loop {seed}")) as loop:
            world = World(seed, loop)
            with _simulated(world.around):
                loop.run_until_complete(world.main())
                lines, problems = list(world.around.lines), list(world.around.problems)
                counts = Counter(world.around.oracle.counts)
                loop.unwind()
        digest = blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
        return Outcome(seed, digest, problems, counts, lines)
    finally:
        gc.enable()
