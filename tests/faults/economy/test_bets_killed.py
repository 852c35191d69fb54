"""`kill -9` before and after each step of a bet, and of its sale: placed once, told once, whenever
the process dies.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.economy.movements.movements import Kind, Point
from tests.faults.economy.test_kills_at_steps import DyingServer, post, until_settled
from tests.lengths import some
from tests.server_process import until

POINTS = some(list(Point), (1, 3))
"""Where something is half done; a long run dies at all of them."""
BET = {"marketId": "rain", "side": "THIS", "amount": "40", "clientBetId": "b"}
SALE = {"shares": "50", "requestId": "s"}


@pytest.fixture
def server(home: Path) -> Iterator[DyingServer]:
    """A server, ready, that lives; with a market in which both sides are offered."""
    made = DyingServer(home / "data", {"PROJECTOR": "on"})
    made.start()
    made.market("rain")
    _, maker = made.trader()
    for outcome, price in (("NO", "0.60"), ("YES", "0.35")):
        terms = {"side": "BUY", "outcome": outcome, "type": "LIMIT", "quantity": "1000"}
        made.call("POST", "/orders/rain", maker, terms | {"price": price})
    yield made
    made.clean_up()


async def die(server: DyingServer, where: str) -> None:
    """Begin anew, to die there."""
    assert await asyncio.to_thread(server.end) == 0
    server.dies_at = where
    await asyncio.to_thread(server.start)


async def live_again(server: DyingServer) -> None:
    """Begin anew after a death, and see all through that was under way."""
    await until(server.is_dead)
    server.dies_at = ""
    await asyncio.to_thread(server.start)
    async with server.database() as connection:
        # As if the claim of the process that died were over.
        await connection.execute("UPDATE money_intents SET tried_at = 0")
    await until_settled(server)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [Kind.BET, Kind.SALE])
async def test_it_happens_once_wherever_the_process_dies(server: DyingServer, kind: Kind) -> None:
    hit = []
    for point in POINTS:
        _, token = await asyncio.to_thread(server.trader)
        path, body = "/bets", BET
        if kind is Kind.SALE:
            bet = await asyncio.to_thread(server.call, "POST", "/bets", token, BET)
            path, body = f"/bets/{bet['id']}/sell", SALE
        await die(server, f"{kind}:{point}")
        assert await asyncio.to_thread(post, server, token, path, body) is None
        hit.append(server.dies_at)
        await live_again(server)
        answers = [await asyncio.to_thread(post, server, token, path, body) for _ in range(2)]
        told = [told_in(answer) for answer in answers]
        # Before the intent is stored nothing was intended.
        assert told[0].pop("replayed", False) is (point is not Point.BEFORE_INTENT)
        assert told[1].pop("replayed") is True
        assert without_balance(told[0]) == without_balance(told[1])
        cash = await asyncio.to_thread(server.call, "GET", "/user/balance", token)
        sold = 50 if kind is Kind.SALE else 0
        expected = [("100.00", f"{100 - sold}.00")]
        # The projector, which died too, may take a moment to begin.
        await until(lambda: shares(server, token) == expected)  # noqa: B023
        assert float(cash["total"]) == 1_000 - 40 + sold * 0.35, point
    print("died at", *hit)
    assert len(hit) == len(POINTS)
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    moved = len(POINTS) * (2 if kind is Kind.SALE else 1)
    assert f"ok    intents     {moved} answers" in done.stdout
    assert f"ok    bets        {len(POINTS)} as" in done.stdout


def shares(server: DyingServer, token: str) -> list[tuple[str, str]]:
    """What somebody's bets bought, and what of it is held."""
    bets = server.call("GET", "/bets/me", token)
    return [(one["shares"], one["openShares"]) for one in bets]


def told_in(answer: httpx.Response | None) -> dict[str, Any]:
    assert answer is not None
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def without_balance(told: dict[str, Any]) -> dict[str, Any]:
    """What is told of a bet or a sale; the balance right after it is the same, too, where the
    answer is a repeat.
    """
    return {name: value for name, value in told.items() if name != "balance"}
