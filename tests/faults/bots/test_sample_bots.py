"""The sample bots live through everything that happens to a program in days, and lose no penny.

One bot a language, each in a market of its own, both under the same faults while others trade with
them: a server that is killed, a line that is cut, falls silent or loses answers, a bot that sleeps
for longer than its token lives, limits that are used up, a database that stands still.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.bots.sample_bots import COMMANDS, Bot, Crowd, Person
from tests.faults.conftest import MakeServer
from tests.faults.proxy.fault_line import FaultLine
from tests.lengths import length
from tests.server_process import ServerProcess

FAULTS: Final = length(5, long=20)
TOKEN_SECONDS: Final = 6
LIMIT: Final = 40
NOTHING: Final = {"operations": [{"op": "cancel", "orderId": "1"}] * 10}
"""Ten writes that change nothing: nobody's order, or one that has ended."""
SETTINGS: Final = {
    "JWT_ACCESS_EXPIRES_IN": f"{TOKEN_SECONDS}s",
    "STARTING_CREDITS": "100000",
    "RATE_LIMIT_USER_MAX_REQUESTS": str(LIMIT),
    "RATE_LIMIT_USER_WINDOW_MS": "2000",
}
FEES: Final = {"makerFee": "0.01", "takerFee": "0.02", "feeModel": "quadratic"}
RECOVERS_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2


