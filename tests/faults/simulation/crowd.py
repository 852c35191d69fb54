"""The crowd of a run: commands of every kind there is, as `tests/properties` draws them.

Laws: what it sends suits the twin's state as of the last durable command; it never sends anything
twice by itself, but now and then what it sends carries an id that was used before.
"""

import asyncio
from collections import Counter
from random import Random
from typing import Final

from exchange.messages.command_bases import Timer
from exchange.messages.commands import Command, RefuseUnstorable, TriggerOrder
from exchange.model.idempotency import key_of
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer
from tests.faults.simulation.oracle import content_of, did_nothing
from tests.faults.simulation.programs import Fleet
from tests.faults.simulation.surroundings import Surroundings
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay

_HURRY: Final = 4


class Crowd:
    """Everybody else, as one process."""

    def __init__(self, world: Surroundings, fleet: Fleet, dice: Random) -> None:
        self.world = world
        self._fleet = fleet
        self.process = world.loop.process("crowd")
        self._dice = dice
        self._choose = Dice(dice.randrange(1 << 30))
        self._day = MarketDay(world.oracle.twin)
        self.sent: Counter[str] = Counter()
        """How often each command went off."""

    async def main(self) -> None:
        """Send until the day ends, some of it in a hurry."""
        world = self.world
        while not world.closes():
            await asyncio.sleep(self._dice.expovariate(world.rate * _HURRY))
            count = self._dice.choice((1, 1, 1, 1, 1, 1, 1, 20))
            for _ in range(0 if world.closes() else count):
                self._send(self._day.any_command(self._choose))

    def _send(self, command: Command) -> None:
        if isinstance(command, Timer | RefuseUnstorable):
            return  # nobody can send these
        world = self.world
        gateway = self._dice.choice(self._fleet.gateways)
        if gateway.process.is_dead or not self._fleet.send(gateway, command, self._hear):
            return
        self.sent[repr(content_of(command))] += 1
        world.trace(f"crowd asks {gateway.process.name} {command}")

    def _hear(self, told: Answer | BaseException) -> None:
        counts = self.world.oracle.counts
        if isinstance(told, Answer):
            counts["answers to the crowd"] += 1
        elif isinstance(told, CommandNotTaken):
            counts["not taken"] += 1
        else:
            counts["unknown"] += 1

    def check(self, first_client: int, others: Counter[str]) -> None:
        """Nothing was done more often than it was sent; accounts from `first_client` on are those
        of clients, who check theirs, and have sent `others`.
        """
        done: Counter[str] = Counter()
        for execution in self.world.oracle.executions:
            command = execution.command
            if command.account_id >= first_client or did_nothing(execution):
                continue
            if isinstance(command, Timer | TriggerOrder | RefuseUnstorable):
                continue
            text = repr(content_of(command))
            done[text] += 1
            most = 1 if key_of(command) is not None else self.sent[text] + others[text]
            if done[text] > most:
                self.world.violated(f"{text} was sent {most} times, done {done[text]} times")
