"""A real Socket.IO client of each language, written as market-data.md tells, on a line that loses,
doubles and reorders its messages: it notices by the second heartbeat, and ends with the engine's
book and its own exact orders, fills, balance and positions.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.bots.sample_bots import Person
from tests.faults.conftest import MakeServer
from tests.faults.market_data.followers import COMMANDS, SLUG, SampleFollower, held_by_the_exchange
from tests.faults.market_data.hostile_line import HostileLine
from tests.lengths import length
from tests.server_process import ServerProcess, until

ORDERS = length(300, long=20_000)
SETTLED_SECONDS = 60.0
"""A heartbeat may be lost as well, and so may what is asked then."""


class Scene:
    """The server, the people, and their followers, each on a line of its own."""

    def __init__(self, server: ServerProcess, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.server = server
        self.people = [Person(server, name) for name in ("ann", "bob", "cem")]
        self.lines = [HostileLine(server.port, seed + number) for number in range(len(COMMANDS))]
        self.followers = [
            SampleFollower(sample, owner, folder)
            for sample, owner in zip(COMMANDS, self.people, strict=False)
        ]

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Let everybody follow over a line of his own."""
        async with AsyncExitStack() as stack:
            for person in self.people:
                await person.sign_in("/auth/register")
                stack.push_async_callback(person.client.aclose)
            for line, follower in zip(self.lines, self.followers, strict=True):
                await stack.enter_async_context(line)
                await stack.enter_async_context(follower.running(f"http://127.0.0.1:{line.port}"))
            await self.settled()
            yield

    async def settled(self, seconds: float = SETTLED_SECONDS) -> list[dict[str, int]]:
        """Wait until each follower holds what the exchange says; return what they repaired."""
        return [
            await follower.until(await held_by_the_exchange(follower.owner), seconds)
            for follower in self.followers
        ]

    async def set_status(self, status: str) -> None:
        """Have an admin move the market's life on."""
        path, body = f"/markets/{SLUG}/status", {"status": status}
        await asyncio.to_thread(self.server.call, "PATCH", path, self.server.admin(), body)

    async def lose(self, event: str) -> None:
        """Have something happen to each follower's owner, and each line lose such an event of it;
        what rests is the owners', and somebody else takes it.
        """
        buy = {"side": "BUY", "type": "LIMIT", "price": "0.5"}
        owners = [follower.owner for follower in self.followers]
        if event != "market_updated":
            for owner in owners:
                body = buy | {"outcome": "YES", "quantity": "5"}
                await owner.call("POST", f"/orders/{SLUG}", body)
            await self.settled()
        for line in self.lines:
            line.lose_next = f'"{event}"'
        if event == "market_updated":
            await self.set_status("HALTED")
        else:
            body = buy | {"outcome": "NO", "quantity": str(5 * len(owners))}
            await self.people[-1].call("POST", f"/orders/{SLUG}", body)
        await until(lambda: all(line.lose_next is None for line in self.lines))

    async def trade(self) -> None:
        """Have somebody do something."""
        person, dice = self.dice.choice(self.people), self.dice
        outcome, price = dice.choice(("YES", "NO")), f"0.{dice.randint(40, 60)}"
        kind = dice.random()
        body = {"side": "BUY", "outcome": outcome, "quantity": str(dice.randint(1, 9))}
        if kind < 0.75:
            body |= {"type": "LIMIT", "price": price}
            body |= {"timeInForce": "GTC" if kind < 0.6 else "IOC"}
        elif kind < 0.85:
            body |= {"type": "MARKET"}
        else:
            orders = await person.data(f"/orders?market={SLUG}&status=OPEN,PARTIAL&limit=20")
            if orders:
                order_id = dice.choice(orders)["id"]
                amend = {"quantity": "50"}
                verb = "DELETE" if kind < 0.95 else "PATCH"
                await person.call(verb, f"/orders/{order_id}", amend if verb == "PATCH" else None)
            return
        await person.call("POST", f"/orders/{SLUG}", body)


@pytest.fixture
async def scene(make_server: MakeServer, tmp_path: Path) -> Scene:
    server = make_server(STARTING_CREDITS="100000")
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.market, SLUG)
    seed = int(os.environ.get("PROBITY_SEED") or random.randrange(2**32))
    print(f"seed {seed}")
    return Scene(server, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_followers_end_with_everything_whatever_their_line_does(scene: Scene) -> None:
    async with scene.following():
        for number in range(ORDERS):
            await scene.trade()
            await asyncio.sleep(0.005)
            if number == ORDERS // 2:
                await scene.set_status("HALTED")
                await scene.set_status("OPEN")
        repaired = await scene.settled()
        print([(line.did, made) for line, made in zip(scene.lines, repaired, strict=True)])
        for line in scene.lines:
            assert line.did["passed"] > ORDERS
            assert all(line.did[harm] > 0 for harm in ("lost", "doubled", "held")), line.did
        assert sum(made.get("book", 0) for made in repaired) > 0


LOST = {
    "orderbook_update": "book",
    "trade_executed": "tape",
    "market_updated": "status",
    "order_updated": "account",
    "order_filled": "fills",
    "balance_updated": "account",
    "position_updated": "account",
}
"""What is lost, and what a follower says that it had to mend."""


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_what_is_lost_is_noticed_by_the_second_heartbeat(scene: Scene) -> None:
    for line in scene.lines:
        line.fair = True
    async with scene.following():
        for event, mended in LOST.items():
            before = [follower.told["repairs"].get(mended, 0) for follower in scene.followers]
            await scene.lose(event)
            beats = [line.beats for line in scene.lines]
            await scene.settled(3.5)
            for number, (line, follower) in enumerate(
                zip(scene.lines, scene.followers, strict=True)
            ):
                # By the second heartbeat it knows, and with it, or right behind it, it is mended.
                assert line.beats - beats[number] <= 2, (follower.sample, event)
                assert follower.told["repairs"].get(mended, 0) > before[number], event
            if event == "market_updated":
                await scene.set_status("OPEN")
                await scene.settled()
