"""Who trades in a run: clients that keep a history of what they sent and heard.

Laws: each client writes down when it sent a command, how often, and what came back; a client that
hears nothing may send the same again, under the same id; each order without an id has a quantity of
its own, so that it can be told from every other one. `check` holds all of it against what is
durable: acknowledged is never lost, nothing is done twice, and what was answered before something
else was sent came before it.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from exchange.messages.commands import CancelAll, CancelOrder, Command, PlaceOrder, SetDeadMan
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.messages.terms import OrderType, Outcome, SelfTradePrevention, Side, TimeInForce
from exchange.model.idempotency import key_of
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer
from tests.faults.simulation.oracle import content_of, did_nothing
from tests.faults.simulation.programs import Fleet, GatewayProgram
from tests.faults.simulation.surroundings import UNSTORABLE, Surroundings
from tests.properties.life.markets import LIVE

_HEARS_S: Final = 4.0
"""So long a client waits for an answer."""
_TRIES: Final = 4


@dataclass
class Asked:
    """A command that somebody sent, and what came of it."""

    client: str
    command: Command
    sent: int
    """When first, on the run's counter."""
    times: int = 0
    answer: Answer | None = None
    heard: int = 0
    """When the answer came."""
    refusals: int = 0
    """How often it was said that nothing was done."""


class Client:
    """One person, with an account of its own."""

    def __init__(self, world: Surroundings, fleet: Fleet, account: int, dice: Random) -> None:
        self.world = world
        self.fleet = fleet
        self.account = account
        self.name = f"client {account}"
        self.process = world.loop.process(self.name)
        self.asked: list[Asked] = []
        self.dice = dice
        self._numbers = itertools.count(1)
        self._open: list[int] = []
        self._is_away = False

    async def main(self) -> None:
        """Trade until the day ends; some leave early, behind a dead-man switch."""
        world, dice = self.world, self.dice
        leaves = dice.random() < 0.5
        while not world.closes():
            await asyncio.sleep(dice.expovariate(world.rate))
            if world.closes():
                break
            if leaves and dice.random() < 0.02:
                await self.ask(SetDeadMan(self.account, dice.choice((1_000, 1_500, 5_000))))
                world.trace(f"{self.name} goes away")
                return
            work = [self.ask(self._command()) for _ in range(dice.choice((1, 1, 1, 2, 5)))]
            if dice.random() < 0.3:
                work.append(self.look(0))
            await asyncio.gather(*work)

    def _command(self) -> Command:
        dice = self.dice
        kind = dice.random()
        if kind < 0.15 and self._open:
            return CancelOrder(self.account, dice.choice(self._open))
        if kind < 0.18:
            return CancelAll(self.account, None, None, None)
        if kind < 0.25:
            return SetDeadMan(self.account, dice.choice((1_000, 1_500, 3_000, 0)))
        return self._order()

    def _order(self) -> PlaceOrder:
        dice, number = self.dice, next(self._numbers)
        # 1 000 different ones for each client; one in ten carries an id, too.
        quantity = 1_000 * self.account + number
        if dice.random() < self.world.unstorable:
            quantity = UNSTORABLE
        ends = dice.random() < 0.3
        expires_at = now_us() - self.process.ahead_us + dice.randint(100, 3_000) * 1_000
        return PlaceOrder(
            self.account,
            dice.choice(self._markets()),
            dice.choice((Side.BUY, Side.BUY, Side.SELL)),
            dice.choice(tuple(Outcome)),
            OrderType.LIMIT,
            dice.randint(40, 60) * 100,
            quantity,
            TimeInForce.GTD if ends else dice.choice((TimeInForce.GTC, TimeInForce.IOC)),
            SelfTradePrevention.CANCEL_TAKER,
            client_order_id=f"{self.account}-{number}" if dice.random() < 0.6 else None,
            conditions=OrderConditions(expires_at=expires_at) if ends else None,
        )

    def _markets(self) -> list[int]:
        markets = self.world.oracle.twin.markets.values()
        return [market.id for market in markets if market.status in LIVE] or [1]

    async def ask(self, command: Command) -> Answer | None:
        """Send a command until it is answered, or as often as one may; return the answer."""
        world = self.world
        entry = Asked(self.name, command, world.number())
        self.asked.append(entry)
        may_repeat = key_of(command) is not None or not isinstance(command, PlaceOrder)
        for _ in range(_TRIES if may_repeat else 1):
            told = await self._send(entry)
            if isinstance(told, Answer):
                entry.answer, entry.heard = told, world.number()
                self._note(told)
                if self.dice.random() < 0.3:
                    await self.look(told.seq)
                return told
            if world.problems:
                break
            await asyncio.sleep(self.dice.uniform(0.05, 1.0))
        return None

    async def _send(self, entry: Asked) -> Answer | BaseException | None:
        """Send once, by any gateway; None if nothing was heard."""
        world, heard = self.world, asyncio.get_running_loop().create_future()
        gateway = self.dice.choice(self.fleet.gateways)
        entry.times += 1

        def take(told: Answer | BaseException) -> None:
            self.process.call(_set, heard, told)

        if gateway.process.is_dead or not self.fleet.send(gateway, entry.command, take):
            entry.refusals += 1
            return None
        world.trace(f"{self.name} asks {gateway.process.name} {entry.command}")
        try:
            async with asyncio.timeout(_HEARS_S):
                told: Answer | BaseException = await heard
        except TimeoutError:
            world.oracle.counts["unheard"] += 1
            return None
        if isinstance(told, CommandNotTaken):
            entry.refusals += 1
        brief = f"{told.seq}" if isinstance(told, Answer) else f"{type(told).__name__}: {told}"
        world.trace(f"{self.name} hears {brief}")
        return told

    def _note(self, answer: Answer) -> None:
        placed = [event.order_id for event in answer.events if isinstance(event, OrderPlaced)]
        self._open = (self._open + placed)[-8:]

    async def look(self, min_seq: int) -> None:
        """Read the own account at any gateway, as of what was answered."""
        world, heard = self.world, asyncio.get_running_loop().create_future()
        gateway = self.dice.choice(self.fleet.gateways)
        if gateway.process.is_dead:
            return

        def take(told: object) -> None:
            self.process.call(_set, heard, told)

        gateway.process.call(_begin, gateway, self.account, min_seq, take)
        try:
            async with asyncio.timeout(_HEARS_S):
                told = await heard
        except TimeoutError:
            return
        if not isinstance(told, tuple):
            world.oracle.counts["reads refused"] += 1
            return
        seq, held = told
        world.oracle.counts["reads"] += 1
        if seq < min_seq:
            world.violated(f"{gateway.process.name} showed {seq}, {min_seq} was asked for")
        world.oracle.read(self.account, seq, held, gateway.process.name)


