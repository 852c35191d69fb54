"""An engine that leads, one that waits, and two gateways, over one database and one Redis, as real
processes; who has led and ended waits when it is started again.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import httpx

from gateway.accounts.sessions.keys import KEY_FILE
from gateway.sealing.settings import KEY_FILE as SEAL_FILE
from persistence.postgres.database import connect
from tests.faults import told_history
from tests.faults.proxy.fault_line import FaultLine
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import Trader
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, until

TAKEN_S = 5.0
"""From the end of the one until the other one answers what a gateway sends."""
GONE_S = 1.0
"""An engine that was stopped ends within so long when it goes on."""
BACK_S = 60.0
Line = TypeVar("Line", bound=FaultLine)


class Two:
    """The processes."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        stack: ExitStack,
        own: Mapping[str, Mapping[str, str]],
        **settings: str,
    ) -> None:
        """`own` has what settings those have, by name, who have some of their own."""
        self.database_url = database_url
        self._own = own
        self.redis = RedisProcess(folder)
        stack.callback(self.redis.clean_up)
        self.redis.start()
        self._known = {
            "REDIS_URL": self.redis.url,
            "LOG_LEVEL": "info",
            "STANDBY_COMPARE_SECONDS": "1",
            "CANCEL_ONLY_AFTER_TAKEOVER_SECONDS": "0",
            "POST_ONLY_AFTER_TAKEOVER_SECONDS": "0",
            **settings,
        }
        self._folder, self._stack = folder, stack
        self.leader = self._process("one", "engine")
        self.leader.start()
        self.standby = self._process("two", "engine")
        self.gateways = [self._process(name, "gateway") for name in ("three", "four")]
        self.standby.launch("--standby")
        for gateway in self.gateways:
            gateway.launch()
        for one in (self.standby, *self.gateways):
            one.await_ready()

    def _process(self, name: str, command: str) -> ServerProcess:
        """Prepare one in a folder of its own, with the keys that all share."""
        known = {"DATABASE_URL": self.database_url, **self._known, **self._own.get(name, {})}
        made = ServerProcess(self._folder / name, known, command)
        self._stack.callback(made.clean_up)
        made.data_dir.mkdir(mode=0o700)
        keys = self._folder / "one"
        for file in (KEY_FILE, SEAL_FILE):
            if made.data_dir != keys:
                (made.data_dir / file).write_bytes((keys / file).read_bytes())
                (made.data_dir / file).chmod(0o600)
        return made

    def open_floor(self, rng: random.Random) -> tuple[dict[str, object], list[Trader]]:
        """List a market and register its traders, half of them at each gateway."""
        market, traders = open_floor(self.gateways[0], rng)
        for trader in traders[::2]:
            trader.server = self.gateways[1]
        return market, traders

    async def serves(
        self, trader: Trader, since: float, gateways: Sequence[ServerProcess] = ()
    ) -> float:
        """Wait until the engine answers what these gateways send, all of them unless some are
        named; return how long after `since` that was.
        """
        async with httpx.AsyncClient(timeout=30) as client:
            for gateway in gateways or self.gateways:
                url = f"{gateway.url}/api/v1/orders/999999999"
                while (await client.delete(url, headers=trader.headers)).status_code != 404:
                    assert time.monotonic() - since < BACK_S
                    await asyncio.sleep(0.02)
        return time.monotonic() - since

    def turn(self) -> None:
        """Take the one that ended for the one that waits from now on."""
        self.leader, self.standby = self.standby, self.leader
        self.standby.clean_up()
        self.standby.start("--standby")


@contextlib.contextmanager
def two(
    folder: Path,
    database_url: str,
    own: Mapping[str, Mapping[str, str]] | None = None,
    /,
    **settings: str,
) -> Iterator[Two]:
    """All of them, up; the engines are "one" and "two", the gateways "three" and "four"."""
    with ExitStack() as stack:
        yield Two(folder, database_url, stack, own or {}, **settings)


def way_of(server: ServerProcess, lines: Mapping[str, Line]) -> Line:
    """Return the line of an engine."""
    return lines[server.data_dir.name]


def leads(server: ServerProcess) -> bool:
    """Say whether a process leads."""
    with contextlib.suppress(httpx.TransportError):
        return "\nengine_leads 1.0\n" in httpx.get(f"{server.url}/metrics", timeout=10).text
    return False


def differs(server: ServerProcess) -> bool:
    """Say whether a standby has raised its alarm."""
    return "\nstandby_differs 1.0\n" in httpx.get(f"{server.url}/metrics", timeout=BACK_S).text


async def takes_over(server: ServerProcess, since: float) -> float:
    """Wait until a process leads; return how many seconds after `since` that was."""
    await until(lambda: leads(server), BACK_S)
    return time.monotonic() - since


async def nothing_lost(both: Two, market: dict[str, object], traders: list[Trader]) -> int:
    """Ask for everything without an answer, each at the other gateway, and hold all against tables
    and rules; return how much had none.
    """
    unknown = 0
    for trader in traders:
        other = both.gateways[both.gateways[0] is trader.server]
        async with httpx.AsyncClient(base_url=f"{other.url}/api/v1", timeout=30) as client:
            unknown += await trader.settle(client)
    connection = await connect(both.database_url)
    await told_history.compare_stored(connection, traders)
    await connection.close()
    expected = told_history.replay(market, traders)
    for gateway in both.gateways:
        async with httpx.AsyncClient(base_url=f"{gateway.url}/api/v1", timeout=30) as client:
            await told_history.compare_shown(client, expected, traders)
    return unknown
