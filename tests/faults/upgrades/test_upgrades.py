"""The upgrade drill: this version takes an earlier one's place under load, with its data.

The earlier one is a wheel of its commit: the first that others ran, and the last before the newest
step of the schema. No acknowledged order is lost or told otherwise, whoever had no answer gets it
under the same id, sockets go on at the next gateway, and nobody is kept from trading for long.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.conftest import Postgres
from tests.faults import told_history
from tests.faults.test_kill import SLUG, open_floor, verify
from tests.faults.trading_load import Trader, everybody_trades, some_answers
from tests.faults.upgrades.former import before_newest_step, program_of
from tests.faults.upgrades.rolled import Reader, longest, says_the_same, trade_through
from tests.lengths import length
from tests.measured import tries
from tests.redis_process import RedisProcess
from tests.server_process import PROBITY, ServerProcess, until

FIRST: Final = "ab68e07"
NEWEST: Final = "before the newest step"
WITHOUT_ORDERS_SECONDS: Final = 5.0
# With gateways the database is a server of its own, without any it is the data folder's.
DRILLS: Final = [(NEWEST, 2), (FIRST, 0), (FIRST, 2), (NEWEST, 0)][: length(2, long=4)]
BEFORE, AFTER = length(300, long=20_000), 150


class Exchange:
    """An engine and its gateways, each of a version, on ports that stay theirs."""

    def __init__(self, folder: Path, program: str, gateways: int, **settings: str) -> None:
        made = [
            ServerProcess(folder / "data", settings, command)
            for command in ("serve", *["gateway"] * gateways)
        ]
        for number, process in enumerate(made):
            process.program = program
            process.log = folder / f"{number}.log"
        self.engine, *self.gateways = made
        # A folder that is there is left as it is: the earlier version makes its database by itself.
        self.engine.data_dir.mkdir(mode=0o711, parents=True)
        for process in made:
            process.start()

    def clean_up(self) -> None:
        """Leave nothing behind."""
        for process in (*self.gateways, self.engine):
            process.clean_up()


def upgrade(process: ServerProcess) -> None:
    """End an earlier version orderly and start this one in its place."""
    assert process.process is not None
    begun = time.monotonic()
    process.process.terminate()
    assert process.process.wait(30) == 0, process.words()
    ended = time.monotonic() - begun
    process.program = PROBITY
    started = process.start()
    print(f"{process.command}: ended in {ended:.2f} s, ready {started:.2f} s later")


MakeExchange = Callable[..., Exchange]


@pytest.fixture
def make_exchange(tmp_path: Path, postgres: Postgres) -> Iterator[MakeExchange]:
    """Start an exchange of a version: `gateways` of it over Redis and a database beside it."""
    with contextlib.ExitStack() as stack:

        def make(name: str, program: str, gateways: int) -> Exchange:
            folder = tmp_path / name
            folder.mkdir()
            settings = {}
            if gateways:
                redis = RedisProcess(folder)
                stack.callback(redis.clean_up)
                redis.start()
                database = f"probity_upgrade_{name}"
                postgres.run(f'CREATE DATABASE {database} OWNER "{postgres.user}"')
                stack.callback(postgres.run, f"DROP DATABASE {database} WITH (FORCE)")
                settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.database(database)}
            made = Exchange(folder, program, gateways, **settings)
            stack.callback(made.clean_up)
            return made

        yield make


async def drill(exchange: Exchange) -> tuple[float, list[Reader]]:
    """Upgrade under load and hold all that was told against what there is afterwards.

    Returns how long no order was acknowledged, in seconds, and the readers.
    """
    engine, rng = exchange.engine, random.Random(7)
    market, traders = await asyncio.to_thread(open_floor, engine, rng)
    stop = asyncio.Event()
    knocking = [asyncio.create_task(trade_through(trader, stop)) for trader in traders[:2]]
    readers = [
        Reader(exchange.gateways[number:] + exchange.gateways[:number], SLUG, traders[number].token)
        for number in range(len(exchange.gateways))
    ]
    following = [asyncio.create_task(reader.follow()) for reader in readers]
    lanes = [*everybody_trades(traders[2:], asyncio.Event())]
    await some_answers(traders, BEFORE)

    await asyncio.to_thread(upgrade, engine)
    await asyncio.gather(*lanes)  # An answer that fails to come ends each.
    told = {t.id: [p for p in t.placings.values() if p.told is not None] for t in traders}
    lanes = [*everybody_trades(traders[2:], stop)]
    for gateway in exchange.gateways:
        await asyncio.to_thread(upgrade, gateway)
    await some_answers(traders, sum(map(len, told.values())) + AFTER)
    stop.set()
    moments = await asyncio.gather(*knocking)
    await asyncio.gather(*lanes)
    await caught_up(exchange, readers, following)
    await compare(engine, market, traders, told)
    return max(map(longest, moments)), readers


async def caught_up(
    exchange: Exchange, readers: list[Reader], following: list[asyncio.Task[None]]
) -> None:
    """Wait until each reader's book is the engine's, then end them."""
    book = await asyncio.to_thread(exchange.engine.call, "GET", f"/markets/{SLUG}/orderbook")
    for reader, task in zip(readers, following, strict=True):
        await until(lambda r=reader, t=task: t.done() or r.model.seq == book["seq"])  # type: ignore[misc]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def compare(
    engine: ServerProcess, market: dict[str, Any], traders: list[Trader], told: dict[int, list[Any]]
) -> None:
    """Hold what was told, before and after, against the tables, the API and `probity verify`."""
    async with httpx.AsyncClient(base_url=f"{engine.url}/api/v1", timeout=30) as client:
        for trader in traders:
            await trader.settle(client)
            for placing in told[trader.id]:
                again = await trader.post(client, placing.body)
                assert again is not None
                assert (again.ok, again.replayed) == (placing.told.ok, True)
                assert says_the_same(again.content, placing.told.content), (again, placing.told)
        expected = told_history.replay(market, traders)
        await told_history.compare_shown(client, expected, traders)
    await asyncio.to_thread(verify, engine)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("former", "gateways"), DRILLS)
async def test_an_upgrade_under_load_loses_nothing_and_is_short(
    former: str, gateways: int, make_exchange: MakeExchange, tmp_path: Path
) -> None:
    commit = before_newest_step() if former == NEWEST else former
    program = await asyncio.to_thread(program_of, commit, tmp_path / "former")
    for number, attempt in enumerate(tries()):
        exchange = await asyncio.to_thread(make_exchange, f"exchange{number}", program, gateways)
        took, readers = await drill(exchange)
        for reader in readers:
            assert reader.connections >= 2, "a gateway was ended under each"
        attempt.takes("without orders, s", took, WITHOUT_ORDERS_SECONDS)
        print(f"no order for {took:.2f} s, no socket for {[r.longest_s for r in readers]} s")
        await asyncio.to_thread(exchange.clean_up)