def last_word(client: Client) -> Command:
    """Return what a client sends when all is over."""
    return CancelAll(client.account, None, None, None)


def _begin(
    gateway: GatewayProgram, account: int, min_seq: int, take: Callable[[object], None]
) -> None:
    gateway.reading = asyncio.get_running_loop().create_task(gateway.read(account, min_seq, take))


def _set(future: "asyncio.Future[object]", value: object) -> None:
    if not future.done():
        future.set_result(value)


def check(client: Client, others: Counter[str]) -> None:
    """Hold a client's history against what is durable; `others` may have sent for its account."""
    world, oracle = client.world, client.world.oracle
    done: dict[Command, int] = {}
    for execution in oracle.executions:
        command = content_of(execution.command)
        if command.account_id == client.account and not did_nothing(execution):
            done[command] = done.get(command, 0) + 1
    sent: dict[Command, int] = {}
    for entry in client.asked:
        content = content_of(entry.command)
        sent[content] = sent.get(content, 0) + entry.times - entry.refusals
    for entry in client.asked:
        command = content_of(entry.command)
        times = done.get(command, 0)
        most = sent[command] + others[repr(command)]
        most = 1 if key_of(command) is not None else most
        if times > most:
            world.violated(f"{client.name} sent {command} {most} times, done {times} times")
        if entry.answer is not None:
            oracle.answered(command, entry.answer, client.name)
    heard = sorted(
        (entry.heard, entry.answer.seq) for entry in client.asked if entry.answer is not None
    )
    _check_order(world, client, heard)


def _check_order(world: Surroundings, client: Client, heard: list[tuple[int, int]]) -> None:
    """Check that whatever was answered before something was sent came before it."""
    place, newest = 0, 0
    for entry in sorted(client.asked, key=lambda entry: entry.sent):
        while place < len(heard) and heard[place][0] < entry.sent:
            newest = max(newest, heard[place][1])
            place += 1
        answer = entry.answer
        if answer is not None and not answer.replayed and answer.seq <= newest:
            world.violated(
                f"{client.name} sent {entry.command} after {newest} was answered, and got"
                f" {answer.seq}"
            )
