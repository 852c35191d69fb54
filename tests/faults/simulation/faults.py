"""What befalls a run: who dies, who stands still, whose clock jumps, and when.

Laws: each run has some of the kinds, drawn by its seed, so that a rare pair of them isn't hidden by
all the others; whatever is broken is mended by `mend`, and by nothing else.
"""

import asyncio
from random import Random
from typing import Final

from tests.faults.simulation.programs import Fleet
from tests.faults.simulation.redis_streams import Streams
from tests.faults.simulation.surroundings import Surroundings
from tests.faults.simulation.virtual_loop import Process

_JUMP_US: Final = 2_000_000
_OFTEN: Final = 0.7
"""A second."""
_COPIED: Final = 0.5
"""So often Redis keeps a copy of what it has."""


class Faults:
    """The faults of one run."""

    def __init__(self, world: Surroundings, fleet: Fleet, dice: Random) -> None:
        self.world = world
        self.fleet = fleet
        self.dice = dice
        self._dies_in = 0
        """Statements that an engine still sends, or hears the answer of, before it dies."""
        every = {
            "engine killed": self._kill_engine,
            "engine killed at a statement": self._kill_at_a_statement,
            "gateway killed": self._kill_gateway,
            "engine paused": self._pause_engine,
            "gateway paused": self._pause_gateway,
            "two engines": self._two_engines,
            "engine's clock jumps": self._engine_clock,
            "database's clock jumps": self._database_clock,
            "database restarts": self._database_restarts,
            "Redis restarts": self._redis_restarts,
            "Redis cut off": self._cut_off,
        }
        some = [kind for kind in every if dice.random() < 0.4] or [dice.choice(list(every))]
        self.kinds = {kind: every[kind] for kind in some}

    async def main(self) -> None:
        """Let things happen until the day ends."""
        world = self.world
        while not world.closes():
            await asyncio.sleep(self.dice.expovariate(_OFTEN))
            if self.dice.random() < _COPIED:
                world.redis.copy = world.redis.streams.copy()
            if not world.closes():
                kind = self.dice.choice(list(self.kinds))
                world.trace(f"fault: {kind}")
                world.oracle.counts["faults"] += 1
                self.kinds[kind]()

    def at_statement(self, process: Process, name: str) -> None:
        """Let an engine die at what it asks the database: before it leaves, or right after."""
        if self._dies_in and process.name.startswith("engine"):
            self._dies_in -= 1
            if not self._dies_in:
                self.world.trace(f"fault: {process.name} dies at {name[:20]}")
                self.world.end(process)

    def mend(self) -> None:
        """End all of it."""
        world = self.world
        world.weather.calm_down()
        self._dies_in = 0
        world.database.lock_is_weak = False
        world.database.ahead_us = 0
        self._database_is_back()
        self._redis_is_back()
        world.redis.cut_off.clear()
        programs = [program.process for program in self.fleet.engines]
        for process in (*programs, *[program.process for program in self.fleet.gateways]):
            process.ahead_us = 0
            process.resume()

    def _kill_engine(self) -> None:
        for process in self._some("engine"):
            self.world.end(process)

    def _kill_at_a_statement(self) -> None:
        self._dies_in = self.dice.randint(1, 8)

    def _kill_gateway(self) -> None:
        for process in self._some("gateway"):
            self.world.end(process)

    def _pause_engine(self) -> None:
        for process in self._some("engine"):
            self._pause(process, self.dice.choice((0.3, 1.5, 4.0)))

    def _pause_gateway(self) -> None:
        for process in self._some("gateway"):
            self._pause(process, self.dice.choice((0.3, 1.5, 4.0)))

    def _two_engines(self) -> None:
        """Stop a leader anywhere, let another one take over, and let the first go on."""
        for process in self._some("engine"):
            self._pause(process, self.dice.choice((0.0, 0.01, 0.3, 2.0, 6.0)))
            self.world.database.lock_is_weak = self.dice.random() < 0.7
            self.fleet.start_engine(take_over=True)

    def _engine_clock(self) -> None:
        for process in self._some("engine"):
            process.ahead_us = self.dice.randint(-_JUMP_US, _JUMP_US)

    def _database_clock(self) -> None:
        self.world.database.ahead_us = self.dice.randint(-_JUMP_US, _JUMP_US)

    def _database_restarts(self) -> None:
        self.world.database.stop()
        self.world.loop.world.later(self.dice.uniform(0.05, 3.0), self._database_is_back)

    def _redis_restarts(self) -> None:
        """With everything, with nothing, or with what was there when it was copied last."""
        redis = self.world.redis
        redis.stop()
        kind = self.dice.choice(("all", "nothing", "old"))
        self.world.trace(f"Redis comes back with {kind}")
        if kind == "nothing":
            redis.streams.become(Streams(self.world.loop.time))
        elif kind == "old":
            redis.streams.become(redis.copy)
        self.world.loop.world.later(self.dice.uniform(0.05, 3.0), self._redis_is_back)

    def _cut_off(self) -> None:
        redis = self.world.redis
        for process in self._some(self.dice.choice(("engine", "gateway", "gateway"))):
            redis.cut_off.add(process)
            self.world.loop.world.later(self.dice.uniform(0.5, 5.0), redis.cut_off.discard, process)

    def _some(self, kind: str) -> list[Process]:
        """Return one process of a kind, or none if all are dead."""
        processes = [program.process for program in self.fleet.engines]
        if kind == "gateway":
            processes = [program.process for program in self.fleet.gateways]
        alive = [process for process in processes if not process.is_dead]
        return [self.dice.choice(alive)] if alive else []

    def _pause(self, process: Process, seconds: float) -> None:
        process.pause()
        self.world.loop.world.later(seconds, self._go_on, process)

    def _go_on(self, process: Process) -> None:
        self.world.trace(f"{process.name} goes on")
        process.resume()

    def _database_is_back(self) -> None:
        self.world.database.is_up = True

    def _redis_is_back(self) -> None:
        self.world.redis.is_up = True
