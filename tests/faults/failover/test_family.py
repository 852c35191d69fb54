"""`probity serve --gateways 2`: one address, several processes that are started again and end in
order.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, until

ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
SLUG = "rain"


class Family(ServerProcess):
    """A family of three behind one address; ready when a gateway of it is."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        super().__init__(folder / "data", {"REDIS_URL": redis_url, "LOG_LEVEL": "info"})
        self.is_warm = False

    def members(self, command: str) -> list[psutil.Process]:
        """Return its processes of one role."""
        return [
            child
            for child in psutil.Process(self.pid).children()
            if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == [command]
        ]

    def launch(self, *arguments: str) -> None:
        super().launch("--gateways", "2", *arguments)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    redis = RedisProcess(tmp_path)
    redis.start()
    made = Family(tmp_path, redis.url)
    try:
        made.start()
        yield made
    finally:
        made.clean_up()
        for process in made.database_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        redis.clean_up()


async def _taken(family: Family, token: str, count: int) -> set[str]:
    """Place orders, each over a connection of its own; return their ids."""
    headers = {"authorization": f"Bearer {token}"}
    ids = set()
    for _ in range(count):
        async with httpx.AsyncClient(base_url=f"{family.url}/api/v1", timeout=30) as client:
            answer = await client.post(f"/orders/{SLUG}", headers=headers, json=ORDER)
        ids.add(answer.raise_for_status().json()["data"]["order"]["id"])
    return ids


@pytest.mark.slow
async def test_a_family_serves_one_address_and_is_looked_after(family: Family) -> None:
    """Whichever gateway answered that it is ready: another one may take the next connection."""
    _, token = [family.trader() for _ in range(8)][-1]
    family.market(SLUG)
    assert len(await _taken(family, token, 20)) == 20
    await until(lambda: "the family is open" in family.log.read_text("utf-8", "replace"))
    # A gateway that is killed is started again; its brother takes what comes meanwhile.
    victim, brother = family.members("gateway")
    victim.kill()
    assert len(await _taken(family, token, 5)) == 5
    await until(lambda: len(family.members("gateway")) == 2)
    assert brother.is_running()
    # So is the engine, and nothing that was acknowledged is lost.
    (engine,) = family.members("serve")
    engine.kill()
    await until(lambda: [one for one in family.members("serve") if one.pid != engine.pid])
    await until(family.is_ready)
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await _taken(family, token, 1)
                break
            await asyncio.sleep(0.1)
    shown = family.call("GET", "/orders?limit=100", token)
    assert len(shown) >= 26
    # Whoever comes first is taken again, too, where all gateways have just come back.
    for gateway in family.members("gateway"):
        gateway.kill()
    await until(lambda: len(family.members("gateway")) == 2)
    await until(family.is_ready)
    for _ in range(8):
        family.trader()
    assert family.run("verify").returncode == 0
    assert family.end() == 0


@pytest.mark.slow
async def test_a_family_without_its_parent_ends(family: Family) -> None:
    started = family.family()
    assert len(family.members("gateway")) == 2
    assert len(family.members("serve")) == 1
    family.kill()
    await until(lambda: not any(one.is_running() and _alive(one) for one in started))


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


async def test_without_redis_there_is_no_family(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    done = server.run("serve", "--gateways", "2")
    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr


async def test_a_signal_ends_it_while_it_starts(tmp_path: Path) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    made = Family(tmp_path, redis.url)
    try:
        made.launch()
        await until(lambda: made.members("serve"))
        assert made.end(signal.SIGINT) == 0
    finally:
        made.clean_up()
        redis.clean_up()
