"""Gateways on a Redis that isn't their friend: none shows anything wrong as fresh, none ends."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Postgres
from tests.faults import hostile_redis
from tests.faults.fleet import END_SECONDS, SLUG, Fleet, meanwhile, metric, trading
from tests.faults.hostile_redis import Hands, Wire, Witness, wire
from tests.lengths import length
from tests.redis_process import RedisProcess
from tests.server_process import POLL_SECONDS, ServerProcess, until

SECONDS = length(2, long=60)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[RedisProcess]:
    """The Redis that gateways know."""
    (tmp_path / "far").mkdir()
    process = RedisProcess(tmp_path / "far")
    process.start()
    yield process
    process.clean_up()


@contextlib.asynccontextmanager
async def looked_at(fleet: Fleet, gateways: list[ServerProcess]) -> AsyncIterator[Witness]:
    """Trade at the engine and look at the gateways all the while; nothing may be wrong."""
    pids = [gateway.pid for gateway in gateways]
    async with trading(fleet) as trader, httpx.AsyncClient(timeout=30) as client:
        witness = Witness(trader, fleet.engine)

        async def look() -> None:
            while True:
                for gateway in gateways:
                    await witness.look(client, gateway)

        async with meanwhile(witness.trade()), meanwhile(look()):
            yield witness
        await witness.last()
    assert witness.wrong() == []
    for gateway, pid in zip(gateways, pids, strict=True):
        assert gateway.process is not None
        assert gateway.process.poll() is None
        assert gateway.pid == pid
        assert "starting again" not in gateway.log.read_text()


async def levelled(fleet: Fleet, gateways: list[ServerProcess]) -> None:
    """Wait until all are ready and where the engine is, with its very book."""
    path = f"/markets/{SLUG}/orderbook"

    def wait() -> None:
        for gateway in gateways:
            gateway.await_ready()
            deadline = time.monotonic() + END_SECONDS
            while gateway.call("GET", path) != fleet.engine.call("GET", path):
                assert time.monotonic() < deadline, gateway.words()
                time.sleep(POLL_SECONDS)

    # In a thread: others have to work meanwhile.
    await asyncio.to_thread(wait)


async def passes(seconds: float) -> None:
    """Let time go by while others work: what is looked for is that nothing happens."""
    deadline = time.monotonic() + seconds
    await until(lambda: time.monotonic() > deadline, seconds + 10)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_what_strangers_send_moves_and_ends_nobody(fleet: Fleet, far: RedisProcess) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    async with wire(fleet.redis.url, far.url, fleet.secret(), seed) as on:
        # Only what the engine says goes over the wire, no command.
        settings = {"REDIS_URL": far.url, "GATEWAY_COMMANDS": "off"}
        gateways = await asyncio.to_thread(partial(fleet.gateways, "one", "two", **settings))
        for hands, is_seen in [
            (hostile_redis.forging, True),
            (hostile_redis.garbling, False),
            (hostile_redis.replaying, True),
            (hostile_redis.delaying, False),
            (hostile_redis.late, False),
        ]:
            await _in_the_hands_of(hands, on, fleet, gateways, is_seen=is_seen)
        assert metric(gateways[0], "feed_foreign_messages_total") > 100
        for gateway in gateways:
            log = gateway.log.read_text()
            said = log.count("didn't send are ignored")
            assert 1 <= said <= 5 * (SECONDS + 30)
    assert fleet.engine.end() == 0
    assert fleet.engine.run("verify").returncode == 0


async def _in_the_hands_of(
    hands: Hands, on: Wire, fleet: Fleet, gateways: list[ServerProcess], *, is_seen: bool
) -> None:
    """Look for so long; `is_seen`: what the engine says comes through as well."""
    print(hands.__name__)
    async with looked_at(fleet, gateways) as witness:
        on.hands = hands
        await passes(SECONDS)
        if hands is hostile_redis.late:
            await until(lambda: witness.stale > 0)
        if is_seen:
            await until(lambda: witness.fresh > 0)
        on.hands = hostile_redis.honest
    # A minute of lies comes twenty to a word, and may have to be worked off.
    await until(lambda: on.is_idle, 60 + SECONDS)
    await levelled(fleet, gateways)


@pytest.fixture
def copy_url(fleet: Fleet, postgres: Postgres, database_url: str) -> Iterator[str]:
    """A copy of the exchange's database, as a restore makes it; the engine was stopped for it."""
    original = urlsplit(database_url).path[1:]
    assert fleet.engine.end() == 0
    postgres.run(f'CREATE DATABASE copy_{original} TEMPLATE {original} OWNER "{postgres.user}"')
    fleet.engine.start()
    yield postgres.database(f"copy_{original}")
    postgres.run(f"DROP DATABASE copy_{original} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_restored_copy_on_the_same_redis_takes_nobody_over(
    fleet: Fleet, copy_url: str
) -> None:
    gateways = fleet.gateways("one", "two")
    rival = await asyncio.to_thread(fleet.rival, copy_url)
    _, token = rival.trader()
    order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.01", "quantity": "1"}

    async def elsewhere() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                answer = await client.post(
                    f"{rival.url}/api/v1/orders/{SLUG}",
                    headers={"authorization": f"Bearer {token}"},
                    json=order,
                )
                assert answer.status_code == 201, answer.text

    async with looked_at(fleet, gateways) as witness, meanwhile(elsewhere()):
        await passes(SECONDS)
        await until(lambda: witness.fresh > 10)
    await levelled(fleet, gateways)
    assert metric(gateways[0], "feed_reloads_total") == 0
    assert rival.end() == 0
    assert fleet.engine.end() == 0
    assert fleet.engine.run("verify").returncode == 0