class Scene:
    """The server, the line to it, the bots, and what happens to them."""

    def __init__(
        self, server: ServerProcess, line: FaultLine, bots: list[Bot], others: Person
    ) -> None:
        self.server = server
        self.line = line
        self.bots = bots
        self.others = others

    # -- faults -------------------------------------------------------------------------------

    async def kill(self) -> None:
        """The server dies and comes back."""
        self.server.kill()
        await asyncio.to_thread(self.server.start)

    async def cut(self) -> None:
        """The line is cut."""
        self.line.cut()

    async def lose_answers(self) -> None:
        """What is sent arrives, and the line is cut before the answer."""
        self.line.lose_answers()

    async def hush(self) -> None:
        """The line falls silent: nothing says that it is dead."""
        self.line.lose(b"HTTP")

    async def sleep(self) -> None:
        """The bots stand still until their tokens and their dead-man switches have run out."""
        for bot in self.bots:
            bot.send(signal.SIGSTOP)
        await asyncio.sleep(TOKEN_SECONDS + 1)  # a token's life is a time
        for bot in self.bots:
            assert await bot.quotes() == {}, f"{bot.sample} is taken for dead"
        for bot in self.bots:
            bot.send(signal.SIGCONT)

    async def use_up_limits(self) -> None:
        """Other programs of the same owners send until each bot was refused something."""
        before = [bot.refusals() for bot in self.bots]
        deadline = time.monotonic() + RECOVERS_SECONDS
        while spared := [
            bot for bot, old in zip(self.bots, before, strict=True) if bot.refusals() == old
        ]:
            assert time.monotonic() < deadline, [bot.words() for bot in spared]
            # A batch counts as its operations: a few of them are all that may be written.
            many = spared * (LIMIT // len(NOTHING["operations"]) + 1)
            sending = [bot.owner.call("POST", "/orders/batch", NOTHING) for bot in many]
            await asyncio.gather(*sending)

    async def freeze_database(self) -> None:
        """All of the database stands still for a second."""
        processes = self.server.database_processes()
        for process in processes:
            process.suspend()
        await asyncio.sleep(1)
        for process in processes:
            process.resume()

    # -- afterwards ---------------------------------------------------------------------------

    async def recovered(self) -> None:
        """Wait until each bot has quotes on both sides which it placed after now."""
        for bot in self.bots:
            newest = max(
                [int(order["id"]) for order in await bot.owner.data("/orders?limit=1")], default=0
            )
            deadline = time.monotonic() + RECOVERS_SECONDS
            while True:
                quotes = await bot.quotes()
                if len(quotes) == 2 and max(quotes.values()) > newest:
                    break
                assert time.monotonic() < deadline, f"{bot.sample}: {quotes}\n{bot.words()}"
                await asyncio.sleep(LOOK_SECONDS)


Fault = Callable[[Scene], Awaitable[None]]
EVERY_TIME: Final[tuple[Fault, ...]] = (
    Scene.kill,
    Scene.lose_answers,
    Scene.sleep,
    Scene.use_up_limits,
)
OTHERS: Final[tuple[Fault, ...]] = (Scene.cut, Scene.hush, Scene.freeze_database)


def drawn_faults(rng: random.Random) -> list[Fault]:
    faults = [*EVERY_TIME, *rng.sample(OTHERS, len(OTHERS))]
    faults = [*faults, *rng.choices(faults, k=FAULTS)][:FAULTS]
    rng.shuffle(faults)
    return faults


@pytest.fixture
async def scene(make_server: MakeServer, tmp_path: Path) -> AsyncIterator[Scene]:
    """Both bots trading, each in a market with fees."""
    server = make_server(**SETTINGS)
    await asyncio.to_thread(server.start)
    folder = tmp_path / "bots"
    folder.mkdir()
    bots = [Bot(sample, server, folder) for sample in COMMANDS]
    others = Person(server, "everybody-else")
    async with AsyncExitStack() as stack:
        for person in (others, *(bot.owner for bot in bots)):
            stack.push_async_callback(person.client.aclose)
            await person.sign_in("/auth/register")
        for bot in bots:
            await asyncio.to_thread(partial(server.market, bot.market, **FEES))
            stack.callback(bot.kill)
        line = stack.enter_context(FaultLine(("127.0.0.1", server.port)))
        yield Scene(server, line, bots, others)


async def check_books(bot: Bot, told: dict[str, Any]) -> None:
    """What the bot tells of itself is what the exchange tells its owner."""
    portfolio = await bot.owner.data("/user/portfolio")
    orders = await bot.owner.orders()
    pnl = Decimal(portfolio["equity"]) - Decimal(SETTINGS["STARTING_CREDITS"])
    assert (portfolio["positions"], portfolio["balance"]["locked"]) == (0, "0.000000")
    assert Decimal(told["pnl"]) == pnl
    assert Decimal(told["pnl"]) == Decimal(portfolio["realisedProfit"]) - Decimal(told["fees"])
    assert Decimal(told["fees"]) == sum(Decimal(order["fees"]) for order in orders)
    assert Decimal(told["volume"]) == sum(Decimal(order["filled"]) for order in orders)
    names = {order["clientOrderId"] for order in orders}
    assert None not in names
    assert len(names) == len(orders) == told["orders"]
    assert told["checksum_errors"] == 0
    assert Decimal(told["volume"]) > 0
    assert told["renewals"] > 2


@pytest.mark.slow
@pytest.mark.timeout(120 + 120 * FAULTS)
async def test_the_bots_live_through_everything(scene: Scene) -> None:
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    rng = random.Random(seed)
    crowd = Crowd(scene.others, [bot.market for bot in scene.bots], rng)
    for bot in scene.bots:
        await crowd.stand(bot.market)
        bot.start(scene.line.url)
    async with crowd.trading():
        for fault in drawn_faults(rng):
            await scene.recovered()
            started = time.monotonic()
            await fault(scene)
            print(f"{time.monotonic() - started:6.2f} s  {fault.__doc__}")
            started = time.monotonic()
            await scene.recovered()
            print(f"{time.monotonic() - started:6.2f} s  until both bots quote again")
    for bot in scene.bots:
        await crowd.stand(bot.market)
        told = await bot.end()
        print(f"{bot.sample}: {told}")
        await check_books(bot, told)
    assert await asyncio.to_thread(scene.server.end) == 0
    done = await asyncio.to_thread(scene.server.run, "verify")
    assert done.returncode == 0, done.stdout
