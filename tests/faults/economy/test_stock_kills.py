"""`kill -9` before and after each step of what is done to stocks: once, whole, accounted for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.model.system_accounts import reserve_of
from gateway.economy.movements.movements import Kind, Point
from tests.faults.economy.test_kills_at_steps import DyingServer, post
from tests.lengths import some
from tests.server_process import until

POINTS = some(list(Point), (1, 3))
"""Where something is half done; a long run dies at all of them."""
RESERVE = reserve_of(1)
START = 1_000_000_000


@pytest.fixture
def server(home: Path) -> Iterator[DyingServer]:
    """A server with a stock, ready, that lives."""
    made = DyingServer(home / "data")
    made.start()
    terms = {"symbol": "ORCA", "name": "Orca", "basePrice": "1", "slope": "0.01"}
    made.call("POST", "/admin/stocks", made.admin(), terms | {"interestRate": "0.1"})
    yield made
    made.clean_up()


def trade(server: DyingServer, token: str, side: str, **terms: object) -> Any:
    """Trade; None if nobody answers, or what there is isn't known."""
    answer = post(server, token, f"/economy/{side}", {"symbol": "ORCA"} | terms)
    if answer is None:
        return None
    assert answer.is_success, answer.text
    return answer.json()["data"]


async def restarted(server: DyingServer, dies_at: str = "") -> None:
    """Start the server again, to die where it says."""
    if not server.is_dead():
        assert await asyncio.to_thread(server.end) == 0
    server.dies_at = dies_at
    await asyncio.to_thread(server.start)


async def settled(server: DyingServer) -> None:
    """Wait until nothing of any stock is under way, as if the claims of the dead were over."""
    async with asyncio.timeout(60), server.database() as connection:
        while True:
            await connection.execute("UPDATE money_intents SET tried_at = 0")
            if not await connection.fetchval(
                "SELECT (SELECT count(*) FROM money_intents WHERE status = 'PENDING')"
                " + (SELECT count(*) FROM stocks WHERE under_way IS NOT NULL)"
            ):
                return
            await asyncio.sleep(0.05)


async def figures(server: DyingServer) -> tuple[int, int, int]:
    """The supply, the reserve's cash, and what everybody has together."""
    async with server.database() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT supply FROM stocks),"
            " (SELECT available FROM accounts WHERE id = $1),"
            " (SELECT sum(available + locked)::bigint FROM accounts)",
            RESERVE,
        )
    assert row is not None
    return row[0], row[1], row[2]


async def proved(server: DyingServer, orders: int) -> None:
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok    stocks      {orders} orders" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_sale_and_who_is_sold_out_by_it_happen_once(server: DyingServer) -> None:
    hit, people = [], 1
    for point in POINTS:
        _, ann = await asyncio.to_thread(server.trader)
        _, ben = await asyncio.to_thread(server.trader)
        people += 2
        told: Any = None
        for dies_in, token, side, terms in (
            ("buy", ann, "buy", {"shares": "200"}),
            ("", ben, "buy", {"shares": "100", "leverage": 5}),
            ("sell", ann, "sell", {"shares": "200"}),
        ):
            asked = terms | {"requestId": side}
            if dies_in:
                await restarted(server, f"{Kind.STOCK}:{point}")
                assert await asyncio.to_thread(trade, server, token, side, **asked) is None
                await until(server.is_dead)
                hit.append(f"{side} {server.dies_at}")
                await restarted(server)
                await settled(server)
            told = await asyncio.to_thread(trade, server, token, side, **asked)
            # Before the intent is stored nothing was intended.
            first = not dies_in or point is Point.BEFORE_INTENT
            assert told.get("replayed") is (None if first else True), (point, side)
        assert told["liquidated"] == 1
        supply, cash, everybody = await figures(server)
        # The admin has an account, too.
        assert (supply, everybody) == (0, people * START), point
        assert 0 <= cash < 100
    print("died at", *hit)
    assert len(hit) == 2 * len(POINTS)
    await proved(server, 3 * len(POINTS))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_interest_and_who_is_sold_out_by_it_happen_once(server: DyingServer) -> None:
    hit = []
    _, ann = await asyncio.to_thread(server.trader)
    await asyncio.to_thread(trade, server, ann, "buy", shares="100")
    for count, point in enumerate(POINTS, 1):
        _, ben = await asyncio.to_thread(server.trader)
        await asyncio.to_thread(trade, server, ben, "buy", shares="100", leverage=5)
        async with server.database() as connection:
            # Two days of it are more than the margin; the run of before is over.
            await connection.execute("SET search_path = public, jobs")
            await connection.execute("UPDATE stocks SET interest_day = interest_day - 2")
            await connection.execute("DELETE FROM procrastinate_jobs")
        # It dies by itself, once the worker has begun.
        assert await asyncio.to_thread(server.end) == 0
        server.dies_at = f"{Kind.LIQUIDATION}:{point}"
        await asyncio.to_thread(server.launch)
        await until(server.is_dead)
        hit.append(server.dies_at)
        server.dies_at = ""
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await connection.execute("SET search_path = public, jobs")
            await connection.execute(
                "UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'"
            )
        await restarted(server)

        async def is_out() -> bool:
            async with server.database() as connection:
                await connection.execute("UPDATE money_intents SET tried_at = 0")
                return not await connection.fetchval("SELECT sum(loan) FROM stock_positions")

        async with asyncio.timeout(60):
            while not await is_out():  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.1)
        await settled(server)
        [held] = await asyncio.to_thread(server.call, "GET", "/economy/portfolio", ben)
        assert held["shares"] == "0.00"
        kinds = await asyncio.to_thread(server.call, "GET", "/economy/transactions", ben)
        assert [one["type"] for one in kinds] == ["LIQUIDATION", "INTEREST", "INTEREST", "BUY"]
        supply, _, everybody = await figures(server)
        assert (supply, everybody) == (10_000, (count + 2) * START), point
    print("died at", *hit)
    assert len(hit) == len(POINTS)
    await proved(server, 1 + 3 * len(POINTS))
